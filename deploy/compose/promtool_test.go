//go:build e2e

package compose_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPromtoolAcceptsTheConfiguration has promtool read it with the rules that it
// names, from where they are here.
func TestPromtoolAcceptsTheConfiguration(t *testing.T) {
	t.Parallel()
	s := readProject(t).Services["prometheus"]
	const inside = "/etc/prometheus/greenapi/rules"
	rules, err := filepath.Abs(filepath.Join(root, s.onHost(t, inside)))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(readFile(t, s.onHost(t, s.flag(t, "--config.file")))), inside, rules)
	config := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	promtool, err := filepath.Abs(filepath.Join(root, "bin", "promtool"))
	if err != nil {
		t.Fatal(err)
	}
	output, err := exec.CommandContext(t.Context(), promtool, "check", "config", "--lint=all", "--lint-fatal", config).CombinedOutput()
	if err != nil {
		t.Fatalf("%v (make tools builds promtool)\n%s", err, output)
	}
	files, err := filepath.Glob(filepath.Join(rules, "*.yml"))
	// Each of them, the configuration, and that there are rule files.
	if err != nil || strings.Count(string(output), "SUCCESS") != len(files)+2 {
		t.Errorf("of %d rule files and the configuration, not all were read: %v\n%s", len(files), err, output)
	}
}
