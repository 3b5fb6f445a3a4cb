package web

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

const (
	defaultScrapeTimeout = 30 * time.Second
	maxScrapeTimeout     = 2 * time.Minute
	// scrapeMargin is left for the exposition and its way back.
	scrapeMargin = 500 * time.Millisecond
)

// scrapeTimeout returns how long a scrape may take: what Prometheus says in its
// header less a margin, but half of it at least.
func scrapeTimeout(header http.Header) time.Duration {
	seconds, err := strconv.ParseFloat(header.Get("X-Prometheus-Scrape-Timeout-Seconds"), 64)
	if err != nil || math.IsNaN(seconds) || math.IsInf(seconds, 0) || seconds <= 0 {
		return defaultScrapeTimeout
	}
	// Bounded before it is converted: a large float does not fit a Duration.
	timeout := time.Duration(min(seconds, (2*maxScrapeTimeout).Seconds()) * float64(time.Second))
	return min(max(timeout-scrapeMargin, timeout/2), maxScrapeTimeout)
}
