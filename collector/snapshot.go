package collector

import (
	"slices"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
)

// Snapshot is what one refresh of an instance found, immutable.
type Snapshot struct {
	ID, Name, APIHost string
	Window            time.Duration // how far back the journals were asked for
	Attempted         time.Time     // when the refresh began
	Duration          time.Duration // how long it took
	Since             time.Time     // since when the account's condition is what it is; zero when that is not known
	SinceAtLeast      bool          // it may have been so before
	Results           []Result      // of the collectors, in a fixed order
	Exchanges         []client.Exchange
	Log               []Line // what was logged meanwhile

	counters []finding // what outlives snapshots, as it is when it is collected
}

// Result is what one collector of an instance came to.
type Result struct {
	Collector   string
	Duration    time.Duration
	LastSuccess time.Time     // zero before the first
	Err         *client.Error // nil when it succeeded
	Unsupported bool          // the API does not offer the method for this instance

	finding finding // nil when it failed
}

// succeeded tells whether the collector found what it asked for.
func (r Result) succeeded() bool { return r.Collector != "" && r.Err == nil && !r.Unsupported }

// Up tells whether every collector succeeded that the API supports, and one did.
func (s *Snapshot) Up() bool {
	failed := slices.ContainsFunc(s.Results, func(r Result) bool { return r.Err != nil })
	return !failed && slices.ContainsFunc(s.Results, Result.succeeded)
}

func (s *Snapshot) collect(e *emitter) {
	s.collectHealth(e)
	for _, r := range s.Results {
		if r.finding != nil {
			r.finding.collect(e)
		}
	}
	for _, c := range s.counters {
		c.collect(e)
	}
}
