//go:build e2e

package dashboards_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/dashboards"
	"github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"go.yaml.in/yaml/v3"
)

const notListed = "only the list of a partner's account says until when; these accounts come from a file"

// empty are the queries that find nothing here, and why.
var empty = map[string]string{
	"greenapi-account: Paid until A":                   notListed,
	"greenapi-fleet: Paid until A":                     notListed,
	"greenapi-fleet: Messages in the hour before B":    "there are no more accounts than are shown",
	"greenapi-fleet: Calls in the hour before B":       "there are no more accounts than are shown",
	"greenapi-fleet: State of the accounts C":          "an exporter was scraped",
	"greenapi-exporter: Collectors that failed C":      "an exporter was scraped",
	"greenapi-account: Messages B":                     "the journal is whole",
	"greenapi-account: Calls B":                        "the journal is whole",
	"greenapi-exporter: Gaps and evictions per hour A": "no record is missed",
	"greenapi-exporter: Gaps and evictions per hour B": "no record is forgotten",
	"greenapi-exporter: Late changes per hour A":       "no change came late",
	"greenapi-exporter: Invalid records A":             "all records can be read",
}

const (
	shownTime        = 24 * time.Hour // of the panels
	annotationPoints = 100            // that Grafana asks for
)

// maxBlock lets the blocks of the two weeks be few.
const maxBlock = "--max-block-duration=162h"

// blocks are the folder of a database, with the time that it is about.
type blocks struct {
	path     string
	from, to time.Time
}

// TestDashboardsAreAlive replays accounts through two simulated weeks, lets a real
// Prometheus hold what the collector exposed and what the rules record of it, and asks
// each query of each panel, variable and annotation.
func TestDashboardsAreAlive(t *testing.T) {
	t.Parallel()
	db := newBlocks(t, scenario{accounts: replayedAccounts, alert: true})
	client := newAPI(t, startServer(t, db.path, "global: {}\n"))
	asked, found := 0, map[string]bool{}
	for _, d := range dashboards.All() {
		for _, q := range questions(t, d) {
			asked++
			name := d.UID + ": " + q.where
			n := db.ask(t, client, d, q)
			found[name] = true
			if reason := empty[name]; n == 0 && reason == "" {
				t.Errorf("%s finds nothing: %s", name, chosen(d, q.expr, time.Hour))
			} else if n > 0 && reason != "" {
				t.Errorf("%s finds something, though %s", name, reason)
			}
		}
	}
	for name := range empty {
		if !found[name] {
			t.Errorf("there is no query %s", name)
		}
	}
	t.Logf("%d queries, from %v to %v", asked, db.from, db.to)
}

func newAPI(t *testing.T, s *server) promv1.API {
	t.Helper()
	client, err := api.NewClient(api.Config{Address: s.url})
	if err != nil {
		t.Fatal(err)
	}
	return promv1.NewAPI(client)
}

// recordLevels returns the records that the dashboards ask for, and those that these
// are made of: first those that need no others.
func recordLevels(t *testing.T) [][]rule {
	t.Helper()
	rules := make(map[string]rule)
	for _, r := range readRules(t) {
		if r.Record != "" {
			rules[r.Record] = r
		}
	}
	var levels [][]rule
	depth := make(map[string]int)
	var visit func(name string) int
	visit = func(name string) int {
		r, isRecord := rules[name]
		if !isRecord {
			return 0
		}
		if d, ok := depth[name]; ok {
			return d
		}
		d := 0
		for _, s := range parsed(t, r.Expr) {
			d = max(d, visit(s))
		}
		for len(levels) <= d {
			levels = append(levels, nil)
		}
		levels[d] = append(levels[d], r)
		depth[name] = d + 1
		return d + 1
	}
	for _, name := range asked(t) {
		visit(name)
	}
	return levels
}

// parsed returns the metrics of an expression; none of a constant.
func parsed(t *testing.T, expr string) []string {
	t.Helper()
	if strings.HasPrefix(expr, "vector(") {
		return nil
	}
	q, err := parse(expr)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, s := range q.selectors {
		names = append(names, s.metric)
		if by, ok := s.matcher("__name__"); ok {
			names = append(names, strings.Split(by.value, "|")...)
		}
	}
	return names
}

// asked returns the metrics and records that the dashboards ask for.
func asked(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, d := range dashboards.All() {
		for _, q := range questions(t, d) {
			names = append(names, parsed(t, q.expr)...)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// newBlocks makes a database of what the collector exposed, and of what the rules
// record of it.
func newBlocks(t *testing.T, s scenario) *blocks {
	t.Helper()
	db := &blocks{path: t.TempDir()}
	db.add(t, s)
	return db
}

// add replays a scenario into the database.
func (db *blocks) add(t *testing.T, s scenario) {
	t.Helper()
	levels := recordLevels(t)
	progress, began := s.progress, time.Now()
	if progress == nil {
		progress = func(string, ...any) {}
	}
	samples := filepath.Join(t.TempDir(), "samples.txt")
	progress("replaying what the exporter shows")
	db.from, db.to = replay(t, samples, wantedMetrics(t), s)
	progress("%v: putting it into the database of Prometheus", time.Since(began).Round(time.Second))
	promtool(t, "tsdb", "create-blocks-from", maxBlock, "--quiet", "openmetrics", samples, db.path)
	for n, level := range levels {
		progress("%v: recording what %d rules make of it (%d of %d)", time.Since(began).Round(time.Second), len(level), n+1, len(levels))
		db.record(t, n, level)
	}
}

// wantedMetrics are those that the dashboards ask for, and that the records which they
// ask for are made of.
func wantedMetrics(t *testing.T) map[string]bool {
	t.Helper()
	wanted := make(map[string]bool)
	for _, name := range asked(t) {
		wanted[name] = true
	}
	for _, level := range recordLevels(t) {
		for _, r := range level {
			for _, name := range parsed(t, r.Expr) {
				wanted[name] = true
			}
		}
	}
	return wanted
}

// record adds what rules record, whose records need no others than those that are
// there.
func (db *blocks) record(t *testing.T, n int, rules []rule) {
	t.Helper()
	type recording struct {
		Record string `yaml:"record"`
		Expr   string `yaml:"expr"`
	}
	type group struct {
		Name     string      `yaml:"name"`
		Interval string      `yaml:"interval"`
		Rules    []recording `yaml:"rules"`
	}
	g := group{Name: fmt.Sprintf("level-%d", n), Interval: interval.String()}
	for _, r := range rules {
		g.Rules = append(g.Rules, recording{r.Record, r.Expr})
	}
	text, err := yaml.Marshal(map[string]any{"groups": []group{g}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "rules.yml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s := startServer(t, db.path, "global: {}\n")
	defer s.stop() // the next one has the blocks that this one has not loaded
	promtool(t, "tsdb", "create-blocks-from", maxBlock, "--quiet", "rules", "--url="+s.url, "--output-dir="+db.path,
		fmt.Sprintf("--start=%d", db.from.Unix()), fmt.Sprintf("--end=%d", db.to.Unix()), file)
}

// chosen puts values in the place of variables, as Grafana does for a step.
func chosen(d dashboards.Dashboard, expr string, step time.Duration) string {
	rates := max(step+interval, 4*interval)
	account := ".+"
	if d.UID == "greenapi-account" {
		account = watchedAccount
	}
	return strings.NewReplacer(
		"$__rate_interval_ms", strconv.FormatInt(rates.Milliseconds(), 10), "$__rate_interval", model.Duration(rates).String(),
		"$__interval_ms", strconv.FormatInt(step.Milliseconds(), 10), "$__interval", model.Duration(step).String(), "$__range_s", strconv.FormatFloat(shownTime.Seconds(), 'f', -1, 64), "$__range", model.Duration(shownTime).String(),
		"${__from:date:ZZ[.0]}", "+0000.0", "$job", replayJob, "$instance", ".+", "$id_instance", account, "$chat_type", ".+", "$media", ".+",
	).Replace(expr)
}

// ask asks a query as the dashboard does, for the last day, and returns how many
// series or values it finds. Annotations are asked for over all that there is.
func (db *blocks) ask(t *testing.T, client promv1.API, d dashboards.Dashboard, q question) int {
	t.Helper()
	over := promv1.Range{Start: db.to.Add(-shownTime), End: db.to, Step: interval}
	if q.panel != nil {
		least, err := model.ParseDuration(q.panel.Interval)
		if err != nil {
			t.Fatal(err)
		}
		over.Step = max(interval, time.Duration(least))
	}
	isAnnotation := strings.HasPrefix(q.where, "annotation ")
	if isAnnotation {
		over.Start, over.Step = db.from, (db.to.Sub(db.from) / annotationPoints).Truncate(time.Second)
	}
	expr := chosen(d, q.expr, over.Step)
	if name, ok := strings.CutPrefix(q.where, "variable "); ok {
		values, warnings, _, err := client.LabelValues(t.Context(), name, []string{expr}, db.from, db.to)
		if err != nil || len(warnings) > 0 {
			t.Errorf("%s: %s: %v %q", d.UID, q.where, err, warnings)
		}
		return len(values)
	}
	var value model.Value
	var warnings promv1.Warnings
	var err error
	if q.instant {
		value, warnings, _, err = client.Query(t.Context(), expr, db.to)
	} else {
		value, warnings, _, err = client.QueryRange(t.Context(), expr, over)
	}
	if err != nil || len(warnings) > 0 {
		t.Errorf("%s: %s: %v %q: %s", d.UID, q.where, err, warnings, expr)
		return 0
	}
	if q.panel != nil {
		checkShown(t, *q.panel, q.field, value)
	}
	if isAnnotation { // Grafana shows none of a value that is not above 0
		return numbers(t, value, func(v float64) bool { return v > 0 })
	}
	return numbers(t, value, func(v float64) bool { return !math.IsNaN(v) })
}

// checkShown holds that each value reads as it should: words as words, counts without a
// fraction, shares between nothing and all, dates in this century.
func checkShown(t *testing.T, p dashboards.Panel, field string, value model.Value) {
	t.Helper()
	f := formatOf(p, field)
	for _, v := range values(value) {
		shown := f.show(strconv.FormatFloat(v, 'f', -1, 64))
		isMapped := false
		for _, m := range f.mappings {
			for _, result := range results(m) {
				isMapped = isMapped || result.Text == shown
			}
		}
		switch {
		case f.unit == "none" && len(f.mappings) > 0 && !isMapped,
			f.unit == "locale" && v != math.Trunc(v) && !math.IsNaN(v),
			f.unit == "percentunit" && (v < -1e-9 || v > 1+1e-9),
			strings.HasPrefix(f.unit, "time:") && v < 9e11:
			t.Errorf("%s, %s: %v is shown as %q", p.Title, field, v, shown)
			return
		}
	}
}

// values returns the values of a result.
func values(value model.Value) []float64 {
	var all []float64
	switch found := value.(type) {
	case model.Vector:
		for _, sample := range found {
			all = append(all, float64(sample.Value))
		}
	case model.Matrix:
		for _, series := range found {
			for _, pair := range series.Values {
				all = append(all, float64(pair.Value))
			}
		}
	}
	return all
}

// numbers returns how many series have a value that is shown.
func numbers(t *testing.T, value model.Value, isShown func(float64) bool) int {
	t.Helper()
	n := 0
	switch found := value.(type) {
	case model.Vector:
		for _, sample := range found {
			if isShown(float64(sample.Value)) {
				n++
			}
		}
	case model.Matrix:
		for _, series := range found {
			if slices.ContainsFunc(series.Values, func(p model.SamplePair) bool { return isShown(float64(p.Value)) }) {
				n++
			}
		}
	default:
		t.Errorf("neither a vector nor a matrix: %v", value)
	}
	return n
}

// TestQueriesAreRight lets promtool say whether each query is right PromQL.
func TestQueriesAreRight(t *testing.T) {
	t.Parallel()
	type recording struct {
		Record string `yaml:"record"`
		Expr   string `yaml:"expr"`
	}
	var all []recording
	for _, d := range dashboards.All() {
		for _, q := range questions(t, d) {
			all = append(all, recording{fmt.Sprintf("query:%d", len(all)), chosen(d, q.expr, time.Minute)})
		}
	}
	text, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "queries", "rules": all}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "queries.yml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool(t, "check", "rules", "--lint=all", "--lint-fatal", file)
}
