package alertmanager_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

type configuration struct {
	Route        route `yaml:"route"`
	InhibitRules []struct {
		Source []string `yaml:"source_matchers"`
		Target []string `yaml:"target_matchers"`
		Equal  []string `yaml:"equal"`
	} `yaml:"inhibit_rules"`
}

type route struct {
	Matchers []string `yaml:"matchers"`
	Routes   []route  `yaml:"routes"`
}

func readYAML(t *testing.T, file string, into any) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

// severities returns the severity of each alert, by its name.
func severities(t *testing.T) map[string]string {
	t.Helper()
	files, err := filepath.Glob("../prometheus/rules/*.alerts.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no alerts: %v", err)
	}
	all := make(map[string]string)
	for _, file := range files {
		var content struct {
			Groups []struct {
				Rules []struct {
					Alert  string            `yaml:"alert"`
					Labels map[string]string `yaml:"labels"`
				} `yaml:"rules"`
			} `yaml:"groups"`
		}
		readYAML(t, file, &content)
		for _, group := range content.Groups {
			for _, r := range group.Rules {
				all[r.Alert] = r.Labels["severity"]
			}
		}
	}
	return all
}

var matcher = regexp.MustCompile(`^(\w+)(=~|!~|!=|=)"(.*)"$`)

// match tells whether an alert meets all matchers, if it has no other labels than its
// name and severity.
func match(t *testing.T, matchers []string, name, severity string) bool {
	t.Helper()
	for _, text := range matchers {
		m := matcher.FindStringSubmatch(text)
		if m == nil {
			t.Fatalf("matcher %s", text)
		}
		have := map[string]string{"alertname": name, "severity": severity}[m[1]]
		var ok bool
		switch m[2] {
		case "=":
			ok = have == m[3]
		case "!=":
			ok = have != m[3]
		case "=~":
			ok = regexp.MustCompile("^(?:" + m[3] + ")$").MatchString(have)
		case "!~":
			ok = !regexp.MustCompile("^(?:" + m[3] + ")$").MatchString(have)
		default:
			t.Fatalf("matcher %s: no such operator here", text)
		}
		if !ok {
			return false
		}
	}
	return true
}

// checkNames holds that every alternative in the matchers of a list stands for an
// alert that there is: a name that was changed would mute nothing, without a word.
func checkNames(t *testing.T, matchers []string, alerts map[string]string) {
	t.Helper()
	for _, text := range matchers {
		m := matcher.FindStringSubmatch(text)
		if m == nil || m[1] != "alertname" {
			continue
		}
		names := []string{m[3]}
		if before, group, ok := strings.Cut(m[3], "("); ok {
			group, after, _ := strings.Cut(group, ")")
			names = nil
			for alternative := range strings.SplitSeq(group, "|") {
				names = append(names, before+alternative+after)
			}
		}
		for _, name := range names {
			pattern := regexp.MustCompile("^(?:" + name + ")$")
			var found bool
			for alert := range alerts {
				found = found || pattern.MatchString(alert)
			}
			if !found {
				t.Errorf("%s: no alert is called %s", text, name)
			}
		}
	}
}

func TestMatchersNameAlerts(t *testing.T) {
	t.Parallel()
	var config configuration
	readYAML(t, "alertmanager.yml", &config)
	alerts := severities(t)
	var routes func(route)
	routes = func(r route) {
		checkNames(t, r.Matchers, alerts)
		for _, child := range r.Routes {
			routes(child)
		}
	}
	routes(config.Route)
	for _, r := range config.InhibitRules {
		checkNames(t, r.Source, alerts)
		checkNames(t, r.Target, alerts)
	}
}

// TestInhibitions holds which alerts mute which about the same account.
func TestInhibitions(t *testing.T) {
	t.Parallel()
	var config configuration
	readYAML(t, "alertmanager.yml", &config)
	alerts := severities(t)
	muted := func(source, target string) bool {
		for _, r := range config.InhibitRules {
			if match(t, r.Source, source, alerts[source]) && match(t, r.Target, target, alerts[target]) {
				return true
			}
		}
		return false
	}
	for alert := range alerts {
		if alert != "GreenAPIExporterDown" && !muted("GreenAPIExporterDown", alert) {
			t.Errorf("an exporter that is down does not mute %s", alert)
		}
		if muted(alert, "GreenAPIExporterDown") {
			t.Errorf("%s mutes an exporter that is down", alert)
		}
	}
	checkNoCircle(t, alerts, muted)
	checkSeverities(t, config, alerts, muted)
	for _, source := range []string{"GreenAPIAccountBlocked", "GreenAPIAccountNotAuthorized", "GreenAPIAccountSuspended"} {
		for _, symptom := range []string{
			"GreenAPIMessagesStuckSent", "GreenAPIMessagesSuspended", "GreenAPIMessagesStuckPending", "GreenAPIPendingBacklog",
			"GreenAPIDeliveryRatioLow", "GreenAPIDeliveryRatioDrop", "GreenAPINoMessages", "GreenAPINoCalls", "GreenAPIDataStale",
			"GreenAPIFailureSurge", "GreenAPINoAccountSurge", "GreenAPITrafficLow", "GreenAPITrafficSurge",
		} {
			if !muted(source, symptom) {
				t.Errorf("%s does not mute %s", source, symptom)
			}
		}
	}
	for _, symptom := range []string{
		"GreenAPIDeliveryRatioLow", "GreenAPIDeliveryRatioDrop", "GreenAPIReadRatioDrop", "GreenAPIMessagesStuckSent",
	} {
		if !muted("GreenAPIStatusWebhookOff", symptom) {
			t.Errorf("a status webhook that is off does not mute %s", symptom)
		}
	}
	for _, symptom := range []string{"GreenAPICollectorFailing", "GreenAPIDataStale"} {
		if !muted("GreenAPIManyAccountsFailing", symptom) {
			t.Errorf("an API that fails for many accounts does not mute %s", symptom)
		}
	}
	if muted("GreenAPIMessagesSuspended", "GreenAPIAccountSuspended") || muted("GreenAPIDataStale", "GreenAPITokenRejected") {
		t.Error("a symptom mutes its cause")
	}
	for _, r := range config.InhibitRules {
		if aboutAll(r.Source) != (len(r.Equal) == 0) {
			t.Errorf("only an exporter that is down, or an API, mutes all accounts: %v", r.Source)
		}
	}
}

// aboutAll tells whether matchers are those of an alert that is about all accounts.
func aboutAll(matchers []string) bool {
	return slices.ContainsFunc(matchers, func(m string) bool {
		return m == `alertname="GreenAPIExporterDown"` || m == `alertname="GreenAPIManyAccountsFailing"`
	})
}

// checkSeverities holds that the last rule lets critical alerts mute all others, but for
// critical ones that a warning mutes, and for these warnings. An alert that is muted
// still mutes: a warning that somebody silenced would mute all others.
func checkSeverities(t *testing.T, config configuration, alerts map[string]string, muted func(source, target string) bool) {
	t.Helper()
	critical := func(alert string) bool { return alerts[alert] == "critical" }
	causes, symptoms := make(map[string]bool), map[string]bool{
		"GreenAPIExporterDown": true, "GreenAPIManyAccountsFailing": true, // have rules of their own
	}
	for alert := range alerts {
		for other := range alerts {
			if !critical(alert) && critical(other) && muted(alert, other) {
				causes[alert], symptoms[other] = true, true
			}
		}
	}
	last := config.InhibitRules[len(config.InhibitRules)-1]
	for alert, severity := range alerts {
		if got, want := match(t, last.Source, alert, severity), critical(alert) && !symptoms[alert]; got != want {
			t.Errorf("%s mutes what is less severe: %v, want %v", alert, got, want)
		}
		if got, want := match(t, last.Target, alert, severity), !critical(alert) && !causes[alert]; got != want {
			t.Errorf("%s is muted by what is more severe: %v, want %v", alert, got, want)
		}
	}
}

// checkNoCircle holds that no alerts mute each other in a circle: all of them would be
// muted, and nobody told.
func checkNoCircle(t *testing.T, alerts map[string]string, muted func(source, target string) bool) {
	t.Helper()
	done := make(map[string]bool)
	var visit func(alert string, path []string)
	visit = func(alert string, path []string) {
		if at := slices.Index(path, alert); at >= 0 {
			t.Fatalf("muted in a circle: %v", path[at:])
		}
		if done[alert] {
			return
		}
		for other := range alerts {
			// An alert that is both source and target of a rule does not mute itself.
			if other != alert && muted(alert, other) {
				visit(other, append(slices.Clone(path), alert))
			}
		}
		done[alert] = true
	}
	for alert := range alerts {
		visit(alert, nil)
	}
}
