package ledger_test

import (
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

// inChat returns rows in another chat.
func inChat(chat string, rows ...ledger.Message) []ledger.Message {
	for i := range rows {
		rows[i].ChatID = []byte(chat)
	}
	return rows
}

func TestChatThatMoves(t *testing.T) {
	t.Parallel()
	l := baselined(t, ledger.Options{})
	commitMessages(t, l, at(time.Minute), message("A", "sent", 0), message("B", "sent", 0))
	moved := inChat("1@lid", message("A", "read", time.Minute), message("B", "sent", 0))
	for range 2 {
		commitMessages(t, l, at(2*time.Minute), moved...)
	}
	totals := l.Totals()
	if got := sum(totals.Observed); got != 2 || totals.Sent["private"] != 2 || totals.Read["private"] != 1 {
		t.Errorf("%d observed, %d sent, %d read; want 2, 2, 1", got, totals.Sent["private"], totals.Read["private"])
	}
	w := l.MessageWindow()
	if w.Records != 2 || w.Chats[vocabulary.ChatPrivate] != 1 || w.LIDChats != 1 {
		t.Errorf("the window has %d records in %d chats, %d of them with a privacy id; want 2, 1, 1", w.Records, w.Chats[vocabulary.ChatPrivate], w.LIDChats)
	}
}

func TestChatThatMovesInPart(t *testing.T) {
	t.Parallel()
	l := baselined(t, ledger.Options{})
	commitMessages(t, l, at(time.Minute), message("A", "sent", 0), message("B", "sent", 0))
	commitMessages(t, l, at(2*time.Minute), append(inChat("1@lid", message("A", "sent", 0)), message("B", "sent", 0))...)
	if w := l.MessageWindow(); w.Chats[vocabulary.ChatPrivate] != 1 {
		t.Errorf("a chat counts %d times once some of its rows have another id", w.Chats[vocabulary.ChatPrivate])
	}
	if got := sum(l.Totals().Observed); got != 2 {
		t.Errorf("%d observed, want 2", got)
	}
}

func TestChatThatMovesBackInPart(t *testing.T) {
	t.Parallel()
	l := baselined(t, ledger.Options{})
	a, b, c := message("A", "sent", 0), message("B", "sent", 0), message("C", "sent", 0)
	commitMessages(t, l, at(time.Minute), a, b, c)
	commitMessages(t, l, at(2*time.Minute), append(inChat("1@lid", a, b), c)...)
	commitMessages(t, l, at(3*time.Minute), append(inChat("1@lid", b), a, c)...)
	if w := l.MessageWindow(); w.Chats[vocabulary.ChatPrivate] != 1 {
		t.Errorf("a chat counts %d times once some of its rows have their first id again", w.Chats[vocabulary.ChatPrivate])
	}
	if got := sum(l.Totals().Observed); got != 3 {
		t.Errorf("%d observed, want 3", got)
	}
}

func TestChatThatMovesAfterItsRowsLeft(t *testing.T) {
	t.Parallel()
	l := baselined(t, ledger.Options{})
	commitMessages(t, l, at(time.Minute), message("A", "sent", 0))
	commitMessages(t, l, at(2*time.Minute))
	commitMessages(t, l, at(3*time.Minute), inChat("1@lid", message("A", "delivered", 2*time.Minute))...)
	if totals := l.Totals(); sum(totals.Observed) != 1 || totals.Delivered["private"] != 1 {
		t.Errorf("%d observed and %d delivered, want 1 and 1", sum(totals.Observed), totals.Delivered["private"])
	}
}

func TestCallsOfAChatThatMoves(t *testing.T) {
	t.Parallel()
	l := baselined(t, ledger.Options{})
	rows := []ledger.Call{call("A", "pickUp", 0), call("A", "pickUp", 0), call("A", "hungUp", 0)}
	commitCalls(t, l, at(time.Minute), rows...)
	for i := range rows {
		rows[i].ChatID = []byte("1@lid")
	}
	commitCalls(t, l, at(2*time.Minute), rows...)
	if got := sum(l.Totals().Calls); got != 3 {
		t.Errorf("%d calls, want 3", got)
	}
}

// One identifier in two chats of a journal is two messages, also where a recent read
// makes them seem to be one at first: then the second is counted late.
func TestOneIdentifierInTwoChats(t *testing.T) {
	t.Parallel()
	l := baselined(t, ledger.Options{})
	both := append(inChat("79990000002@c.us", message("A", "sent", 20*time.Minute)), message("A", "sent", 0))
	commitMessages(t, l, at(time.Minute), both[1])
	recent := at(20 * time.Minute)
	recent.Recent = 11 * time.Minute
	commitMessages(t, l, recent, both[0])
	if got := sum(l.Totals().Observed); got != 1 {
		t.Fatalf("%d observed after the recent read, want 1", got)
	}
	for range 2 {
		commitMessages(t, l, at(21*time.Minute), both...)
	}
	if got := sum(l.Totals().Observed); got != 2 {
		t.Errorf("%d observed after the whole read, want 2", got)
	}
}

func TestEventsAboutMessages(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"editedMessage", "deletedMessage", "reactionMessage", "pollUpdateMessage"} {
		l := baselined(t, ledger.Options{})
		event := message("A", "sent", 0)
		event.Type = messageType(kind)
		commitMessages(t, l, at(time.Minute), event)
		event.Status = messageStatus("failed")
		commitMessages(t, l, at(2*time.Minute), event)
		totals, w := l.Totals(), l.MessageWindow()
		if totals.Observed[ledger.ObservedLabels{Type: kind, ChatType: "private", Origin: "api"}] != 1 {
			t.Errorf("%s is not observed by its type", kind)
		}
		if sum(totals.Sent)+sum(totals.Failed) != 0 || w.OldestSent != 0 || w.Records != 1 {
			t.Errorf("%s counts as a message: %+v", kind, totals)
		}
	}
}
