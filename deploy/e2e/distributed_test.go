//go:build e2e

package e2e_test

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/deploy/e2e"
)

var (
	distributedAgents   = flag.String("distributed.agents", "vmagent", "which agents scrape the fleet beyond one machine, one kind after the other: prometheus, vmagent")
	distributedAccounts = flag.Int("distributed.accounts", 45, "accounts of the fleet beyond one machine")
	distributedMessages = flag.Float64("distributed.messages", 8000, "messages a day of each")
	distributedInterval = flag.Duration("distributed.interval", 5*time.Second, "scrape interval of the fleet beyond one machine")
	distributedEvery    = flag.Duration("distributed.minute", time.Second, "what a minute is in the rules of the fleet beyond one machine: how often they are evaluated, and how long alerts wait")
	distributedPhase    = flag.Duration("distributed.phase", 8*time.Second, "how long each phase of it lasts: all well, a shard dead, all well, an agent dead, all well")
)

const (
	distributedSeed   = 13
	distributedShards = 3
	// distributedLimit bounds the wait for what is due, in scrape intervals.
	distributedLimit = 30
)

// distributed is a fleet beyond one machine, as deploy/fleet.md has it: shards of
// exporters, two agents that scrape all of them, a storage, and rules that are
// evaluated on it.
type distributed struct {
	sim      *simulation.Simulation
	shards   []*e2e.Exporter
	options  []e2e.ExporterOptions
	storage  *e2e.Prometheus
	agents   []*e2e.Process
	start    func(t *testing.T, replica int) *e2e.Process // starts an agent, again too
	receiver *webhook
}

// TestFleetBeyondOneMachine kills a shard and an agent of a fleet while messages and
// calls go out. In the end, the storage has what happened, nothing of it twice, and
// whoever is on call was told what was due, once.
func TestFleetBeyondOneMachine(t *testing.T) {
	t.Parallel()
	for agents := range strings.SplitSeq(*distributedAgents, ",") {
		t.Run(agents, func(t *testing.T) {
			begin := time.Now().Truncate(time.Second)
			clock := newClock(begin)
			d := startDistributed(t, agents, begin, clock)
			d.awaitRead(t, time.Now())
			d.startRules(t) // before, there is no target to be seen, which is an alert

			clock.run(1)
			time.Sleep(*distributedPhase)
			d.sim.AddIncident(suspendedID, simulation.Incident{Kind: simulation.IncidentLogout, From: clock.now()})
			d.shards[1].Kill()
			d.storage.Await(t, distributedLimit**distributedInterval, `ALERTS{alertname="GreenAPIExporterDown",alertstate="firing"}`)
			time.Sleep(*distributedPhase)
			d.shards[1] = e2e.StartExporter(t, d.options[1])
			time.Sleep(*distributedPhase)
			d.agents[0].Kill()
			time.Sleep(*distributedPhase)
			d.agents[0] = d.start(t, 0)
			time.Sleep(*distributedPhase)

			end := clock.stop()
			d.awaitRead(t, time.Now())
			d.awaitRead(t, time.Now()) // agents write a scrape in parts: of the one before, all are there by now
			want := happened(d.sim, begin, end)
			if total(want, "greenapi_messages_observed_total") < 100 {
				t.Errorf("too little happened to be worth counting: %v messages", total(want, "greenapi_messages_observed_total"))
			}
			checkHistories(t, d.stored(t), want)
			d.checkTold(t)
		})
	}
}

func startDistributed(t *testing.T, agents string, begin time.Time, clock *clock) *distributed {
	t.Helper()
	behaviour := simulation.UsualBehaviour()
	behaviour.ReceiptsReset = 0 // what comes and goes while an exporter is down leaves no trace
	accounts := simulation.Fleet(distributedSeed, *distributedAccounts, *distributedMessages)
	accounts[0].ID, accounts[0].Name = suspendedID, "support"
	for n := range accounts {
		accounts[n].Behaviour, accounts[n].Rhythm, accounts[n].Since = &behaviour, simulation.RhythmFlat(), begin.Add(-pairHistory)
	}
	d := &distributed{sim: simulation.New(simulation.Settings{Seed: distributedSeed, Clock: clock.now}, accounts...)}
	api := greenapitest.NewSimulationServer(d.sim)
	t.Cleanup(api.Close)
	d.startShards(t, api.URL)
	d.storage = e2e.StartVictoriaMetrics(t, "-dedup.minScrapeInterval="+distributedInterval.String())
	folders := []string{t.TempDir(), t.TempDir()}
	d.start = func(t *testing.T, replica int) *e2e.Process {
		t.Helper()
		if agents == "vmagent" {
			return e2e.StartVMAgent(t, d.agentConfig(t, "vmagent.yml", replica), folders[replica], "-remoteWrite.url="+d.storage.URL+"/api/v1/write",
				"-remoteWrite.flushInterval=1s", fmt.Sprintf("-promscrape.cluster.name=agent-%d", replica))
		}
		return e2e.StartAgent(t, d.agentConfig(t, "agent.yml", replica), folders[replica])
	}
	d.agents = []*e2e.Process{d.start(t, 0), d.start(t, 1)}
	return d
}

// startShards starts exporters that share the accounts by their configuration files.
func (d *distributed) startShards(t *testing.T, api string) {
	t.Helper()
	lines := make([]string, distributedShards)
	for n, account := range d.sim.Accounts() {
		lines[n%distributedShards] += fmt.Sprintf("- {id: %q, name: %q, token: %q, api_url: %q}\n", account.ID, account.Name, account.Token, api)
	}
	for _, instances := range lines {
		options := e2e.ExporterOptions{
			Config: "instances:\n" + instances,
			Args: []string{
				"--ledger.path=" + t.TempDir(), "--greenapi.window=1h", "--no-web.instances-on-metrics",
				"--greenapi.min-interval=" + (*distributedInterval - time.Second).String(),
				fmt.Sprintf("--web.max-requests=%d", *distributedAccounts),
			},
		}
		exporter := e2e.StartExporter(t, options)
		options.Address = exporter.Address
		d.shards, d.options = append(d.shards, exporter), append(d.options, options)
	}
}

// startRules has vmalert evaluate the project's rules, and Alertmanager tell.
func (d *distributed) startRules(t *testing.T) {
	t.Helper()
	rules := t.TempDir()
	copyRules(t, rules, *distributedEvery)
	d.receiver = startWebhook(t)
	alertmanager := e2e.StartAlertmanager(t, quickAlertmanager(t, d.receiver.URL))
	e2e.StartVMAlert(t, filepath.Join(rules, "*.yml"), d.storage.URL, "-notifier.url="+alertmanager.URL,
		"-evaluationInterval="+distributedEvery.String(), "-rule.evalDelay="+distributedInterval.String(), "-remoteWrite.flushInterval=1s", "-disableAlertgroupLabel")
}

// agentConfig is the project's configuration of an agent, with the addresses of this
// fleet and its interval.
func (d *distributed) agentConfig(t *testing.T, name string, replica int) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "fleet", name))
	if err != nil {
		t.Fatal(err)
	}
	changes := []string{
		"http://victoriametrics:8428", d.storage.URL, "agent-0 #", fmt.Sprintf("agent-%d #", replica),
		"interval: 60s", "interval: " + distributedInterval.String(), "timeout: 30s", "timeout: " + distributedInterval.String(),
	}
	for n, shard := range d.shards {
		changes = append(changes, fmt.Sprintf("greenapi-exporter-%d.greenapi-exporter:10174", n), shard.Address)
	}
	return strings.NewReplacer(changes...).Replace(string(text))
}

// awaitRead waits until the storage has, of both journals of every account, a reading
// that began after a time.
func (d *distributed) awaitRead(t *testing.T, after time.Time) {
	t.Helper()
	d.storage.Await(t, time.Minute+distributedLimit**distributedInterval, fmt.Sprintf(
		`count(greenapi_last_success_timestamp_seconds{collector=~"calls|messages"}
			- greenapi_scrape_collector_duration_seconds{collector=~"calls|messages"} > %.3f) == bool %d`,
		unix(after), 2*len(d.sim.Accounts())))
}

// stored are the samples of all counters in the storage, by series as the exporter
// shows it. A series that is there twice fails the test.
func (d *distributed) stored(t *testing.T) map[string]history {
	t.Helper()
	query := url.Values{"match[]": {fmt.Sprintf(`{__name__=~%q}`, strings.Join(counterNames, "|"))}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, d.storage.URL+"/api/v1/export?"+query.Encode(), http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	stored := map[string]history{}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var series struct {
			Metric     model.Metric `json:"metric"`
			Values     []*float64   `json:"values"` // null where the series ended
			Timestamps []int64      `json:"timestamps"`
		}
		if err := json.Unmarshal(lines.Bytes(), &series); err != nil {
			t.Fatalf("%v: %s", err, lines.Bytes())
		}
		for _, name := range []model.LabelName{"job", "instance", "target"} {
			delete(series.Metric, name)
		}
		h := history{id: series.Metric["id_instance"]}
		for n, value := range series.Values {
			if value != nil {
				h.samples = append(h.samples, model.SamplePair{Timestamp: model.Time(series.Timestamps[n]), Value: model.SampleValue(*value)})
			}
		}
		key := e2e.SeriesKey(series.Metric) // vmagent keeps bounds as they are written: "6" in the text format
		if _, twice := stored[key]; twice {
			t.Errorf("%s is stored twice", key)
		}
		stored[key] = h
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return stored
}

// checkTold checks that whoever is on call was told of the account that is logged out
// and of the shard that was dead, of each once, and of no other account.
func (d *distributed) checkTold(t *testing.T) {
	t.Helper()
	d.receiver.mu.Lock()
	defer d.receiver.mu.Unlock()
	told := map[string]int{}
	for _, n := range d.receiver.all {
		if n.receiver != "/on-call" || n.Status != "firing" {
			continue
		}
		for _, alert := range n.Alerts {
			told[alert.Labels["alertname"]+" "+alert.Labels["job"]+alert.Labels["id_instance"]+" "+alert.Labels["instance"]]++
		}
	}
	want := map[string]int{
		"GreenAPIAccountNotAuthorized " + suspendedID + " ": 1,
		"GreenAPIExporterDown  " + d.shards[1].Address:      1, // though two jobs scrape it
	}
	if !maps.Equal(told, want) {
		t.Errorf("on call was told %v, want %v; all notifications: %v", told, want, d.receiver.all)
	}
	ids := slices.DeleteFunc(slices.Collect(maps.Keys(d.receiver.accounts())), func(id string) bool { return id == suspendedID })
	if len(ids) > 0 {
		t.Errorf("something was told of %d accounts with which nothing is wrong: %v", len(ids), ids)
	}
}

// accounts are those of which something was told; the mutex is held.
func (w *webhook) accounts() map[string]bool {
	all := map[string]bool{}
	for _, n := range w.all {
		for _, alert := range n.Alerts {
			if id := alert.Labels["id_instance"]; id != "" {
				all[id] = true
			}
		}
	}
	return all
}
