// Package collector turns the journals of GREEN-API instances into metrics.
//
// It works in any program that has Prometheus metrics: see the example. Its Gatherer
// refreshes the accounts before it gathers: what it returns is no older than
// [Options].MinInterval. A Collector that is registered once, for good, would fetch
// while it is collected, without a deadline. [Fleet.Metrics] returns metrics of the
// fleet that are about no account; register them once. [Fleet.Close] saves what was
// counted.
//
// The way of one scrape: [Instance.Refresh] fetches what the instance's sources
// (calls.go, messages.go, …) ask for, one refresh at a time however many scrapes
// wait for it, and leaves an immutable [Snapshot]. A [Collector] over snapshots
// then exposes them; nothing is fetched while metrics are collected, because a
// prometheus.Collector has no context to end it.
//
// A journal is read whole, or only its recent part, into the memory of package ledger.
// Both kinds of metrics of journals are views of that memory. Window gauges
// (greenapi_window_…) say what is in the window at the last read; they fall as records
// leave it. Counters (…_total, greenapi_call_duration_seconds) count each event once.
package collector
