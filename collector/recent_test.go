package collector_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	dto "github.com/prometheus/client_model/go"
)

// bothReadings are what the API may go by when it is asked for the rows of the last
// minutes.
var bothReadings = map[string]simulation.Reading{"by last action": simulation.ByLastAction, "by sending": simulation.BySendingTime}

// TestRecentReads scrapes a busy account in two ways, with recent reads and with whole
// reads only. At every whole read both must show the same window, and have counted the
// same.
func TestRecentReads(t *testing.T) {
	t.Parallel()
	for name, reading := range bothReadings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { testRecentReads(t, reading) })
		})
	}
}

func testRecentReads(t *testing.T, reading simulation.Reading) {
	t.Helper()
	const id = "1101000001"
	account := simulation.Account{ID: id, Token: "a", MessagesPerDay: 1500, CallsPerDay: 1200, Groups: 5, Rhythm: simulation.RhythmFlat()}
	start := func(interval time.Duration) *simulated {
		s := newSimulated(t, simulation.Settings{Seed: 3, Reading: reading}, account)
		for n := range s.cfg.Instances {
			s.cfg.Instances[n].WholeReadInterval = interval
		}
		return s
	}
	recent, whole := start(15*time.Minute), start(0)
	time.Sleep(48 * time.Hour)
	recent.start(t, nil)
	defer recent.Close()
	whole.start(t, nil)
	defer whole.Close()

	compared, late := 0, 0.0
	for range 32 {
		now := time.Now()
		got, want := recent.scrape(t), whole.scrape(t)
		late, _ = value(got, "greenapi_journal_late_changes_total", "journal=messages")
		calls, _ := value(got, "greenapi_window_whole_read_timestamp_seconds", "journal=calls")
		messages, _ := value(got, "greenapi_window_whole_read_timestamp_seconds", "journal=messages")
		if calls == messages && math.Abs(calls-float64(now.Unix())) <= 1 {
			compared++
			if diff := cmp.Diff(shown(want), shown(got)); diff != "" {
				t.Fatalf("after %d whole reads (-whole reads only +recent ones, too):\n%s", compared, diff)
			}
			if diff := cmp.Diff(counted(want, id), counted(got, id)); diff != "" {
				t.Fatalf("after %d whole reads, counters (-whole reads only +recent ones, too):\n%s", compared, diff)
			}
		}
		time.Sleep(2 * time.Minute)
	}
	if compared < 4 || compared > 5 {
		t.Errorf("%d whole reads in 64 minutes", compared)
	}
	if byAction := reading == simulation.ByLastAction; byAction != (late == 0) {
		t.Errorf("%v late changes", late)
	}
	words := map[simulation.Reading]string{simulation.ByLastAction: "minutes go by the last action", simulation.BySendingTime: "minutes go by sending"}
	contact := strings.Join(recent.Roster().Targets[0].Instance.Last().FirstContact(), "\n")
	if !strings.Contains(contact, words[reading]) || strings.Count(contact, "vanished 0") != 2 {
		t.Errorf("what was observed at first contact:\n%s", contact)
	}
	// The server remembers the last requests.
	method := greenapitest.MethodLastOutgoingMessages
	if minutes := minutesAsked(recent.srv.Instance(id), method); len(minutes) != 2 || minutes[1440] == 0 || minutes[12] < 10 {
		t.Errorf("minutes asked for: %v", minutes)
	}
	if minutes := minutesAsked(whole.srv.Instance(id), method); len(minutes) != 1 || minutes[1440] == 0 {
		t.Errorf("minutes asked for with an interval of 0: %v", minutes)
	}
	some, _ := value(recent.scrape(t), "greenapi_api_response_bytes_total", "method="+method)
	all, _ := value(whole.scrape(t), "greenapi_api_response_bytes_total", "method="+method)
	if some > all/4 {
		t.Errorf("%v bytes read, %v without recent reads", some, all)
	}
}

// minutesAsked returns how often so many minutes were asked for.
func minutesAsked(in *greenapitest.Instance, method string) map[int]int {
	minutes := map[int]int{}
	for _, r := range in.Requests(method) {
		minutes[r.Minutes]++
	}
	return minutes
}

// shown returns the series of the window, but for the time of the last whole read.
func shown(families []*dto.MetricFamily) map[string]string {
	series := map[string]string{}
	for _, family := range families {
		name := family.GetName()
		if !strings.HasPrefix(name, "greenapi_window_") || strings.Contains(name, "whole_read") {
			continue
		}
		for _, m := range family.GetMetric() {
			series[fmt.Sprint(name, m.GetLabel())] = fmt.Sprint(m.GetGauge(), m.GetHistogram())
		}
	}
	return series
}

// TestWindowPastTheCap reads an account that sends more in a day than the API returns.
// Once the memory covers a day, the window shows all of it.
func TestWindowPastTheCap(t *testing.T) {
	t.Parallel()
	for name, reading := range bothReadings {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const id = "1101000001"
				s := newSimulated(t, simulation.Settings{Seed: 3, Reading: reading},
					simulation.Account{ID: id, Token: "a", MessagesPerDay: 26_000, Rhythm: simulation.RhythmFlat()})
				for n := range s.cfg.Instances {
					s.cfg.Instances[n].Window, s.cfg.Instances[n].WholeReadInterval = 12*time.Hour, 3*time.Hour
				}
				time.Sleep(48 * time.Hour)
				s.start(t, nil)
				defer s.Close()
				families := s.scrape(t)
				truncated, _ := value(families, "greenapi_window_truncated", "journal=messages")
				records, _ := value(families, "greenapi_window_records", "journal=messages")
				if truncated != 1 || records != 10_000 {
					t.Fatalf("at first, truncated is %v, records %v", truncated, records)
				}
				for range 13 * 6 {
					time.Sleep(10 * time.Minute)
					s.refresh(t)
				}
				families = s.scrape(t)
				truncated, _ = value(families, "greenapi_window_truncated", "journal=messages")
				records, _ = value(families, "greenapi_window_records", "journal=messages")
				if truncated != 0 || records < 12_000 || records > 14_500 {
					t.Errorf("after 13 hours, truncated is %v, records %v", truncated, records)
				}
				if gaps, _ := value(families, "greenapi_journal_gaps_total", "journal=messages"); gaps != 0 {
					t.Errorf("%v gaps", gaps)
				}
			})
		})
	}
}
