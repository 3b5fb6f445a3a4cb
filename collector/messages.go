package collector

import (
	"strings"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

const noEvents = " Events about messages (edits, deletions, reactions, votes in polls) are left out."

var (
	windowMessages = newFamily(Gauge, "window_messages",
		"Number of outgoing messages in the window by their current status."+falls+" Use the greenapi_messages_…_total for these.",
		"status", "message_type", "chat_type")
	windowDeliveryRatio = newFamily(Gauge, "window_message_delivery_ratio",
		"Delivery ratio of the messages in the window: (delivered + read) / (sent + delivered + read). Means nothing while the setting outgoingWebhook is off. NaN when the denominator is 0."+noEvents,
		"chat_type")
	windowReadRatio = newFamily(Gauge, "window_message_read_ratio",
		"Read ratio of the messages in the window: read / (delivered + read). The youngest messages are not read yet. NaN when the denominator is 0."+noEvents,
		"chat_type")
	windowFailureRatio = newFamily(Gauge, "window_message_failure_ratio",
		"Failure ratio of the messages in the window: ("+strings.Join(failureLabels(), " + ")+") / (all - pending). NaN when the denominator is 0."+noEvents,
		"chat_type")
	windowOldestPending = newFamily(Gauge, "window_oldest_pending_timestamp_seconds",
		"Time of the oldest message in the window that is still pending. Absent if there is none.")
	windowOldestSent = newFamily(Gauge, "window_oldest_sent_timestamp_seconds",
		"Time of the oldest message in the window that is sent but not delivered. Absent if there is none."+noEvents)

	messageFamilies = []*Family{
		windowMessages, windowDeliveryRatio, windowReadRatio, windowFailureRatio, windowOldestPending, windowOldestSent,
	}
)

// outgoingMessages is the journal lastOutgoingMessages, which every instance has.
var outgoingMessages = journal[client.Message]{
	name: "messages",
	open: (*client.Client).LastOutgoingMessages,
	plan: (*ledger.Ledger).PlanMessages,
	begin: func(l *ledger.Ledger, p prefixes) transaction[client.Message] {
		return messageTransaction{l.BeginMessages(), p}
	},
	totals: func(t *ledger.Totals) ledger.JournalTotals { return t.MessageJournal },
}

type messageTransaction struct {
	*ledger.MessageTx
	prefixes prefixes
}

func (tx messageTransaction) add(m *client.Message) {
	tx.Add(ledger.Message{
		ChatID: m.ChatID, ID: m.ID, Time: m.Time, Status: m.Status, Type: m.Type, Origin: m.Origin,
		TypeMistyped: m.TypeMistyped, OriginMistyped: m.OriginMistyped, Prefix: tx.prefixes.of(m.ChatID),
	})
}

func (tx messageTransaction) commit(read ledger.Read) (finding, error) {
	window, err := tx.Commit(read)
	return (*messageWindow)(window), err
}

// messageWindow is what the window shows of messages.
type messageWindow ledger.MessageWindow

// messageKey is a label set of messages.
type messageKey struct{ status, messageType, chatType string }

// failureLabels are the reasons of failed messages.
func failureLabels() (labels []string) {
	for _, status := range vocabulary.Failures() {
		labels = append(labels, status.Label())
	}
	return labels
}

// outcomes is what became of the messages of one chat type.
type outcomes struct{ all, pending, sent, delivered, read, failed int }

func (o *outcomes) add(status vocabulary.MessageStatus, n int) {
	o.all += n
	switch {
	case status.Pending():
		o.pending += n
	case status.Failed():
		o.failed += n
	case status.Stage() == vocabulary.StageSent:
		o.sent += n
	case status.Stage() == vocabulary.StageDelivered:
		o.delivered += n
	case status.Stage() == vocabulary.StageRead:
		o.read += n
	}
}

// byChatType returns what became of the messages of each chat type, without events
// about messages.
func (w *messageWindow) byChatType() map[string]*outcomes {
	all := make(map[string]*outcomes)
	for _, chatType := range usualChatTypes {
		all[chatType] = new(outcomes)
	}
	for _, c := range w.Messages {
		chatType := c.ChatType.Label()
		if all[chatType] == nil {
			all[chatType] = new(outcomes)
		}
		if !c.Type.Protocol() {
			all[chatType].add(c.Status, c.N)
		}
	}
	return all
}

func (w *messageWindow) collect(e *emitter) {
	e.collectWindow(outgoingMessages.name, &w.JournalWindow, map[string]int{
		fieldStatus: w.UnknownStatus, fieldMessageType: w.UnknownType, fieldChatType: w.UnknownChat, fieldOrigin: w.UnknownOrigin,
	})
	counts := make(map[messageKey]int, len(w.Messages))
	for _, c := range w.Messages {
		counts[messageKey{c.Status.Label(), c.Type.Label(), c.ChatType.Label()}] = c.N
	}
	for key, n := range withZeros(counts, usualMessages) {
		e.gauge(windowMessages, float64(n), key.status, key.messageType, key.chatType)
	}
	for chatType, o := range w.byChatType() {
		delivered := o.delivered + o.read
		e.gauge(windowDeliveryRatio, ratio(delivered, o.sent+delivered), chatType)
		e.gauge(windowReadRatio, ratio(o.read, delivered), chatType)
		e.gauge(windowFailureRatio, ratio(o.failed, o.all-o.pending), chatType)
	}
	e.timestamp(windowOldestPending, unixTime(w.OldestPending))
	e.timestamp(windowOldestSent, unixTime(w.OldestSent))
}
