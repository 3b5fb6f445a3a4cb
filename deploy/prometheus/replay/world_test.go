//go:build e2e

package replay_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
	"github.com/greenapi-exporter/greenapi_exporter/deploy/prometheus/replay"
)

// root is the top of the module, seen from this folder.
const root = "../../.."

// start is when every bubble of testing/synctest begins, a Saturday.
var start = time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)

// exporter is the part of the exporter that a world runs.
type exporter struct {
	*collector.Fleet
	started time.Time
}

// world is accounts, the server that plays their API, and an exporter.
type world struct {
	length   time.Duration
	step     time.Duration
	accounts []simulation.Account
	reading  simulation.Reading
	// restarts tells when the exporter is started anew before a scrape. By default, never.
	restarts func(time.Time) bool
}

// record lets the world live for its length, in a bubble, and returns what was scraped of
// the wanted series.
func (w world) record(t *testing.T, wanted func(string) bool) *replay.Recording {
	t.Helper()
	recording := &replay.Recording{Start: start, Step: w.step, Wanted: wanted}
	synctest.Test(t, func(t *testing.T) {
		sim := simulation.New(simulation.Settings{Seed: 20260101, Reading: w.reading}, w.accounts...)
		server := greenapitest.NewPipeServer()
		defer server.Close()
		server.SetEncoding(greenapitest.EncodingPlain) // zipping takes half of the time
		server.AddSimulation(sim)
		partner := server.AddPartner(partnerToken)
		e := newExporter(t, server)
		for now := start; now.Before(start.Add(w.length)); now = now.Add(w.step) {
			time.Sleep(time.Until(now))
			if w.restarts != nil && w.restarts(now) {
				e.Close()
				e = newExporter(t, server)
			}
			partner.SetInstances(listed(w.accounts, now)...)
			if err := e.DiscoverOnce(t.Context()); err != nil {
				t.Fatal(err)
			}
			recording.Record(e.scrape(t))
		}
		e.Close()
	})
	return recording
}

const partnerToken = "partner-token"

// listed is how the partner API lists accounts.
func listed(accounts []simulation.Account, now time.Time) (list []greenapitest.PartnerInstance) {
	for _, a := range accounts {
		row := greenapitest.PartnerOf(a)
		row.IsExpired = !a.Expires.IsZero() && !now.Before(a.Expires)
		list = append(list, row)
	}
	return list
}

func newExporter(t *testing.T, server *greenapitest.Server) *exporter {
	t.Helper()
	e := &exporter{started: time.Now(), Fleet: collector.NewFleet(collector.Options{
		Concurrency: 64, Timeout: 30 * time.Second, MinInterval: 10 * time.Second,
		Dial: server.DialContext, Logger: slog.New(slog.DiscardHandler),
	})}
	text := fmt.Sprintf("partner: {token: %s, api_url: %s, number_prefixes: ['9990', '9991', '9992', '9993', '9994']}", partnerToken, server.URL)
	cfg, err := config.Parse("replay.yml", []byte(text), config.Defaults{
		Window: 24 * time.Hour, Collectors: []string{"calls", "messages", "state", "settings"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Apply(cfg); err != nil {
		t.Fatal(err)
	}
	return e
}

// scrape is one scrape, with what Prometheus and the exporter's own registry add.
func (e *exporter) scrape(t *testing.T) replay.Scrape {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	began := time.Now()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector.Refresh(ctx, e.Roster().Instances()))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	s := make(replay.Scrape)
	s.Add(families)
	s.Set("up", 1)
	s.Set("scrape_duration_seconds", time.Since(began).Seconds())
	s.Set("process_start_time_seconds", float64(e.started.Unix()))
	s.Set("greenapi_config_last_reload_successful", 1)
	return s
}

func rules(t *testing.T) *replay.Rules {
	t.Helper()
	r, err := replay.ReadRules(filepath.Join(root, "deploy/prometheus/rules"))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// fire lets the world live, and returns when which alert fired.
func (w world) fire(t *testing.T) []replay.Firing {
	t.Helper()
	needed := rules(t).Needed()
	began := time.Now()
	recording := w.record(t, needed.Reads())
	recorded := time.Now()
	firings := evaluate(t, needed, recording)
	t.Logf("%v of %d accounts: lived in %v, judged in %v", w.length, len(w.accounts),
		recorded.Sub(began).Round(time.Second), time.Since(recorded).Round(time.Second))
	return firings
}

// evaluate returns when which alert fired.
func evaluate(t *testing.T, rules *replay.Rules, recording *replay.Recording) []replay.Firing {
	t.Helper()
	firings, err := replay.Judge{Binary: judgeBinary(t), Rules: rules, Dir: t.TempDir()}.Evaluate(t.Context(), recording)
	if err != nil {
		t.Error(err)
	}
	return firings
}

func judgeBinary(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(root, "bin/judge")
	if _, err := os.Stat(binary); err != nil {
		t.Fatalf("%v; make bin/judge builds it", err)
	}
	return binary
}
