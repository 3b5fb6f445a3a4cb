package collector

import (
	"slices"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

const upperBounds = " Delays are upper bounds: the API shows the time of the last action only, and reads are minutes apart, so a median below 5 minutes cannot be measured."

var (
	callsTotal = newFamily(Counter, "calls_total",
		"Number of outgoing calls by outcome. Each call is counted once, when its outcome is known. Calls that were in the journal at the first read are not counted.",
		"status", "media", "chat_type")
	participantsTotal = newFamily(Counter, "call_participants_total",
		"Number of participants of the calls in greenapi_calls_total by their own outcome.",
		"status", "media", "chat_type")
	callsShortTotal = newFamily(Counter, "calls_short_total",
		"Number of the answered calls (pickUp) in greenapi_calls_total that lasted 6 seconds or less.",
		"media", "chat_type")
	callTalk = newFamily(Counter, "call_talk_seconds_total",
		"Total duration of the answered calls (pickUp) in greenapi_calls_total, in seconds.",
		"media", "chat_type")
	callDuration = newFamily(Histogram, "call_duration_seconds",
		"Duration of the answered calls (pickUp) in greenapi_calls_total.",
		"media", "chat_type")
	destinationCalls = newFamily(Counter, "destination_calls_total",
		"Number of private calls by number prefix and outcome. Only with --greenapi.number-prefixes. The prefix is \"other\" for numbers with none of the configured prefixes, and \"none\" for chats without a number.",
		"prefix", "status")

	callCounterFamilies = []*Family{callsTotal, participantsTotal, callsShortTotal, callTalk, callDuration, destinationCalls}

	observedTotal = newFamily(Counter, "messages_observed_total",
		"Number of outgoing messages of any status, and of events about messages (edits, deletions, reactions, votes in polls), by type. Each is counted once, when it is first seen. Messages that were in the journal at the first read are not counted.",
		"message_type", "chat_type", "origin")
	sentTotal = newFamily(Counter, "messages_sent_total",
		"Number of outgoing messages that reached the server of the messenger. Each is counted once; a later stage implies the earlier ones.",
		"chat_type")
	deliveredTotal = newFamily(Counter, "messages_delivered_total",
		"Number of outgoing messages that reached the recipient. Each is counted once. Does not move while the setting outgoingWebhook is off.",
		"chat_type")
	readTotal = newFamily(Counter, "messages_read_total",
		"Number of outgoing messages that the recipient has read. Each is counted once. Does not move while the setting outgoingWebhook is off.",
		"chat_type")
	failedTotal = newFamily(Counter, "messages_failed_total",
		"Number of outgoing messages that failed. Each is counted once per reason.",
		"reason", "chat_type")
	deliveryDelay = newFamily(Histogram, "message_delivery_delay_seconds",
		"Time from sent to delivered of the messages in greenapi_messages_delivered_total."+upperBounds,
		"chat_type")
	readDelay = newFamily(Histogram, "message_read_delay_seconds",
		"Time from delivered to read of the messages in greenapi_messages_read_total."+upperBounds,
		"chat_type")
	deliveredInTime = newFamily(Counter, "messages_delivered_in_time_total",
		"Number of the messages in greenapi_messages_delivered_total that were delivered within 15 minutes of being sent, by the upper bound of the delay.",
		"chat_type")
	readInTime = newFamily(Counter, "messages_read_in_time_total",
		"Number of the messages in greenapi_messages_read_total that were read within 4 hours of being delivered, by the upper bound of the delay.",
		"chat_type")
	delaysBounded = newFamily(Counter, "message_delays_bounded_total",
		"Number of delays whose bucket is not certain: their lower and upper bounds lie in different buckets of greenapi_message_delivery_delay_seconds (stage delivered) or greenapi_message_read_delay_seconds (stage read).",
		"stage", "chat_type")
	destinationMessages = newFamily(Counter, "destination_messages_total",
		"Number of private messages by number prefix and stage (observed, sent, delivered, read, failed). Only with --greenapi.number-prefixes. The prefix is \"other\" for numbers with none of the configured prefixes, and \"none\" for chats without a number.",
		"prefix", "stage")

	messageCounterFamilies = []*Family{
		observedTotal, sentTotal, deliveredTotal, readTotal, failedTotal,
		deliveryDelay, readDelay, deliveredInTime, readInTime, delaysBounded, destinationMessages,
	}

	gapsTotal = newFamily(Counter, "journal_gaps_total",
		"Number of times that the counters may have missed records: the response was truncated and contained no known record, or it did not go back to the last read.",
		"journal")
	lateChanges = newFamily(Counter, "journal_late_changes_total",
		"Number of records that only a read of the whole window showed, although earlier reads of recent records should have shown them. They are counted up to --greenapi.whole-read-interval late.",
		"journal")
	ledgerEntries = newFamily(Gauge, "ledger_entries",
		"Number of records that the exporter remembers, to count each one once and to show the window.",
		"journal")
	ledgerEvictions = newFamily(Counter, "ledger_evictions_total",
		"Number of records forgotten before the end of their retention, because there were more than --ledger.max-entries.",
		"journal")
	ledgerBaseline = newFamily(Gauge, "ledger_baseline_timestamp_seconds",
		"Time, by the clock of the API, from which records are counted: the first read of the whole window, or the first one after the window was made longer. The records of that read are remembered, not counted. If the clock of the API goes back, this time goes back too.",
		"journal")
	ledgerWritten = newFamily(Gauge, "ledger_last_write_successful",
		"1 if the last write of the state file succeeded, else 0: until a write succeeds, counters show what the file holds. Absent without --ledger.path.")

	ledgerFamilies = []*Family{gapsTotal, lateChanges, ledgerEntries, ledgerEvictions, ledgerBaseline, ledgerWritten}
)

// callCounters is what the ledger has counted of calls, as it is when it is
// collected.
type callCounters struct {
	ledger   *ledger.Ledger
	prefixes prefixes
}

// The counters next to the histograms are for rules: a server that converts classic
// histograms to native ones stores no buckets and no sums of its own, and MetricsQL
// reads no native ones.
const (
	shortBucket       = 1 // of calls of at most 6 seconds
	deliveredInBucket = 1 // of deliveries within 15 minutes
	readInBucket      = 3 // of readings within 4 hours
)

func (c callCounters) collect(e *emitter) {
	totals := c.ledger.Totals()
	created := totals.CallJournal.Created
	for l, n := range withZeros(totals.Calls, usualCalls) {
		e.counter(callsTotal, float64(n), created, l.Status, l.Media, l.ChatType)
	}
	for l, n := range withZeros(totals.Participants, usualCalls) {
		e.counter(participantsTotal, float64(n), created, l.Status, l.Media, l.ChatType)
	}
	for l, h := range withZeros(totals.Durations, usualDurations) {
		e.histogram(callDuration, h, ledger.DurationBuckets[:], created, l.Media, l.ChatType)
		e.counter(callsShortTotal, float64(h.Buckets[shortBucket]), created, l.Media, l.ChatType)
		e.counter(callTalk, float64(h.Sum), created, l.Media, l.ChatType)
	}
	e.destinations(destinationCalls, totals.DestinationCalls, created, c.prefixes, usualCallStatuses)
	e.journalTotals(outgoingCalls.name, totals.CallJournal)
}

// destinations sends what is counted by number prefix, for the prefixes that are
// configured now.
func (e *emitter) destinations(f *Family, counts map[ledger.DestinationLabels]uint64, created time.Time, p prefixes, outcomes []string) {
	destinations := p.destinations()
	for _, prefix := range destinations {
		for _, outcome := range outcomes {
			e.counter(f, float64(counts[ledger.DestinationLabels{Prefix: prefix, Outcome: outcome}]), created, prefix, outcome)
		}
	}
	for l, n := range counts {
		if slices.Contains(destinations, l.Prefix) && !slices.Contains(outcomes, l.Outcome) {
			e.counter(f, float64(n), created, l.Prefix, l.Outcome)
		}
	}
}

// messageCounters is what the ledger has counted of messages, as it is when it is
// collected.
type messageCounters struct {
	ledger   *ledger.Ledger
	prefixes prefixes
}

func (c messageCounters) collect(e *emitter) {
	totals := c.ledger.Totals()
	created := totals.MessageJournal.Created
	for l, n := range withZeros(totals.Observed, usualObserved) {
		e.counter(observedTotal, float64(n), created, l.Type, l.ChatType, l.Origin)
	}
	for _, stage := range []struct {
		family *Family
		counts map[string]uint64
	}{{sentTotal, totals.Sent}, {deliveredTotal, totals.Delivered}, {readTotal, totals.Read}} {
		for chatType, n := range withZeros(stage.counts, usualChatTypes) {
			e.counter(stage.family, float64(n), created, chatType)
		}
	}
	for l, n := range withZeros(totals.Failed, usualFailures) {
		e.counter(failedTotal, float64(n), created, l.Reason, l.ChatType)
	}
	for chatType, h := range withZeros(totals.DeliveryDelays, usualDelayed) {
		e.histogram(deliveryDelay, h, ledger.DelayBuckets[:], created, chatType)
		e.counter(deliveredInTime, float64(h.Buckets[deliveredInBucket]), created, chatType)
	}
	for chatType, h := range withZeros(totals.ReadDelays, usualDelayed) {
		e.histogram(readDelay, h, ledger.DelayBuckets[:], created, chatType)
		e.counter(readInTime, float64(h.Buckets[readInBucket]), created, chatType)
	}
	for l, n := range withZeros(totals.DelaysBounded, usualDelays) {
		e.counter(delaysBounded, float64(n), created, l.Stage, l.ChatType)
	}
	e.destinations(destinationMessages, totals.DestinationMessages, created, c.prefixes, ledger.DestinationStages())
	e.journalTotals(outgoingMessages.name, totals.MessageJournal)
}

func (e *emitter) journalTotals(journal string, t ledger.JournalTotals) {
	e.counter(gapsTotal, float64(t.Gaps), t.Created, journal)
	e.counter(lateChanges, float64(t.LateChanges), t.Created, journal)
	e.gauge(ledgerEntries, float64(t.Entries), journal)
	e.counter(ledgerEvictions, float64(t.Evictions), t.Created, journal)
	e.timestamp(ledgerBaseline, t.Baseline, journal)
}

// savedLedger tells how the ledger's file fares.
type savedLedger struct{ ledger *ledger.Ledger }

func (s savedLedger) collect(e *emitter) {
	e.gauge(ledgerWritten, boolValue(s.ledger.Totals().LastWriteOK))
}
