package prometheus_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"go.yaml.in/yaml/v3"
)

type ruleGroup struct {
	Name     string `yaml:"name"`
	Interval string `yaml:"interval"`
	Rules    []rule `yaml:"rules"`
}

type rule struct {
	Record      string            `yaml:"record"`
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`

	file string
}

func (r rule) name() string { return r.Record + r.Alert }

// readRules returns all rules, in the order of the files.
func readRules(t *testing.T) []rule {
	t.Helper()
	files, err := filepath.Glob("rules/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	var all []rule
	for _, file := range files {
		var content struct {
			Groups []ruleGroup `yaml:"groups"`
		}
		readYAML(t, file, &content)
		for _, group := range content.Groups {
			// Prometheus looks back for 5 minutes: what is recorded more rarely is missing now and then.
			if interval, err := time.ParseDuration(group.Interval); err != nil || interval > 4*time.Minute {
				t.Errorf("%s: group %s is evaluated every %q", file, group.Name, group.Interval)
			}
			for _, r := range group.Rules {
				r.file = filepath.Base(file)
				all = append(all, r)
			}
		}
	}
	return all
}

func readYAML(t *testing.T, file string, into any) {
	t.Helper()
	if err := yaml.Unmarshal([]byte(readText(t, file)), into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func readText(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func alerts(t *testing.T) []rule {
	t.Helper()
	return slices.DeleteFunc(readRules(t), func(r rule) bool { return r.Alert == "" })
}

func TestAlertsAreComplete(t *testing.T) {
	t.Parallel()
	const runbooks = "https://github.com/greenapi-exporter/greenapi_exporter/blob/main/deploy/prometheus/runbooks.md#"
	numbers := regexp.MustCompile(`\$value|\| value`)
	aboutInstance := regexp.MustCompile(`\{\{ \$labels\.id_instance \}\}`)
	for _, r := range alerts(t) {
		if !strings.HasPrefix(r.Alert, "GreenAPI") {
			t.Errorf("%s: the name does not begin with GreenAPI", r.Alert)
		}
		if r.For == "" {
			t.Errorf("%s has no for", r.Alert)
		}
		if !slices.Contains([]string{"critical", "warning", "info"}, r.Labels["severity"]) {
			t.Errorf("%s: severity is %q", r.Alert, r.Labels["severity"])
		}
		if summary := r.Annotations["summary"]; summary == "" || strings.Contains(summary, "{{") {
			t.Errorf("%s: the summary is no static sentence: %q", r.Alert, summary)
		}
		if !numbers.MatchString(r.Annotations["description"]) {
			t.Errorf("%s: the description has no number in it: %q", r.Alert, r.Annotations["description"])
		}
		if want := runbooks + strings.ToLower(r.Alert); r.Annotations["runbook_url"] != want {
			t.Errorf("%s: runbook_url is %q, not %q", r.Alert, r.Annotations["runbook_url"], want)
		}
		switch url := r.Annotations["dashboard_url"]; {
		case strings.HasPrefix(url, "/d/greenapi-account?var-id_instance="):
			if !aboutInstance.MatchString(url) || r.Annotations["account"] == "" {
				t.Errorf("%s does not say which account: %q, %q", r.Alert, url, r.Annotations["account"])
			}
		case strings.HasPrefix(url, "/d/greenapi-exporter"), strings.HasPrefix(url, "/d/greenapi-fleet"):
		default:
			t.Errorf("%s: dashboard_url is %q", r.Alert, url)
		}
	}
}

// TestRunbooks holds that each alert has its runbook and each runbook its alert, and
// that none leaves out a part.
func TestRunbooks(t *testing.T) {
	t.Parallel()
	_, text, _ := strings.Cut("\n"+readText(t, "runbooks.md"), "\n## GreenAPI")
	var have, want []string
	for section := range strings.SplitSeq("GreenAPI"+text, "\n## ") {
		name, body, _ := strings.Cut(section, "\n")
		have = append(have, name)
		for _, part := range []string{"**Means.** ", "**Check.** ", "**Do.** ", "**Limits.** "} {
			if _, after, ok := strings.Cut(body, part); !ok || len(after) < 20 {
				t.Errorf("the runbook of %s has no part %q", name, part)
			}
		}
	}
	for _, r := range alerts(t) {
		want = append(want, r.Alert)
	}
	slices.Sort(have)
	slices.Sort(want)
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("alerts (-) and runbooks (+):\n%s", diff)
	}
}

// TestDetectionNamesAlerts holds that the document of delays, which only the replay
// writes anew, is about the alerts that there are.
func TestDetectionNamesAlerts(t *testing.T) {
	t.Parallel()
	var names []string
	for _, r := range alerts(t) {
		names = append(names, r.Alert)
	}
	found := regexp.MustCompile(`\bGreenAPI\w+`).FindAllString(readText(t, "detection.md"), -1)
	if len(found) == 0 {
		t.Error("the document names no alert")
	}
	for _, name := range found {
		if !slices.Contains(names, name) {
			t.Errorf("there is no alert %s", name)
		}
	}
}

// foreign are metrics in the rules that are not about an instance: the exporter's
// own, and those that Prometheus makes.
var foreign = []string{
	"up", "scrape_duration_seconds", "process_start_time_seconds", "greenapi_config_last_reload_successful",
	"greenapi_discovery_last_refresh_successful",
}

// targetLabels are those that Prometheus adds; target comes from /sd.
var targetLabels = []string{"job", "instance", "target"}

// overrides is recorded by who wants other thresholds.
const overrides = "greenapi:threshold:override"

// TestRulesUseWhatIsExposed holds that each metric in a rule is exposed or recorded,
// and has the labels that it is selected or grouped by.
func TestRulesUseWhatIsExposed(t *testing.T) {
	t.Parallel()
	known := make(map[string][]string) // labels by metric
	for _, f := range collector.Families() {
		known[f.Name] = f.Labels
		if f.Kind == collector.Histogram {
			known[f.Name+"_sum"], known[f.Name+"_count"] = f.Labels, f.Labels
			known[f.Name+"_bucket"] = append([]string{"le"}, f.Labels...)
		}
	}
	for _, name := range foreign {
		known[name] = nil
	}
	known[overrides] = []string{"id_instance", "threshold"}
	known["ALERTS"] = []string{"id_instance", "alertname", "alertstate"} // what fires is a series, too
	values := exposedValues(t)
	values["alertname"], values["alertstate"] = alertNames(t), []string{"firing"}
	values["stage"] = []string{"observed", "sent", "delivered", "read", "failed"} // with number prefixes only
	values["origin"] = append(values["origin"], "any")                            // of the records of traffic: all of it
	rules := readRules(t)
	for _, r := range rules {
		if r.Record != "" {
			known[r.Record] = levelLabels(r.Record)
		}
	}
	for _, r := range rules {
		found, grouped := parse(r.Expr)
		if len(found) == 0 && !strings.HasPrefix(r.Expr, "vector(") {
			t.Errorf("%s selects nothing: %s", r.name(), r.Expr)
		}
		var possible []string
		for _, s := range found {
			labels, ok := known[s.metric]
			if !ok {
				t.Errorf("%s: there is no metric %s", r.name(), s.metric)
			}
			labels = append(slices.Clone(labels), targetLabels...)
			possible = append(possible, labels...)
			for _, m := range s.matchers {
				if !slices.Contains(labels, m.label) {
					t.Errorf("%s: %s has no label %s", r.name(), s.metric, m.label)
				}
				checkValues(t, r, m, values[m.label])
			}
		}
		for _, label := range grouped {
			if !slices.Contains(possible, label) && !strings.Contains(r.Expr, `"`+label+`"`) {
				t.Errorf("%s: groups by %s, which nothing in it has", r.name(), label)
			}
		}
	}
}

// levelLabels are the labels of a record, which its name begins with.
func levelLabels(record string) []string {
	level, _, _ := strings.Cut(record, ":")
	var labels []string
	for _, label := range []string{"id_instance", "chat_type", "reason", "status", "collector", "origin", "prefix"} {
		if strings.Contains(level, label) {
			labels = append(labels, label)
		}
	}
	return labels
}

// checkValues holds that a matcher asks for values that there are.
func checkValues(t *testing.T, r rule, m matcher, exposed []string) {
	t.Helper()
	if slices.Contains(targetLabels, m.label) || m.label == "threshold" || m.label == "le" {
		return
	}
	for value := range strings.SplitSeq(m.value, "|") {
		if !slices.Contains(exposed, value) {
			t.Errorf("%s: no %s is %q", r.name(), m.label, value)
		}
	}
}

func alertNames(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, r := range alerts(t) {
		names = append(names, r.Alert)
	}
	return names
}

// TestThresholdsAreUsed holds that every threshold is there for an alert, and that
// the comment above says which.
func TestThresholdsAreUsed(t *testing.T) {
	t.Parallel()
	text := readText(t, "rules/greenapi-thresholds.yml")
	all := readRules(t)
	for _, r := range all {
		if !strings.Contains(r.Record, "threshold:") {
			continue
		}
		_, name, _ := strings.Cut(r.Record, "threshold:")
		if strings.HasPrefix(r.Record, "id_instance:") && !strings.Contains(r.Expr, `{threshold="`+name+`"}`) {
			t.Errorf("%s cannot be overridden: %s", r.Record, r.Expr)
		}
		before, _, _ := strings.Cut(text, "- record: "+r.Record+"\n")
		comment := before[strings.LastIndex(before, "\n\n"):]
		var used bool
		for _, user := range all {
			if !regexp.MustCompile(`\b` + r.Record + `\b`).MatchString(user.Expr) {
				continue
			}
			used = true
			if !strings.Contains(comment, user.Alert) {
				t.Errorf("the comment of %s does not name %s: %s", r.Record, user.Alert, comment)
			}
		}
		if !used {
			t.Errorf("no rule uses %s", r.Record)
		}
	}
}

// TestWindowsAreAlike holds that the records of the windows say the same: the short ones
// of the counters, the long ones of their sums.
func TestWindowsAreAlike(t *testing.T) {
	t.Parallel()
	seconds := map[string]string{"5m": "300", "1h": "3600", "6h": "21600", "24h": "86400"}
	byWindow, names := make(map[string][]string), make(map[string][]string)
	for _, r := range readRules(t) {
		window, ok := strings.CutSuffix(strings.TrimPrefix(r.file, "greenapi-"), ".records.yml")
		if !ok || seconds[window] == "" {
			continue
		}
		text := r.Record + ": " + r.Expr
		text = strings.ReplaceAll(text, "increase"+window, "increase…")
		text = strings.ReplaceAll(text, "["+window+"]", "[…]")
		text = strings.ReplaceAll(text, " / "+seconds[window], " / …")
		byWindow[window] = append(byWindow[window], text)
		names[window] = append(names[window], strings.ReplaceAll(r.Record, "increase"+window, "increase…"))
	}
	if len(byWindow) != len(seconds) {
		t.Fatalf("windows: %d, want %d", len(byWindow), len(seconds))
	}
	for window, like := range map[string]string{"5m": "1h", "24h": "6h"} {
		if diff := cmp.Diff(byWindow[like], byWindow[window]); diff != "" {
			t.Errorf("%s (-) and %s (+):\n%s", like, window, diff)
		}
	}
	if diff := cmp.Diff(names["1h"], names["24h"]); diff != "" {
		t.Errorf("1h (-) and 24h (+) record other things:\n%s", diff)
	}
}
