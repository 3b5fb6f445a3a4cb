package web

import (
	"net/http"
	"testing"
	"time"
)

func FuzzScrapeTimeout(f *testing.F) {
	for _, header := range []string{"", "10", "0.5", "-1", "NaN", "Inf", "1e300", "121", "5e-324", "0x1p-2"} {
		f.Add(header)
	}
	f.Fuzz(func(t *testing.T, header string) {
		got := scrapeTimeout(http.Header{"X-Prometheus-Scrape-Timeout-Seconds": {header}})
		if got < 0 || got > maxScrapeTimeout {
			t.Errorf("%q gives %v", header, got)
		}
	})
}

func TestScrapeTimeout(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"": defaultScrapeTimeout, "nonsense": defaultScrapeTimeout, "0": defaultScrapeTimeout, "-5": defaultScrapeTimeout,
		"10": 9500 * time.Millisecond, "1": 500 * time.Millisecond, "0.6": 300 * time.Millisecond,
		"119": 118500 * time.Millisecond, "120.5": 2 * time.Minute, "3600": 2 * time.Minute, "1e18": 2 * time.Minute,
	} {
		if got := scrapeTimeout(http.Header{"X-Prometheus-Scrape-Timeout-Seconds": {header}}); got != want {
			t.Errorf("%q gives %v, want %v", header, got, want)
		}
	}
}
