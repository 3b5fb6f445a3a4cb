//go:build e2e

package e2e_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/deploy/e2e"
)

// alertingConfig scrapes the exporter and evaluates the project's rules.
const alertingConfig = `
global: {scrape_interval: 5s, scrape_timeout: 5s, evaluation_interval: 1s}
rule_files: [%q]
scrape_configs: [{job_name: greenapi, static_configs: [{targets: [%q]}]}]
alerting: {alertmanagers: [{static_configs: [{targets: [%q]}]}]}
`

const suspendedID = "1101000001"

// notification is what Alertmanager sends to a webhook, as far as looked at.
type notification struct {
	receiver string // the path of the webhook
	Status   string `json:"status"`
	Alerts   []struct {
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"alerts"`
}

// webhook receives notifications.
type webhook struct {
	*httptest.Server
	arrived chan notification

	mu  sync.Mutex
	all []notification
}

func startWebhook(t *testing.T) *webhook {
	t.Helper()
	w := &webhook{arrived: make(chan notification, 100)}
	w.Server = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		n := notification{receiver: r.URL.Path}
		if err := json.NewDecoder(r.Body).Decode(&n); err != nil {
			t.Errorf("a notification cannot be read: %v", err)
		}
		for _, alert := range n.Alerts {
			want := map[string]string{suspendedID: suspendedID + " (support)"}[alert.Labels["id_instance"]] // some are about none
			if got := alert.Annotations["account"]; got != want {
				t.Errorf("the account of %v is called %q, want %q", alert.Labels, got, want)
			}
		}
		w.mu.Lock()
		w.all = append(w.all, n)
		w.mu.Unlock()
		w.arrived <- n
	}))
	t.Cleanup(w.Close)
	return w
}

// notified returns the labels of the alerts that were told so far, by name.
func (w *webhook) notified() map[string]map[string]string {
	w.mu.Lock()
	defer w.mu.Unlock()
	all := make(map[string]map[string]string)
	for _, n := range w.all {
		for _, alert := range n.Alerts {
			all[alert.Labels["alertname"]] = alert.Labels
		}
	}
	return all
}

// TestSuspendedAccountIsTold goes the whole way: an account is suspended while the
// API answers 200, and whoever is on call is told so, once, without its symptoms.
func TestSuspendedAccountIsTold(t *testing.T) {
	t.Parallel()
	sim := simulation.New(simulation.Settings{Seed: 7}, simulation.Account{
		ID: suspendedID, Name: "support", Token: "0a1b2c3d", MessagesPerDay: 60000, Rhythm: simulation.RhythmFlat(), Contacts: 5000,
	})
	server := greenapitest.NewSimulationServer(sim)
	t.Cleanup(server.Close)
	exporter := e2e.StartExporter(t, e2e.ExporterOptions{
		Config: string(sim.Configuration(server.URL)),
		Args:   []string{"--greenapi.min-interval=4s", "--greenapi.window=30m"},
	})
	receiver := startWebhook(t)
	alertmanager := e2e.StartAlertmanager(t, quickAlertmanager(t, receiver.URL))
	rules := t.TempDir()
	prometheus := e2e.StartPrometheus(t, fmt.Sprintf(alertingConfig, filepath.Join(rules, "*.yml"), strings.TrimPrefix(exporter.URL, "http://"), alertmanager.Address))

	// Prometheus takes 5 seconds to its first scrape, and as long is the wait of
	// GreenAPIExporterDown here: the rules come after it.
	prometheus.Await(t, 2*time.Minute, `greenapi_messages_sent_total{chat_type="private"} > 0`)
	copyRules(t, rules, time.Second)
	prometheus.Signal(t, syscall.SIGHUP)
	prometheus.Await(t, time.Minute, `id_instance:greenapi_threshold:suspended_messages`)
	sim.AddIncident(suspendedID, simulation.Incident{Kind: simulation.IncidentRestriction, From: time.Now()})

	deadline := time.After(2 * time.Minute)
	for told := false; !told; {
		select {
		case n := <-receiver.arrived:
			told = n.receiver == "/on-call" && n.Status == "firing"
		case <-deadline:
			t.Fatalf("nobody was told; firing: %v", prometheus.Query(t, "ALERTS"))
		}
	}
	// The symptom fires, and Alertmanager mutes it.
	prometheus.Await(t, 2*time.Minute, `ALERTS{alertname="GreenAPIMessagesSuspended",alertstate="firing"}`)
	awaitMuted(t, alertmanager, "GreenAPIMessagesSuspended")

	want := map[string]map[string]string{
		"GreenAPIAccountSuspended": {
			"alertname": "GreenAPIAccountSuspended", "id_instance": suspendedID, "severity": "critical",
		},
	}
	if diff := cmp.Diff(want, receiver.notified()); diff != "" {
		t.Errorf("told (-want +got):\n%s", diff)
	}
}

// TestMutedAlertsMuteOnlyTheirSymptoms posts alerts to Alertmanager: an alert that is
// muted itself mutes still, and must not take along what it does not explain.
func TestMutedAlertsMuteOnlyTheirSymptoms(t *testing.T) {
	t.Parallel()
	type alerts []map[string]string
	of := func(severity string, names ...string) alerts {
		var all alerts
		for _, name := range names {
			all = append(all, map[string]string{"alertname": name, "severity": severity, "id_instance": suspendedID})
		}
		return all
	}
	down := func(others string) map[string]string {
		return map[string]string{"alertname": "GreenAPIExporterDown", "severity": "critical", "instance": "a:10174", "others": others}
	}
	lost := map[string]string{"alertname": "GreenAPIAccountsNotScraped", "severity": "warning"}
	for _, test := range []struct {
		name        string
		told, muted alerts
	}{
		{
			"the status webhook is off",
			of("warning", "GreenAPIStatusWebhookOff", "GreenAPINoAccountSurge"),
			of("critical", "GreenAPIMessagesStuckSent"),
		},
		{
			"an account does not come up",
			of("warning", "GreenAPIAccountStuckStarting", "GreenAPIClockSkew"),
			append(of("critical", "GreenAPIDataStale"), of("warning", "GreenAPICollectorFailing")...),
		},
		{
			"one of two exporters is down",
			append(of("critical", "GreenAPIAccountBlocked"), down("answer")),
			alerts{lost},
		},
		{
			"the only exporter is down",
			alerts{down("")},
			append(of("critical", "GreenAPIAccountBlocked"), lost),
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			receiver := startWebhook(t)
			alertmanager := e2e.StartAlertmanager(t, quickAlertmanager(t, receiver.URL))
			postAlerts(t, alertmanager, slices.Concat(test.told, test.muted))
			for _, labels := range test.muted {
				awaitMuted(t, alertmanager, labels["alertname"])
			}
			deadline := time.After(time.Minute)
			for len(receiver.notified()) < len(test.told) {
				select {
				case <-receiver.arrived:
				case <-deadline:
					t.Fatalf("of %v only %v are told", test.told, receiver.notified())
				}
			}
			for _, labels := range test.told {
				if receiver.notified()[labels["alertname"]] == nil {
					t.Errorf("%s is not told, but %v", labels["alertname"], receiver.notified())
				}
			}
		})
	}
}

// TestOutageIsOneNotification posts what fires when the API fails for 200 accounts: who
// is on call is told once.
func TestOutageIsOneNotification(t *testing.T) {
	t.Parallel()
	receiver := startWebhook(t)
	alertmanager := e2e.StartAlertmanager(t, quickAlertmanager(t, receiver.URL))
	alerts := []map[string]string{{"alertname": "GreenAPIManyAccountsFailing", "severity": "critical", "reason": "server_error"}}
	for n := range 200 {
		for _, collector := range []string{"calls", "messages"} {
			for alert, severity := range map[string]string{"GreenAPICollectorFailing": "warning", "GreenAPIDataStale": "critical"} {
				alerts = append(alerts, map[string]string{
					"alertname": alert, "severity": severity, "id_instance": fmt.Sprint(1101000002 + n), "collector": collector,
				})
			}
		}
	}
	postAlerts(t, alertmanager, alerts)
	// This one waits as long as the others do before it is told, and comes after them.
	last := map[string]string{"alertname": "GreenAPIAccountBlocked", "severity": "critical", "id_instance": suspendedID}
	postAlerts(t, alertmanager, []map[string]string{last})
	deadline := time.After(time.Minute)
	for receiver.notified()["GreenAPIAccountBlocked"] == nil || receiver.notified()["GreenAPIManyAccountsFailing"] == nil {
		select {
		case <-receiver.arrived:
		case <-deadline:
			t.Fatalf("only %v are told", receiver.notified())
		}
	}
	receiver.mu.Lock()
	defer receiver.mu.Unlock()
	if len(receiver.all) != 2 {
		t.Errorf("%d notifications, want 1 and the last one: %v", len(receiver.all), receiver.all)
	}
}

// postAlerts tells Alertmanager of alerts, as Prometheus does.
func postAlerts(t *testing.T, alertmanager *e2e.Alertmanager, alerts []map[string]string) {
	t.Helper()
	var all []map[string]any
	for _, labels := range alerts {
		annotations := make(map[string]string)
		if id := labels["id_instance"]; id != "" {
			annotations["account"] = id + " (support)"
		}
		all = append(all, map[string]any{"labels": labels, "annotations": annotations})
	}
	body, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, alertmanager.URL+"/api/v2/alerts", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		t.Fatalf("Alertmanager answers %s", response.Status)
	}
}

// awaitMuted waits until Alertmanager says that an alert is inhibited.
func awaitMuted(t *testing.T, alertmanager *e2e.Alertmanager, alert string) {
	t.Helper()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	url := alertmanager.URL + "/api/v2/alerts?filter=alertname=" + alert
	for {
		var answer []struct {
			Status struct {
				InhibitedBy []string `json:"inhibitedBy"`
			} `json:"status"`
		}
		text := e2e.Get(t, url).Body
		if err := json.Unmarshal(text, &answer); err != nil {
			t.Fatalf("%s: %v: %s", url, err, text)
		}
		if len(answer) == 1 && len(answer[0].Status.InhibitedBy) > 0 {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s is not muted: %s", alert, text)
		}
	}
}

var minutes = regexp.MustCompile(`(?m)^( +(?:interval|for)): (\d+)m$`)

// copyRules copies the project's rules, a minute of waiting turned into less and
// nothing else changed.
func copyRules(t *testing.T, folder string, minute time.Duration) {
	t.Helper()
	files, err := filepath.Glob("../prometheus/rules/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no rules: %v", err)
	}
	for _, file := range files {
		copyFile(t, file, folder, func(text string) string {
			return minutes.ReplaceAllStringFunc(text, func(line string) string {
				key, n, _ := strings.Cut(strings.TrimSuffix(line, "m"), ": ")
				waits, err := strconv.Atoi(n)
				if err != nil {
					t.Fatal(err)
				}
				return fmt.Sprintf("%s: %ds", key, waits*int(minute.Seconds()))
			})
		})
	}
}

// quickAlertmanager copies the project's configuration of Alertmanager, which waits
// a second and tells the webhook here, and returns its path.
func quickAlertmanager(t *testing.T, receiver string) string {
	t.Helper()
	folder := t.TempDir()
	copyFile(t, "../alertmanager/greenapi.tmpl", folder, func(text string) string { return text })
	return copyFile(t, "../alertmanager/alertmanager.yml", folder, strings.NewReplacer(
		"http://127.0.0.1:9095", receiver, "group_wait: 30s", "group_wait: 1s", "group_interval: 5m", "group_interval: 1s").Replace)
}

func copyFile(t *testing.T, file, folder string, change func(string) string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, filepath.Base(file))
	if err := os.WriteFile(path, []byte(change(string(text))), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
