package ledger

import (
	"maps"
	"time"
)

// DurationBuckets are the upper bounds, in seconds, of the histograms of call
// duration. They are part of the state file's meaning: changing them asks for a
// new version of it.
var DurationBuckets = [...]float64{3, 6, 10, 30, 60, 120, 300, 600, 1800, 3600}

// maxLabelSets bounds the label sets of one family. The label values are closed
// sets of fewer combinations; should a caller break that promise, the rest is
// counted under other.
const maxLabelSets = 1024

const other = "other"

// CallLabels tell calls, and participants of calls, apart.
type CallLabels struct{ Status, Media, ChatType string }

// DurationLabels tell the histograms of call duration apart.
type DurationLabels struct{ Media, ChatType string }

// ObservedLabels tell messages apart by what was known when they were first seen.
type ObservedLabels struct{ Type, ChatType, Origin string }

// FailureLabels tell failed messages apart.
type FailureLabels struct{ Reason, ChatType string }

// StageLabels tell the delays apart that are known by their bounds only.
type StageLabels struct{ Stage, ChatType string }

// DestinationLabels tell what goes to one destination apart: by stage for messages, by
// status for calls.
type DestinationLabels struct{ Prefix, Outcome string }

// Histogram counts what lasts: calls by DurationBuckets, delays by DelayBuckets.
type Histogram struct {
	Count uint64
	Sum   int64 // seconds
	// Buckets are cumulative: Buckets[i] lasted so many seconds as bound i says, or
	// less. What lasted longer than the last bound is in Count alone. Where there are
	// fewer bounds, the rest is 0.
	Buckets [len(DurationBuckets)]uint64
}

const _ = uint(len(DurationBuckets) - len(DelayBuckets))

// Observe adds one value of so many seconds.
func (h *Histogram) Observe(seconds int64, bounds []float64) {
	seconds = max(seconds, 0) // A sum that falls would read as a reset.
	h.Count++
	h.Sum += seconds
	for i, bound := range bounds {
		if float64(seconds) <= bound {
			h.Buckets[i]++
		}
	}
}

// plus returns the sum of both histograms.
func (h Histogram) plus(more Histogram) Histogram {
	h.Count += more.Count
	h.Sum += more.Sum
	for i := range h.Buckets {
		h.Buckets[i] += more.Buckets[i]
	}
	return h
}

// Totals is what has been counted since the counters began at 0. It never
// changes: a later commit makes another one. Label sets that were seen but not
// counted, such as those of the baseline, are present with 0.
type Totals struct {
	Calls        map[CallLabels]uint64
	Participants map[CallLabels]uint64
	Durations    map[DurationLabels]Histogram // Answered calls (pickUp) only.

	Observed              map[ObservedLabels]uint64
	Sent, Delivered, Read map[string]uint64 // By chat type.
	Failed                map[FailureLabels]uint64

	DeliveryDelays, ReadDelays map[string]Histogram // By chat type.
	DelaysBounded              map[StageLabels]uint64

	DestinationMessages, DestinationCalls map[DestinationLabels]uint64

	CallJournal, MessageJournal JournalTotals

	// LastWriteOK is false from a failed write of the state file until the next
	// one that works. It is true when there is no file.
	LastWriteOK bool
}

// JournalTotals is what is known about the memory of one journal.
type JournalTotals struct {
	// Gaps counts the reads before which rows may have come and gone unseen.
	Gaps uint64
	// Evictions counts rows forgotten before their retention was over.
	Evictions uint64
	// LateChanges counts changes that a whole read showed, and that the recent reads
	// before it should have shown, if the API went by the last action.
	LateChanges uint64
	// Filter is what the API goes by, as far as it is known.
	Filter Filter
	// Entries is the number of rows remembered.
	Entries int
	// Baseline is the HTTP Date of the read that was remembered but not counted:
	// the first, or the first one with a longer window. It is zero until then.
	Baseline time.Time
	// Created is when the counters began at 0: the first baseline. It is zero
	// until then, and stays zero when that answer carried no Date.
	Created time.Time
}

func newTotals() *Totals {
	return &Totals{
		Calls:        map[CallLabels]uint64{},
		Participants: map[CallLabels]uint64{},
		Durations:    map[DurationLabels]Histogram{},
		Observed:     map[ObservedLabels]uint64{},
		Sent:         map[string]uint64{},
		Delivered:    map[string]uint64{},
		Read:         map[string]uint64{},
		Failed:       map[FailureLabels]uint64{},

		DeliveryDelays:      map[string]Histogram{},
		ReadDelays:          map[string]Histogram{},
		DelaysBounded:       map[StageLabels]uint64{},
		DestinationMessages: map[DestinationLabels]uint64{},
		DestinationCalls:    map[DestinationLabels]uint64{},

		LastWriteOK: true,
	}
}

// plus returns new totals, raised by delta. Label sets that find no room are
// moved, in delta as well, to other.
func (t *Totals) plus(delta *Totals) *Totals {
	sum := *t
	add := func(a, b uint64) uint64 { return a + b }
	others := CallLabels{other, other, other}
	sum.Calls = raised(t.Calls, delta.Calls, others, add)
	sum.Participants = raised(t.Participants, delta.Participants, others, add)
	sum.Durations = raised(t.Durations, delta.Durations, DurationLabels{other, other}, Histogram.plus)
	sum.Observed = raised(t.Observed, delta.Observed, ObservedLabels{other, other, other}, add)
	sum.Sent = raised(t.Sent, delta.Sent, other, add)
	sum.Delivered = raised(t.Delivered, delta.Delivered, other, add)
	sum.Read = raised(t.Read, delta.Read, other, add)
	sum.Failed = raised(t.Failed, delta.Failed, FailureLabels{other, other}, add)
	sum.DeliveryDelays = raised(t.DeliveryDelays, delta.DeliveryDelays, other, Histogram.plus)
	sum.ReadDelays = raised(t.ReadDelays, delta.ReadDelays, other, Histogram.plus)
	sum.DelaysBounded = raised(t.DelaysBounded, delta.DelaysBounded, StageLabels{other, other}, add)
	destinations := DestinationLabels{other, other}
	sum.DestinationMessages = raised(t.DestinationMessages, delta.DestinationMessages, destinations, add)
	sum.DestinationCalls = raised(t.DestinationCalls, delta.DestinationCalls, destinations, add)
	return &sum
}

// raised returns total plus delta, as a map of its own unless delta is empty.
func raised[K comparable, N any](total, delta map[K]N, rest K, add func(N, N) N) map[K]N {
	if len(delta) == 0 {
		return total
	}
	sum := maps.Clone(total)
	var moved N
	crowded := false
	for labels, n := range delta {
		if _, known := sum[labels]; !known && len(sum) >= maxLabelSets && labels != rest {
			moved, crowded = add(moved, n), true
			delete(delta, labels)
			continue
		}
		sum[labels] = add(sum[labels], n)
	}
	if crowded {
		sum[rest] = add(sum[rest], moved)
		delta[rest] = add(delta[rest], moved)
	}
	return sum
}

// withJournals returns the totals with those of the journals.
func (t *Totals) withJournals(calls, messages JournalTotals) *Totals {
	if t.CallJournal == calls && t.MessageJournal == messages {
		return t
	}
	changed := *t
	changed.CallJournal, changed.MessageJournal = calls, messages
	return &changed
}

// bounded reports whether no family has more label sets than plus leaves it.
func (t *Totals) bounded() bool {
	return max(len(t.Calls), len(t.Participants), len(t.Durations), len(t.Observed),
		len(t.Sent), len(t.Delivered), len(t.Read), len(t.Failed), len(t.DeliveryDelays), len(t.ReadDelays),
		len(t.DelaysBounded), len(t.DestinationMessages), len(t.DestinationCalls)) <= maxLabelSets+1
}
