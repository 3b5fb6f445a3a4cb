package collector

import (
	"math"
	"strconv"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

var (
	windowCalls = newFamily(Gauge, "window_calls",
		"Number of outgoing calls in the window by outcome."+falls+" Use greenapi_calls_total for these.",
		"status", "media", "chat_type")
	windowParticipants = newFamily(Gauge, "window_call_participants",
		"Number of participants of the outgoing calls in the window by their own outcome."+falls+" Use greenapi_call_participants_total for these.",
		"status", "media", "chat_type")
	windowDuration = newFamily(Histogram, "window_call_duration_seconds",
		"Duration of the answered calls in the window. It falls when calls leave the window: read it without rate(), and use greenapi_call_duration_seconds for rates.",
		"media", "chat_type")
	windowAnswerRatio = newFamily(Gauge, "window_call_answer_ratio",
		"Answer-seizure ratio (ASR, ITU-T E.425) of the calls in the window: pickUp / (pickUp + hungUp + declined). NaN when the denominator is 0.",
		"media", "chat_type")
	windowCallChats = newFamily(Gauge, "window_call_chats",
		"Number of private chats by number of calls in the window (1 to 4, 5+) and by whether at least one call was answered."+falls,
		"attempts", "reached")

	callFamilies = []*Family{windowCalls, windowParticipants, windowDuration, windowAnswerRatio, windowCallChats}
)

// outgoingCalls is the journal lastOutgoingCalls.
var outgoingCalls = journal[client.Call]{
	name: "calls", optional: true,
	open: (*client.Client).LastOutgoingCalls,
	plan: (*ledger.Ledger).PlanCalls,
	begin: func(l *ledger.Ledger, p prefixes) transaction[client.Call] {
		return callTransaction{l.BeginCalls(), p}
	},
	totals: func(t *ledger.Totals) ledger.JournalTotals { return t.CallJournal },
}

type callTransaction struct {
	*ledger.CallTx
	prefixes prefixes
}

func (tx callTransaction) add(c *client.Call) {
	tx.Add(ledger.Call{
		ChatID: c.ChatID, ID: c.ID, Time: c.Time, Duration: c.Duration, Status: c.Status, Media: c.Media,
		Participants: c.Participants, Prefix: tx.prefixes.of(c.ChatID),
	})
}

func (tx callTransaction) commit(read ledger.Read) (finding, error) {
	window, err := tx.Commit(read)
	return (*callWindow)(window), err
}

// callWindow is what the window shows of calls.
type callWindow ledger.CallWindow

// mediaKey is a label set of calls whatever their outcome.
type mediaKey struct{ media, chatType string }

func (w *callWindow) collect(e *emitter) {
	e.collectWindow(outgoingCalls.name, &w.JournalWindow, map[string]int{
		fieldStatus: w.UnknownStatus, fieldParticipantStatus: w.UnknownParticipant, fieldChatType: w.UnknownChat,
	})
	answered, seized := make(map[mediaKey]int), make(map[mediaKey]int)
	for _, key := range usualMedia {
		seized[key] = 0
	}
	counts := make(map[ledger.CallLabels]int, len(w.Calls))
	for _, c := range w.Calls {
		key := mediaKey{c.Media.Label(), c.ChatType.Label()}
		counts[ledger.CallLabels{Status: c.Status.Label(), Media: key.media, ChatType: key.chatType}] = c.N
		seized[key] += 0
		if c.Status.Answered() {
			answered[key] += c.N
		}
		if c.Status.Seized() {
			seized[key] += c.N
		}
	}
	for l, n := range withZeros(counts, usualCalls) {
		e.gauge(windowCalls, float64(n), l.Status, l.Media, l.ChatType)
	}
	for key, n := range seized {
		e.gauge(windowAnswerRatio, ratio(answered[key], n), key.media, key.chatType)
	}
	people := make(map[ledger.CallLabels]int, len(w.Participants))
	for _, c := range w.Participants {
		people[ledger.CallLabels{Status: c.Status.Label(), Media: c.Media.Label(), ChatType: c.ChatType.Label()}] = c.N
	}
	for l, n := range withZeros(people, usualCalls) {
		e.gauge(windowParticipants, float64(n), l.Status, l.Media, l.ChatType)
	}
	for l, h := range withZeros(w.Durations, usualDurations) {
		e.histogram(windowDuration, h, ledger.DurationBuckets[:], noTime, l.Media, l.ChatType)
	}
	for i, n := range w.Attempts {
		attempts := strconv.Itoa(i + 1)
		if i+1 == ledger.MaxAttempts {
			attempts += "+"
		}
		e.gauge(windowCallChats, float64(n.Reached), attempts, "yes")
		e.gauge(windowCallChats, float64(n.Unreached), attempts, "no")
	}
}

// ratio is NaN when there is nothing to divide by: neither 0 nor 1 would be true.
func ratio(part, whole int) float64 {
	if whole == 0 {
		return math.NaN()
	}
	return float64(part) / float64(whole)
}
