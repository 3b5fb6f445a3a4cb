package collector

import "time"

var (
	up = newFamily(Gauge, "up",
		"1 if in the last refresh at least one collector of the instance succeeded and none failed, else 0. Collectors that the API does not offer for the instance do not count. Scrapes that overlap or follow closely share a refresh.")
	lastSuccess = newFamily(Gauge, "last_success_timestamp_seconds",
		"Time of the collector's last success, by the exporter's clock. Absent before the first success.",
		"collector")
	collectorSuccess = newFamily(Gauge, "scrape_collector_success",
		"1 if the collector's last request to the API succeeded, else 0. Absent if the API does not offer the method for the instance: it answers 404, has never worked, and another method works.",
		"collector")
	collectorDuration = newFamily(Gauge, "scrape_collector_duration_seconds",
		"Duration of the collector's last request to the API, including the wait for the rate limit and for a free place (--greenapi.concurrency).",
		"collector")
	collectorFailure = newFamily(Gauge, "scrape_collector_failure",
		"1, with the reason, from a failed attempt of the collector until its next success; absent otherwise.",
		"collector", "reason")
	instanceInfo = newFamily(Gauge, "instance_info",
		"Always 1. The labels are the name of the instance in the configuration and its API host.",
		"name", "api_host")
	lookback = newFamily(Gauge, "window_lookback_seconds",
		"Length of the window: how far back the exporter reads the journals.")

	healthFamilies = []*Family{
		up, lastSuccess, collectorSuccess, collectorDuration, collectorFailure, instanceInfo, lookback,
	}
)

// noTime is the creation time of what has none.
var noTime time.Time

func (s *Snapshot) collectHealth(e *emitter) {
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
