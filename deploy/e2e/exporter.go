package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// root is the top of the module, seen from this package's folder, where go test runs.
const root = "../.."

// Exporter is a running greenapi_exporter.
type Exporter struct {
	*Process
	// Address is where it listens, as host:port.
	Address string
	// URL is the same as the base of a URL, without a trailing slash.
	URL string
	// ConfigFile is the path of its configuration file; empty without one.
	ConfigFile string
}

// ExporterOptions say how to start the exporter.
type ExporterOptions struct {
	// Config is what its configuration file says. By default, it has none.
	Config string
	// Address is where it listens. By default, on a loopback port that the
	// system chooses. An exporter that is started again at the address of a
	// killed one continues that one's target.
	Address string
	// Args are further flags.
	Args []string
	// Env is its whole environment, as NAME=value.
	Env []string
}

// StartExporter starts the exporter and waits until it listens. The binary is
// the one that E2E_EXPORTER names, else it is built now.
func StartExporter(t testing.TB, options ExporterOptions) *Exporter {
	t.Helper()
	e := &Exporter{Address: options.Address}
	if e.Address == "" {
		e.Address = "127.0.0.1:0"
	}
	// Without a first read, the API is asked only when a test scrapes. Its clock may be
	// simulated.
	args := []string{"--web.listen-address=" + e.Address, "--no-web.first-read", "--greenapi.max-clock-skew=3650d"}
	if options.Config != "" {
		e.ConfigFile = writeFile(t, "greenapi.yml", options.Config)
		args = append(args, "--config.file="+e.ConfigFile)
	}
	e.Process = startProcess(t, "greenapi_exporter", exporterBinary(t), options.Env, append(args, options.Args...)...)
	e.Address = e.awaitAddress(t)
	e.URL = "http://" + e.Address
	return e
}

// exporterBinary is the path of the exporter's binary, built if need be.
func exporterBinary(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("E2E_EXPORTER"); path != "" {
		return path
	}
	path := filepath.Join(t.TempDir(), "greenapi_exporter")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", path, ".")
	build.Dir = root
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the exporter: %v\n%s", err, text)
	}
	return path
}

// writeFile writes a file that only this user can read into a new temporary
// folder, and returns its path.
func writeFile(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
