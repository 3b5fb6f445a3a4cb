package dashboards_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/greenapi-exporter/greenapi_exporter/collector/web"
	dto "github.com/prometheus/client_model/go"
	"go.yaml.in/yaml/v3"
)

// metric is what is known of a metric.
type metric struct {
	labels  []string
	kind    string // gauge, counter, histogram or record; a histogram and its parts are counters
	account bool   // it has id_instance
	scraped bool   // it has job and instance
	native  bool   // it is a native histogram, where Prometheus converts the classic ones
}

// catalogue returns all metrics that a dashboard may ask for: those of accounts, the
// exporter's own, those that Prometheus makes of a scrape, alerts, and records.
func catalogue(t *testing.T) map[string]metric {
	t.Helper()
	known := make(map[string]metric)
	add := func(name, kind string, labels ...string) {
		m := metric{labels: append([]string{"job", "instance"}, labels...), kind: kind, account: slices.Contains(labels, "id_instance"), scraped: true}
		if kind != "histogram" {
			known[name] = m
			return
		}
		m.kind = "counter"
		known[name+"_sum"], known[name+"_count"] = m, m
		native := m
		native.native = true
		known[name] = native
		m.labels = append(slices.Clone(m.labels), "le")
		known[name+"_bucket"] = m
	}
	for _, f := range collector.Families() {
		add(f.Name, string(f.Kind), f.Labels...)
		if strings.HasPrefix(f.Name, "greenapi_window_") && f.Kind == collector.Histogram {
			for _, part := range []string{"", "_sum", "_count", "_bucket"} { // a snapshot, which falls
				m := known[f.Name+part]
				m.kind = "gauge"
				known[f.Name+part] = m
			}
		}
	}
	for _, family := range ownMetrics(t) {
		var labels []string
		for _, pair := range family.GetMetric()[0].GetLabel() {
			labels = append(labels, pair.GetName())
		}
		add(family.GetName(), strings.ToLower(family.GetType().String()), labels...)
	}
	add("greenapi_api_request_duration_seconds", "histogram", "method") // has no series before the first request
	for _, name := range []string{"up", "scrape_duration_seconds", "scrape_timeout_seconds"} {
		add(name, "gauge")
	}
	known["ALERTS"] = metric{labels: []string{"alertname", "alertstate", "severity", "id_instance"}, kind: "gauge", account: true}
	known["ALERTS_FOR_STATE"] = metric{labels: []string{"alertname", "severity", "id_instance"}, kind: "gauge", account: true}
	for _, r := range readRules(t) {
		if r.Record != "" {
			level, _, _ := strings.Cut(r.Record, ":")
			m := metric{kind: "record"}
			for _, label := range []string{"id_instance", "chat_type", "reason", "status", "collector"} {
				if strings.Contains(level, label) {
					m.labels = append(m.labels, label)
				}
			}
			m.account = slices.Contains(m.labels, "id_instance")
			known[r.Record] = m
		}
	}
	return known
}

func ownMetrics(t *testing.T) []*dto.MetricFamily {
	t.Helper()
	fleet := collector.NewFleet(collector.Options{Concurrency: 1, Logger: slog.New(slog.DiscardHandler)})
	t.Cleanup(fleet.Close)
	families, err := web.NewOwn(fleet.Metrics()...).Gather()
	if err != nil {
		t.Fatal(err)
	}
	return families
}

type rule struct {
	Record      string            `yaml:"record"`
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	Annotations map[string]string `yaml:"annotations"`
}

// readRules returns the rules that are deployed beside the dashboards.
func readRules(t *testing.T) []rule {
	t.Helper()
	files, err := filepath.Glob("../deploy/prometheus/rules/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	var all []rule
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var content struct {
			Groups []struct {
				Rules []rule `yaml:"rules"`
			} `yaml:"groups"`
		}
		if err := yaml.Unmarshal(text, &content); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		for _, group := range content.Groups {
			all = append(all, group.Rules...)
		}
	}
	return all
}
