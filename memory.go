package main

import (
	"context"
	"math"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Most of a large heap is rows, which hold no pointers: the garbage collector runs over
// them in next to no time, and need not let the heap grow to twice its size in between,
// as it does by default. Here the heap may grow by as much as it holds, but by no more
// than heapGrowth, or leastPercent of it where that is more: below that the collector
// would run all the time. GOGC in the environment turns this off.
const (
	heapGrowth   = 64 << 20
	leastPercent = 20
	usualPercent = 100
	// heapInterval is how often the size of the heap is looked at.
	heapInterval = 5 * time.Second
)

// gcPercent is what GOGC should be for a heap of so many bytes that are in use.
func gcPercent(live uint64) int {
	percent := usualPercent * heapGrowth / float64(max(live, 1))
	return int(math.Round(min(max(percent, leastPercent), usualPercent)))
}

// limitGarbage keeps the garbage collector's percentage at what suits the heap until
// the context ends.
func limitGarbage(ctx context.Context) {
	defer debug.SetGCPercent(debug.SetGCPercent(usualPercent))
	ticker := time.NewTicker(heapInterval)
	defer ticker.Stop()
	sample := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	now := usualPercent
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		metrics.Read(sample)
		if percent := gcPercent(sample[0].Value.Uint64()); percent != now {
			debug.SetGCPercent(percent) // which stops the world for a moment
			now = percent
		}
	}
}
