package ledger_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

func TestFirstWholeReadIsRememberedNotCounted(t *testing.T) {
	t.Parallel()
	l := ledger.New(ledger.Options{})
	if totals := l.Totals(); !totals.CallJournal.Baseline.IsZero() || !totals.LastWriteOK {
		t.Errorf("before the first read: %+v", totals)
	}
	group := message("C", "failed", 0)
	group.ChatID = chatOf("group")
	for range 2 { // The second is not a baseline, and holds nothing new.
		commitCalls(t, l, at(0), call("A", "pickUp", 0), call("B", "declined", 0))
		commitMessages(t, l, at(0), message("A", "read", 0), group)
	}
	want := &ledger.Totals{
		Calls: map[ledger.CallLabels]uint64{
			{Status: "pickUp", Media: "voice", ChatType: "private"}: 0, {Status: "declined", Media: "voice", ChatType: "private"}: 0,
		},
		Participants: map[ledger.CallLabels]uint64{
			{Status: "pickUp", Media: "voice", ChatType: "private"}: 0, {Status: "declined", Media: "voice", ChatType: "private"}: 0,
		},
		Durations: map[ledger.DurationLabels]ledger.Histogram{{Media: "voice", ChatType: "private"}: {}},
		Observed: map[ledger.ObservedLabels]uint64{
			{Type: "textMessage", ChatType: "private", Origin: "api"}: 0, {Type: "textMessage", ChatType: "group", Origin: "api"}: 0,
		},
		Sent:           map[string]uint64{"private": 0, "group": 0},
		Delivered:      map[string]uint64{"private": 0, "group": 0},
		Read:           map[string]uint64{"private": 0, "group": 0},
		Failed:         map[ledger.FailureLabels]uint64{{Reason: "failed", ChatType: "group"}: 0},
		DeliveryDelays: map[string]ledger.Histogram{}, ReadDelays: map[string]ledger.Histogram{},
		DelaysBounded:       map[ledger.StageLabels]uint64{},
		DestinationMessages: map[ledger.DestinationLabels]uint64{}, DestinationCalls: map[ledger.DestinationLabels]uint64{},
		CallJournal:    ledger.JournalTotals{Entries: 2, Baseline: start, Created: start},
		MessageJournal: ledger.JournalTotals{Entries: 2, Baseline: start, Created: start},
		LastWriteOK:    true,
	}
	if diff := cmp.Diff(want, l.Totals()); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
}

func TestStagesThatABaselineMessageReachesLaterCount(t *testing.T) {
	t.Parallel()
	l := ledger.New(ledger.Options{})
	commitMessages(t, l, at(0), message("A", "sent", 0))
	commitMessages(t, l, at(time.Minute), message("A", "read", time.Minute))
	totals := l.Totals()
	got := []uint64{sum(totals.Observed), totals.Sent["private"], totals.Delivered["private"], totals.Read["private"]}
	if diff := cmp.Diff([]uint64{0, 0, 1, 1}, got); diff != "" {
		t.Errorf("observed, sent, delivered, read (-want +got):\n%s", diff)
	}
}

func TestRowOlderThanTheBaselineIsRememberedNotCounted(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name string
		time int64
		want uint64
	}{
		{"just older", start.Unix() - 601, 0},
		{"as old as may be", start.Unix() - 600, 1},
		{"newer", start.Unix() + 60, 1},
		{"a row without a time", 0, 1},
		{"a time before all times", -1, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := baselined(t, ledger.Options{})
			c, m := call("A", "pickUp", 0), message("A", "read", 0)
			c.Time, m.Time = test.time, test.time
			for range 2 {
				commitCalls(t, l, at(time.Minute), c)
				commitMessages(t, l, at(time.Minute), m)
			}
			totals := l.Totals()
			if sum(totals.Calls) != test.want || sum(totals.Observed) != test.want || totals.Read["private"] != test.want {
				t.Errorf("counted %d calls, %d messages, %d read; want %d of each",
					sum(totals.Calls), sum(totals.Observed), totals.Read["private"], test.want)
			}
			if totals.CallJournal.Entries != 1 || totals.MessageJournal.Entries != 1 {
				t.Errorf("not remembered: %+v", totals)
			}
		})
	}
}

func TestMessageIsAsOldAsTheLatestOfItsRows(t *testing.T) {
	t.Parallel()
	l := baselined(t, ledger.Options{})
	commitMessages(t, l, at(0), message("A", "sent", 0), message("A", "pending", -time.Hour))
	commitMessages(t, l, at(0), message("B", "pending", -time.Hour), message("B", "sent", 0))
	if got := sum(l.Totals().Observed); got != 2 {
		t.Errorf("observed %d, want 2", got)
	}
}

func TestLongerWindowMakesTheNextReadABaseline(t *testing.T) {
	t.Parallel()
	l := ledger.New(ledger.Options{})
	read := func(after, window time.Duration) ledger.Read {
		return ledger.Read{Date: start.Add(after), Window: window, Truncated: true}
	}
	commitMessages(t, l, read(0, time.Hour), message("A", "sent", 0))
	// Longer: B is remembered, what became of A counts.
	commitMessages(t, l, read(time.Minute, 2*time.Hour), message("A", "read", time.Minute), message("B", "read", time.Minute))
	totals := l.Totals()
	if sum(totals.Observed) != 0 || totals.Read["private"] != 1 {
		t.Errorf("observed %d, read %d; want 0 and 1", sum(totals.Observed), totals.Read["private"])
	}
	want := ledger.JournalTotals{Entries: 2, Baseline: start.Add(time.Minute), Created: start}
	if diff := cmp.Diff(want, totals.MessageJournal); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
	// As long, and shorter: C and D count.
	commitMessages(t, l, read(2*time.Minute, 2*time.Hour), message("B", "read", time.Minute), message("C", "sent", 2*time.Minute))
	commitMessages(t, l, read(3*time.Minute, time.Hour), message("B", "read", time.Minute), message("D", "sent", 3*time.Minute))
	if got := sum(l.Totals().Observed); got != 2 {
		t.Errorf("observed %d, want 2", got)
	}
	// As long as it once was is longer than it was last.
	commitMessages(t, l, read(4*time.Minute, 2*time.Hour), message("E", "sent", 4*time.Minute))
	if totals := l.Totals(); sum(totals.Observed) != 2 || totals.MessageJournal.Gaps != 0 {
		t.Errorf("observed %d, gaps %d; want 2 and 0", sum(totals.Observed), totals.MessageJournal.Gaps)
	}
}

func TestBaselineWithoutADate(t *testing.T) {
	t.Parallel()
	l := ledger.New(ledger.Options{})
	undated := ledger.Read{Window: 24 * time.Hour}
	future := message("A", "sent", 100*365*24*time.Hour)
	commitMessages(t, l, undated, future)
	commitMessages(t, l, undated, future, message("B", "sent", -time.Hour))
	if totals := l.Totals(); sum(totals.Observed) != 1 || !totals.MessageJournal.Baseline.IsZero() {
		t.Errorf("observed %d, baseline %v; want 1 and none", sum(totals.Observed), totals.MessageJournal.Baseline)
	}
	commitMessages(t, l, at(0), message("C", "sent", -time.Hour))
	commitMessages(t, l, at(time.Minute), message("D", "sent", -time.Hour))
	totals := l.Totals()
	if got := sum(totals.Observed); got != 2 {
		t.Errorf("observed %d, want 2: the first dated read sets the baseline for those after it", got)
	}
	want := ledger.JournalTotals{Entries: 4, Baseline: start}
	if diff := cmp.Diff(want, totals.MessageJournal); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
}

func TestBaselineInTheFutureIsLowered(t *testing.T) {
	t.Parallel()
	l := ledger.New(ledger.Options{})
	commitCalls(t, l, at(1000*time.Hour))
	commitCalls(t, l, at(0), call("A", "pickUp", 0), call("B", "pickUp", -time.Hour))
	totals := l.Totals()
	if got := sum(totals.Calls); got != 1 {
		t.Errorf("%d calls, want 1", got)
	}
	want := ledger.JournalTotals{Entries: 2, Baseline: start, Created: start}
	if diff := cmp.Diff(want, totals.CallJournal); diff != "" {
		t.Errorf("journal (-want +got):\n%s", diff)
	}
}
