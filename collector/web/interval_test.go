package web_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/collector/web"
)

// TestWarnOfShortIntervals scrapes as one Prometheus does, as two do, and as people.
func TestWarnOfShortIntervals(t *testing.T) {
	t.Parallel()
	const minInterval = 10 * time.Second
	for name, test := range map[string]struct {
		interval  time.Duration
		scrapers  int // at offsets of their own
		targets   int
		people    bool
		want      bool
		noMinimum bool
	}{
		"too often":           {interval: 5 * time.Second, scrapers: 1, targets: 1, want: true},
		"just too often":      {interval: minInterval - time.Millisecond, scrapers: 1, targets: 1, want: true},
		"as it should be":     {interval: minInterval, scrapers: 1, targets: 1},
		"two Prometheus":      {interval: 11 * time.Second, scrapers: 2, targets: 1},
		"two, too often":      {interval: 5 * time.Second, scrapers: 2, targets: 1, want: true},
		"many targets":        {interval: 15 * time.Second, scrapers: 2, targets: 3000},
		"a person who clicks": {interval: time.Second, scrapers: 1, targets: 1, people: true},
		"no minimum":          {interval: time.Second, scrapers: 1, targets: 1, noMinimum: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				out, served := new(safeBuffer), 0
				least := minInterval
				if test.noMinimum {
					least = 0
				}
				handler := web.WarnOfShortIntervals(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served++ }),
					least, slog.New(slog.NewTextHandler(out, nil)))
				const rounds = 20
				for range rounds {
					for scraper := range test.scrapers {
						for target := range test.targets {
							r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, fmt.Sprint("/probe?target=", target), nil)
							r.RemoteAddr = fmt.Sprint("10.0.0.1:", 40000+scraper)
							if !test.people {
								r.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "10")
							}
							handler.ServeHTTP(httptest.NewRecorder(), r)
						}
						time.Sleep(test.interval / time.Duration(test.scrapers))
					}
				}
				if served != rounds*test.scrapers*test.targets {
					t.Errorf("%d requests were served", served)
				}
				got := out.take()
				if lines := strings.Count(got, "\n"); lines > 1 || (lines == 1) != test.want {
					t.Errorf("it says %q", got)
				}
				if test.want && !strings.Contains(got, "--greenapi.min-interval") {
					t.Errorf("it says %q", got)
				}
			})
		})
	}
}
