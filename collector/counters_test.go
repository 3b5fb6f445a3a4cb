package collector_test

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
	dto "github.com/prometheus/client_model/go"
)

// simulated is a fleet over simulated accounts, on a fake clock.
type simulated struct {
	*collector.Fleet
	sim *simulation.Simulation
	srv *greenapitest.Server
	cfg *config.Config
}

func newSimulated(t *testing.T, settings simulation.Settings, accounts ...simulation.Account) *simulated {
	t.Helper()
	settings.Clock = time.Now
	for n := range accounts {
		accounts[n].TextBytes = 1 // Nothing here is about texts, and the race detector looks at every byte.
	}
	s := &simulated{sim: simulation.New(settings, accounts...), srv: greenapitest.NewPipeServer()}
	t.Cleanup(s.srv.Close)
	s.srv.SetEncoding(greenapitest.EncodingPlain)
	s.srv.AddSimulation(s.sim)
	yaml := "instances:\n"
	for _, a := range s.sim.Accounts() {
		yaml += fmt.Sprintf("- {id: %q, token: %q, api_url: %q}\n", a.ID, a.Token, s.srv.URL)
	}
	var err error
	s.cfg, err = config.Parse("test.yml", []byte(yaml), config.Defaults{Window: 24 * time.Hour, Collectors: []string{"calls", "messages"}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// start begins a fleet as a start of the exporter does; dir may be nil.
func (s *simulated) start(t *testing.T, dir *ledger.Dir) {
	t.Helper()
	s.Fleet = collector.NewFleet(collector.Options{
		Concurrency: 8, Timeout: 30 * time.Second, MinInterval: 10 * time.Second,
		Dial: s.srv.DialContext, Logger: slog.New(slog.DiscardHandler), Ledgers: dir,
	})
	if err := s.Apply(s.cfg); err != nil {
		t.Fatal(err)
	}
}

// refresh reads the journals, of which scrape shows the metrics.
func (s *simulated) refresh(t *testing.T) collector.Collector {
	t.Helper()
	return collector.Refresh(t.Context(), s.Roster().Instances())
}

func (s *simulated) scrape(t *testing.T) []*dto.MetricFamily {
	t.Helper()
	return gather(t, s.refresh(t))
}

// counted returns the counters of an account that are not 0, in the form of truth.
func counted(families []*dto.MetricFamily, id string) map[string]int {
	counts := make(map[string]int)
	for _, family := range families {
		name := strings.TrimPrefix(family.GetName(), "greenapi_")
		switch name {
		case "calls_total", "call_participants_total", "call_duration_seconds",
			"messages_observed_total", "messages_sent_total", "messages_delivered_total", "messages_read_total", "messages_failed_total":
		default:
			continue
		}
		for _, m := range family.GetMetric() {
			var labels []string
			own := false
			for _, pair := range m.GetLabel() {
				if pair.GetName() == "id_instance" {
					own = pair.GetValue() == id
					continue
				}
				labels = append(labels, pair.GetValue())
			}
			key := name + " " + strings.Join(labels, " ")
			if !own {
				continue
			}
			if h := m.GetHistogram(); h != nil {
				add(counts, key+" count", int(h.GetSampleCount()))
				add(counts, key+" sum", int(h.GetSampleSum()))
				for _, bucket := range h.GetBucket() {
					add(counts, fmt.Sprint(key, " ", bucket.GetUpperBound()), int(bucket.GetCumulativeCount()))
				}
				continue
			}
			add(counts, key, int(m.GetCounter().GetValue()))
		}
	}
	return counts
}

func add(counts map[string]int, key string, n int) {
	if n != 0 {
		counts[key] += n
	}
}

// truth returns what really happened, with labels in the order of their names.
func truth(sim *simulation.Simulation, id string, from, to time.Time) map[string]int {
	counts := make(map[string]int)
	t := sim.Truth(id, from.Add(1), to.Add(1))
	for l, n := range t.Calls {
		add(counts, fmt.Sprint("calls_total ", l.ChatType, " ", l.Media, " ", l.Status), n)
	}
	for l, n := range t.Participants {
		add(counts, fmt.Sprint("call_participants_total ", l.ChatType, " ", l.Media, " ", l.Status), n)
	}
	for l, list := range t.Durations {
		key := fmt.Sprint("call_duration_seconds ", l.ChatType, " ", l.Media)
		add(counts, key+" count", len(list))
		for _, seconds := range list {
			add(counts, key+" sum", seconds)
			for _, bound := range ledger.DurationBuckets {
				if float64(seconds) <= bound {
					add(counts, fmt.Sprint(key, " ", bound), 1)
				}
			}
		}
	}
	for l, n := range t.Observed {
		add(counts, fmt.Sprint("messages_observed_total ", l.ChatType, " ", l.MessageType, " ", l.Origin), n)
	}
	for name, stage := range map[string]map[string]int{"sent": t.Sent, "delivered": t.Delivered, "read": t.Read} {
		for chatType, n := range stage {
			add(counts, fmt.Sprintf("messages_%s_total %s", name, chatType), n)
		}
	}
	for l, n := range t.Failed {
		add(counts, fmt.Sprint("messages_failed_total ", l.ChatType, " ", l.Reason), n)
	}
	return counts
}

// TestCountersEqualWhatHappened scrapes simulated accounts for days, through
// failures of the API, and compares the counters with what the simulation knows.
func TestCountersEqualWhatHappened(t *testing.T) {
	t.Parallel()
	for _, reading := range []simulation.Reading{simulation.ByLastAction, simulation.BySendingTime} {
		t.Run(fmt.Sprint("reading ", reading), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { testCounters(t, reading) })
		})
	}
}

func testCounters(t *testing.T, reading simulation.Reading) {
	t.Helper()
	begun := time.Now().Add(48 * time.Hour)
	s := newSimulated(t, simulation.Settings{Seed: 7, Reading: reading},
		simulation.Account{ID: "1101000001", Token: "a", MessagesPerDay: 150, CallsPerDay: 40, Groups: 5},
		simulation.Account{ID: "1101000002", Token: "b", MessagesPerDay: 40, CallsPerDay: 120, Groups: 3, OldSpelling: true, Incidents: []simulation.Incident{
			{Kind: simulation.IncidentServerErrors, From: begun.Add(9 * time.Hour), To: begun.Add(11 * time.Hour)},
		}},
	)
	time.Sleep(48 * time.Hour)
	s.start(t, nil)
	t.Cleanup(s.Close)
	from := time.Now()
	s.scrape(t)
	for n := range 90 {
		// Faults now and then: the scrape after them catches up.
		if n%17 == 0 {
			for _, a := range s.sim.Accounts() {
				s.srv.Instance(a.ID).Fault(greenapitest.AnyMethod, greenapitest.Faults()[n%40].Fault, 1)
			}
		}
		time.Sleep(15 * time.Minute)
		if s.refresh(t); n%15 != 14 {
			continue
		}
		for _, a := range s.sim.Accounts() {
			s.srv.Instance(a.ID).ClearFaults()
		}
		time.Sleep(11 * time.Minute)
		families := s.scrape(t)
		for _, a := range s.sim.Accounts() {
			if diff := cmp.Diff(truth(s.sim, a.ID, from, time.Now()), counted(families, a.ID)); diff != "" {
				t.Fatalf("after %v, account %s (-happened +counted):\n%s", time.Since(from), a.ID, diff)
			}
			if gaps, _ := value(families, "greenapi_journal_gaps_total", "id_instance="+a.ID); gaps != 0 {
				t.Errorf("%v gaps, and nothing was lost", gaps)
			}
		}
	}
}

// TestCountersSurviveRestarts stops and starts the fleet on the same folder.
func TestCountersSurviveRestarts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const id = "1101000001"
		// An edit takes receipts back: one that came and went while the exporter was
		// down leaves no trace, and is no business of this test.
		behaviour := simulation.UsualBehaviour()
		behaviour.ReceiptsReset = 0
		s := newSimulated(t, simulation.Settings{Seed: 11},
			simulation.Account{ID: id, Token: "a", MessagesPerDay: 200, CallsPerDay: 50, Behaviour: &behaviour})
		time.Sleep(48 * time.Hour)
		path := t.TempDir()
		from := time.Now()
		for range 20 {
			dir, err := ledger.OpenDir(path)
			if err != nil {
				t.Fatal(err)
			}
			s.start(t, dir)
			for range 3 {
				families := s.scrape(t)
				if ok, there := value(families, "greenapi_ledger_last_write_successful"); !there || ok != 1 {
					t.Error("the state file was not written")
				}
				if diff := cmp.Diff(truth(s.sim, id, from, time.Now()), counted(families, id)); diff != "" {
					t.Fatalf("after %v (-happened +counted):\n%s", time.Since(from), diff)
				}
				time.Sleep(20 * time.Minute)
			}
			s.Close()
			if err := dir.Close(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(3 * time.Hour) // down
		}
	})
}
