//go:build e2e && linux

package deploy_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPromtoolAcceptsTheScrapeConfigs also has promtool read every file that they
// name; the rules come from where the rules are.
func TestPromtoolAcceptsTheScrapeConfigs(t *testing.T) {
	t.Parallel()
	promtool, err := filepath.Abs(filepath.Join(root, "bin/promtool"))
	if err != nil {
		t.Fatal(err)
	}
	configs, err := filepath.Glob("prometheus/scrape/*.yml")
	if err != nil || len(configs) == 0 {
		t.Fatalf("no scrape configurations: %v", err)
	}
	for _, config := range configs {
		t.Run(filepath.Base(config), func(t *testing.T) {
			t.Parallel()
			run(t, "", nil, promtool, "check", "config", "--lint=all", "--lint-fatal", withRules(t, config))
		})
	}
}

// withRules copies a configuration, and has it find the rules in this folder.
func withRules(t *testing.T, config string) string {
	t.Helper()
	rules, err := filepath.Abs("prometheus/rules")
	if err != nil {
		t.Fatal(err)
	}
	text := read(t, filepath.Join("deploy", config))
	if !strings.Contains(text, "/etc/prometheus/greenapi/rules/") {
		t.Errorf("%s loads no rules", config)
	}
	copied := filepath.Join(t.TempDir(), filepath.Base(config))
	text = strings.ReplaceAll(text, "/etc/prometheus/greenapi/rules", rules)
	if err := os.WriteFile(copied, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return copied
}
