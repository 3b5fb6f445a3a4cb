package web

import (
	"hash/maphash"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

const (
	// shortIntervals is after how many intervals that are too short it is said.
	shortIntervals = 3
	// maxScrapers bounds the scrapers that are told apart.
	maxScrapers = 1024
)

// WarnOfShortIntervals says, once, when scrapes follow each other faster than the
// minimum interval: they share results, so that what they show changes less often
// than they ask. Others that scrape too are told apart by their connections, which
// Prometheus keeps.
func WarnOfShortIntervals(next http.Handler, minInterval time.Duration, log *slog.Logger) http.Handler {
	if minInterval <= 0 {
		return next
	}
	watch := &intervals{minInterval: minInterval, log: log, seed: maphash.MakeSeed(), scrapers: make(map[uint64]scraper)}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		watch.scraped(r)
		next.ServeHTTP(w, r)
	})
}

// intervals notes when each scraper asked last, and how often it came too soon.
type intervals struct {
	minInterval time.Duration
	log         *slog.Logger
	seed        maphash.Seed

	mu       sync.Mutex
	said     bool
	scrapers map[uint64]scraper // by connection and target
}

type scraper struct {
	last  time.Time
	short int // intervals so far that were too short
}

func (i *intervals) scraped(r *http.Request) {
	if r.Header.Get("X-Prometheus-Scrape-Timeout-Seconds") == "" {
		return // no Prometheus
	}
	key, now := maphash.String(i.seed, r.RemoteAddr+" "+r.URL.RequestURI()), time.Now()
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.said {
		return
	}
	before, known := i.scrapers[key]
	interval := now.Sub(before.last)
	switch {
	case !known && len(i.scrapers) == maxScrapers:
		clear(i.scrapers)
	case known && interval < i.minInterval:
		before.short++
	}
	before.last = now
	i.scrapers[key] = before
	if before.short == shortIntervals {
		i.said = true
		i.log.WarnContext(r.Context(), "scrapes are closer together than --greenapi.min-interval, so they share results: set it a little below the scrape interval",
			"interval_seconds", interval.Round(10*time.Millisecond).Seconds(), "min_interval_seconds", i.minInterval.Seconds())
	}
}
