package fleet_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"flag"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
	"go.yaml.in/yaml/v3"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
	"github.com/greenapi-exporter/greenapi_exporter/deploy/fleet"
)

var update = flag.Bool("update", false, "write the tables of deploy/fleet.md again")

// examples are the fleets of deploy/fleet.md.
func examples() []fleet.Load {
	ordinary := fleet.Load{RecordsPerDay: 1650, Scrapers: 2, Interval: time.Minute, Window: 24 * time.Hour}
	small, large := ordinary, ordinary
	small.Accounts, small.Shards = 3_000, 3
	large.Accounts, large.Shards = 30_000, 30
	return []fleet.Load{small, large}
}

const (
	beginMark = "<!-- plan:begin -->\n"
	endMark   = "<!-- plan:end -->"
)

// TestDocument holds that the tables of the document are what is computed.
func TestDocument(t *testing.T) {
	t.Parallel()
	const path = "../fleet.md"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(text), beginMark)
	_, after, ended := strings.Cut(rest, endMark)
	if !begun || !ended {
		t.Fatalf("%s has no marks %q and %q", path, beginMark, endMark)
	}
	want := before + beginMark + table() + endMark + after
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("computed (-) and %s (+) differ; go test ./deploy/fleet -update writes it:\n%s", path, diff)
	}
}

// table is what the examples take, in Markdown.
func table() string {
	rows := [][]string{{"", "formula"}, {"---", "---"}}
	for _, line := range []struct {
		name, formula string
		value         func(fleet.Load, fleet.Plan) string
	}{
		{"accounts", "", func(l fleet.Load, _ fleet.Plan) string { return count(l.Accounts) }},
		{"messages and calls of each, a day", "", func(l fleet.Load, _ fleet.Plan) string { return count(l.RecordsPerDay) }},
		{"shards", "1,000 accounts each", func(l fleet.Load, _ fleet.Plan) string { return count(l.Shards) }},
		{"agents that scrape each account", "", func(l fleet.Load, _ fleet.Plan) string { return count(l.Scrapers) }},
		{"`--web.max-requests` of a shard", fmt.Sprintf("its accounts × agents × %v", 1.1), func(_ fleet.Load, p fleet.Plan) string { return count(p.MaxRequests) }},
		{
			"memory of a shard, after a week", fmt.Sprintf("%s + %s an account + %d B a record of 7 days", size(fleet.ProcessMemory), size(fleet.AccountMemory), fleet.RecordMemory),
			func(_ fleet.Load, p fleet.Plan) string { return size(p.ShardMemory) },
		},
		{"its limit", "twice that", func(_ fleet.Load, p fleet.Plan) string { return size(p.ShardMemoryLimit) }},
		{"volume of a shard", fmt.Sprintf("2 × %d B a record of 7 days", fleet.RecordVolume), func(_ fleet.Load, p fleet.Plan) string { return size(p.ShardVolume) }},
		{
			"processors of a shard", fmt.Sprintf("(%v ms an account + %v µs a row of its window) / interval", fleet.RefreshTime*1e3, fleet.RowTime*1e6),
			func(_ fleet.Load, p fleet.Plan) string { return fmt.Sprintf("%.2f", p.ShardCPU) },
		},
		{"series", fmt.Sprintf("%d an account", fleet.SeriesPerAccount), func(_ fleet.Load, p fleet.Plan) string { return count(p.Series) }},
		{"pairs of agents", "3,000 accounts each", func(_ fleet.Load, p fleet.Plan) string { return count(p.AgentPairs) }},
		{"samples a second, each from two agents", "series / interval", func(_ fleet.Load, p fleet.Plan) string { return count(int(p.Samples)) }},
		{
			"bytes a second to the agents", fmt.Sprintf("%s an account / interval × agents", size(fleet.ScrapeBytes)),
			func(_ fleet.Load, p fleet.Plan) string { return size(p.ScrapeTraffic) },
		},
		{
			"bytes a second from GREEN-API, at most", fmt.Sprintf("%d B a row of the window / interval", fleet.RowBytes),
			func(_ fleet.Load, p fleet.Plan) string { return size(p.APITraffic) },
		},
		{"memory of the storage", fmt.Sprintf("%s a series", size(fleet.StorageMemory)), func(_ fleet.Load, p fleet.Plan) string { return size(p.StorageMemory) }},
		{"disk of the storage, a day", fmt.Sprintf("%d B a sample", fleet.StorageBytes), func(_ fleet.Load, p fleet.Plan) string { return size(p.StorageVolume) }},
	} {
		row := []string{line.name, line.formula}
		for _, load := range examples() {
			row = append(row, line.value(load, load.Plan()))
		}
		rows = append(rows, row)
	}
	for _, load := range examples() {
		rows[0] = append(rows[0], count(load.Accounts)+" accounts")
		rows[1] = append(rows[1], "--:")
	}
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 8, 1, ' ', 0)
	for _, row := range rows {
		fmt.Fprintf(w, "| %s\t|\n", strings.Join(row, "\t| "))
	}
	if err := w.Flush(); err != nil {
		panic(err) // a strings.Builder takes all
	}
	return text.String()
}

// count writes a whole number in groups of three digits.
func count(n int) string {
	text := strconv.Itoa(n)
	for at := len(text) - 3; at > 0; at -= 3 {
		text = text[:at] + "," + text[at:]
	}
	return text
}

// size writes bytes, to two digits.
func size(bytes float64) string {
	for _, unit := range []struct {
		size float64
		name string
	}{{1e12, "TB"}, {1e9, "GB"}, {1e6, "MB"}, {1e3, "kB"}} {
		if bytes >= unit.size {
			number := bytes / unit.size
			if number >= 10 {
				return fmt.Sprintf("%.0f %s", number, unit.name)
			}
			return fmt.Sprintf("%.1f %s", number, unit.name)
		}
	}
	return fmt.Sprintf("%.0f B", bytes)
}

// TestValues holds that the values of the fleet of 3,000 accounts are what the plan
// asks for: the limit exactly, and of what Kubernetes counts in powers of two enough,
// but not twice as much as that.
func TestValues(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../kubernetes/values/sharded.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var values struct {
		Shards []any `yaml:"shards"`
		Ledger struct {
			Size string `yaml:"size"`
		} `yaml:"ledger"`
		Flags     map[string]string `yaml:"flags"`
		Resources struct {
			Requests, Limits struct {
				CPU    string `yaml:"cpu"`
				Memory string `yaml:"memory"`
			}
		} `yaml:"resources"`
	}
	if err := yaml.Unmarshal(text, &values); err != nil {
		t.Fatal(err)
	}
	load := examples()[0]
	plan := load.Plan()
	if got := values.Flags["web.max-requests"]; got != strconv.Itoa(plan.MaxRequests) {
		t.Errorf("web.max-requests is %s, want %d", got, plan.MaxRequests)
	}
	if len(values.Shards) != load.Shards {
		t.Errorf("%d shards, want %d", len(values.Shards), load.Shards)
	}
	for _, quantity := range []struct {
		name, text string
		atLeast    float64
		factor     float64
	}{
		{"requests.memory", values.Resources.Requests.Memory, plan.ShardMemory, 2},
		{"limits.memory", values.Resources.Limits.Memory, plan.ShardMemoryLimit, 2},
		{"requests.cpu", values.Resources.Requests.CPU, plan.ShardCPU, 4},
		{"ledger.size", values.Ledger.Size, plan.ShardVolume, 4},
	} {
		got := parseQuantity(t, quantity.text)
		if got < quantity.atLeast || got > quantity.factor*quantity.atLeast {
			t.Errorf("%s is %s, want from %.3g to %.3g", quantity.name, quantity.text, quantity.atLeast, quantity.factor*quantity.atLeast)
		}
	}
}

// parseQuantity reads a quantity as Kubernetes writes it.
func parseQuantity(t *testing.T, text string) float64 {
	t.Helper()
	number := strings.TrimRight(text, "GMim")
	factor, known := map[string]float64{"": 1, "m": 1e-3, "Mi": 1 << 20, "Gi": 1 << 30}[strings.TrimPrefix(text, number)]
	value, err := strconv.ParseFloat(number, 64)
	if err != nil || !known {
		t.Fatalf("%q is no quantity", text)
	}
	return value * factor
}

// TestAccount holds what is said of an ordinary account against one: the figures are
// no less than what it takes, and not much more.
func TestAccount(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 4, 14, 0, 0, 0, time.UTC)
	sim := simulation.New(simulation.Settings{Seed: 3, Clock: func() time.Time { return now }}, simulation.Account{
		ID: "1101000001", Name: "ordinary", Token: "token", MessagesPerDay: 1500, CallsPerDay: 150, Groups: 10,
	})
	api := greenapitest.NewSimulationServer(sim)
	defer api.Close()
	accounts := collector.NewFleet(collector.Options{})
	defer accounts.Close()
	cfg, err := config.Parse("plan.yml", sim.Configuration(api.URL), config.Defaults{
		Window: 24 * time.Hour, Collectors: []string{"calls", "messages", "state", "settings"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := accounts.Apply(cfg); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector.Refresh(ctx, accounts.Roster().Instances()))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var zipped bytes.Buffer
	zipper := gzip.NewWriter(&zipped)
	series := 0
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(zipper, family); err != nil {
			t.Fatal(err)
		}
		for _, metric := range family.GetMetric() {
			series++
			if h := metric.GetHistogram(); h != nil {
				series += len(h.GetBucket()) + 2 // and +Inf, sum and count
			}
		}
	}
	if err := zipper.Close(); err != nil {
		t.Fatal(err)
	}
	for _, figure := range []struct {
		name      string
		said, got int
	}{
		{"series", fleet.SeriesPerAccount, series},
		{"bytes of a scrape", fleet.ScrapeBytes, zipped.Len()},
	} {
		t.Logf("%s: %d", figure.name, figure.got)
		if figure.got > figure.said || 3*figure.got < 2*figure.said {
			t.Errorf("%s: %d are said, and it is %d", figure.name, figure.said, figure.got)
		}
	}
}
