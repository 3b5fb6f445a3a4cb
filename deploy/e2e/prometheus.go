package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// pollInterval lies between two questions to Prometheus about whether it is so far.
const pollInterval = 200 * time.Millisecond

// Prometheus is a running Prometheus server with a database of its own.
type Prometheus struct {
	*Process
	// URL is the base of its URLs, without a trailing slash.
	URL string
	// API is its HTTP API.
	API promv1.API
}

// StartPrometheus starts a server with this configuration file and waits until
// it listens. The binary is the one that E2E_PROMETHEUS names, else the
// Makefile's.
func StartPrometheus(t testing.TB, config string, args ...string) *Prometheus {
	t.Helper()
	p := &Prometheus{Process: startProcess(t, "prometheus", prometheusBinary(t), nil, append([]string{
		"--config.file=" + writeFile(t, "prometheus.yml", config),
		"--storage.tsdb.path=" + t.TempDir(),
		"--web.listen-address=127.0.0.1:0",
	}, args...)...)}
	p.URL = "http://" + p.awaitAddress(t)
	client, err := api.NewClient(api.Config{Address: p.URL})
	if err != nil {
		t.Fatal(err)
	}
	p.API = promv1.NewAPI(client)
	return p
}

// StartAgent starts a Prometheus agent, which scrapes and writes elsewhere. It keeps
// in the folder what it could not write yet.
func StartAgent(t testing.TB, config, folder string) *Process {
	t.Helper()
	p := startProcess(t, "prometheus", prometheusBinary(t), nil,
		"--agent", "--config.file="+writeFile(t, "prometheus.yml", config),
		"--storage.agent.path="+folder, "--web.listen-address=127.0.0.1:0")
	p.awaitAddress(t)
	return p
}

// Query evaluates an instant query, now. A warning fails the test as an error does.
func (p *Prometheus) Query(t testing.TB, query string) model.Value {
	t.Helper()
	value, err := p.query(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// Vector evaluates an instant query that gives a vector.
func (p *Prometheus) Vector(t testing.TB, query string) model.Vector {
	t.Helper()
	vector, ok := p.Query(t, query).(model.Vector)
	if !ok {
		t.Fatalf("%s gives no vector", query)
	}
	return vector
}

func (p *Prometheus) query(ctx context.Context, query string) (model.Value, error) {
	value, warnings, _, err := p.API.Query(ctx, query, time.Now())
	if err != nil {
		return nil, fmt.Errorf("query %s: %w", query, err)
	}
	if len(warnings) > 0 {
		return nil, fmt.Errorf("query %s: warned: %s", query, strings.Join(warnings, "; "))
	}
	return value, nil
}

// Await evaluates a query again and again until it holds: until it gives a
// sample, and all its samples are other than 0. Past the limit the test fails.
func (p *Prometheus) Await(t testing.TB, limit time.Duration, query string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	for {
		value, err := p.query(ctx, query)
		if vector, ok := value.(model.Vector); ok && holds(vector) {
			return
		}
		select {
		case <-tick.C:
		case <-p.exited:
			t.Fatalf("prometheus ended while it was asked for %s", query)
		case <-ctx.Done():
			t.Fatalf("after %v it does not hold that %s: %v (%v)", limit, query, value, err)
		}
	}
}

func holds(vector model.Vector) bool {
	return len(vector) > 0 && !slices.ContainsFunc(vector, func(s *model.Sample) bool { return s.Value == 0 })
}

// Ingested is what Prometheus stored of one scrape.
type Ingested struct {
	Time model.Time
	// Samples are those of the target.
	Samples Samples
	// Report are the series that Prometheus adds about the scrape itself, such
	// as up, by name.
	Report map[string]float64
}

// Scrapes returns all that is stored of one target, in the order of time. The
// labels select the target; the samples keep all their labels.
func (p *Prometheus) Scrapes(t testing.TB, target model.LabelSet) []Ingested {
	t.Helper()
	matrix, ok := p.Query(t, target.String()+"[1h]").(model.Matrix)
	if !ok {
		t.Fatalf("the raw samples of %v are no matrix", target)
	}
	byTime := map[model.Time]*Ingested{}
	for _, series := range matrix {
		for _, value := range series.Values {
			scrape := byTime[value.Timestamp]
			if scrape == nil {
				scrape = &Ingested{Time: value.Timestamp, Samples: Samples{}, Report: map[string]float64{}}
				byTime[value.Timestamp] = scrape
			}
			if name := string(series.Metric[model.MetricNameLabel]); name == "up" || strings.HasPrefix(name, "scrape_") {
				scrape.Report[name] = float64(value.Value)
			} else {
				scrape.Samples[SeriesKey(series.Metric)] = float64(value.Value)
			}
		}
	}
	scrapes := make([]Ingested, 0, len(byTime))
	for _, scrape := range byTime {
		scrapes = append(scrapes, *scrape)
	}
	slices.SortFunc(scrapes, func(a, b Ingested) int { return int(a.Time - b.Time) })
	return scrapes
}

// prometheusBinary is the path of the Prometheus binary.
func prometheusBinary(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("E2E_PROMETHEUS"); path != "" {
		return path
	}
	path, err := filepath.Abs(filepath.Join(root, "bin", "prometheus"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v; make e2e builds it, or name one in E2E_PROMETHEUS", err)
	}
	return path
}
