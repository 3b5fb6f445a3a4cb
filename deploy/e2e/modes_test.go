//go:build e2e

package e2e_test

import (
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/deploy/e2e"
)

const (
	modesSeed = 11
	// modesSpeed makes six simulated minutes of a second.
	modesSpeed = 360
	// modesTime is how long something happens.
	modesTime = 25 * time.Second
	// modesLimit bounds the wait for answers that are the same.
	modesLimit = time.Minute
	// modesTolerance: servers scrape at moments of their own, and increase() is an estimate.
	modesTolerance = 0.05
)

// modes are what a server may make of classic histograms, by the settings that do it.
// The first is the one that the others are compared with.
var modes = []struct{ name, settings string }{
	{"classic", ""},
	{"nhcb", ", convert_classic_histograms_to_nhcb: true"},
	{"both", ", convert_classic_histograms_to_nhcb: true, always_scrape_classic_histograms: true"},
}

const modesPrometheus = `
global: {scrape_interval: 2s, scrape_timeout: 2s, evaluation_interval: 1s%s}
rule_files: [%q]
scrape_configs:
  - job_name: greenapi
    static_configs: [{targets: [%q]}]
`

// TestHistogramModes has a server for each mode scrape the same exporter. Every
// recording rule, every alert and every panel gives the same answer in each of them. Of
// what is about the scrapes themselves, the values differ.
func TestHistogramModes(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 3, 4, 9, 0, 0, 0, time.UTC)
	clock := newClock(begin)
	sim := simulation.New(simulation.Settings{Seed: modesSeed, Clock: clock.now}, troubled(begin)...)
	api := greenapitest.NewSimulationServer(sim)
	t.Cleanup(api.Close)
	exporter := e2e.StartExporter(t, e2e.ExporterOptions{
		Config: string(sim.Configuration(api.URL)), Args: []string{"--greenapi.min-interval=1900ms"},
	})
	rules := t.TempDir()
	hasteRules(t, rules)
	servers := make([]server, 0, len(modes))
	for _, mode := range modes {
		config := fmt.Sprintf(modesPrometheus, mode.settings, filepath.Join(rules, "*.yml"), exporter.Address)
		servers = append(servers, server{e2e.StartPrometheus(t, config), mode.name, 1})
	}
	settle(t, exporter, sim, time.Now())
	awaitScrapes(t, servers, time.Now())
	for _, server := range servers {
		awaitRules(t, server, time.Now()) // what they first record has to be what it all begins with
	}
	clock.run(modesSpeed)
	awaitScrapes(t, servers, time.Now().Add(modesTime))
	clock.stop()

	for n, want := range []struct{ buckets, histograms bool }{{true, false}, {false, true}, {true, true}} {
		buckets := servers[n].Vector(t, `greenapi_call_duration_seconds_bucket`)
		histograms := servers[n].Vector(t, `histogram_count(greenapi_call_duration_seconds)`)
		if (len(buckets) > 0) != want.buckets || (len(histograms) > 0) != want.histograms {
			t.Errorf("%s: %d buckets and %d histograms are stored", modes[n].name, len(buckets), len(histograms))
		}
	}
	compareModes(t, servers, append(ruleQuestions(t, servers[0].Prometheus), recentQuestions(t)...))
	// What the alert about short calls stands on has something to say.
	servers[0].Await(t, modesLimit, `id_instance:greenapi_calls_short_per_answered:ratio_increase6h{id_instance="1103000002"} > bool 0.5`)
}

// troubled are accounts with something to tell of: one well, and one for each of some
// incidents.
func troubled(begin time.Time) []simulation.Account {
	accounts := make([]simulation.Account, 4)
	for i := range accounts {
		accounts[i] = simulation.Account{
			ID: fmt.Sprintf("11030000%02d", i+1), Token: fmt.Sprintf("token-%d", i+1), Name: fmt.Sprintf("troubled-%d", i+1),
			MessagesPerDay: 6000, CallsPerDay: 3000, Groups: 5, Rhythm: simulation.RhythmFlat(),
		}
	}
	for i, kind := range []simulation.IncidentKind{simulation.IncidentShortCalls, simulation.IncidentFailingCalls, simulation.IncidentBadContacts} {
		accounts[1+i].Incidents = []simulation.Incident{{Kind: kind, From: begin, Share: 0.9}}
	}
	return accounts
}

var waiting = regexp.MustCompile(`(?m)^( +(?:interval|for|keep_firing_for)): \d+[mh]$`)

// hasteRules copies the project's rules, every waiting a second and nothing else changed.
func hasteRules(t *testing.T, folder string) {
	t.Helper()
	files, err := filepath.Glob("../prometheus/rules/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	for _, file := range files {
		copyFile(t, file, folder, func(text string) string { return waiting.ReplaceAllString(text, "$1: 1s") })
	}
}

// modeQuestion is a query whose answer must not depend on the mode.
type modeQuestion struct {
	where, expr string
	unsteady    bool // of its answer, only whose values there are is compared
}

// ruleQuestions ask for what each recording rule has recorded, and for the alerts.
func ruleQuestions(t *testing.T, prometheus *e2e.Prometheus) []modeQuestion {
	t.Helper()
	answer, err := prometheus.API.Rules(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	all := []modeQuestion{{where: "alerts", expr: `ALERTS{alertstate="firing",alertname!~"GreenAPI(ScrapeSlow|CollectorFailing|DataStale|TargetsDown)"}`}}
	for _, group := range answer.Groups {
		for _, rule := range group.Rules {
			if recording, ok := rule.(promv1.RecordingRule); ok && !unsteady.MatchString(recording.Query+" "+recording.Name) {
				all = append(all, modeQuestion{where: "rule " + recording.Name, expr: recording.Name})
			}
		}
	}
	return all
}

// awaitRules waits until a server has evaluated every recording rule after a time.
func awaitRules(t *testing.T, s server, after time.Time) {
	t.Helper()
	deadline := time.Now().Add(modesLimit)
	for {
		answer, err := s.API.Rules(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		evaluated := true
		for _, group := range answer.Groups {
			for _, rule := range group.Rules {
				recording, ok := rule.(promv1.RecordingRule)
				evaluated = evaluated && (!ok || recording.LastEvaluation.After(after))
			}
		}
		if evaluated {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s has not evaluated its rules after %v", s.job, modesLimit)
		}
		time.Sleep(pollPause)
	}
}

// unsteady queries are about the moment of a scrape, or about the exporter, which
// goes on working when nothing happens any more.
var unsteady = regexp.MustCompile(`\b(?:process|scrape)_|greenapi_(?:api|scrape|last|up)|\bup\b|time\(|timestamp`)

// compareModes asks until the answers of all servers are the same.
func compareModes(t *testing.T, servers []server, questions []modeQuestion) {
	t.Helper()
	deadline := time.Now().Add(modesLimit)
	answered := 0
	for _, q := range questions {
		for {
			at := time.Now()
			first := answerAt(t, servers[0], q, at)
			var differences []string
			for _, other := range servers[1:] {
				if d := difference(first, answerAt(t, other, q, at), q.unsteady); d != "" {
					differences = append(differences, other.job+" "+d)
				}
			}
			if len(differences) == 0 {
				if len(first) > 0 {
					answered++
				}
				break
			}
			if time.Now().After(deadline) {
				t.Errorf("%s:\n%s", q.where, strings.Join(differences, "\n"))
				break
			}
			time.Sleep(pollPause)
		}
	}
	t.Logf("%d questions, %d of them have an answer", len(questions), answered)
	if answered < len(questions)/2 {
		t.Errorf("only %d of %d questions have an answer", answered, len(questions))
	}
}

const pollPause = 200 * time.Millisecond

// answerAt is the answer to a question: values by series. Of a histogram, native or in
// classic buckets, it is the number of observations.
func answerAt(t *testing.T, s server, q modeQuestion, at time.Time) map[string]float64 {
	t.Helper()
	value, warnings, _, err := s.API.Query(t.Context(), q.expr, at)
	if err != nil || len(warnings) > 0 {
		t.Fatalf("%s: %s: %v %q", s.job, q.where, err, warnings)
	}
	answer := map[string]float64{}
	vector, ok := value.(model.Vector)
	if !ok {
		return answer // a scalar does not depend on anything stored
	}
	for _, sample := range vector {
		bound, isBucket := sample.Metric[model.BucketLabel]
		delete(sample.Metric, model.BucketLabel)
		switch {
		case sample.Histogram != nil:
			answer[sample.Metric.String()] = math.Round(float64(sample.Histogram.Count))
		case !isBucket || bound == "+Inf":
			answer[sample.Metric.String()] = float64(sample.Value)
		}
	}
	return answer
}

// difference says how two answers differ; empty when they do not.
func difference(want, got map[string]float64, unsteady bool) string {
	var lines []string
	for _, series := range slices.Sorted(maps.Keys(want)) {
		value, ok := got[series]
		switch {
		case !ok:
			lines = append(lines, "lacks "+series)
		case !unsteady && math.Abs(value-want[series]) > modesTolerance*math.Abs(want[series])+1e-9:
			lines = append(lines, fmt.Sprintf("has %v for %s, not %v", value, series, want[series]))
		}
	}
	for _, series := range slices.Sorted(maps.Keys(got)) {
		if _, ok := want[series]; !ok {
			lines = append(lines, "has "+series)
		}
	}
	return strings.Join(lines[:min(len(lines), 5)], "; ")
}
