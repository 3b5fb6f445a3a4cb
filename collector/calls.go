package collector

import (
	"context"
	"log/slog"
	"math"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

var (
	windowCalls = newFamily(Gauge, "window_calls",
		"Outgoing calls in the window by outcome. Falls as calls leave the window: rate() and increase() are wrong on it; use greenapi_calls_total for these.",
		"status", "media", "chat_type")
	windowParticipants = newFamily(Gauge, "window_call_participants",
		"Participants of the outgoing calls in the window by their own outcome. Falls as calls leave the window: rate() and increase() are wrong on it; use greenapi_call_participants_total for these.",
		"status", "media", "chat_type")
	windowDuration = newFamily(Histogram, "window_call_duration_seconds",
		"Duration of the answered calls in the window. A snapshot that falls as calls leave the window: read it without rate(); use greenapi_call_duration_seconds for that.",
		"media", "chat_type")
	windowAnswerRatio = newFamily(Gauge, "window_call_answer_ratio",
		"Answer-seizure ratio (ASR, ITU-T E.425) of the calls in the window: pickUp / (pickUp + hungUp + declined). NaN when the denominator is 0.",
		"media", "chat_type")

	callFamilies = []*Family{windowCalls, windowParticipants, windowDuration, windowAnswerRatio}
)

// callSource reads the journal of outgoing calls.
type callSource struct {
	client *client.Client
	window time.Duration
	ledger *ledger.Ledger
}

func (callSource) name() string          { return calls }
func (callSource) optional() bool        { return true }
func (callSource) shared() time.Duration { return 0 }

func (s callSource) fetch(ctx context.Context, log *slog.Logger) (finding, error) {
	window, stage := newCallWindow(), s.ledger.BeginCalls()
	defer stage.Abort()
	err := readJournal(ctx, log, s.window, s.client.LastOutgoingCalls, &window.journal, stage, func(c *client.Call) {
		event := window.add(c)
		stage.Add(ledger.Call{
			ChatID: c.ChatID, ID: c.ID, Time: c.Time, Duration: c.Duration,
			Status: event.status, Media: event.media, ChatType: event.chatType, Participants: event.participants,
		})
	})
	if err != nil {
		return nil, err
	}
	return window, nil
}

// callKey is a label set of calls or participants.
type callKey struct{ status, media, chatType string }

// mediaKey is a label set of calls whatever their outcome.
type mediaKey struct{ media, chatType string }

// callWindow is what a journal of calls says right now.
type callWindow struct {
	journal
	calls, participants map[callKey]int
	durations           map[mediaKey]*ledger.Histogram
}

func newCallWindow() *callWindow {
	w := &callWindow{
		journal:      newJournal(calls, fieldStatus, fieldParticipantStatus, fieldChatType),
		calls:        make(map[callKey]int),
		participants: make(map[callKey]int),
		durations:    make(map[mediaKey]*ledger.Histogram),
	}
	for _, key := range usualMedia {
		for _, status := range usualCallStatuses {
			w.calls[callKey{status, key.media, key.chatType}] = 0
			w.participants[callKey{status, key.media, key.chatType}] = 0
		}
		w.durations[key] = new(ledger.Histogram)
	}
	return w
}

// Label sets that are exposed from the start, with 0, so that their first event
// shows as an increase.
var (
	usualCallStatuses = []string{"pickUp", "hungUp", "declined", "invalid"}
	usualMedia        = []mediaKey{{voice, private}, {voice, group}, {video, private}, {video, group}}
)

// callEvent is a call in the terms of the labels.
type callEvent struct {
	callKey
	participants []string // statuses; valid until the next event
}

// add counts a call and returns it in the terms of the labels.
func (w *callWindow) add(c *client.Call) callEvent {
	w.at(c.Time)
	event := callEvent{
		callKey: callKey{
			status:   w.label(callStatuses, fieldStatus, c.Status),
			media:    media(c.Video),
			chatType: w.chat(c.ChatID),
		},
		participants: c.Participants,
	}
	w.calls[event.callKey]++
	for i, status := range event.participants {
		mapped := w.label(callStatuses, fieldParticipantStatus, status)
		event.participants[i] = mapped
		w.participants[callKey{mapped, event.media, event.chatType}]++
	}
	if event.status == "pickUp" {
		key := mediaKey{event.media, event.chatType}
		if w.durations[key] == nil {
			w.durations[key] = new(ledger.Histogram)
		}
		w.durations[key].Observe(c.Duration)
	}
	return event
}

func (w *callWindow) collect(e emitter) {
	w.journal.collect(e)
	seen := make(map[mediaKey]bool)
	for key, n := range w.calls {
		e.gauge(windowCalls, float64(n), key.status, key.media, key.chatType)
		seen[mediaKey{key.media, key.chatType}] = true
	}
	for key, n := range w.participants {
		e.gauge(windowParticipants, float64(n), key.status, key.media, key.chatType)
	}
	for key, d := range w.durations {
		e.histogram(windowDuration, *d, noTime, key.media, key.chatType)
	}
	for key := range seen {
		answered := w.calls[callKey{"pickUp", key.media, key.chatType}]
		seized := answered + w.calls[callKey{"hungUp", key.media, key.chatType}] +
			w.calls[callKey{"declined", key.media, key.chatType}]
		e.gauge(windowAnswerRatio, ratio(answered, seized), key.media, key.chatType)
	}
}

// ratio is NaN when there is nothing to divide by: neither 0 nor 1 would be true.
func ratio(part, whole int) float64 {
	if whole == 0 {
		return math.NaN()
	}
	return float64(part) / float64(whole)
}
