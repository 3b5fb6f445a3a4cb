package e2e

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/prometheus/client_golang/api"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
)

// StartVictoriaMetrics starts a VictoriaMetrics with a folder of its own, which speaks
// the HTTP API of Prometheus. What was written can be asked for at once.
func StartVictoriaMetrics(t testing.TB, args ...string) *Prometheus {
	t.Helper()
	process := startVictoria(t, "victoria-metrics", append([]string{
		"-storageDataPath=" + t.TempDir(), "-retentionPeriod=100y", "-search.latencyOffset=0s", "-inmemoryDataFlushInterval=1s",
	}, args...)...)
	p := &Prometheus{Process: process, URL: "http://" + process.awaitAddress(t)}
	client, err := api.NewClient(api.Config{Address: p.URL})
	if err != nil {
		t.Fatal(err)
	}
	p.API = promv1.NewAPI(client)
	return p
}

// StartVMAgent starts a vmagent with a Prometheus configuration. It keeps in the
// folder what it could not write yet.
func StartVMAgent(t testing.TB, config, folder string, args ...string) *Process {
	t.Helper()
	process := startVictoria(t, "vmagent", append([]string{
		"-promscrape.config=" + writeFile(t, "prometheus.yml", config), "-remoteWrite.tmpDataPath=" + folder,
	}, args...)...)
	process.awaitAddress(t)
	return process
}

// StartVMAlert starts a vmalert that evaluates the rules of these files on a
// VictoriaMetrics, and keeps there what they gave.
func StartVMAlert(t testing.TB, rules, storage string, args ...string) *Process {
	t.Helper()
	process := startVictoria(t, "vmalert", append([]string{
		"-rule=" + rules, "-datasource.url=" + storage, "-remoteWrite.url=" + storage, "-remoteRead.url=" + storage,
	}, args...)...)
	process.awaitAddress(t)
	return process
}

func startVictoria(t testing.TB, name string, args ...string) *Process {
	t.Helper()
	return startProcess(t, name, VictoriaBinary(t, name), nil, append([]string{"-httpListenAddr=127.0.0.1:0"}, args...)...)
}

// VictoriaBinary is the path of a program of VictoriaMetrics, in the folder that
// E2E_VICTORIA names, else the Makefile's.
func VictoriaBinary(t testing.TB, name string) string {
	t.Helper()
	folder := os.Getenv("E2E_VICTORIA")
	if folder == "" {
		folder = filepath.Join(root, "bin")
	}
	path, err := filepath.Abs(filepath.Join(folder, name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v; make tools builds it, or name its folder in E2E_VICTORIA", err)
	}
	return path
}
