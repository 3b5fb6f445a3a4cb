package collector_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
	dto "github.com/prometheus/client_model/go"
)

// The tests in this file are about what lies between the API's answers and the
// ledger, and between the ledger and the metrics: nothing may get lost on the way.
// What the ledger itself does with it has tests of its own.

// set makes the journals hold so many rows of a moment, numbered from first on.
func (b *bench) set(first, rows int, at time.Time) {
	calls, messages := make([]greenapitest.Call, rows), make([]greenapitest.Message, rows)
	for n := range rows {
		calls[n] = greenapitest.Call{IDMessage: fmt.Sprint("C", first+n), ChatID: "79990000001@c.us", Status: "declined", Timestamp: at.Unix()}
		messages[n] = greenapitest.Message{IDMessage: fmt.Sprint("M", first+n), ChatID: "79990000001@c.us", Status: "sent", SendByAPI: true, Timestamp: at.Unix()}
	}
	b.instance.SetCalls(calls...)
	b.instance.SetMessages(messages...)
}

// after scrapes so much later.
func (b *bench) after(t *testing.T, d time.Duration) []*dto.MetricFamily {
	t.Helper()
	time.Sleep(d)
	return gather(t, b.refresh(t))
}

// ofBoth checks a metric that each journal has.
func ofBoth(t *testing.T, families []*dto.MetricFamily, name string, want float64) {
	t.Helper()
	for _, journal := range []string{"calls", "messages"} {
		if got, _ := value(families, name, "journal="+journal); got != want {
			t.Errorf("%s of %s is %v, want %v", name, journal, got, want)
		}
	}
}

// declinedAndSent is what so many rows of set count as.
func declinedAndSent(rows int) map[string]int {
	counts := make(map[string]int)
	for _, key := range []string{"calls_total private voice declined", "messages_observed_total private textMessage api", "messages_sent_total private"} {
		add(counts, key, rows)
	}
	return counts
}

// folder opens a folder of state files until the test ends.
func folder(t *testing.T, path string) *ledger.Dir {
	t.Helper()
	dir, err := ledger.OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dir.Close(); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func TestGaps(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		rows, known int
		later       time.Duration
		want        float64
	}{
		"full, and nothing in it known": {10_000, 0, time.Minute, 1},
		"full, with a row that is":      {10_000, 1, time.Minute, 0},
		"nothing known, but not full":   {9_999, 0, time.Minute, 0},
		"later than the window":         {1, 1, 25 * time.Hour, 1},
		"just within the window":        {1, 1, 23 * time.Hour, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil, "")
				began := time.Now()
				b.set(0, 1, began)
				b.after(t, 0)
				b.set(1-test.known, test.rows, began)
				families := b.after(t, test.later)
				ofBoth(t, families, "greenapi_journal_gaps_total", test.want)
				ofBoth(t, families, "greenapi_ledger_evictions_total", 0)
			})
		})
	}
}

// TestALongerWindowIsABaseline makes the window longer by a reload: what the counters
// did not look at before is not counted, and they are as old as they were.
func TestALongerWindowIsABaseline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		began := time.Now()
		ofBoth(t, b.after(t, 0), "greenapi_ledger_baseline_timestamp_seconds", float64(began.Unix()))
		time.Sleep(time.Hour)
		b.set(0, 3, time.Now())
		b.apply(t, fmt.Sprintf("instances: [{id: %q, token: %s, api_url: %s, window: 48h}]", id, token, b.srv.URL))
		families := b.after(t, 0)
		ofBoth(t, families, "greenapi_ledger_baseline_timestamp_seconds", float64(time.Now().Unix()))
		ofBoth(t, families, "greenapi_ledger_entries", 3)
		if diff := cmp.Diff(map[string]int{}, counted(families, id)); diff != "" {
			t.Errorf("rows of the baseline count (-want +got):\n%s", diff)
		}

		series := 0
		for _, family := range families {
			if kind := family.GetType(); kind == dto.MetricType_GAUGE || strings.HasPrefix(family.GetName(), "greenapi_api_") || strings.HasPrefix(family.GetName(), "greenapi_window_") {
				continue // not the ledger's
			}
			for _, m := range family.GetMetric() {
				created := m.GetCounter().GetCreatedTimestamp()
				if m.GetHistogram() != nil {
					created = m.GetHistogram().GetCreatedTimestamp()
				}
				if series++; created == nil || !created.AsTime().Equal(began) {
					t.Errorf("%s %v was created at %v, want %v", family.GetName(), m.GetLabel(), created.AsTime(), began)
				}
			}
		}
		if series == 0 {
			t.Error("there are no counters")
		}
		b.set(3, 2, time.Now())
		if diff := cmp.Diff(declinedAndSent(2), counted(b.after(t, time.Minute), id)); diff != "" {
			t.Errorf("after the baseline (-want +got):\n%s", diff)
		}
	})
}

// TestRowsAreCountedInTheTermsOfTheLabels has values that the API spells in more ways
// than one, or that nobody knows.
func TestRowsAreCountedInTheTermsOfTheLabels(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		b.after(t, 0)
		now := time.Now().Unix()
		b.instance.SetCalls(
			greenapitest.Call{IDMessage: "A", ChatID: "79990000001@c.us", Status: "hangUp", Timestamp: now, Participants: []greenapitest.Participant{{Status: "yellowCard"}}},
			greenapitest.Call{IDMessage: "B", ChatID: "120363000000000001@g.us", Video: true, Status: "pickUp", Duration: 4000, Timestamp: now},
		)
		b.instance.SetMessages(
			greenapitest.Message{IDMessage: "A", ChatID: "79990000001@c.us", Status: "yellowCard", SendByAPI: true, Timestamp: now},
			greenapitest.Message{IDMessage: "B", ChatID: "120363000000000001@g.us", Status: "read", TypeMessage: "futureMessage", Timestamp: now},
		)
		want := map[string]int{
			"calls_total private voice hungUp":                1,
			"call_participants_total private voice suspended": 1,
			"calls_total group video pickUp":                  1,
			"call_duration_seconds group video count":         1,
			"call_duration_seconds group video sum":           4000,

			"messages_observed_total private textMessage api": 1,
			"messages_failed_total private suspended":         1,
			"messages_observed_total group other phone":       1,
			"messages_sent_total group":                       1,
			"messages_delivered_total group":                  1,
			"messages_read_total group":                       1,
		}
		if diff := cmp.Diff(want, counted(b.after(t, time.Minute), id)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestRowsOfTheTimeBeforeTheBaselineDoNotCount(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		b.after(t, 0)
		b.set(0, 2, time.Now().Add(-time.Hour))
		families := b.after(t, time.Minute)
		ofBoth(t, families, "greenapi_ledger_entries", 2)
		if diff := cmp.Diff(map[string]int{}, counted(families, id)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestEvictions gives the ledger's options to a ledger in memory and to one in a file.
func TestEvictions(t *testing.T) {
	t.Parallel()
	for name, persistent := range map[string]bool{"in memory": false, "in a file": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var dir *ledger.Dir
				if persistent {
					dir = folder(t, t.TempDir())
				}
				b := newBench(t, func(o *collector.Options) { o.Ledgers, o.Ledger.MaxEntries = dir, 4 }, "")
				b.after(t, 0)
				var families []*dto.MetricFamily
				for n := range 2 {
					b.set(3*n, 3, time.Now())
					families = b.after(t, time.Minute)
				}
				ofBoth(t, families, "greenapi_ledger_entries", 4)
				ofBoth(t, families, "greenapi_ledger_evictions_total", 2)
				ofBoth(t, families, "greenapi_journal_gaps_total", 0)
			})
		})
	}
}

// TestStateFileThatCannotBeWritten takes the ledger's folder away for a while.
func TestStateFileThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "ledger")
		dir := folder(t, path)
		b := newBench(t, func(o *collector.Options) { o.Ledgers = dir }, "")
		began := time.Now()
		b.after(t, 0)
		move := func(from, to string) {
			if err := os.Rename(from, to); err != nil {
				t.Fatal(err)
			}
		}
		for n, step := range []struct {
			before func()
			want   float64
			rows   int // that are shown as counted
		}{
			{func() {}, 1, 1},
			{func() { move(path, path+"-away") }, 0, 1},
			{func() {}, 0, 1},
			{func() { move(path+"-away", path) }, 1, 4},
		} {
			step.before()
			b.set(0, n+1, began)
			families := b.after(t, time.Minute)
			if got, _ := value(families, "greenapi_ledger_last_write_successful"); got != step.want {
				t.Errorf("step %d: written is %v, want %v", n, got, step.want)
			}
			if diff := cmp.Diff(declinedAndSent(step.rows), counted(families, id)); diff != "" {
				t.Errorf("step %d (-want +got):\n%s", n, diff)
			}
		}
	})
}

// TestInstanceThatComesBack takes an instance out of the configuration and puts it
// back: what its ledger holds is all there.
func TestInstanceThatComesBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		dir := folder(t, t.TempDir())
		yaml := "instances: [{id: %q, token: " + token + ", api_url: %s}]"
		b := newBench(t, func(o *collector.Options) { o.Ledgers = dir }, "")
		began := time.Now()
		b.after(t, 0)
		b.set(0, 1, began)
		b.after(t, time.Minute)
		b.apply(t, fmt.Sprintf(yaml, "1101000009", b.srv.URL))
		time.Sleep(time.Hour)
		b.set(0, 3, began)
		b.apply(t, fmt.Sprintf(yaml, id, b.srv.URL))
		families := b.after(t, 0)
		if diff := cmp.Diff(declinedAndSent(3), counted(families, id)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		ofBoth(t, families, "greenapi_ledger_baseline_timestamp_seconds", float64(began.Unix()))
		ofBoth(t, families, "greenapi_journal_gaps_total", 0)
	})
}
