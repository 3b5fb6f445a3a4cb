package web

import (
	"hash/maphash"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

// connection is an answer that notes its deadlines.
type connection struct {
	*httptest.ResponseRecorder

	deadlines []time.Duration // from now
}

func (c *connection) SetWriteDeadline(at time.Time) error {
	c.deadlines = append(c.deadlines, time.Until(at))
	return nil
}

// TestDeadlinesOfAnAnswer writes an answer to a client that reads slowly: each part of
// it has its time, and none lasts longer than the longest answer.
func TestDeadlinesOfAnAnswer(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := &connection{ResponseRecorder: httptest.NewRecorder()}
		var w http.ResponseWriter = newMinRateWriter(c)
		for _, wait := range []time.Duration{0, longestAnswer - rateTime, rateTime / 2, rateTime} {
			time.Sleep(wait)
			if n, err := w.Write(make([]byte, rateBytes+1)); n != rateBytes+1 || err != nil {
				t.Fatalf("%d bytes, %v", n, err)
			}
		}
		want := []time.Duration{
			rateTime, rateTime, rateTime, rateTime, // two parts each
			rateTime / 2, rateTime / 2, -rateTime / 2, -rateTime / 2,
		}
		if len(c.deadlines) != len(want) {
			t.Fatalf("deadlines after %v, want %v", c.deadlines, want)
		}
		for n, deadline := range c.deadlines {
			if deadline != want[n] {
				t.Errorf("part %d has %s, want %s", n, deadline, want[n])
			}
		}
	})
}

// TestScrapersAreBounded scrapes from more connections than are told apart.
func TestScrapersAreBounded(t *testing.T) {
	t.Parallel()
	watch := &intervals{minInterval: time.Second, seed: maphash.MakeSeed(), scrapers: make(map[uint64]scraper)}
	for n := range 3 * maxScrapers {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
		r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "10")
		r.RemoteAddr = "192.0.2.1:" + time.Duration(n).String()
		watch.scraped(r)
	}
	if n := len(watch.scrapers); n == 0 || n > maxScrapers {
		t.Errorf("%d scrapers are told apart, want at most %d", n, maxScrapers)
	}
}
