package ledger_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

// The tests in this file go through section 4 of the design, a sentence each.

var start = time.Date(2025, 11, 1, 12, 0, 0, 0, time.UTC)

// at is a read of a day's window, so long after the start.
func at(after time.Duration) ledger.Read {
	return ledger.Read{Date: start.Add(after), Window: 24 * time.Hour}
}

// call is an ordinary call that ended so long after the start.
func call(id, status string, after time.Duration) ledger.Call {
	return ledger.Call{
		ChatID: []byte("79990000001@c.us"), ID: []byte(id), Time: start.Add(after).Unix(),
		Status: callStatus(status), Media: vocabulary.Voice, Duration: 20, Participants: callStatuses(status),
	}
}

// message is an ordinary message whose last action was so long after the start.
func message(id, status string, after time.Duration) ledger.Message {
	return ledger.Message{
		ChatID: []byte("79990000001@c.us"), ID: []byte(id), Time: start.Add(after).Unix(),
		Status: messageStatus(status), Type: messageType("textMessage"), Origin: vocabulary.OriginAPI,
	}
}

// baselined returns a ledger in memory whose first reads were empty.
func baselined(t *testing.T, o ledger.Options) *ledger.Ledger {
	t.Helper()
	l := ledger.New(o)
	commitCalls(t, l, at(0))
	commitMessages(t, l, at(0))
	return l
}

func sum[K comparable](counters map[K]uint64) (total uint64) {
	for _, n := range counters {
		total += n
	}
	return total
}

func TestMessageIsToldApartByChatAndID(t *testing.T) {
	t.Parallel()
	l := baselined(t, ledger.Options{})
	elsewhere := message("A", "sent", time.Minute)
	elsewhere.ChatID = []byte("79990000002@c.us")
	acted := message("A", "delivered", 2*time.Minute)
	commitMessages(t, l, at(2*time.Minute), message("A", "sent", time.Minute), elsewhere, message("B", "sent", 0), acted)
	if got := sum(l.Totals().Observed); got != 3 {
		t.Errorf("%d messages observed, want 3", got)
	}
}

func TestCallIsToldApartByChatIDTimeStatusAndRepetition(t *testing.T) {
	t.Parallel()
	rows := []ledger.Call{
		call("A", "pickUp", time.Minute),
		call("A", "pickUp", time.Minute), // The same row again.
		call("A", "declined", time.Minute),
		call("A", "pickUp", 2*time.Minute),
		call("B", "pickUp", time.Minute),
		call("A", "pickUp", time.Minute), // And again.
	}
	elsewhere := call("A", "pickUp", time.Minute)
	elsewhere.ChatID = []byte("120363000000000001@g.us")
	rows = append(rows, elsewhere)

	l := baselined(t, ledger.Options{})
	commitCalls(t, l, at(time.Minute), rows[:1]...)
	for range 2 {
		commitCalls(t, l, at(2*time.Minute), rows...)
	}
	if got := sum(l.Totals().Calls); got != 7 {
		t.Errorf("%d calls, want 7", got)
	}
	commitCalls(t, l, at(2*time.Minute))
	commitCalls(t, l, at(2*time.Minute), rows...)
	if got := l.Totals().CallJournal.Entries; got != 7 || sum(l.Totals().Calls) != 7 {
		t.Errorf("%d calls and %d entries once the rows have left and come back, want 7", sum(l.Totals().Calls), got)
	}
}

// A row that comes when one like it has gone is no repetition, but another call.
func TestCallInAnotherChatIsAnotherCall(t *testing.T) {
	t.Parallel()
	l := baselined(t, ledger.Options{})
	elsewhere := call("A", "pickUp", time.Minute)
	elsewhere.ChatID = chatOf("group")
	commitCalls(t, l, at(time.Minute), call("A", "pickUp", time.Minute))
	commitCalls(t, l, at(2*time.Minute), elsewhere)
	want := map[ledger.CallLabels]uint64{
		{Status: "pickUp", Media: "voice", ChatType: "private"}: 1, {Status: "pickUp", Media: "voice", ChatType: "group"}: 1,
	}
	if diff := cmp.Diff(want, l.Totals().Calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
}

func TestCallWithoutOutcomeIsNotCountedYet(t *testing.T) {
	t.Parallel()
	l := baselined(t, ledger.Options{})
	commitCalls(t, l, at(time.Minute), call("A", "offer", time.Minute), call("B", "unknown", time.Minute), call("C", "unknown", time.Minute))
	if totals := l.Totals(); sum(totals.Calls) != 0 || totals.CallJournal.Entries != 0 {
		t.Errorf("calls without an outcome entered: %+v", totals)
	}
	commitCalls(t, l, at(2*time.Minute), call("A", "pickUp", time.Minute))
	if got := sum(l.Totals().Calls); got != 1 {
		t.Errorf("%d calls after the outcome, want 1", got)
	}
}

func TestRowsWithoutIDNeverEnter(t *testing.T) {
	t.Parallel()
	l := baselined(t, ledger.Options{})
	commitCalls(t, l, at(time.Minute), call("", "pickUp", time.Minute))
	commitMessages(t, l, at(time.Minute), message("", "read", time.Minute))
	totals := l.Totals()
	if totals.CallJournal.Entries+totals.MessageJournal.Entries != 0 || len(totals.Calls)+len(totals.Observed) != 0 {
		t.Errorf("rows without idMessage entered: %+v", totals)
	}
}

func TestStagesRiseAndNeverFall(t *testing.T) {
	t.Parallel()
	type stages struct{ Observed, Sent, Delivered, Read uint64 }
	for _, test := range []struct {
		name     string
		statuses []string // One a read, "" for a read without the message.
		want     stages
	}{
		{"observed", []string{"pending"}, stages{1, 0, 0, 0}},
		{"unknown is observed", []string{"unknown"}, stages{1, 0, 0, 0}},
		{"other is observed", []string{"other"}, stages{1, 0, 0, 0}},
		{"each in turn", []string{"pending", "sent", "delivered", "read"}, stages{1, 1, 1, 1}},
		{"a later one implies the earlier", []string{"read"}, stages{1, 1, 1, 1}},
		{"one left out", []string{"sent", "read"}, stages{1, 1, 1, 1}},
		{"again", []string{"sent", "sent", "sent"}, stages{1, 1, 0, 0}},
		{"back and forth", []string{"read", "sent", "delivered", "read"}, stages{1, 1, 1, 1}},
		{"gone and back", []string{"delivered", "", "sent", "", "read"}, stages{1, 1, 1, 1}},
		{"failed after sent", []string{"sent", "failed", "delivered"}, stages{1, 1, 1, 0}},
		{"failed at once", []string{"noAccount"}, stages{1, 0, 0, 0}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			l := baselined(t, ledger.Options{})
			for i, status := range test.statuses {
				var rows []ledger.Message
				if status != "" {
					rows = append(rows, message("A", status, time.Duration(i)*time.Minute))
				}
				commitMessages(t, l, at(time.Duration(i)*time.Minute), rows...)
			}
			totals := l.Totals()
			got := stages{sum(totals.Observed), totals.Sent["private"], totals.Delivered["private"], totals.Read["private"]}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("stages (-want +got):\n%s", diff)
			}
		})
	}
}

func TestFailuresCountOnceAMessageAndReason(t *testing.T) {
	t.Parallel()
	l := baselined(t, ledger.Options{})
	for i, status := range []string{"failed", "failed", "sent", "failed", "suspended", "noActiveSession", "noAccount", "notInGroup", "suspended"} {
		commitMessages(t, l, at(time.Duration(i)*time.Minute), message("A", status, time.Duration(i)*time.Minute))
	}
	commitMessages(t, l, at(10*time.Minute), message("A", "sent", 9*time.Minute), message("B", "failed", 10*time.Minute), message("B", "noAccount", 10*time.Minute))
	want := map[ledger.FailureLabels]uint64{
		{Reason: "failed", ChatType: "private"}:          2,
		{Reason: "suspended", ChatType: "private"}:       1,
		{Reason: "noActiveSession", ChatType: "private"}: 1,
		{Reason: "noAccount", ChatType: "private"}:       2,
		{Reason: "notInGroup", ChatType: "private"}:      1,
	}
	if diff := cmp.Diff(want, l.Totals().Failed); diff != "" {
		t.Errorf("failures (-want +got):\n%s", diff)
	}
}

func TestLabelsAreFrozenAtFirstSight(t *testing.T) {
	t.Parallel()
	l := baselined(t, ledger.Options{})
	commitMessages(t, l, at(0), message("A", "sent", 0))
	moved := message("A", "read", time.Minute)
	moved.Type, moved.Origin = messageType("imageMessage"), vocabulary.OriginPhone
	commitMessages(t, l, at(time.Minute), moved)
	totals := l.Totals()
	want := map[ledger.ObservedLabels]uint64{{Type: "textMessage", ChatType: "private", Origin: "api"}: 1}
	if diff := cmp.Diff(want, totals.Observed); diff != "" {
		t.Errorf("observed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]uint64{"private": 1}, totals.Read); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
}

func TestParticipantsAndDurations(t *testing.T) {
	t.Parallel()
	l := baselined(t, ledger.Options{})
	group := call("A", "pickUp", 0)
	group.ChatID, group.Media, group.Duration = chatOf("group"), vocabulary.Video, 3600
	group.Participants = callStatuses("pickUp", "hungUp", "hungUp", "declined", "pickUp", "hungUp")
	long := call("B", "pickUp", 0)
	long.ChatID, long.Media, long.Duration = chatOf("group"), vocabulary.Video, 3601
	unanswered := call("C", "hungUp", 0)
	commitCalls(t, l, at(0), group, long, unanswered)

	totals := l.Totals()
	wantParticipants := map[ledger.CallLabels]uint64{
		{Status: "pickUp", Media: "video", ChatType: "group"}:   3,
		{Status: "hungUp", Media: "video", ChatType: "group"}:   3,
		{Status: "declined", Media: "video", ChatType: "group"}: 1,
		{Status: "hungUp", Media: "voice", ChatType: "private"}: 1,
	}
	if diff := cmp.Diff(wantParticipants, totals.Participants); diff != "" {
		t.Errorf("participants (-want +got):\n%s", diff)
	}
	wantDurations := map[ledger.DurationLabels]ledger.Histogram{
		{Media: "video", ChatType: "group"}: {Count: 2, Sum: 7201, Buckets: [10]uint64{9: 1}},
	}
	if diff := cmp.Diff(wantDurations, totals.Durations); diff != "" {
		t.Errorf("durations (-want +got):\n%s", diff)
	}
}

func TestHalfAJournalChangesNothing(t *testing.T) {
	t.Parallel()
	l := baselined(t, ledger.Options{})
	commitMessages(t, l, at(0), message("A", "sent", 0))
	before := l.Totals()
	calls, messages := l.BeginCalls(), l.BeginMessages()
	calls.Add(call("A", "pickUp", 0))
	messages.Add(message("A", "read", 0))
	messages.Add(message("B", "read", 0))
	calls.Abort()
	messages.Abort()
	if _, err := messages.Commit(at(time.Minute)); !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("Commit after Abort: %v, want ErrClosed", err)
	}
	if l.Totals() != before {
		t.Error("an aborted journal changed the totals")
	}
	commitCalls(t, l, at(time.Minute), call("A", "pickUp", 0))
	commitMessages(t, l, at(time.Minute), message("A", "read", 0), message("B", "read", 0))
	if totals := l.Totals(); sum(totals.Calls) != 1 || sum(totals.Observed) != 2 || totals.Read["private"] != 2 {
		t.Errorf("what an aborted journal held was not counted later: %+v", totals)
	}
}

func TestMisuse(t *testing.T) {
	t.Parallel()
	for name, misuse := range map[string]func(*ledger.Ledger){
		"two transactions on a journal": func(l *ledger.Ledger) { l.BeginCalls(); l.BeginCalls() },
		"Add after Commit": func(l *ledger.Ledger) {
			tx := l.BeginMessages()
			_, _ = tx.Commit(at(0))
			tx.Add(message("A", "sent", 0))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			misuse(ledger.New(ledger.Options{}))
		})
	}
	l := ledger.New(ledger.Options{})
	tx := l.BeginCalls()
	commitMessages(t, l, at(0)) // The other journal may be read meanwhile.
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	if _, err := tx.Commit(at(0)); !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("Commit after Close: %v, want ErrClosed", err)
	}
}

func TestTotalsNeverChange(t *testing.T) {
	t.Parallel()
	l := baselined(t, ledger.Options{})
	commitCalls(t, l, at(0), call("A", "pickUp", 0))
	before := l.Totals()
	for i := range 10 {
		id := fmt.Sprint("B", i)
		commitCalls(t, l, at(time.Minute), call(id, "pickUp", 0))
		commitMessages(t, l, at(time.Minute), message(id, "read", 0))
	}
	if sum(before.Calls) != 1 || sum(before.Observed) != 0 || before.Durations[ledger.DurationLabels{Media: "voice", ChatType: "private"}].Count != 1 {
		t.Errorf("a later commit changed earlier totals: %+v", before)
	}
}

func TestLabelSetsAreBounded(t *testing.T) {
	t.Parallel()
	l := baselined(t, ledger.Options{})
	const commits, each = 6, 500
	const made = commits * each
	for n := range commits {
		var calls []ledger.Call
		var messages []ledger.Message
		for i := range each {
			m, c := message("A", "read", 0), call("A", "pickUp", 0)
			m.ID, m.Prefix = fmt.Append(nil, n, i), fmt.Sprint("prefix", n, i)
			c.ID, c.Prefix = m.ID, m.Prefix
			calls, messages = append(calls, c), append(messages, m)
		}
		commitCalls(t, l, at(0), calls...)
		commitMessages(t, l, at(0), messages...)
	}
	totals := l.Totals()
	if m, c := len(totals.DestinationMessages), len(totals.DestinationCalls); m > 1025 || c > 1025 {
		t.Errorf("%d and %d label sets", m, c)
	}
	if m, c := sum(totals.DestinationMessages), sum(totals.DestinationCalls); m != 4*made || c != made {
		t.Errorf("%d stages of messages and %d calls; want %d and %d: what finds no room is other", m, c, 4*made, made)
	}
	if _, _, err := ledger.Decode(l.StateFile()); err != nil {
		t.Errorf("the state file cannot be read: %v", err)
	}
}
