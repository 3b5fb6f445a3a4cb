//go:build e2e && engines

package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/deploy/e2e"
)

const otelCollector = `
receivers:
  prometheus:
    config:
      global: {scrape_interval: 2s, scrape_timeout: 2s}
      scrape_configs:
        - job_name: greenapi
          http_sd_configs: [{url: %q}]
exporters:
  otlp_http: {endpoint: %q, compression: none}
service:
  pipelines: {metrics: {receivers: [prometheus], exporters: [otlp_http]}}
`

// TestOpenTelemetryCollector has the Prometheus receiver of an OpenTelemetry Collector
// scrape what /sd lists, and send it on by OTLP: the counters that arrive are those
// that Prometheus stores itself, and what happened. By OTLP, the bound of a bucket
// arrives as "6", not "6.0".
func TestOpenTelemetryCollector(t *testing.T) {
	t.Parallel()
	exporter, sim, want := startCounted(t)
	scraping := e2e.StartPrometheus(t, fmt.Sprintf(pairProbePrometheus, exporter.Address))
	receiving := e2e.StartPrometheus(t, "global: {}", "--web.enable-otlp-receiver")
	e2e.StartOTelCollector(t, fmt.Sprintf(otelCollector, exporter.URL+"/sd", receiving.URL+"/api/v1/otlp"))
	settle(t, exporter, sim, time.Now())
	after := unix(time.Now())
	for name, prometheus := range map[string]*e2e.Prometheus{"Prometheus": scraping, "the collector": receiving} {
		prometheus.Await(t, 2*time.Minute, fmt.Sprintf(
			`count(greenapi_last_success_timestamp_seconds{collector=~"calls|messages"} > %.3f) == bool %d`, after, 2*len(sim.Accounts())))
		samples := e2e.Samples{}
		for _, sample := range prometheus.Vector(t, fmt.Sprintf(`{__name__=~%q}`, strings.Join(counterNames, "|"))) {
			delete(sample.Metric, "job")
			delete(sample.Metric, "instance")
			delete(sample.Metric, "target")
			samples[e2e.SeriesKey(sample.Metric)] = float64(sample.Value)
		}
		if diff := cmp.Diff(want, counters(samples)); diff != "" {
			t.Errorf("what happened (-) and what comes through %s (+) differ:\n%s", name, diff)
		}
	}
}
