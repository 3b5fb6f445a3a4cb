package prometheus_test

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
	"github.com/prometheus/client_golang/prometheus"
)

var exposedLabel = regexp.MustCompile(`[{,](\w+)="([^"]*)"`)

// exposedValues returns the values that labels have in the collector's golden
// expositions and in what it exposes now, and the reasons for failures, which no
// exposition shows in full.
func exposedValues(t *testing.T) map[string][]string {
	t.Helper()
	values := make(map[string][]string)
	add := func(label, value string) {
		if !slices.Contains(values[label], value) {
			values[label] = append(values[label], value)
		}
	}
	files, err := filepath.Glob("../../testdata/expositions/*.prom")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden expositions: %v", err)
	}
	for _, file := range files {
		for _, label := range exposedLabel.FindAllStringSubmatch(readText(t, file), -1) {
			add(label[1], label[2])
		}
	}
	for _, reason := range client.Reasons() {
		add("reason", string(reason))
	}
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(refreshed(t))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, family := range families {
		for _, metric := range family.GetMetric() {
			for _, label := range metric.GetLabel() {
				add(label.GetName(), label.GetValue())
			}
		}
	}
	return values
}

// refreshed is an instance on a server of ours, with every collector on.
func refreshed(t *testing.T) collector.Collector {
	t.Helper()
	srv := greenapitest.NewServer()
	t.Cleanup(srv.Close)
	srv.AddInstance("1101000001", "token")
	fleet := collector.NewFleet(collector.Options{
		Concurrency: 4, Timeout: 10 * time.Second, Dial: srv.DialContext, Logger: slog.New(slog.DiscardHandler),
	})
	t.Cleanup(fleet.Close)
	cfg, err := config.Parse("test.yml",
		fmt.Appendf(nil, "instances: [{id: '1101000001', token: token, api_url: %s}]", srv.URL),
		config.Defaults{Window: time.Hour, Collectors: []string{"calls", "messages", "state", "settings", "queue"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := fleet.Apply(cfg); err != nil {
		t.Fatal(err)
	}
	return collector.Refresh(t.Context(), fleet.Roster().Instances())
}
