package collector_test

import (
	"bytes"
	"flag"
	"fmt"
	"log/slog"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
)

var update = flag.Bool("update", false, "rewrite the golden expositions")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	id    = "1101000001"
	token = "SENTINEL0TOKEN0d75b3a2"
)

// bench is a fleet of one instance and the server it asks, on connections in
// memory and, inside a bubble, on a fake clock.
type bench struct {
	*collector.Fleet
	srv      *greenapitest.Server
	instance *greenapitest.Instance
	log      *buffer
}

// buffer is a bytes.Buffer for many goroutines.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func newBench(t *testing.T, change func(*collector.Options), yaml string) *bench {
	t.Helper()
	b := &bench{srv: greenapitest.NewPipeServer(), log: new(buffer)}
	t.Cleanup(b.srv.Close)
	b.instance = b.srv.AddInstance(id, token)
	opts := collector.Options{
		Concurrency: 4, Timeout: 30 * time.Second, MinInterval: 10 * time.Second,
		Dial: b.srv.DialContext, Logger: slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if change != nil {
		change(&opts)
	}
	b.Fleet = collector.NewFleet(opts)
	t.Cleanup(b.Fleet.Close)
	if yaml == "" {
		yaml = fmt.Sprintf("instances: [{id: %q, name: support, token: %s, api_url: %s}]", id, token, b.srv.URL)
	}
	b.apply(t, yaml)
	return b
}

func (b *bench) apply(t *testing.T, yaml string) {
	t.Helper()
	cfg, err := config.Parse("test.yml", []byte(yaml), config.Defaults{Window: 24 * time.Hour, Collectors: []string{"calls", "messages"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Apply(cfg); err != nil {
		t.Fatal(err)
	}
}

// refresh refreshes every instance.
func (b *bench) refresh(t *testing.T) collector.Collector {
	t.Helper()
	return collector.Refresh(t.Context(), b.Roster().Instances())
}

// gather collects in a pedantic registry, which checks every metric against its
// description, and holds that what gathers by itself gathers the same.
func gather(t *testing.T, c prometheus.Collector) []*dto.MetricFamily {
	t.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(c)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	gatherer, ok := c.(prometheus.Gatherer)
	if !ok {
		return families
	}
	itself, err := gatherer.Gather()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.EqualFunc(itself, families, func(a, b *dto.MetricFamily) bool { return proto.Equal(a, b) }) {
		t.Errorf("gathers by itself\n%v\nand in a registry\n%v", itself, families)
	}
	return families
}

// exposition writes families as text 0.0.4, without what is never twice the same.
func exposition(t *testing.T, families []*dto.MetricFamily) string {
	t.Helper()
	var text strings.Builder
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
			t.Fatal(err)
		}
	}
	return volatile.ReplaceAllString(text.String(), "$1 …")
}

var volatile = regexp.MustCompile(`(?m)^(greenapi_scrape_collector_duration_seconds\{.*\}) .*$`)

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("..", "testdata", "expositions", name+".prom")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("exposition differs from %s; -update rewrites it (-want +got):\n%s", path, diff)
	}
}

// journals returns the recorded and adversarial journals of testdata.
func journals(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob("../testdata/journals/*.calls.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no journals: %v", err)
	}
	for n, path := range paths {
		paths[n] = strings.TrimSuffix(path, ".calls.json")
	}
	return paths
}

// TestGolden scrapes each pair of journals of testdata and compares the exposition
// with the golden one.
func TestGolden(t *testing.T) {
	t.Parallel()
	for _, path := range journals(t) {
		name := filepath.Base(path)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil, "")
				b.instance.SetBody(greenapitest.MethodLastOutgoingCalls, read(t, path+".calls.json"))
				b.instance.SetBody(greenapitest.MethodLastOutgoingMessages, read(t, path+".messages.json"))
				families := gather(t, b.refresh(t))
				lint(t, families)
				golden(t, name, exposition(t, families))
			})
		})
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	body, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func lint(t *testing.T, families []*dto.MetricFamily) {
	t.Helper()
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("promlint: %s: %s", p.Metric, p.Text)
	}
}

// TestFullJournals scrapes two journals of 10,000 records, as many as there can be.
func TestFullJournals(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		calls := make([]greenapitest.Call, 10_000)
		messages := make([]greenapitest.Message, 10_000)
		statuses := []string{"pending", "sent", "delivered", "read"}
		for n := range calls {
			calls[n] = greenapitest.Call{
				IDMessage: fmt.Sprint("C", n), Timestamp: 1_754_400_000 + int64(n), ChatID: fmt.Sprintf("7911%07d@c.us", n%1000),
				Duration: n % 600, Status: "pickUp", Participants: []greenapitest.Participant{{ID: "x", Status: "pickUp"}},
			}
			messages[n] = greenapitest.Message{
				IDMessage: fmt.Sprint("M", n), Timestamp: 1_754_400_000 + int64(n), ChatID: fmt.Sprintf("7911%07d@c.us", n%500),
				Status: statuses[n%4], SendByAPI: true,
			}
		}
		b.instance.SetCalls(calls...)
		b.instance.SetMessages(messages...)
		families := gather(t, b.refresh(t))
		lint(t, families)
		golden(t, "full", exposition(t, families))
	})
}

// TestFailures scrapes with one journal or both broken: what failed is absent and
// says why, the rest is there.
func TestFailures(t *testing.T) {
	t.Parallel()
	tests := map[string]func(b *bench){
		"calls-failed": func(b *bench) {
			b.instance.Fault(greenapitest.MethodLastOutgoingCalls, greenapitest.FaultStatus(500, ""), 0)
		},
		"messages-cut": func(b *bench) {
			b.instance.SetBody(greenapitest.MethodLastOutgoingMessages, []byte(`[{"idMessage":"A","statusMessage":"sent"}`))
		},
		"both-unauthorized": func(b *bench) {
			b.instance.Fault(greenapitest.AnyMethod, greenapitest.FaultStatus(401, ""), 0)
		},
		"calls-unsupported": func(b *bench) { b.instance.SetUnsupported(greenapitest.MethodLastOutgoingCalls) },
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil, "")
				prepare(b)
				families := gather(t, b.refresh(t))
				lint(t, families)
				golden(t, name, exposition(t, families))
			})
		})
	}
}

// TestCatalogue checks the catalogue itself: what is collected is described, no target
// label can have the name of a label, and no two families become one when OpenMetrics
// has taken off its suffixes.
func TestCatalogue(t *testing.T) {
	t.Parallel()
	described := make(chan *prometheus.Desc, 1000)
	collector.Collector{}.Describe(described)
	close(described)
	if got, want := len(described), len(collector.Families()); got != want {
		t.Errorf("%d families described, %d in the catalogue", got, want)
	}
	bare := make(map[string]string)
	for _, f := range collector.Families() {
		if !strings.HasPrefix(f.Name, "greenapi_") || f.Help == "" || !strings.HasSuffix(f.Help, ".") || f.Labels[0] != "id_instance" {
			t.Errorf("%s: name, help or labels", f.Name)
		}
		if (f.Kind == collector.Counter) != strings.HasSuffix(f.Name, "_total") {
			t.Errorf("%s is a %s", f.Name, f.Kind)
		}
		if counts := f.Kind == collector.Gauge && strings.HasPrefix(f.Help, "Number of"); counts && strings.HasPrefix(f.Name, "greenapi_window_") &&
			!strings.Contains(f.Help, "do not use rate() or increase() on it") {
			t.Errorf("%s: its help does not say that it falls", f.Name)
		}
		for _, label := range f.Labels {
			if slices.Contains([]string{"type", "instance", "job", "endpoint", "pod", "namespace", "service", "container"}, label) {
				t.Errorf("%s: label %s collides with those of targets", f.Name, label)
			}
		}
		for _, label := range f.Labels {
			yaml := fmt.Sprintf("instances: [{id: %q, token: %s, labels: {%s: x}}]", id, token, label)
			_, err := config.Parse("greenapi.yml", []byte(yaml), config.Defaults{Window: time.Hour, Collectors: []string{"calls"}})
			if err == nil || !strings.Contains(err.Error(), label+": is a label of the exporter's own metrics") {
				t.Errorf("%s: label %s may be a target label, which Prometheus would rename: %v", f.Name, label, err)
			}
		}
		for _, suffix := range []string{"_total", "_created", "_count", "_sum", "_bucket", "_info"} {
			name := strings.TrimSuffix(f.Name, suffix)
			if other, taken := bare[name]; taken && other != f.Name {
				t.Errorf("%s and %s collide in OpenMetrics", f.Name, other)
			}
			bare[name] = f.Name
		}
	}
}

// value returns the value of one series of the exposition, and whether it is there.
func value(families []*dto.MetricFamily, name string, labels ...string) (float64, bool) {
	for _, family := range families {
		if family.GetName() != name {
			continue
		}
		for _, m := range family.GetMetric() {
			var all []string
			for _, pair := range m.GetLabel() {
				all = append(all, pair.GetName()+"="+pair.GetValue())
			}
			if slices.ContainsFunc(labels, func(l string) bool { return !slices.Contains(all, l) }) {
				continue
			}
			switch {
			case m.GetGauge() != nil:
				return m.GetGauge().GetValue(), true
			case m.GetCounter() != nil:
				return m.GetCounter().GetValue(), true
			default:
				return float64(m.GetHistogram().GetSampleCount()), true
			}
		}
	}
	return math.NaN(), false
}
