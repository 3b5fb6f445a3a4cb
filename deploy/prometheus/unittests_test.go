package prometheus_test

import (
	"path/filepath"
	"regexp"
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
//
// A case is a test with the name of the case, or an account with that name among
// those of one test: many accounts at once cost little more than one.
func TestAlertsAreTested(t *testing.T) {
	t.Parallel()
	seen := make(map[string]bool)
	for file, content := range readUnitTests(t) {
		if len(content.GroupEvalOrder) == 0 {
			t.Errorf("%s: alerts depend on the order of groups, and it is not set", file)
		}
		for _, test := range content.Tests {
			for name, firing := range test.cases(t) {
				seen[name] = true
				_, what, _ := strings.Cut(name, " ")
				// It may be asked for at more times than those of this case.
				if first := slices.Index(firing, true); what == fires && (first < 1 || firing[len(firing)-1]) {
					t.Errorf("%s: it is expected to fire %v", name, firing)
				}
				if strings.HasPrefix(what, "is silent") && slices.Contains(firing, true) {
					t.Errorf("%s expects it to fire: %v", name, firing)
				}
				if strings.HasPrefix(what, "fires") && !slices.Contains(firing, true) {
					t.Errorf("%s does not expect it to fire", name)
				}
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

var caseName = regexp.MustCompile(`^greenapi_instance_info\{.*id_instance="(\d+)",name="([^"]+)"`)

// cases are, by their name, whether an alert is expected to fire each time it is asked for.
func (test unitTest) cases(t *testing.T) map[string][]bool {
	t.Helper()
	found := make(map[string][]bool)
	if strings.HasPrefix(test.Name, "GreenAPI") {
		alert, _, _ := strings.Cut(test.Name, " ")
		for _, c := range test.AlertRuleTests {
			if c.Alertname != alert {
				t.Errorf("%s asks for %s", test.Name, c.Alertname)
			}
			found[test.Name] = append(found[test.Name], len(c.ExpAlerts) > 0)
		}
		return found
	}
	for _, s := range test.InputSeries {
		m := caseName.FindStringSubmatch(s.Series)
		if m == nil {
			continue
		}
		name := "GreenAPI" + m[2]
		alert, _, _ := strings.Cut(name, " ")
		for _, c := range test.AlertRuleTests {
			if c.Alertname != alert {
				continue
			}
			var fires bool
			for _, a := range c.ExpAlerts {
				fires = fires || a.Labels["id_instance"] == m[1]
			}
			found[name] = append(found[name], fires)
		}
	}
	return found
}

var least = regexp.MustCompile(`>= (?:on \(id_instance\) group_left \(\) )?id_instance:greenapi_threshold:`)

// judgesByNumbers tells whether an alert wants a least number of events.
func judgesByNumbers(r rule) bool {
	return strings.Contains(r.Expr, ":increase") && least.MatchString(r.Expr) && strings.Count(r.Expr, "id_instance:") > 2
}
