package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// StartOTelCollector starts the OpenTelemetry Collector of the folder otelcol with this
// configuration. The binary is the one that E2E_OTELCOL names, else the Makefile's. It
// does not say when it is ready: wait for what it sends.
func StartOTelCollector(t testing.TB, config string) *Process {
	t.Helper()
	path := os.Getenv("E2E_OTELCOL")
	if path == "" {
		var err error
		if path, err = filepath.Abs(filepath.Join(root, "bin", "otelcol")); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v; make engines builds it, or name one in E2E_OTELCOL", err)
	}
	return startProcess(t, "otelcol", path, nil, "--config="+writeFile(t, "otelcol.yml", config))
}
