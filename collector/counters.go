package collector

import (
	"maps"

	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

var (
	callsTotal = newFamily(Counter, "calls_total",
		"Outgoing calls by outcome, each counted once when its outcome is known. Calls that the journal held when the counting began are not counted.",
		"status", "media", "chat_type")
	participantsTotal = newFamily(Counter, "call_participants_total",
		"Participants of the calls in greenapi_calls_total by their own outcome.",
		"status", "media", "chat_type")
	callDuration = newFamily(Histogram, "call_duration_seconds",
		"Duration of the answered calls (pickUp) in greenapi_calls_total.",
		"media", "chat_type")
	observedTotal = newFamily(Counter, "messages_observed_total",
		"Outgoing messages seen for the first time, whatever became of them. Messages that the journal held when the counting began are not counted.",
		"message_type", "chat_type", "origin")
	sentTotal = newFamily(Counter, "messages_sent_total",
		"Outgoing messages that reached the server of WhatsApp, each counted once. A later stage implies the earlier ones.",
		"chat_type")
	deliveredTotal = newFamily(Counter, "messages_delivered_total",
		"Outgoing messages that reached the recipient, each counted once. Does not move while the setting outgoingWebhook is off.",
		"chat_type")
	readTotal = newFamily(Counter, "messages_read_total",
		"Outgoing messages that the recipient has read, each counted once. Does not move while the setting outgoingWebhook is off.",
		"chat_type")
	failedTotal = newFamily(Counter, "messages_failed_total",
		"Outgoing messages that failed, each counted once a reason.",
		"reason", "chat_type")
	gapsTotal = newFamily(Counter, "journal_gaps_total",
		"Times that the counters may have missed records: the journal was truncated and held nothing known, or was read for the last time longer ago than its window.",
		"journal")
	ledgerEntries = newFamily(Gauge, "ledger_entries",
		"Records that the exporter remembers, so as to count each one once.",
		"journal")
	ledgerEvictions = newFamily(Counter, "ledger_evictions_total",
		"Records forgotten before their retention was over, because there were more than --ledger.max-entries.",
		"journal")
	ledgerBaseline = newFamily(Gauge, "ledger_baseline_timestamp_seconds",
		"Since when records are counted, by the clock of the API: the first whole read of the journal, or the first one since its window was made longer, whose records are remembered, but not counted. An answer of an earlier time takes it back to that time.",
		"journal")
	ledgerWritten = newFamily(Gauge, "ledger_last_write_successful",
		"Whether the ledger's state file could be written when it last had to be; until it can, the counters stay at what the file holds. Absent without --ledger.path.")

	counterFamilies = []*Family{
		callsTotal, participantsTotal, callDuration, observedTotal, sentTotal, deliveredTotal, readTotal, failedTotal,
		gapsTotal, ledgerEntries, ledgerEvictions, ledgerBaseline, ledgerWritten,
	}
)

// usualMessageTypes are those of the table in GREEN-API's documentation of the
// journal.
var usualMessageTypes = []string{
	"textMessage", "imageMessage", "videoMessage", "documentMessage", "audioMessage", "locationMessage",
	"contactMessage", "extendedTextMessage",
}

// callCounters is what the ledger has counted of calls, as it is when it is
// collected.
type callCounters struct{ ledger *ledger.Ledger }

func (c callCounters) collect(e emitter) {
	totals := c.ledger.Totals()
	created := totals.CallJournal.Created
	var outcomes []ledger.CallLabels
	for _, key := range usualMedia {
		for _, status := range usualCallStatuses {
			outcomes = append(outcomes, ledger.CallLabels{Status: status, Media: key.media, ChatType: key.chatType})
		}
	}
	for l, n := range withZeros(totals.Calls, outcomes...) {
		e.counter(callsTotal, float64(n), created, l.Status, l.Media, l.ChatType)
	}
	for l, n := range withZeros(totals.Participants, outcomes...) {
		e.counter(participantsTotal, float64(n), created, l.Status, l.Media, l.ChatType)
	}
	var media []ledger.DurationLabels
	for _, key := range usualMedia {
		media = append(media, ledger.DurationLabels{Media: key.media, ChatType: key.chatType})
	}
	for l, h := range withZeros(totals.Durations, media...) {
		e.histogram(callDuration, h, created, l.Media, l.ChatType)
	}
	e.journalTotals(calls, totals.CallJournal)
}

// messageCounters is what the ledger has counted of messages, as it is when it is
// collected.
type messageCounters struct{ ledger *ledger.Ledger }

func (c messageCounters) collect(e emitter) {
	totals := c.ledger.Totals()
	created := totals.MessageJournal.Created
	var observed []ledger.ObservedLabels
	var failures []ledger.FailureLabels
	for _, chatType := range usualChatTypes {
		for _, messageType := range usualMessageTypes {
			for _, origin := range []string{originAPI, originPhone} {
				observed = append(observed, ledger.ObservedLabels{Type: messageType, ChatType: chatType, Origin: origin})
			}
		}
		for _, reason := range failureReasons {
			failures = append(failures, ledger.FailureLabels{Reason: reason, ChatType: chatType})
		}
	}
	for l, n := range withZeros(totals.Observed, observed...) {
		e.counter(observedTotal, float64(n), created, l.Type, l.ChatType, l.Origin)
	}
	for family, stage := range map[*Family]map[string]uint64{
		sentTotal: totals.Sent, deliveredTotal: totals.Delivered, readTotal: totals.Read,
	} {
		for chatType, n := range withZeros(stage, usualChatTypes...) {
			e.counter(family, float64(n), created, chatType)
		}
	}
	for l, n := range withZeros(totals.Failed, failures...) {
		e.counter(failedTotal, float64(n), created, l.Reason, l.ChatType)
	}
	e.journalTotals(messages, totals.MessageJournal)
}

func (e emitter) journalTotals(journal string, t ledger.JournalTotals) {
	e.counter(gapsTotal, float64(t.Gaps), t.Created, journal)
	e.gauge(ledgerEntries, float64(t.Entries), journal)
	e.counter(ledgerEvictions, float64(t.Evictions), t.Created, journal)
	e.timestamp(ledgerBaseline, t.Baseline, journal)
}

// savedLedger tells how the ledger's file fares.
type savedLedger struct{ ledger *ledger.Ledger }

func (s savedLedger) collect(e emitter) {
	e.gauge(ledgerWritten, boolValue(s.ledger.Totals().LastWriteOK))
}

// withZeros returns counts in which the usual label sets are present.
func withZeros[K comparable, N any](counts map[K]N, usual ...K) map[K]N {
	all := make(map[K]N, len(counts)+len(usual))
	for _, labels := range usual {
		var zero N
		all[labels] = zero
	}
	maps.Copy(all, counts)
	return all
}
