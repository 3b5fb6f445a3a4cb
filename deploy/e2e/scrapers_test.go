//go:build e2e

package e2e_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/deploy/e2e"
)

const formatsPrometheus = `
global: {scrape_interval: 2s, scrape_timeout: 2s}
scrape_configs:
  - job_name: "1.0"
    scrape_protocols: [OpenMetricsText1.0.0]
    static_configs: [{targets: [%[1]q]}]
  - job_name: "2.0"
    scrape_protocols: [OpenMetricsText2.0.0]
    static_configs: [{targets: [%[2]q]}]
`

// TestOpenMetrics2 has Prometheus, where that is turned on, scrape OpenMetrics 2.0: it
// stores the same counters and histograms as of 1.0.
func TestOpenMetrics2(t *testing.T) {
	t.Parallel()
	exporter, sim, want := startCounted(t)
	recorders := []*e2e.Recorder{e2e.StartRecorder(t, exporter.URL), e2e.StartRecorder(t, exporter.URL)}
	prometheus := e2e.StartPrometheus(t, fmt.Sprintf(formatsPrometheus, recorders[0].Host, recorders[1].Host), "--enable-feature=openmetrics2")
	settle(t, exporter, sim, time.Now())
	prometheus.Await(t, time.Minute, fmt.Sprintf(`count(up == 1 and timestamp(up) > %.3f) == bool 2`, unix(time.Now())))
	for _, answer := range recorders[1].Answers("/metrics") {
		if got := answer.Header.Get("Content-Type"); !strings.HasPrefix(got, "application/openmetrics-text; version=2.0.0") {
			t.Errorf("Content-Type %q is not that of OpenMetrics 2.0", got)
		}
	}
	stored := func(job string) e2e.Samples {
		samples := e2e.Samples{}
		for _, sample := range prometheus.Vector(t, fmt.Sprintf(`{job=%q,__name__=~%q}`, job, strings.Join(counterNames, "|"))) {
			delete(sample.Metric, "job")
			delete(sample.Metric, "instance")
			samples[sample.Metric.String()] = float64(sample.Value)
		}
		return counters(samples)
	}
	for _, job := range []string{"1.0", "2.0"} {
		if diff := cmp.Diff(want, stored(job)); diff != "" {
			t.Errorf("what happened (-) and what is stored of OpenMetrics %s (+) differ:\n%s", job, diff)
		}
	}
}

// startCounted starts an exporter on accounts on which something has happened since it
// began to count, and nothing happens any more.
func startCounted(t *testing.T) (*e2e.Exporter, *simulation.Simulation, e2e.Samples) {
	t.Helper()
	begin := time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC)
	clock := newClock(begin)
	sim := simulation.New(simulation.Settings{Seed: pairSeed, Clock: clock.now}, hectic(begin)...)
	api := greenapitest.NewSimulationServer(sim)
	t.Cleanup(api.Close)
	exporter := e2e.StartExporter(t, e2e.ExporterOptions{
		Config: string(sim.Configuration(api.URL)), Args: []string{"--greenapi.min-interval=1900ms", "--greenapi.window=30m"},
	})
	settle(t, exporter, sim, time.Now())
	clock.set(begin.Add(countedTime))
	return exporter, sim, happened(sim, begin, begin.Add(countedTime))
}

// countedTime is how much happens at once: less than the window, so that all of it is read.
const countedTime = 20 * time.Second
