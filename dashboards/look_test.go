//go:build e2e && look

package dashboards_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/deploy/e2e"
	"github.com/prometheus/common/model"
)

const (
	grafanaAddress = "127.0.0.1:3000"
	grafanaStop    = 15 * time.Second
)

// TestLook is for a human to look at the dashboards, with the build tag look: it
// replays the accounts of the demo through the two weeks before now, and then has the
// exporter serve them, a Prometheus with the rules scrape it, an Alertmanager and,
// where one is installed, a Grafana with the dashboards, as deploy/compose.yaml does,
// until it is interrupted.
func TestLook(t *testing.T) {
	t.Parallel()
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	t.Log("replaying two weeks; a few minutes")
	db := newBlocks(t, story{
		from: time.Now().Add(-replayed).Truncate(interval),
		accounts: func(time.Time) []simulation.Account {
			return simulation.Demo(1, time.Now).Accounts()
		},
	})
	exporter := e2e.StartExporter(t, e2e.ExporterOptions{Args: []string{"--demo"}})
	alertmanager := e2e.StartAlertmanager(t, deployed(t, "alertmanager", "alertmanager.yml"))
	prometheus := startServer(t, db.path, lookConfig(t, exporter.Address, alertmanager.URL), "--enable-feature=extra-scrape-metrics")
	t.Logf("exporter %s\nPrometheus (its API) %s\nAlertmanager %s\nGrafana %s\nCtrl-C ends all of them",
		exporter.URL, prometheus.url, alertmanager.URL, startGrafana(t, prometheus.url, alertmanager.URL))
	<-ctx.Done()
}

// deployed is the path of a file of deploy.
func deployed(t *testing.T, names ...string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join(append([]string{"..", "deploy"}, names...)...))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// lookConfig is the configuration of deploy/compose, for programs that run here. The
// target goes on with the series of the replay.
func lookConfig(t *testing.T, exporter, alertmanager string) string {
	t.Helper()
	return withChanges(t, deployed(t, "compose", "prometheus.yml"),
		"targets: [exporter:10174]", fmt.Sprintf("targets: [%q]\n        labels: {instance: %q}", exporter, replayInstance),
		"/etc/prometheus/greenapi/rules", deployed(t, "prometheus", "rules"),
		"alertmanager:9093", strings.TrimPrefix(alertmanager, "http://"),
	)
}

// withChanges returns a file with each of some texts in it replaced.
func withChanges(t *testing.T, file string, oldNew ...string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n < len(oldNew); n += 2 {
		if !strings.Contains(string(text), oldNew[n]) {
			t.Fatalf("%s does not name %s", file, oldNew[n])
		}
	}
	return strings.NewReplacer(oldNew...).Replace(string(text))
}

// startGrafana starts the Grafana that is installed, provisioned as deploy/compose.yaml
// does, and returns its URL; where there is none, it says so. Grafana finds what
// belongs to it in GF_PATHS_HOME; by default, where the packages of distributions put
// it.
func startGrafana(t *testing.T, prometheus, alertmanager string) string {
	t.Helper()
	path, err := exec.LookPath("grafana")
	if errors.Is(err, exec.ErrNotFound) {
		return "is not installed: no program grafana in PATH; import dashboards/*.json into one, with the Prometheus above"
	}
	if err != nil {
		t.Fatal(err)
	}
	home := os.Getenv("GF_PATHS_HOME")
	if home == "" {
		home = "/usr/share/grafana"
	}
	dashboards, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	provisioning, data := t.TempDir(), t.TempDir()
	provision(t, provisioning, "datasources", "http://prometheus:9090", prometheus, "http://alertmanager:9093", alertmanager,
		"timeInterval: 60s", "timeInterval: "+model.Duration(interval).String()) // that of the replay, which most of the samples are of
	provision(t, provisioning, "dashboards", "/var/lib/grafana-dashboards", dashboards)

	host, port, _ := strings.Cut(grafanaAddress, ":")
	ctx := context.WithoutCancel(t.Context()) // it is to end in order, after the test's context
	cmd := exec.CommandContext(ctx, path, "server", "--homepath="+home)
	cmd.Env = append(os.Environ(),
		"GF_PATHS_PROVISIONING="+provisioning, "GF_PATHS_DATA="+data, "GF_PATHS_LOGS="+data,
		"GF_SERVER_HTTP_ADDR="+host, "GF_SERVER_HTTP_PORT="+port,
		"GF_AUTH_ANONYMOUS_ENABLED=true", "GF_AUTH_ANONYMOUS_ORG_ROLE=Viewer",
		"GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH="+filepath.Join(dashboards, "greenapi-fleet.json"),
		"GF_ANALYTICS_REPORTING_ENABLED=false", "GF_ANALYTICS_CHECK_FOR_UPDATES=false", "GF_LOG_LEVEL=error",
	)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		kill := time.AfterFunc(grafanaStop, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended with the same Ctrl-C
		_ = cmd.Wait()                          // however it ended
	})
	return "http://" + grafanaAddress
}

// provision copies a file of deploy/grafana/provisioning, with changes.
func provision(t *testing.T, folder, kind string, oldNew ...string) {
	t.Helper()
	text := withChanges(t, deployed(t, "grafana", "provisioning", kind, "greenapi.yaml"), oldNew...)
	if err := os.Mkdir(filepath.Join(folder, kind), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, kind, "greenapi.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
