//go:build e2e

package e2e_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/deploy/e2e"
)

const (
	pairSeed = 5
	// pairTime is how long two servers scrape side by side.
	pairTime = 25 * time.Second
	// pairHistory is how far the accounts' history goes back: less than the window,
	// so that the first scrape sees all of it.
	pairHistory = 20 * time.Minute
)

const pairPrometheus = `
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: metrics
    static_configs: [{targets: [%q]}]
`

const pairProbePrometheus = `
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: probe
    http_sd_configs: [{url: "http://%s/sd"}]
`

// TestTwoServersCountNothingTwice has two Prometheus servers scrape one exporter
// each second, one through /metrics and one through /probe, without a minimum
// interval between refreshes. Both store exactly what happened, and GREEN-API is
// asked no more often than it allows.
func TestTwoServersCountNothingTwice(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC)
	clock := newClock(begin)
	sim := simulation.New(simulation.Settings{Seed: pairSeed, Clock: clock.now}, hectic(begin)...)
	api := greenapitest.NewSimulationServer(sim)
	t.Cleanup(api.Close)
	exporter := e2e.StartExporter(t, e2e.ExporterOptions{
		Config: string(sim.Configuration(api.URL)),
		Args:   []string{"--greenapi.min-interval=0s", "--greenapi.window=30m"},
	})
	servers := []server{
		{e2e.StartPrometheus(t, fmt.Sprintf(pairPrometheus, exporter.Address)), "metrics", 1},
		{e2e.StartPrometheus(t, fmt.Sprintf(pairProbePrometheus, exporter.Address)), "probe", len(sim.Accounts())},
	}
	settle(t, exporter, sim, time.Now())
	awaitScrapes(t, servers, time.Now())

	before := requests(api, sim)
	started := time.Now()
	clock.run(1)
	awaitScrapes(t, servers, started.Add(pairTime))
	elapsed := time.Since(started)
	made := requests(api, sim)

	end := clock.stop()
	shown := settle(t, exporter, sim, time.Now())
	want := happened(sim, begin, end)
	checkBusy(t, want)
	if diff := cmp.Diff(want, counters(shown)); diff != "" {
		t.Errorf("what happened (-) and what the exporter shows (+) differ:\n%s", diff)
	}
	awaitScrapes(t, servers, time.Now())
	for _, server := range servers {
		checkHistories(t, histories(t, server.Prometheus, server.job), want)
	}

	// GREEN-API allows a request a second of each method. The server is not asked to
	// enforce that: a request that it gets late, because this machine is busy, would
	// seem to come too soon before the next.
	for series, n := range made {
		n -= before[series]
		if most := elapsed.Seconds() + 1; n < 2 || n > most {
			t.Errorf("%s: %v requests in %v, want 2 at least and %.0f at most", series, n, elapsed, most)
		}
	}
}

// hectic are accounts that do in half a minute what others do in an hour. Their
// history begins so late that all of it is in the window.
func hectic(begin time.Time) []simulation.Account {
	behaviour := simulation.UsualBehaviour()
	behaviour.ReceiptsReset, behaviour.Failed = 0, 0.05
	behaviour.TalkMedian, behaviour.ReadMedian = 20*time.Second, time.Minute
	accounts := make([]simulation.Account, 3)
	for i := range accounts {
		accounts[i] = simulation.Account{
			ID: fmt.Sprintf("11020000%02d", i+1), Token: fmt.Sprintf("token-%d", i+1), Name: fmt.Sprintf("hectic-%d", i+1),
			MessagesPerDay: 400_000, CallsPerDay: 200_000, Groups: 5, Since: begin.Add(-pairHistory),
			Rhythm: simulation.RhythmFlat(), Behaviour: &behaviour,
		}
	}
	return accounts
}

// server is a Prometheus server and what it scrapes.
type server struct {
	*e2e.Prometheus
	job     string
	targets int
}

// awaitScrapes waits until every server has scraped all its targets well after a time.
func awaitScrapes(t *testing.T, servers []server, after time.Time) {
	t.Helper()
	for _, server := range servers {
		server.Await(t, time.Until(after)+time.Minute, fmt.Sprintf(`count(up == 1 and timestamp(up) > %.3f) == bool %d`, unix(after), server.targets))
	}
}

// requests is how often each journal of each account was asked for so far.
func requests(api *greenapitest.Server, sim *simulation.Simulation) map[string]float64 {
	made := map[string]float64{}
	for _, account := range sim.Accounts() {
		for _, method := range []string{greenapitest.MethodLastOutgoingCalls, greenapitest.MethodLastOutgoingMessages} {
			made[account.Name+" "+method] = float64(api.Instance(account.ID).Count(method))
		}
	}
	return made
}
