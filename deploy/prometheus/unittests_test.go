package prometheus_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// unitTests is a file of unit tests as promtool reads it, as far as needed here.
type unitTests struct {
	RuleFiles          []string   `yaml:"rule_files"`
	EvaluationInterval string     `yaml:"evaluation_interval"`
	GroupEvalOrder     []string   `yaml:"group_eval_order"`
	Tests              []unitTest `yaml:"tests"`
}

type unitTest struct {
	Name        string `yaml:"name"`
	Interval    string `yaml:"interval"`
	InputSeries []struct {
		Series string `yaml:"series"`
		Values string `yaml:"values"`
	} `yaml:"input_series"`
	AlertRuleTests []struct {
		EvalTime  string `yaml:"eval_time"`
		Alertname string `yaml:"alertname"`
		ExpAlerts []struct {
			Labels      map[string]string `yaml:"exp_labels"`
			Annotations map[string]string `yaml:"exp_annotations"`
		} `yaml:"exp_alerts"`
	} `yaml:"alert_rule_test"`
}

const (
	fires     = "fires and resolves"
	justUnder = "is silent just under"
	lowVolume = "is silent at low volume"
)

func readUnitTests(t *testing.T) map[string]unitTests {
	t.Helper()
	files, err := filepath.Glob("tests/*.test.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no unit tests: %v", err)
	}
	all := make(map[string]unitTests, len(files))
	for _, file := range files {
		var content unitTests
		readYAML(t, file, &content)
		all[file] = content
	}
	return all
}

// TestAlertsAreTested holds that each alert is seen to fire, to resolve, to stay
// silent just under its threshold and, where it judges by numbers, at low volume.
func TestAlertsAreTested(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for file, content := range readUnitTests(t) {
		if len(content.GroupEvalOrder) == 0 {
			t.Errorf("%s: alerts depend on the order of groups, and it is not set", file)
		}
		for _, test := range content.Tests {
			seen[test.Name] = true
			alert, what, _ := strings.Cut(test.Name, " ")
			var firing []bool
			for _, c := range test.AlertRuleTests {
				if c.Alertname != alert {
					t.Errorf("%s asks for %s", test.Name, c.Alertname)
				}
				firing = append(firing, len(c.ExpAlerts) > 0)
			}
			if what == fires && !slices.Equal(firing, []bool{false, true, false}) {
				t.Errorf("%s: it is expected to fire %v", test.Name, firing)
			}
			if strings.HasPrefix(what, "is silent") && slices.Contains(firing, true) {
				t.Errorf("%s expects it to fire", test.Name)
			}
		}
	}
	for _, r := range alerts(t) {
		want := []string{fires, justUnder}
		if judgesByNumbers(r) {
			want = append(want, lowVolume)
		}
		for _, what := range want {
			if !seen[r.Alert+" "+what] {
				t.Errorf("no test %q", r.Alert+" "+what)
			}
		}
	}
}

// judgesByNumbers tells whether an alert wants a least number of events.
func judgesByNumbers(r rule) bool {
	return strings.Contains(r.Expr, ":increase") && strings.Contains(r.Expr, ">= id_instance:greenapi_threshold:") &&
		strings.Count(r.Expr, "id_instance:") > 2
}
