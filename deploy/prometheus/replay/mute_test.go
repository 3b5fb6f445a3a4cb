//go:build e2e

package replay_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/greenapi-exporter/greenapi_exporter/deploy/prometheus/replay"
)

// muter knows the inhibitions of deploy/alertmanager, and the severities of alerts.
type muter struct {
	rules    []inhibition
	severity map[string]string
}

type inhibition struct {
	Source []string `yaml:"source_matchers"`
	Target []string `yaml:"target_matchers"`
}

func inhibitions(t *testing.T) muter {
	t.Helper()
	var config struct {
		InhibitRules []inhibition `yaml:"inhibit_rules"`
	}
	readYAML(t, filepath.Join(root, "deploy/alertmanager/alertmanager.yml"), &config)
	return muter{rules: config.InhibitRules, severity: rules(t).Severities()}
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

// during names an alert that is there when another one begins to fire, and mutes it.
func (m muter) during(name string, f replay.Firing, all map[string]replay.Firing) string {
	for source, s := range all {
		// Alertmanager waits for 30 seconds before it tells: what fires in the same step mutes.
		there := !s.First.After(f.First) && !s.Last.Add(30*time.Second).Before(f.First)
		if source != name && there && m.mutes(source, name) {
			return source
		}
	}
	return ""
}

func (m muter) mutes(source, target string) bool {
	return slices.ContainsFunc(m.rules, func(r inhibition) bool {
		return m.match(r.Source, source) && m.match(r.Target, target)
	})
}

var matcher = regexp.MustCompile(`^(\w+)(=~|!~|!=|=)"(.*)"$`)

func (m muter) match(matchers []string, alert string) bool {
	for _, text := range matchers {
		parts := matcher.FindStringSubmatch(text)
		have := map[string]string{"alertname": alert, "severity": m.severity[alert]}[parts[1]]
		equal := have == parts[3]
		if strings.Contains(parts[2], "~") {
			equal = regexp.MustCompile("^(?:" + parts[3] + ")$").MatchString(have)
		}
		if equal == strings.HasPrefix(parts[2], "!") {
			return false
		}
	}
	return true
}

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}
