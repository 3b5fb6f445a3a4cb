//go:build e2e

package e2e_test

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/deploy/e2e"
)

const (
	kills = 12
	// killSeed decides when the exporter is killed: after how many requests, and
	// how long after the last of them.
	killSeed = 3
	// requestsBeforeKill is the most requests that the exporter makes between its
	// start and its death, at about 20 a second.
	requestsBeforeKill = 45
	// killDelay is longer than a refresh, so that the blow may fall anywhere:
	// while journals are read, counted and saved, while they are shown, and between.
	killDelay = 400 * time.Millisecond
	// downtime is the longest time between a death and the next start.
	downtime = time.Second
	// requestLimit bounds the wait for one request.
	requestLimit = time.Minute

	// killSpeed makes ten simulated minutes of a second.
	killSpeed = 600
)

const killPrometheus = `
global: {scrape_interval: 1s, scrape_timeout: 1s}
scrape_configs:
  - job_name: metrics
    static_configs: [{targets: [%q]}]
`

// TestKillsChangeNoTotal kills the exporter again and again while accounts are
// busy and a Prometheus server scrapes it. In the end, its counters and the
// samples that the server has stored tell exactly what happened.
func TestKillsChangeNoTotal(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC)
	clock := newClock(begin)
	sim := simulation.New(simulation.Settings{Seed: killSeed, Clock: clock.now}, oddAccounts(begin)...)
	url, asked := serveAndTell(t, sim, clock)
	ledgers := t.TempDir()
	options := e2e.ExporterOptions{
		Config: string(sim.Configuration(url)),
		Args:   []string{"--ledger.path=" + ledgers, "--greenapi.min-interval=0s"},
	}
	exporter := e2e.StartExporter(t, options)
	options.Address = exporter.Address
	prometheus := e2e.StartPrometheus(t, fmt.Sprintf(killPrometheus, exporter.Address))
	settle(t, exporter, sim, time.Now())
	prometheus.Await(t, time.Minute, fmt.Sprintf(`up and timestamp(up) > %.3f`, unix(time.Now())))

	clock.run(killSpeed)
	dice := rand.New(rand.NewPCG(killSeed, killSeed))
	for range kills {
		await(t, asked, 1+dice.IntN(requestsBeforeKill))
		time.Sleep(time.Duration(dice.Int64N(int64(killDelay))))
		exporter.Kill()
		time.Sleep(time.Duration(dice.Int64N(int64(downtime))))
		exporter = e2e.StartExporter(t, options)
	}
	await(t, asked, requestsBeforeKill)

	end := clock.stop()
	shown := settle(t, exporter, sim, time.Now())
	want := happened(sim, begin, end)
	if diff := cmp.Diff(want, counters(shown)); diff != "" {
		t.Errorf("what happened (-) and what the exporter shows (+) differ:\n%s", diff)
	}
	checkLedger(t, shown, ledgers, len(sim.Accounts()))
	checkBusy(t, want)
	prometheus.Await(t, time.Minute, fmt.Sprintf(`up and timestamp(up) > %.3f`, unix(time.Now())))
	checkHistories(t, histories(t, prometheus, "metrics"), want)

	// What was shown last is there after one more death, too.
	exporter.Kill()
	exporter = e2e.StartExporter(t, options)
	if diff := cmp.Diff(want, counters(exposition(t, exporter))); diff != "" {
		t.Errorf("what happened (-) and what the exporter shows after its last death (+) differ:\n%s", diff)
	}
	down := prometheus.Vector(t, `count_over_time(up[1h]) - sum_over_time(up[1h])`)[0].Value
	scrapes := prometheus.Vector(t, `count_over_time(up[1h])`)[0].Value
	t.Logf("%d kills within %v of simulated time and %v scrapes, of which %v failed", kills, end.Sub(begin).Round(time.Minute), scrapes, down)
}

// oddAccounts are busy day and night, and have every kind of row that can be
// counted. None takes receipts back: what comes and goes while the exporter is
// down leaves no trace.
func oddAccounts(begin time.Time) []simulation.Account {
	odd := simulation.UsualBehaviour()
	odd.ReceiptsReset = 0
	odd.Degenerate, odd.Edited, odd.NoActiveSession, odd.Failed = 0.01, 0.03, 0.01, 0.02
	odd.Offer, odd.RepeatedRows, odd.Missed = 0.2, 0.02, 0.03
	accounts := []simulation.Account{
		{MessagesPerDay: 2500, CallsPerDay: 400},
		{MessagesPerDay: 400, CallsPerDay: 2500},
		{MessagesPerDay: 1200, CallsPerDay: 300, OldSpelling: true, Incidents: []simulation.Incident{
			{Kind: simulation.IncidentRestriction, From: begin.Add(time.Hour), To: begin.Add(3 * time.Hour), Share: 0.5},
		}},
		{MessagesPerDay: 1200, CallsPerDay: 300, OldSchema: true},
		{MessagesPerDay: 1200, NumericChats: true},
		{MessagesPerDay: 1200, CallsPerDay: 300, Incidents: []simulation.Incident{
			{Kind: simulation.IncidentServerErrors, From: begin.Add(time.Hour), To: begin.Add(2 * time.Hour), Share: 0.4},
		}},
	}
	for i := range accounts {
		a := &accounts[i]
		a.ID, a.Token, a.Name = fmt.Sprintf("11010000%02d", i+1), fmt.Sprintf("token-%d", i+1), fmt.Sprintf("account-%d", i+1)
		a.Groups, a.Rhythm, a.Behaviour = 5, simulation.RhythmFlat(), &odd
	}
	return accounts
}

// serveAndTell serves a simulation until the test ends. Every request tells
// whoever listens at that moment.
func serveAndTell(t *testing.T, sim *simulation.Simulation, clock *clock) (url string, asked <-chan struct{}) {
	t.Helper()
	api := greenapitest.NewUnstartedServer(greenapitest.WithClock(clock.now))
	api.AddSimulation(sim)
	api.SetEncoding(greenapitest.EncodingPlain)
	tell := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		select {
		case tell <- struct{}{}:
		default:
		}
		api.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		server.Close()
		api.Close()
	})
	return server.URL, tell
}

// await waits for so many requests.
func await(t *testing.T, asked <-chan struct{}, requests int) {
	t.Helper()
	for range requests {
		select {
		case <-asked:
		case <-time.After(requestLimit):
			t.Fatalf("the exporter asked for nothing in %v", requestLimit)
		}
	}
}

// checkLedger checks that the ledger fared well: nothing lost, nothing damaged.
func checkLedger(t *testing.T, shown e2e.Samples, folder string, accounts int) {
	t.Helper()
	if gaps := total(shown, "greenapi_journal_gaps_total"); gaps != 0 {
		t.Errorf("%v gaps are reported, and nothing was lost", gaps)
	}
	if written := total(shown, "greenapi_ledger_last_write_successful"); int(written) != accounts {
		t.Errorf("the state files of %v accounts are written, want %d", written, accounts)
	}
	damaged, err := filepath.Glob(filepath.Join(folder, "*.corrupt-*"))
	if err != nil || len(damaged) > 0 {
		t.Errorf("state files were set aside: %q, %v", damaged, err)
	}
	files, err := os.ReadDir(folder)
	if err != nil || len(files) < accounts {
		t.Errorf("%d files in the folder of %d accounts, %v", len(files), accounts, err)
	}
}

// checkBusy checks that much of every kind has happened, so that it was worth
// counting.
func checkBusy(t *testing.T, happened e2e.Samples) {
	t.Helper()
	for name, atLeast := range map[string]float64{
		"greenapi_calls_total": 100, "greenapi_call_participants_total": 100, "greenapi_call_duration_seconds_count": 100,
		"greenapi_messages_observed_total": 300, "greenapi_messages_sent_total": 300, "greenapi_messages_delivered_total": 200,
		"greenapi_messages_read_total": 100, "greenapi_messages_failed_total": 10,
	} {
		got := total(happened, name)
		if got < atLeast {
			t.Errorf("%s: only %v events were simulated, want %v at least", name, got, atLeast)
		}
		t.Logf("%s: %v simulated", name, got)
	}
}

func unix(at time.Time) float64 { return float64(at.UnixMilli()) / 1e3 }
