package e2e

import (
	"os"
	"path/filepath"
	"testing"
)

// Alertmanager is a running Alertmanager, alone in its cluster.
type Alertmanager struct {
	*Process
	// Address is where it listens, as host:port.
	Address string
	// URL is the same as the base of a URL, without a trailing slash.
	URL string
}

// StartAlertmanager starts an Alertmanager with the configuration file at this path
// and waits until it listens. The binary is the one that E2E_ALERTMANAGER names,
// else the Makefile's.
func StartAlertmanager(t testing.TB, configFile string) *Alertmanager {
	t.Helper()
	a := &Alertmanager{Process: startProcess(t, "alertmanager", alertmanagerBinary(t), nil,
		"--config.file="+configFile,
		"--storage.path="+t.TempDir(),
		"--web.listen-address=127.0.0.1:0",
		"--cluster.listen-address=", // no gossip
	)}
	a.Address = a.awaitAddress(t)
	a.URL = "http://" + a.Address
	return a
}

// alertmanagerBinary is the path of the Alertmanager binary.
func alertmanagerBinary(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("E2E_ALERTMANAGER"); path != "" {
		return path
	}
	path, err := filepath.Abs(filepath.Join(root, "bin", "alertmanager"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v; make tools builds it, or name one in E2E_ALERTMANAGER", err)
	}
	return path
}
