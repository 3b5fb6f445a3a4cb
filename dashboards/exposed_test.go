package dashboards_test

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
	"github.com/greenapi-exporter/greenapi_exporter/collector/web"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// exporter is the real collector over simulated accounts, on the fake clock of the
// test's bubble.
type exporter struct {
	fleet   *collector.Fleet
	own     *web.Own
	started time.Time
}

func newExporter(t *testing.T, ledgers string, accounts ...simulation.Account) *exporter {
	t.Helper()
	sim := simulation.New(simulation.Settings{Seed: 5, Clock: time.Now}, accounts...)
	srv := greenapitest.NewPipeServer()
	t.Cleanup(srv.Close)
	srv.AddSimulation(sim)
	srv.SetEncoding(greenapitest.EncodingPlain) // compression would be half of the work
	cfg, err := config.Parse("test.yml", sim.Configuration(srv.URL), config.Defaults{
		Window: 24 * time.Hour, WholeReadInterval: 6 * time.Hour, NumberPrefixes: []string{"9990", "9995", "999"},
		Collectors: []string{"calls", "messages", "state", "settings", "queue"},
	})
	if err != nil {
		t.Fatal(err)
	}
	dir, err := ledger.OpenDir(ledgers)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dir.Close(); err != nil {
			t.Error(err)
		}
	})
	e := &exporter{started: time.Now()}
	e.fleet = collector.NewFleet(collector.Options{
		Concurrency: 8, Timeout: 30 * time.Second, MinInterval: 10 * time.Second,
		Dial: srv.DialContext, Logger: slog.New(slog.DiscardHandler), Ledgers: dir,
	})
	t.Cleanup(e.fleet.Close)
	e.own = web.NewOwn(e.fleet.Metrics()...)
	err = e.fleet.Apply(cfg)
	e.own.Reloaded(true, err)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// scrape returns what /metrics shows. The process began when the exporter did, by
// the clock of the bubble.
func (e *exporter) scrape(ctx context.Context, t *testing.T) []*dto.MetricFamily {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector.Refresh(ctx, e.fleet.Roster().Instances()))
	families, err := prometheus.Gatherers{e.own, registry}.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		if family.GetName() == "process_start_time_seconds" {
			family.GetMetric()[0].GetGauge().Value = new(float64(e.started.Unix()))
		}
	}
	return families
}

// exposedValues returns the values of the labels that are closed sets, as the
// collector exposes them for accounts that all kinds of things happen to.
func exposedValues(t *testing.T) map[string][]string {
	t.Helper()
	values := make(map[string][]string)
	path := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		demo := simulation.Demo(1, time.Now)
		e := newExporter(t, path, demo.Accounts()...)
		time.Sleep(time.Hour)
		for _, family := range e.scrape(t.Context(), t) {
			for _, m := range family.GetMetric() {
				for _, pair := range m.GetLabel() {
					values[pair.GetName()] = append(values[pair.GetName()], pair.GetValue())
				}
			}
		}
	})
	return values
}
