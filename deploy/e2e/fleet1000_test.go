//go:build e2e

package e2e_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/deploy/e2e"
)

const (
	fleetSeed     = 7
	fleetAccounts = 1000
	fleetMessages = 150 // a day and account, and a tenth as many calls
	// fleetLatency is how long GREEN-API takes for every answer: loopback hides
	// what a fleet needs.
	fleetLatency = time.Second
	// fleetInterval is how often each account is scraped.
	fleetInterval = 20 * time.Second
	// fleetRequests is --web.max-requests: no scrape is refused, however slow the
	// machine is. On an idle one 51 are served at once on average: 50 a second, of a
	// second each, and of the 5 a second that are broken some until the deadline.
	fleetRequests = fleetAccounts
	// brokenEvery so many accounts, one is broken later.
	brokenEvery = 10
)

const fleetPrometheus = `
scrape_configs:
  - job_name: exporter
    scrape_interval: 1s
    static_configs: [{targets: [%q]}]
  - job_name: fleet
    scrape_interval: %s
    scrape_timeout: 15s
    http_sd_configs: [{url: "http://%[1]s/sd"}]
`

// thousand is a fleet behind /probe, and the server that scrapes it.
type thousand struct {
	sim        *simulation.Simulation
	api        *greenapitest.Server
	exporter   *e2e.Exporter
	prometheus *e2e.Prometheus
	journals   map[string]map[string]map[string]float64 // rows by method, id and status
	broken     map[string]greenapitest.NamedFault       // by id
}

// TestFleetOfAThousand scrapes a thousand accounts through /probe: all are up and
// what is shown of them is right. Then a hundred of them break, in every way that
// is known, and the others do not notice.
func TestFleetOfAThousand(t *testing.T) { //nolint:paralleltest // it measures what a fleet costs, and wants the machine to itself
	f := startThousand(t)
	f.await(t, `greenapi_up == 1`, time.Now())
	f.checkValues(t)
	f.report(t, "all well")

	f.breakSome()
	since := time.Now()
	f.await(t, `up{job="fleet"} == 1`, since.Add(fleetInterval))
	f.checkUnharmed(t, since)
	f.checkBroken(t)
	f.report(t, fmt.Sprintf("%d broken", len(f.broken)))
	if code := f.exporter.Stop(t); code != 0 {
		t.Errorf("after SIGTERM the exporter ended with exit code %d, want 0", code)
	}
}

func startThousand(t *testing.T) *thousand {
	t.Helper()
	// A busy hour of a working day. While time stands still, values can be compared.
	clock := newClock(time.Date(2026, 3, 4, 14, 0, 0, 0, time.UTC))
	f := &thousand{
		journals: map[string]map[string]map[string]float64{},
		broken:   map[string]greenapitest.NamedFault{},
	}
	f.sim = simulation.New(simulation.Settings{Seed: fleetSeed, Clock: clock.now},
		simulation.Fleet(fleetSeed, fleetAccounts, fleetMessages)...)
	f.api = greenapitest.NewSimulationServer(f.sim)
	t.Cleanup(f.api.Close)
	f.rehearse(t)
	f.exporter = e2e.StartExporter(t, e2e.ExporterOptions{
		Config: string(f.sim.Configuration(f.api.URL)),
		Args: []string{
			"--no-web.instances-on-metrics", "--ledger.path=" + t.TempDir(),
			fmt.Sprintf("--web.max-requests=%d", fleetRequests),
			// An endless body is cut here: 200 times what these accounts have.
			"--greenapi.max-body-bytes=16MiB",
		},
	})
	f.prometheus = e2e.StartPrometheus(t, fmt.Sprintf(fleetPrometheus, f.exporter.Address, fleetInterval))
	return f
}

// rehearse asks for every journal, so that the simulation has made all its past
// before anybody waits for it. From then on, GREEN-API is slow.
func (f *thousand) rehearse(t *testing.T) {
	t.Helper()
	for _, method := range []string{greenapitest.MethodLastOutgoingMessages, greenapitest.MethodLastOutgoingCalls} {
		f.journals[method] = map[string]map[string]float64{}
		for _, account := range f.sim.Accounts() {
			f.journals[method][account.ID] = f.journal(t, account, method)
		}
	}
	for _, account := range f.sim.Accounts() {
		f.api.Instance(account.ID).Fault(greenapitest.AnyMethod, greenapitest.Fault{Delay: fleetLatency}, 0)
	}
}

// journal asks GREEN-API itself for the rows of a journal, by status.
func (f *thousand) journal(t *testing.T, account simulation.Account, method string) map[string]float64 {
	t.Helper()
	answer := e2e.Get(t, fmt.Sprintf("%s/waInstance%s/%s/%s?minutes=1440", f.api.URL, account.ID, method, account.Token))
	var rows []struct{ Status, StatusMessage string }
	if err := json.Unmarshal(answer.Body, &rows); err != nil || answer.Status != http.StatusOK {
		t.Fatalf("%s of %s: status %d, %v", method, account.Name, answer.Status, err)
	}
	counts := map[string]float64{}
	for _, row := range rows {
		counts[row.Status+row.StatusMessage]++
	}
	return counts
}

// await waits until this holds for every account by a scrape later than a time.
func (f *thousand) await(t *testing.T, condition string, after time.Time) {
	t.Helper()
	f.prometheus.Await(t, time.Until(after)+fleetInterval+5*time.Minute, // however slow the machine
		fmt.Sprintf(`count(%s and on (target) timestamp(up{job="fleet"}) > %.3f) == bool %d`, condition, unix(after), fleetAccounts))
}

// byAccount evaluates a query that gives a sample an account.
func (f *thousand) byAccount(t *testing.T, query string) map[string]float64 {
	t.Helper()
	values := map[string]float64{}
	for _, sample := range f.prometheus.Vector(t, query) {
		values[string(sample.Metric["id_instance"])] = float64(sample.Value)
	}
	return values
}

// checkValues compares what is shown of every account with its journals.
func (f *thousand) checkValues(t *testing.T) {
	t.Helper()
	for method, query := range map[string]string{
		greenapitest.MethodLastOutgoingMessages: `sum by (id_instance, status) (greenapi_window_messages) > 0`,
		greenapitest.MethodLastOutgoingCalls:    `sum by (id_instance, status) (greenapi_window_calls) > 0`,
	} {
		shown := map[string]map[string]float64{}
		for _, account := range f.sim.Accounts() {
			shown[account.ID] = map[string]float64{}
		}
		for _, sample := range f.prometheus.Vector(t, query) {
			shown[string(sample.Metric["id_instance"])][string(sample.Metric["status"])] = float64(sample.Value)
		}
		if diff := cmp.Diff(f.journals[method], shown); diff != "" {
			t.Errorf("what %s holds (-) and what is shown (+) differ, by status:\n%s", method, diff)
		}
	}
	records := f.prometheus.Vector(t, `sum(greenapi_window_records)`)
	held := 0.0
	for _, journals := range f.journals {
		for _, rows := range journals {
			for _, n := range rows {
				held += n
			}
		}
	}
	if len(records) != 1 || float64(records[0].Value) != held || held < 100*fleetAccounts {
		t.Errorf("%v records are shown of %v, want all, and %d at least", records, held, 100*fleetAccounts)
	}
}

// breakSome breaks every tenth account, each in another of the known ways.
func (f *thousand) breakSome() {
	faults := greenapitest.Faults()
	for i, account := range f.sim.Accounts() {
		if i%brokenEvery == 0 {
			fault := faults[len(f.broken)%len(faults)]
			f.broken[account.ID] = fault
			instance := f.api.Instance(account.ID)
			instance.ClearFaults()
			instance.Fault(greenapitest.AnyMethod, fault.Fault, 0)
		}
	}
}

// checkUnharmed checks that the accounts which are not broken were answered for,
// and up, all the time.
func (f *thousand) checkUnharmed(t *testing.T, since time.Time) {
	t.Helper()
	period := time.Since(since).Round(time.Second)
	up := f.byAccount(t, fmt.Sprintf(`min_over_time(greenapi_up[%s])`, period))
	answered := map[string]bool{}
	for _, sample := range f.prometheus.Vector(t, fmt.Sprintf(`min_over_time(up{job="fleet"}[%s])`, period)) {
		answered[string(sample.Metric["target"])] = sample.Value == 1
	}
	for _, account := range f.sim.Accounts() {
		if _, broken := f.broken[account.ID]; !broken && (up[account.ID] != 1 || !answered[account.Name]) {
			t.Errorf("%s was not up all the time (answered: %t), and nothing is wrong with it", account.Name, answered[account.Name])
		}
	}
}

// checkBroken checks that each broken account says what is wrong with it.
func (f *thousand) checkBroken(t *testing.T) {
	t.Helper()
	up := f.byAccount(t, `greenapi_up`)
	reasons := map[string]string{} // "" is success
	for _, sample := range f.prometheus.Vector(t, `greenapi_scrape_collector_failure{collector="messages"}`) {
		reasons[string(sample.Metric["id_instance"])] = string(sample.Metric["reason"])
	}
	for id, fault := range f.broken {
		reason := reasons[id]
		if !slices.Contains(fault.Reasons, reason) {
			t.Errorf("%s: the reason shown is %q, want one of %q", fault.Name, reason, fault.Reasons)
		}
		if reason != "" && up[id] != 0 {
			t.Errorf("%s: it is up, with the reason %q", fault.Name, reason)
		}
	}
}

// report logs what the exporter has used so far.
func (f *thousand) report(t *testing.T, when string) {
	t.Helper()
	value := func(query string) model.SampleValue {
		vector := f.prometheus.Vector(t, query)
		if len(vector) != 1 {
			t.Fatalf("%s gives %d samples, want 1", query, len(vector))
		}
		return vector[0].Value
	}
	t.Logf("%s: %.1f s of processor time within %.0f s, %.0f MB resident at most, %.0f goroutines at most, %.0f probes, the slowest of %.1f s", when,
		value(`process_cpu_seconds_total`), value(`time() - process_start_time_seconds`),
		value(`max_over_time(process_resident_memory_bytes[10m])`)/1e6, value(`max_over_time(go_goroutines[10m])`),
		value(`sum(count_over_time(up{job="fleet"}[10m]))`), value(`max(max_over_time(scrape_duration_seconds{job="fleet"}[10m]))`))
}
