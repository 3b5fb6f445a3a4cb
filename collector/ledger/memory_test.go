package ledger_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

// The tests in this file are about what is forgotten, and what was missed.

// steppedClock is a clock of the exporter's that tests move.
type steppedClock struct{ now time.Time }

func (c *steppedClock) Now() time.Time { return c.now }

func TestRetentionAfterAKeyWasLastSeen(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name  string
		after time.Duration // Since the key was last seen.
		again bool          // Whether it counts again.
	}{
		{"within", time.Hour, false},
		{"over", time.Hour + time.Second, true},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			clock := &steppedClock{now: time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC)} // Far from the server's.
			l := baselined(t, ledger.Options{Retention: time.Hour, Now: clock.Now})
			read := at(time.Minute)
			commitMessages(t, l, read, message("A", "sent", 0), message("B", "sent", 0))
			clock.now = clock.now.Add(30 * time.Minute)
			commitMessages(t, l, read, message("A", "sent", 0)) // B has left; it was last seen at 0.
			clock.now = clock.now.Add(test.after - 30*time.Minute)
			commitMessages(t, l, read, message("A", "sent", 0), message("B", "sent", 0))
			want := uint64(2)
			if test.again {
				want = 3
			}
			if got := sum(l.Totals().Observed); got != want {
				t.Errorf("observed %d, want %d", got, want)
			}
		})
	}
}

func TestForgottenKeysMakeNoEntries(t *testing.T) {
	t.Parallel()
	clock := &steppedClock{now: start}
	l := baselined(t, ledger.Options{Retention: time.Hour, Now: clock.Now})
	commitCalls(t, l, at(0), call("A", "pickUp", 0), call("B", "pickUp", 0))
	commitCalls(t, l, at(0), call("A", "pickUp", 0))
	clock.now = start.Add(2 * time.Hour)
	commitCalls(t, l, at(0), call("A", "pickUp", 0))
	if totals := l.Totals(); totals.CallJournal.Entries != 1 || totals.CallJournal.Evictions != 0 || sum(totals.Calls) != 2 {
		t.Errorf("after the retention of one of two: %+v", totals.CallJournal)
	}
}

func TestKeysOfTheLastWholeJournalAreNeverForgotten(t *testing.T) {
	t.Parallel()
	clock := &steppedClock{now: start}
	l := baselined(t, ledger.Options{Retention: time.Hour, Now: clock.Now})
	commitCalls(t, l, at(0), call("A", "pickUp", 0))
	commitMessages(t, l, at(0), message("A", "sent", 0))
	clock.now = start.Add(1000 * time.Hour)
	commitCalls(t, l, at(time.Minute), call("A", "pickUp", 0))
	commitMessages(t, l, at(time.Minute), message("A", "sent", 0))
	if totals := l.Totals(); sum(totals.Calls) != 1 || sum(totals.Observed) != 1 {
		t.Errorf("counted %d calls and %d messages, want 1 and 1", sum(totals.Calls), sum(totals.Observed))
	}
}

func TestMaxEntriesForgetsThoseNotSeenForTheLongest(t *testing.T) {
	t.Parallel()
	clock := &steppedClock{now: start}
	l := baselined(t, ledger.Options{MaxEntries: 4, Now: clock.Now})
	for _, ids := range []string{"AB", "BC", "CD", "DE", "EF"} {
		commitCalls(t, l, at(0), call(ids[:1], "pickUp", 0), call(ids[1:], "pickUp", 0))
		clock.now = clock.now.Add(time.Minute)
	}
	// A left first, then B; of six, four stay.
	totals := l.Totals()
	if totals.CallJournal.Evictions != 2 || totals.CallJournal.Entries != 4 || sum(totals.Calls) != 6 {
		t.Fatalf("after six calls: %+v, %d calls", totals.CallJournal, sum(totals.Calls))
	}
	commitCalls(t, l, at(0), call("C", "pickUp", 0), call("D", "pickUp", 0), call("E", "pickUp", 0), call("F", "pickUp", 0))
	if got := sum(l.Totals().Calls); got != 6 {
		t.Errorf("%d calls, want 6: one was forgotten that should not be", got)
	}
	commitCalls(t, l, at(0), call("A", "pickUp", 0), call("B", "pickUp", 0))
	if got := sum(l.Totals().Calls); got != 8 {
		t.Errorf("%d calls, want 8: one was not forgotten that should be", got)
	}
}

func TestKeysOfTheLastWholeJournalStayBeyondMaxEntries(t *testing.T) {
	t.Parallel()
	l := baselined(t, ledger.Options{MaxEntries: 2, MaxRows: 10})
	calls := benchCalls(0, 10)
	commitCalls(t, l, at(0), calls...)
	commitCalls(t, l, at(0), calls...)
	totals := l.Totals()
	if totals.CallJournal.Entries != 10 || totals.CallJournal.Evictions != 0 || sum(totals.Calls) != 10 {
		t.Errorf("after ten calls, twice: %+v, %d calls", totals.CallJournal, sum(totals.Calls))
	}
	commitCalls(t, l, at(0), calls[9])
	totals = l.Totals()
	if totals.CallJournal.Entries != 2 || totals.CallJournal.Evictions != 8 || sum(totals.Calls) != 10 {
		t.Errorf("after nine have left: %+v, %d calls", totals.CallJournal, sum(totals.Calls))
	}
}

func TestEvictionAmongManyLastSeenAtTheSameTime(t *testing.T) {
	t.Parallel()
	clock := &steppedClock{now: start}
	l := baselined(t, ledger.Options{MaxEntries: 1000, Now: clock.Now})
	for i := range 30 {
		commitMessages(t, l, at(0), benchMessages(i*97, 97)...)
		clock.now = clock.now.Add(time.Minute)
		totals := l.Totals()
		made := (i + 1) * 97
		if got := totals.MessageJournal.Entries; got != min(made, 1000) {
			t.Fatalf("%d entries after %d messages", got, made)
		}
		if got := totals.MessageJournal.Evictions; got != uint64(max(made-1000, 0)) {
			t.Fatalf("%d evictions after %d messages", got, made)
		}
	}
}

func TestJournalWithMoreRowsThanMaxRows(t *testing.T) {
	t.Parallel()
	for _, known := range []int{0, 3, 5} {
		t.Run(fmt.Sprintf("%d of them known", known), func(t *testing.T) {
			t.Parallel()
			l := baselined(t, ledger.Options{MaxRows: 5})
			calls, messages := benchCalls(0, 6), benchMessages(0, 6)
			commitCalls(t, l, at(0), calls[:known]...)
			commitMessages(t, l, at(0), messages[:known]...)
			before := l.Totals()
			tx := l.BeginCalls()
			mtx := l.BeginMessages()
			for i := range calls {
				tx.Add(calls[5-i])
				mtx.Add(messages[5-i])
				mtx.Add(messages[5-i]) // Not one more: the same message.
			}
			if _, err := tx.Commit(at(0)); !errors.Is(err, ledger.ErrTooManyRows) {
				t.Errorf("calls: %v, want ErrTooManyRows", err)
			}
			if _, err := mtx.Commit(at(0)); !errors.Is(err, ledger.ErrTooManyRows) {
				t.Errorf("messages: %v, want ErrTooManyRows", err)
			}
			totals := l.Totals()
			if sum(totals.Calls) != sum(before.Calls) || sum(totals.Observed) != sum(before.Observed) {
				t.Error("a journal with too many rows was counted")
			}
			if totals.CallJournal.Gaps != 1 || totals.MessageJournal.Gaps != 1 {
				t.Errorf("gaps %d and %d, want 1 and 1", totals.CallJournal.Gaps, totals.MessageJournal.Gaps)
			}
			commitCalls(t, l, at(0), calls[1:]...)
			want := uint64(5)
			if known > 0 { // calls[0] was counted before.
				want = 6
			}
			if got := sum(l.Totals().Calls); got != want {
				t.Errorf("%d calls once there are fewer rows, want %d", got, want)
			}
		})
	}
}

func TestGap(t *testing.T) {
	t.Parallel()
	read := func(after time.Duration, truncated bool) ledger.Read {
		return ledger.Read{Date: start.Add(after), Window: time.Hour, Truncated: truncated}
	}
	undated := ledger.Read{Window: time.Hour}
	sent, again := message("A", "sent", 0), message("B", "sent", time.Second)
	acted, moved := message("A", "delivered", 0), message("A", "sent", time.Second)
	type step struct {
		ledger.Read
		rows []ledger.Message
	}
	for _, test := range []struct {
		name  string
		steps []step
		want  uint64
	}{
		{"the first read, truncated", []step{{read(0, true), []ledger.Message{sent}}}, 0},
		{"truncated, a row unchanged", []step{{read(0, true), []ledger.Message{sent}}, {read(time.Minute, true), []ledger.Message{again, sent}}}, 0},
		{"truncated, all rows new", []step{{read(0, true), []ledger.Message{sent}}, {read(time.Minute, true), []ledger.Message{again}}}, 1},
		{"truncated, another stage", []step{{read(0, true), []ledger.Message{sent}}, {read(time.Minute, true), []ledger.Message{acted}}}, 1},
		{"truncated, back to an earlier stage", []step{{read(0, true), []ledger.Message{acted}}, {read(time.Minute, true), []ledger.Message{sent}}}, 1},
		{"truncated, another time", []step{{read(0, true), []ledger.Message{sent}}, {read(time.Minute, true), []ledger.Message{moved}}}, 1},
		{"truncated, after an empty journal", []step{{read(0, false), nil}, {read(time.Minute, true), []ledger.Message{sent}}}, 1},
		{"truncated, a message of two rows in any order", []step{
			{read(0, true), []ledger.Message{sent, acted}},
			{read(time.Minute, true), []ledger.Message{sent, acted}},
			{read(2*time.Minute, true), []ledger.Message{acted, sent}},
		}, 0},
		{"truncated, unchanged but for a read without it", []step{
			{read(0, true), []ledger.Message{sent}},
			{read(time.Minute, false), []ledger.Message{again}},
			{read(2*time.Minute, true), []ledger.Message{sent}},
		}, 1},
		{"all rows new", []step{{read(0, false), []ledger.Message{sent}}, {read(time.Minute, false), []ledger.Message{again}}}, 0},
		{"empty and empty again", []step{{read(0, false), nil}, {read(time.Minute, false), nil}}, 0},
		{"as long ago as may be", []step{{read(0, false), nil}, {read(58*time.Minute, false), nil}}, 0},
		{"longer ago", []step{{read(0, false), nil}, {read(58*time.Minute+time.Second, false), nil}}, 1},
		{"longer ago, a row unchanged", []step{{read(0, false), []ledger.Message{sent}}, {read(time.Hour, false), []ledger.Message{sent}}}, 1},
		{"both at once are one", []step{{read(0, true), []ledger.Message{sent}}, {read(2*time.Hour, true), []ledger.Message{again}}}, 1},
		{"longer ago, one without a date", []step{{read(0, false), nil}, {undated, nil}, {read(2*time.Hour, false), nil}}, 0},
		{"earlier than the last", []step{{read(2*time.Hour, false), nil}, {read(0, false), nil}}, 0},
		{"a quiet account, read in time", []step{
			{read(0, false), nil}, {read(50*time.Minute, false), nil}, {read(100*time.Minute, false), nil}, {read(150*time.Minute, false), nil},
		}, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := ledger.New(ledger.Options{Now: func() time.Time { return start }}) // Its own clock tells nothing.
			for _, step := range test.steps {
				commitMessages(t, l, step.Read, step.rows...)
			}
			if got := l.Totals().MessageJournal.Gaps; got != test.want {
				t.Errorf("%d gaps, want %d", got, test.want)
			}
		})
	}
}

func TestGapOfCalls(t *testing.T) {
	t.Parallel()
	l := ledger.New(ledger.Options{})
	truncated := at(0)
	truncated.Truncated = true
	commitCalls(t, l, truncated, call("A", "pickUp", 0), call("B", "pickUp", 0))
	commitCalls(t, l, truncated, call("B", "pickUp", 0), call("C", "pickUp", 0))
	if got := l.Totals().CallJournal.Gaps; got != 0 {
		t.Errorf("%d gaps, want 0", got)
	}
	commitCalls(t, l, truncated, call("A", "pickUp", 0), call("D", "pickUp", 0)) // A is known, but was away.
	if got := l.Totals().CallJournal.Gaps; got != 1 {
		t.Errorf("%d gaps, want 1", got)
	}
}

// TestFailuresFitTheirBits holds what the compiler cannot: how many statuses of the
// vocabulary are failures.
func TestFailuresFitTheirBits(t *testing.T) {
	t.Parallel()
	if n := len(vocabulary.Failures()); n > ledger.FailureBits {
		t.Errorf("%d kinds of failures do not fit %d bits", n, ledger.FailureBits)
	}
}
