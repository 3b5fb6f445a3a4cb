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
	minGatherTimeout     = 10 * time.Second
	// scrapeMargin is left for the exposition and its way back.
	scrapeMargin = 500 * time.Millisecond
)

// scrapeTimeout returns how long a scrape may take: what Prometheus says in its
// header less a margin, but half of it at least.
func scrapeTimeout(header http.Header) time.Duration {
	timeout, ok := statedTimeout(header)
	if !ok {
		return defaultScrapeTimeout
	}
	return min(max(timeout-scrapeMargin, timeout/2), maxScrapeTimeout)
}

// gatherTimeout returns how long all of a scrape may take, its exposition included: what
// Prometheus says in its header, but minGatherTimeout at least; without a header, twice
// the default. A client that is still connected after a shorter time gets its answer
// late: Prometheus itself closes the connection when its timeout is over.
func gatherTimeout(header http.Header) time.Duration {
	timeout, ok := statedTimeout(header)
	if !ok {
		return 2 * defaultScrapeTimeout
	}
	return min(max(timeout, minGatherTimeout), maxScrapeTimeout+scrapeMargin)
}

// statedTimeout is what the header says, if it says something that makes sense.
func statedTimeout(header http.Header) (timeout time.Duration, ok bool) {
	seconds, err := strconv.ParseFloat(header.Get("X-Prometheus-Scrape-Timeout-Seconds"), 64)
	if err != nil || math.IsNaN(seconds) || math.IsInf(seconds, 0) || seconds <= 0 {
		return 0, false
	}
	// Bounded before it is converted: a large float does not fit a Duration.
	return time.Duration(min(seconds, (2*maxScrapeTimeout).Seconds()) * float64(time.Second)), true
}
