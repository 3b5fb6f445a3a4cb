//go:build e2e && look

package dashboards_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/deploy/e2e"
	"github.com/prometheus/common/model"
)

const (
	grafanaAddress = "127.0.0.1:3000" // by default; another port where it is taken
	grafanaStart   = 2 * time.Minute
	grafanaStop    = 15 * time.Second

	// The data sources of the world: the second has no rules, and native histograms only.
	sourceWithRules = "greenapi-prometheus"
	sourceNoRules   = "greenapi-no-rules"
)

// world is what deploy/compose.yaml starts, on this machine: the exporter with the
// accounts of the demo, a Prometheus that has the rules and two weeks of history, an
// Alertmanager and, where one is installed, a Grafana with the dashboards.
type world struct {
	exporter     *e2e.Exporter
	prometheus   *server
	alertmanager *e2e.Alertmanager
	grafana      string // its URL; empty where none is installed
}

// grafanaHome returns where Grafana is installed: GRAFANA_HOME, or where the program
// in PATH belongs to.
func grafanaHome() (program, home string, err error) {
	if home := os.Getenv("GRAFANA_HOME"); home != "" {
		program := filepath.Join(home, "bin", "grafana")
		if _, err := os.Stat(program); err != nil {
			return "", "", fmt.Errorf("GRAFANA_HOME is set, but: %w", err)
		}
		return program, home, nil
	}
	program, err = exec.LookPath("grafana")
	if err != nil {
		return "", "", fmt.Errorf("no Grafana: GRAFANA_HOME is not set, and no program grafana is in PATH")
	}
	if home = os.Getenv("GF_PATHS_HOME"); home == "" {
		home = "/usr/share/grafana" // where the packages of distributions put it
	}
	return program, home, nil
}

// newWorld starts the world. What is missing is said before the minutes that the
// history takes.
func newWorld(t *testing.T, withoutRules bool) *world {
	t.Helper()
	for _, name := range []string{"prometheus", "promtool"} {
		tool(t, name)
	}
	program, home, missing := grafanaHome()
	if missing != nil {
		t.Logf("%v.\nThere will be no dashboards to look at, but the exporter's own pages and Prometheus.", missing)
	}
	db := history(t)
	w := &world{
		exporter:     e2e.StartExporter(t, e2e.ExporterOptions{Args: []string{"--demo"}}),
		alertmanager: e2e.StartAlertmanager(t, deployed(t, "alertmanager", "alertmanager.yml")),
	}
	config := worldConfig(t, w.exporter.Address, w.alertmanager.URL)
	w.prometheus = startServer(t, db.path, config, "--enable-feature=extra-scrape-metrics")
	sources := []string{sourceWithRules, w.prometheus.url}
	if withoutRules {
		native := strings.Replace(config, "global:\n", "global:\n  convert_classic_histograms_to_nhcb: true\n", 1)
		bare := startServer(t, t.TempDir(), strings.Replace(native, deployed(t, "prometheus", "rules"), t.TempDir(), 1))
		sources = append(sources, sourceNoRules, bare.url)
	}
	if missing == nil {
		w.grafana = startGrafana(t, program, home, w.alertmanager.URL, sources)
	}
	return w
}

// kept is the history that a run leaves for the next one, which replays only what has
// passed since. FRESH=1 makes a new one.
const kept = "../bin/look"

// history returns a database of the last two weeks of the accounts of the demo.
func history(t *testing.T) *blocks {
	t.Helper()
	began := time.Now()
	s := scenario{
		from: began.Add(-replayed).Truncate(interval), progress: t.Logf,
		accounts: func(time.Time) []simulation.Account { return simulation.Demo(1, time.Now).Accounts() },
	}
	db := &blocks{path: t.TempDir()}
	stamp := filepath.Join(kept, historyKey(t))
	if text, err := os.ReadFile(stamp); err == nil && os.Getenv("FRESH") == "" {
		seconds, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
		if end := time.Unix(seconds, 0); err == nil && began.Sub(end) < 5*24*time.Hour {
			t.Logf("the history of an earlier run, until %s; FRESH=1 makes a new one", end.Format(time.DateTime))
			if err := os.CopyFS(db.path, os.DirFS(filepath.Join(kept, "blocks"))); err != nil {
				t.Fatal(err)
			}
			s.from = end.Add(interval)
		}
	}
	s.last = began.Sub(s.from).Truncate(interval)
	if s.last >= 2*interval {
		t.Logf("replaying %v", s.last)
		db.add(t, s)
		db.keep(t, stamp)
	}
	t.Logf("the history took %v", time.Since(began).Round(time.Second))
	return db
}

// historyKey names what a history is made of.
func historyKey(t *testing.T) string {
	t.Helper()
	hash := sha256.New()
	fmt.Fprintln(hash, interval)
	for _, name := range slices.Sorted(maps.Keys(wantedMetrics(t))) {
		fmt.Fprintln(hash, name)
	}
	for _, level := range recordLevels(t) {
		fmt.Fprintln(hash, level)
	}
	return fmt.Sprintf("%x", hash.Sum(nil)[:8])
}

// keep leaves the database to the next run.
func (db *blocks) keep(t *testing.T, stamp string) {
	t.Helper()
	if err := os.RemoveAll(kept); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(filepath.Join(kept, "blocks"), os.DirFS(db.path)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(stamp, fmt.Appendln(nil, db.to.Unix()), 0o600); err != nil {
		t.Fatal(err)
	}
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

// worldConfig is the configuration of deploy/compose, for programs that run here. The
// target goes on with the series of the replay.
func worldConfig(t *testing.T, exporter, alertmanager string) string {
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
// does, and returns its URL. Sources are the names and addresses of data sources, the
// default first.
func startGrafana(t *testing.T, program, home, alertmanager string, sources []string) string {
	t.Helper()
	here, err := filepath.Abs(".")
	if err != nil {
		t.Fatal(err)
	}
	provisioning, data := t.TempDir(), t.TempDir()
	datasources := withChanges(t, deployed(t, "grafana", "provisioning", "datasources", "greenapi.yaml"),
		"http://prometheus:9090", sources[1], "http://alertmanager:9093", alertmanager,
		"timeInterval: 60s", "timeInterval: "+model.Duration(interval).String()) // that of the replay, which most of the samples are of
	for n := 2; n < len(sources); n += 2 {
		datasources += fmt.Sprintf("  - {name: %q, uid: %q, type: prometheus, access: proxy, url: %q}\n", sources[n], sources[n], sources[n+1])
	}
	write(t, datasources, provisioning, "datasources")
	write(t, withChanges(t, deployed(t, "grafana", "provisioning", "dashboards", "greenapi.yaml"), "/var/lib/grafana-dashboards", here),
		provisioning, "dashboards")
	host, port, _ := net.SplitHostPort(freeAddress(t, grafanaAddress))
	ctx := context.WithoutCancel(t.Context()) // it is to end in order, after the test's context
	cmd := exec.CommandContext(ctx, program, "server", "--homepath="+home)
	cmd.Env = append(os.Environ(),
		"GF_PATHS_PROVISIONING="+provisioning, "GF_PATHS_DATA="+data, "GF_PATHS_LOGS="+data, "GF_PATHS_PLUGINS="+data,
		"GF_SERVER_HTTP_ADDR="+host, "GF_SERVER_HTTP_PORT="+port,
		"GF_AUTH_ANONYMOUS_ENABLED=true", "GF_AUTH_ANONYMOUS_ORG_ROLE=Viewer",
		"GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH="+filepath.Join(here, "greenapi-fleet.json"),
		"GF_ANALYTICS_REPORTING_ENABLED=false", "GF_ANALYTICS_CHECK_FOR_UPDATES=false", "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES=false",
		"GF_PLUGINS_PREINSTALL_DISABLED=true", "GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED=true", "GF_LOG_LEVEL=error",
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
	at := "http://" + net.JoinHostPort(host, port)
	await(t, grafanaStart, "Grafana answers", func(ctx context.Context) bool { return answers(ctx, at+"/api/health") })
	return at
}

// write writes a provisioning file.
func write(t *testing.T, text, folder, kind string) {
	t.Helper()
	if err := os.Mkdir(filepath.Join(folder, kind), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, kind, "greenapi.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// freeAddress returns an address or, where it is taken, one like it that is free.
func freeAddress(t *testing.T, address string) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", address)
	if err != nil {
		listener, err = config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// await waits until something is so.
func await(t *testing.T, limit time.Duration, what string, isSo func(context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	tick := time.NewTicker(250 * time.Millisecond)
	defer tick.Stop()
	for !isSo(ctx) {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("not so after %v: %s", limit, what)
		}
	}
}

func answers(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	response.Body.Close()
	return response.StatusCode == http.StatusOK
}

// awaitAlerts waits until the alerts fire that the accounts of the demo are for, and
// the exporter has been scraped a few times.
func (w *world) awaitAlerts(t *testing.T) {
	t.Helper()
	t.Log("waiting until alerts fire: some minutes")
	w.awaitQuery(t, 10*time.Minute, `count(ALERTS{alertname="GreenAPIAccountNotAuthorized", alertstate="firing"}) > 0`)
}

// awaitDown waits until Prometheus knows that the exporter is down.
func (w *world) awaitDown(t *testing.T) {
	t.Helper()
	t.Log("waiting until the exporter is known to be down, and the alert fires")
	w.awaitQuery(t, 10*time.Minute, `count(ALERTS{alertname="GreenAPIExporterDown", alertstate="firing"}) > 0`)
}

func (w *world) awaitQuery(t *testing.T, limit time.Duration, expr string) {
	t.Helper()
	client := newAPI(t, w.prometheus)
	await(t, limit, expr, func(ctx context.Context) bool {
		value, _, _, err := client.Query(ctx, expr, time.Now())
		if err != nil {
			return false
		}
		vector, ok := value.(model.Vector)
		return ok && len(vector) > 0
	})
}
