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

// mediaKey is a label set of calls whatever their outcome.
type mediaKey struct{ media, chatType string }

// callWindow is what a journal of calls says right now.
type callWindow struct {
	journal
	outcomes map[mediaKey]*outcomes
}

// outcomes is what became of the calls of one kind.
type outcomes struct {
	calls, participants map[string]int    // by status
	durations           *ledger.Histogram // nil while nobody has answered
}

func newOutcomes() *outcomes {
	return &outcomes{calls: make(map[string]int), participants: make(map[string]int)}
}

func newCallWindow() *callWindow {
	w := &callWindow{
		journal:  newJournal(calls, fieldStatus, fieldParticipantStatus, fieldChatType),
		outcomes: make(map[mediaKey]*outcomes),
	}
	for _, key := range usualMedia {
		o := newOutcomes()
		for _, status := range usualCallStatuses {
			o.calls[status], o.participants[status] = 0, 0
		}
		o.durations = new(ledger.Histogram)
		w.outcomes[key] = o
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
	mediaKey
	status       string
	participants []string // statuses; valid until the next event
}

// add counts a call and returns it in the terms of the labels.
func (w *callWindow) add(c *client.Call) callEvent {
	w.at(c.Time)
	event := callEvent{
		mediaKey:     mediaKey{media(c.Video), w.chat(c.ChatID)},
		status:       w.label(callStatuses, fieldStatus, c.Status),
		participants: c.Participants,
	}
	o := w.outcomes[event.mediaKey]
	if o == nil {
		o = newOutcomes()
		w.outcomes[event.mediaKey] = o
	}
	o.calls[event.status]++
	for i, status := range event.participants {
		event.participants[i] = w.label(callStatuses, fieldParticipantStatus, status)
		o.participants[event.participants[i]]++
	}
	if event.status == "pickUp" {
		if o.durations == nil {
			o.durations = new(ledger.Histogram)
		}
		o.durations.Observe(c.Duration)
	}
	return event
}

func (w *callWindow) collect(e emitter) {
	w.journal.collect(e)
	for key, o := range w.outcomes {
		for status, n := range o.calls {
			e.gauge(windowCalls, float64(n), status, key.media, key.chatType)
		}
		for status, n := range o.participants {
			e.gauge(windowParticipants, float64(n), status, key.media, key.chatType)
		}
		if o.durations != nil {
			e.histogram(windowDuration, *o.durations, noTime, key.media, key.chatType)
		}
		seized := o.calls["pickUp"] + o.calls["hungUp"] + o.calls["declined"]
		e.gauge(windowAnswerRatio, ratio(o.calls["pickUp"], seized), key.media, key.chatType)
	}
}

// ratio is NaN when there is nothing to divide by: neither 0 nor 1 would be true.
func ratio(part, whole int) float64 {
	if whole == 0 {
		return math.NaN()
	}
	return float64(part) / float64(whole)
}
