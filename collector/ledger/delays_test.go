package ledger_test

import (
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

func TestDelays(t *testing.T) {
	t.Parallel()
	const none = -1
	type delay struct {
		seconds int64 // none when there is none
		bounded bool
	}
	recent := func(after time.Duration) ledger.Read {
		r := at(after)
		r.Recent = 12 * time.Minute
		return r
	}
	type step struct {
		ledger.Read
		rows []ledger.Message
	}
	rows := func(status string, after time.Duration) []ledger.Message {
		return []ledger.Message{message("A", status, after)}
	}
	for _, test := range []struct {
		name           string
		steps          []step
		delivery, read delay
	}{
		{"each stage was seen", []step{
			{at(time.Minute), rows("sent", 0)}, {at(11 * time.Minute), rows("delivered", 10*time.Minute)}, {at(21 * time.Minute), rows("read", 20*time.Minute)},
		}, delay{600, false}, delay{600, false}},
		{"new and delivered at once", []step{{at(time.Minute), rows("delivered", 50*time.Second)}}, delay{170, false}, delay{none, false}},
		{"new and delivered, after a long time", []step{{at(10 * time.Minute), rows("delivered", 9*time.Minute)}}, delay{660, true}, delay{none, false}},
		{"new and read at once", []step{{at(time.Minute), rows("read", 50*time.Second)}}, delay{170, false}, delay{170, false}},
		{"sent, and read at the next look", []step{
			{at(time.Minute), rows("sent", 0)}, {at(31 * time.Minute), rows("sent", 0)}, {at(32 * time.Minute), rows("read", 31*time.Minute+30*time.Second)},
		}, delay{1890, false}, delay{150, false}},
		{"sent, and read much later", []step{
			{at(time.Minute), rows("sent", 0)}, {at(31 * time.Minute), rows("read", 30*time.Minute)},
		}, delay{1800, true}, delay{1800, true}},
		{"waiting, then delivered", []step{
			{at(time.Minute), rows("pending", 0)}, {at(2 * time.Minute), rows("delivered", 90*time.Second)},
		}, delay{90, false}, delay{none, false}},
		{"times that run backwards", []step{
			{at(10 * time.Minute), rows("sent", 9*time.Minute)}, {at(11 * time.Minute), rows("delivered", 5*time.Minute)},
		}, delay{0, true}, delay{none, false}},
		{"delivered when the window had been left", []step{
			{at(time.Minute), rows("sent", 0)}, {at(2 * time.Minute), nil}, {at(3 * time.Minute), rows("delivered", 2*time.Minute)},
		}, delay{24 * 3600, true}, delay{none, false}},
		{"read between whole reads that recent ones do not show", []step{
			{at(time.Minute), rows("delivered", 0)}, {recent(20 * time.Minute), nil}, {at(30 * time.Minute), rows("read", 29*time.Minute)},
		}, delay{120, false}, delay{1740, false}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			now := start
			l := baselined(t, ledger.Options{Now: func() time.Time { return now }})
			for _, s := range test.steps {
				commitMessages(t, l, s.Read, s.rows...)
			}
			totals := l.Totals()
			for stage, got := range map[string]ledger.Histogram{"delivered": totals.DeliveryDelays["private"], "read": totals.ReadDelays["private"]} {
				want := test.delivery
				if stage == "read" {
					want = test.read
				}
				bounded := totals.DelaysBounded[ledger.StageLabels{Stage: stage, ChatType: "private"}] == 1
				switch {
				case want.seconds == none && got.Count == 0:
				case got.Count != 1 || got.Sum != want.seconds || bounded != want.bounded:
					t.Errorf("%s: %d delays of %d s, bounded: %t; want one of %d s, bounded: %t", stage, got.Count, got.Sum, bounded, want.seconds, want.bounded)
				}
			}
		})
	}
}

func TestDestinations(t *testing.T) {
	t.Parallel()
	l := baselined(t, ledger.Options{})
	m, c := message("A", "sent", 0), call("A", "pickUp", 0)
	m.Prefix, c.Prefix = "7", "7"
	commitMessages(t, l, at(time.Minute), m)
	m.Status, m.Time = messageStatus("read"), m.Time+1
	for range 2 {
		commitMessages(t, l, at(2*time.Minute), m)
		commitCalls(t, l, at(2*time.Minute), c)
	}
	failed := message("B", "failed", 0)
	failed.Prefix = "7"
	commitMessages(t, l, at(3*time.Minute), m, failed)
	totals := l.Totals()
	for outcome, want := range map[string]uint64{"observed": 2, "sent": 1, "delivered": 1, "read": 1, "failed": 1} {
		if got := totals.DestinationMessages[ledger.DestinationLabels{Prefix: "7", Outcome: outcome}]; got != want {
			t.Errorf("%d %s, want %d", got, outcome, want)
		}
	}
	if got := totals.DestinationCalls[ledger.DestinationLabels{Prefix: "7", Outcome: "pickUp"}]; got != 1 {
		t.Errorf("%d calls, want 1", got)
	}
}

func TestReach(t *testing.T) {
	t.Parallel()
	l := baselined(t, ledger.Options{})
	var rows []ledger.Call
	dial := func(chat string, statuses ...string) {
		for _, status := range statuses {
			c := call(string(rune('A'+len(rows))), status, 0)
			c.ChatID = []byte(chat)
			rows = append(rows, c)
		}
	}
	dial("1@c.us", "pickUp")
	dial("2@c.us", "hungUp", "hungUp")
	dial("3@c.us", "hungUp", "declined", "pickUp")
	dial("4@c.us", "hungUp", "hungUp", "hungUp", "hungUp", "hungUp", "hungUp", "hungUp")
	dial("5@g.us", "pickUp", "pickUp")
	commitCalls(t, l, at(time.Minute), rows...)
	w := l.CallWindow()
	want := [ledger.MaxAttempts]struct{ Reached, Unreached int }{{1, 0}, {0, 1}, {1, 0}, {0, 0}, {0, 1}}
	if w.Attempts != want {
		t.Errorf("attempts %v, want %v", w.Attempts, want)
	}
}
