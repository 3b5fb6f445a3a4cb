package ledger_test

import (
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

func TestPlan(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	large := func(r ledger.Read) ledger.Read { r.Bytes = 256<<10 + 1; return r }
	small := func(r ledger.Read) ledger.Read { r.Bytes = 256 << 10; return r }
	recent := func(after, span time.Duration) ledger.Read {
		r := large(at(after))
		r.Recent = span
		return r
	}
	for _, test := range []struct {
		name             string
		reads            []ledger.Read
		since            time.Duration // Since the last read,
		window, interval time.Duration
		want             time.Duration
	}{
		{"the first", nil, 0, day, 15 * time.Minute, 0},
		{"a minute after a whole one", []ledger.Read{large(at(0))}, time.Minute, day, 15 * time.Minute, 11 * time.Minute},
		{"rounded up", []ledger.Read{large(at(0))}, 61 * time.Second, day, 15 * time.Minute, 12 * time.Minute},
		{"after a recent one", []ledger.Read{large(at(0)), recent(5*time.Minute, 15*time.Minute)}, 2 * time.Minute, day, 15 * time.Minute, 12 * time.Minute},
		{"a small journal", []ledger.Read{small(at(0))}, time.Minute, day, 15 * time.Minute, 0},
		{"a small recent answer says nothing", []ledger.Read{large(at(0)), func() ledger.Read { r := recent(time.Minute, 11*time.Minute); r.Bytes = 7; return r }()}, time.Minute, day, 15 * time.Minute, 11 * time.Minute},
		{"the interval is over", []ledger.Read{large(at(0)), recent(10*time.Minute, 20*time.Minute)}, 5 * time.Minute, day, 15 * time.Minute, 0},
		{"the interval is nearly over", []ledger.Read{large(at(0)), recent(10*time.Minute, 20*time.Minute)}, 299 * time.Second, day, 15 * time.Minute, 15 * time.Minute},
		{"every read is whole", []ledger.Read{large(at(0))}, time.Minute, day, 0, 0},
		{"a longer window", []ledger.Read{large(at(0))}, time.Minute, 2 * day, 15 * time.Minute, 0},
		{"a shorter window", []ledger.Read{large(at(0))}, time.Minute, day / 2, 15 * time.Minute, 0},
		{"an hour ago", []ledger.Read{large(at(0))}, time.Hour, day, 6 * time.Hour, 70 * time.Minute},
		{"longer ago than a recent read spans", []ledger.Read{large(at(0))}, time.Hour + time.Second, day, 6 * time.Hour, 0},
		{"a clock that has gone back", []ledger.Read{large(at(0))}, -time.Minute, day, 15 * time.Minute, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			now := start
			l := ledger.New(ledger.Options{Now: func() time.Time { return now }})
			for _, read := range test.reads {
				now = read.Date
				commitMessages(t, l, read)
			}
			now = now.Add(test.since)
			if got := l.PlanMessages(test.window, test.interval); got != test.want {
				t.Errorf("asks for %v, want %v", got, test.want)
			}
			if got := l.PlanCalls(test.window, test.interval); got != 0 {
				t.Errorf("of the journal that was not read, asks for %v, want all", got)
			}
		})
	}
}

// A window shorter than twice the interval is read whole twice as often: what the API
// shows by the time of sending would leave it unseen.
func TestPlanOfAShortWindow(t *testing.T) {
	t.Parallel()
	now := start
	l := ledger.New(ledger.Options{Now: func() time.Time { return now }})
	commitMessages(t, l, ledger.Read{Date: now, Window: time.Hour, Bytes: 1 << 20})
	now = now.Add(30 * time.Minute)
	if got := l.PlanMessages(time.Hour, 55*time.Minute); got != 0 {
		t.Errorf("asks for %v, want all", got)
	}
}

// A recent read that is too short by the server's clock is followed by a whole one, and
// what that shows is no gap.
func TestRecentReadThatIsTooShort(t *testing.T) {
	t.Parallel()
	now := start
	l := ledger.New(ledger.Options{Now: func() time.Time { return now }})
	read := at(0)
	read.Bytes = 1 << 20
	commitMessages(t, l, read, message("A", "sent", 0))
	now = now.Add(time.Minute)
	short := at(3 * time.Hour) // By its own clock a minute has passed.
	short.Recent = 11 * time.Minute
	commitMessages(t, l, short)
	if got := l.PlanMessages(24*time.Hour, 15*time.Minute); got != 0 {
		t.Errorf("asks for %v, want all", got)
	}
	commitMessages(t, l, at(3*time.Hour), message("A", "sent", 0), message("B", "sent", time.Hour))
	if totals := l.Totals(); totals.MessageJournal.Gaps != 0 || sum(totals.Observed) != 1 {
		t.Errorf("%d gaps and %d observed, want 0 and 1", totals.MessageJournal.Gaps, sum(totals.Observed))
	}
}

// TestFilter holds what is made of what the API shows.
func TestFilter(t *testing.T) {
	t.Parallel()
	recentAt := func(after time.Duration) ledger.Read {
		r := at(after)
		r.Recent = 18 * time.Minute
		return r
	}
	recent := recentAt(24 * time.Minute)
	for name, test := range map[string]struct {
		reads func(*testing.T, *ledger.Ledger)
		want  ledger.Filter
		late  uint64
	}{
		"a recent read shows what became of an old message": {func(t *testing.T, l *ledger.Ledger) {
			t.Helper()
			commitMessages(t, l, recent, message("A", "delivered", 20*time.Minute))
		}, ledger.FilterByLastAction, 0},
		"it shows a new one": {func(t *testing.T, l *ledger.Ledger) {
			t.Helper()
			commitMessages(t, l, recent, message("B", "delivered", 20*time.Minute))
		}, ledger.FilterUnknown, 0},
		"a whole read shows what the recent one did not": {func(t *testing.T, l *ledger.Ledger) {
			t.Helper()
			commitMessages(t, l, recent)
			commitMessages(t, l, at(25*time.Minute), message("A", "delivered", 20*time.Minute))
		}, ledger.FilterBySending, 1},
		"a whole read shows a new one that the recent one did not": {func(t *testing.T, l *ledger.Ledger) {
			t.Helper()
			commitMessages(t, l, recent)
			commitMessages(t, l, at(25*time.Minute), message("B", "sent", 20*time.Minute))
		}, ledger.FilterUnknown, 1},
		"or what it could not show yet": {func(t *testing.T, l *ledger.Ledger) {
			t.Helper()
			commitMessages(t, l, recent)
			commitMessages(t, l, at(25*time.Minute), message("A", "delivered", 23*time.Minute))
		}, ledger.FilterUnknown, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := ledger.New(ledger.Options{})
			commitMessages(t, l, at(0), message("A", "sent", -time.Minute))
			commitMessages(t, l, recentAt(8*time.Minute))
			commitMessages(t, l, recentAt(16*time.Minute))
			test.reads(t, l)
			if got := l.Totals().MessageJournal; got.Filter != test.want || got.LateChanges != test.late {
				t.Errorf("%s and %d late changes, want %s and %d", got.Filter, got.LateChanges, test.want, test.late)
			}
		})
	}
}
