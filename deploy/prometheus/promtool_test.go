//go:build e2e

package prometheus_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// tool is the path of a binary that the Makefile builds.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "..", "bin", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v; make tools builds it", err)
	}
	return path
}

func run(ctx context.Context, t *testing.T, path string, args ...string) string {
	t.Helper()
	text, err := exec.CommandContext(ctx, path, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", filepath.Base(path), strings.Join(args, " "), err, text)
	}
	return string(text)
}

func TestPromtoolAcceptsTheRules(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("rules/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	run(t.Context(), t, tool(t, "promtool"), append([]string{"check", "rules", "--lint=all", "--lint-fatal"}, files...)...)
}

// TestObjective holds that promtool accepts the rules of the service level objective,
// and what they say.
func TestObjective(t *testing.T) {
	t.Parallel()
	run(t.Context(), t, tool(t, "promtool"), "check", "rules", "slo/greenapi-delivery.rules.yml")
	run(t.Context(), t, tool(t, "promtool"), "test", "rules", "slo/greenapi-delivery.test.yml")
}

func TestUnitTests(t *testing.T) {
	t.Parallel()
	for file := range readUnitTests(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			run(t.Context(), t, tool(t, "promtool"), "test", "rules", file)
		})
	}
}

// TestAlertsFireThroughHoles runs the tests in which alerts fire once more, with
// every fourth sample missing: scrapes fail, and alerts must not mind.
func TestAlertsFireThroughHoles(t *testing.T) {
	t.Parallel()
	for file, content := range readUnitTests(t) {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			holed := filepath.Join(t.TempDir(), filepath.Base(file))
			text, err := yaml.Marshal(withHoles(t, content))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(holed, text, 0o600); err != nil {
				t.Fatal(err)
			}
			run(t.Context(), t, tool(t, "promtool"), "test", "rules", holed)
		})
	}
}

type holedTests struct {
	RuleFiles          []string    `yaml:"rule_files"`
	EvaluationInterval string      `yaml:"evaluation_interval"`
	GroupEvalOrder     []string    `yaml:"group_eval_order"`
	Tests              []holedTest `yaml:"tests"`
}

type holedTest struct {
	Name        string        `yaml:"name"`
	Interval    string        `yaml:"interval"`
	InputSeries []holedSeries `yaml:"input_series"`
	Expressions []expression  `yaml:"promql_expr_test"`
}

type holedSeries struct {
	Series string `yaml:"series"`
	Values string `yaml:"values"`
}

type expression struct {
	Expr     string   `yaml:"expr"`
	EvalTime string   `yaml:"eval_time"`
	Samples  []sample `yaml:"exp_samples"`
}

type sample struct {
	Labels string  `yaml:"labels"`
	Value  float64 `yaml:"value"`
}

// withHoles keeps the tests in which an alert fires, at the time when it does. The
// numbers in the annotations may differ a little, so the labels are compared alone.
func withHoles(t *testing.T, content unitTests) holedTests {
	t.Helper()
	holed := holedTests{EvaluationInterval: content.EvaluationInterval, GroupEvalOrder: content.GroupEvalOrder}
	for _, file := range content.RuleFiles {
		path, err := filepath.Abs(filepath.Join("tests", file))
		if err != nil {
			t.Fatal(err)
		}
		holed.RuleFiles = append(holed.RuleFiles, path)
	}
	for _, test := range content.Tests {
		h := holedTest{Name: test.Name, Interval: test.Interval}
		for _, s := range test.InputSeries {
			h.InputSeries = append(h.InputSeries, holedSeries{Series: s.Series, Values: withoutEveryFourth(t, s.Values)})
		}
		for _, c := range test.AlertRuleTests {
			e := expression{
				Expr:     fmt.Sprintf(`ALERTS{alertname=%q,alertstate="firing"}`, c.Alertname),
				EvalTime: c.EvalTime,
			}
			for _, alert := range c.ExpAlerts {
				var labels strings.Builder
				fmt.Fprintf(&labels, `ALERTS{alertname=%q,alertstate="firing"`, c.Alertname)
				for name, value := range alert.Labels {
					fmt.Fprintf(&labels, ",%s=%q", name, value)
				}
				e.Samples = append(e.Samples, sample{Labels: labels.String() + "}", Value: 1})
			}
			if len(e.Samples) > 0 {
				h.Expressions = append(h.Expressions, e)
			}
		}
		if len(h.Expressions) > 0 {
			holed.Tests = append(holed.Tests, h)
		}
	}
	return holed
}

// withoutEveryFourth writes out promtool's notation of values (1 2x3 0+5x10 _x4),
// every fourth sample missing.
func withoutEveryFourth(t *testing.T, values string) string {
	t.Helper()
	var all []string
	for field := range strings.FieldsSeq(values) {
		first, times, repeated := strings.Cut(field, "x")
		n := 0
		if repeated {
			var err error
			if n, err = strconv.Atoi(times); err != nil {
				t.Fatalf("values %q: %v", values, err)
			}
		}
		if first == "_" {
			for range max(n, 1) {
				all = append(all, "_")
			}
			continue
		}
		base, step, _ := strings.Cut(first, "+")
		if i := strings.LastIndex(first, "-"); i > 0 {
			base, step = first[:i], first[i:]
		}
		start, err := strconv.ParseFloat(base, 64)
		if err != nil {
			t.Fatalf("values %q: %v", values, err)
		}
		var rise float64
		if step != "" {
			if rise, err = strconv.ParseFloat(step, 64); err != nil {
				t.Fatalf("values %q: %v", values, err)
			}
		}
		for i := range n + 1 {
			all = append(all, strconv.FormatFloat(start+float64(i)*rise, 'g', -1, 64))
		}
	}
	for i := range all {
		if i%4 == 3 {
			all[i] = "_"
		}
	}
	return strings.Join(all, " ")
}
