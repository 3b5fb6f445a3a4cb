package collector

import (
	"context"
	"log/slog"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

var (
	windowMessages = newFamily(Gauge, "window_messages",
		"Outgoing messages in the window by their current status. Falls as messages leave the window: rate() and increase() are wrong on it; use the greenapi_messages_…_total for these.",
		"status", "message_type", "chat_type")
	windowDeliveryRatio = newFamily(Gauge, "window_message_delivery_ratio",
		"Delivery ratio of the messages in the window: (delivered + read) / (sent + delivered + read). Means nothing while the setting outgoingWebhook is off. NaN when the denominator is 0.",
		"chat_type")
	windowReadRatio = newFamily(Gauge, "window_message_read_ratio",
		"Read ratio of the messages in the window: read / (delivered + read). The youngest messages are not read yet. NaN when the denominator is 0.",
		"chat_type")
	windowFailureRatio = newFamily(Gauge, "window_message_failure_ratio",
		"Failure ratio of the messages in the window: (noAccount + notInGroup + failed + suspended + noActiveSession) / (all - pending). NaN when the denominator is 0.",
		"chat_type")
	windowOldestPending = newFamily(Gauge, "window_oldest_pending_timestamp_seconds",
		"Time of the oldest message in the window that is still pending. Absent when none is.")
	windowOldestSent = newFamily(Gauge, "window_oldest_sent_timestamp_seconds",
		"Time of the oldest message in the window that is sent, but not delivered. Absent when none is.")

	messageFamilies = []*Family{
		windowMessages, windowDeliveryRatio, windowReadRatio, windowFailureRatio, windowOldestPending, windowOldestSent,
	}
)

// messageSource reads the journal of outgoing messages.
type messageSource struct {
	client *client.Client
	window time.Duration
	ledger *ledger.Ledger
}

func (messageSource) name() string          { return messages }
func (messageSource) optional() bool        { return false } // every instance has it
func (messageSource) shared() time.Duration { return 0 }

func (s messageSource) fetch(ctx context.Context, log *slog.Logger) (finding, error) {
	window, stage := newMessageWindow(), s.ledger.BeginMessages()
	defer stage.Abort()
	err := readJournal(ctx, log, s.window, s.client.LastOutgoingMessages, &window.journal, stage, func(m *client.Message) {
		event := window.add(m)
		stage.Add(ledger.Message{
			ChatID: m.ChatID, ID: m.ID, Time: m.Time,
			Status: event.status, Type: event.messageType, ChatType: event.chatType, Origin: origin(m.Sender),
		})
	})
	if err != nil {
		return nil, err
	}
	return window, nil
}

// messageKey is a label set of messages.
type messageKey struct{ status, messageType, chatType string }

// Label sets that are exposed from the start, with 0, so that their first event
// shows as an increase; the types are those of the table in GREEN-API's
// documentation of the journal.
var (
	usualMessageStatuses = []string{"pending", "sent", "delivered", "read", "noAccount", "notInGroup", "suspended"}
	usualChatTypes       = []string{private, group}
	failureReasons       = []string{"noAccount", "notInGroup", "failed", "suspended", "noActiveSession"}
)

// messageWindow is what a journal of messages says right now.
type messageWindow struct {
	journal
	messages                  map[messageKey]int
	oldestPending, oldestSent int64 // Unix seconds; 0 for none
}

func newMessageWindow() *messageWindow {
	w := &messageWindow{
		journal:  newJournal(messages, fieldStatus, fieldMessageType, fieldChatType),
		messages: make(map[messageKey]int),
	}
	for _, chatType := range usualChatTypes {
		for _, status := range usualMessageStatuses {
			w.messages[messageKey{status, "textMessage", chatType}] = 0
		}
	}
	return w
}

// add counts a message and returns it in the terms of the labels.
func (w *messageWindow) add(m *client.Message) messageKey {
	w.at(m.Time)
	key := messageKey{
		status:      w.label(messageStatuses, fieldStatus, m.Status),
		messageType: w.label(messageTypes, fieldMessageType, m.Type),
		chatType:    w.chat(m.ChatID),
	}
	w.messages[key]++
	switch key.status {
	case "pending":
		w.oldestPending = earliest(w.oldestPending, m.Time)
	case "sent":
		w.oldestSent = earliest(w.oldestSent, m.Time)
	}
	return key
}

func (w *messageWindow) collect(e emitter) {
	w.journal.collect(e)
	byChatType := make(map[string]map[string]int)
	for key, n := range w.messages {
		e.gauge(windowMessages, float64(n), key.status, key.messageType, key.chatType)
		if byChatType[key.chatType] == nil {
			byChatType[key.chatType] = make(map[string]int)
		}
		byChatType[key.chatType][key.status] += n
	}
	for chatType, n := range byChatType {
		delivered := n["delivered"] + n["read"]
		var all, failed int
		for _, count := range n {
			all += count
		}
		for _, reason := range failureReasons {
			failed += n[reason]
		}
		e.gauge(windowDeliveryRatio, ratio(delivered, n["sent"]+delivered), chatType)
		e.gauge(windowReadRatio, ratio(n["read"], delivered), chatType)
		e.gauge(windowFailureRatio, ratio(failed, all-n["pending"]), chatType)
	}
	e.timestamp(windowOldestPending, unixTime(w.oldestPending))
	e.timestamp(windowOldestSent, unixTime(w.oldestSent))
}
