// Package collector turns the journals of GREEN-API instances into metrics.
//
// The way of one scrape: [Instance.Refresh] fetches what the instance's sources
// (calls.go, messages.go, …) ask for, one refresh at a time however many scrapes
// wait for it, and leaves an immutable [Snapshot]. A [Collector] over snapshots
// then exposes them; nothing is fetched while metrics are collected, because a
// prometheus.Collector has no context to end it.
//
// Two families of metrics stand side by side. Window gauges (greenapi_window_…)
// are what the journals say right now; they fall as records leave the window.
// Counters (…_total, greenapi_call_duration_seconds) count each event once, with
// the memory of package ledger.
package collector
