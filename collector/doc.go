// Package collector turns the journals of GREEN-API instances into metrics.
//
// It works in any program that has Prometheus metrics. In ten lines:
//
//	cfg, err := config.Load("greenapi.yml", config.Defaults{Window: 24 * time.Hour, Collectors: []string{"calls", "messages"}})
//	// ... if err != nil
//	fleet := collector.NewFleet(collector.Options{MinInterval: 55 * time.Second})
//	err = fleet.Apply(cfg)
//	// ... if err != nil
//	accounts := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
//		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
//		defer cancel()
//		registry := prometheus.NewRegistry()
//		registry.MustRegister(collector.Refresh(ctx, fleet.Roster().Instances()))
//		return registry.Gather()
//	})
//	http.Handle("/metrics", promhttp.HandlerFor(prometheus.Gatherers{prometheus.DefaultGatherer, accounts}, promhttp.HandlerOpts{}))
//
// The Gatherer refreshes the accounts before it gathers: what it returns is no older
// than MinInterval. A Collector that is registered once, for good, would fetch while it
// is collected, without a deadline. Fleet.Metrics returns metrics of the fleet that
// are about no account; register them once. Fleet.Close saves what was counted.
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
