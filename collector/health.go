package collector

import "time"

var (
	up = newFamily(Gauge, "up",
		"1 if every enabled collector of the instance succeeded in the last refresh, except those that the API does not offer for it, and at least one did; else 0. Scrapes that overlap or follow closely share a refresh.")
	lastSuccess = newFamily(Gauge, "last_success_timestamp_seconds",
		"When the collector last succeeded, by the exporter's clock. Absent before the first success.",
		"collector")
	collectorSuccess = newFamily(Gauge, "scrape_collector_success",
		"Whether the collector succeeded when it last asked the API. Absent when the API does not offer its method for the instance: it answers 404, has never worked, and another method works.",
		"collector")
	collectorDuration = newFamily(Gauge, "scrape_collector_duration_seconds",
		"How long the collector took when it last asked the API, waiting for the rate limit and for a turn included.",
		"collector")
	collectorFailure = newFamily(Gauge, "scrape_collector_failure",
		"1, with the reason, from a failed attempt of the collector until its next success; absent otherwise.",
		"collector", "reason")
	instanceInfo = newFamily(Gauge, "instance_info",
		"Always 1; the name of the instance in the configuration, and the host that is asked for it.",
		"name", "api_host")
	lookback = newFamily(Gauge, "window_lookback_seconds",
		"How far back the journals are asked for.")

	healthFamilies = []*Family{
		up, lastSuccess, collectorSuccess, collectorDuration, collectorFailure, instanceInfo, lookback,
	}
)

// noTime is the creation time of what has none.
var noTime time.Time

func (s *Snapshot) collectHealth(e emitter) {
	e.gauge(up, boolValue(s.Up()))
	e.gauge(instanceInfo, 1, s.Name, s.APIHost)
	e.gauge(lookback, s.Window.Seconds())
	for _, r := range s.Results {
		if !r.Unsupported {
			e.gauge(collectorSuccess, boolValue(r.Err == nil), r.Collector)
		}
		e.gauge(collectorDuration, r.Duration.Seconds(), r.Collector)
		e.timestamp(lastSuccess, r.LastSuccess, r.Collector)
		if r.Err != nil {
			e.gauge(collectorFailure, 1, r.Collector, string(r.Err.Reason))
		}
	}
}
