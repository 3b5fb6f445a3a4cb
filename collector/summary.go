package collector

import (
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

// This file is all that the pages know of journals, states and counters.

// Summary is what a snapshot says of an account at a glance.
type Summary struct {
	State          string          // value of the label state; empty when it is not known
	SuspendedUntil time.Time       // zero when the account is not suspended, or the API does not say
	Settings       map[string]bool // whether they are on; nil when they are not known
	Queue          int             // messages that wait to be sent
	QueueKnown     bool
	Calls          CallSummary
	Messages       MessageSummary
}

// JournalSummary is what a snapshot says of a journal at a glance.
type JournalSummary struct {
	Known     bool           // whether the journal was read; the rest means nothing otherwise
	Records   int            // elements of the journal's array, invalid ones included
	Truncated bool           // the API has probably left out the oldest records of the window
	ByStatus  map[string]int // calls or messages of the window by the label status
}

// Total returns the calls or messages of the window.
func (j JournalSummary) Total() (n int) {
	for _, count := range j.ByStatus {
		n += count
	}
	return n
}

// MessageSummary is what a snapshot says of the journal of messages.
type MessageSummary struct{ JournalSummary }

// Sent returns the messages that reached the messenger's server, or got further.
func (m MessageSummary) Sent() int { return m.reached(vocabulary.StageSent) }

// Delivered returns the messages that reached the recipient, or got further.
func (m MessageSummary) Delivered() int { return m.reached(vocabulary.StageDelivered) }

// Read returns the messages that the recipient has read.
func (m MessageSummary) Read() int { return m.reached(vocabulary.StageRead) }

func (m MessageSummary) reached(stage vocabulary.Stage) int {
	return m.count(func(s vocabulary.MessageStatus) bool { return s.Stage() >= stage })
}

// Pending returns the messages that have not been tried yet.
func (m MessageSummary) Pending() int { return m.count(vocabulary.MessageStatus.Pending) }

// Failed returns the messages that failed.
func (m MessageSummary) Failed() int { return m.count(vocabulary.MessageStatus.Failed) }

// Failures returns the messages that failed, by reason; those that did not happen
// are left out.
func (m MessageSummary) Failures() map[string]int {
	failures := make(map[string]int)
	for _, reason := range failureLabels() {
		if n := m.ByStatus[reason]; n > 0 {
			failures[reason] = n
		}
	}
	return failures
}

func (m MessageSummary) count(counts func(vocabulary.MessageStatus) bool) (n int) {
	for label, count := range m.ByStatus {
		if status, _ := vocabulary.MessageStatusLabelled(label); counts(status) {
			n += count
		}
	}
	return n
}

// CallSummary is what a snapshot says of the journal of calls.
type CallSummary struct {
	JournalSummary

	Talk      time.Duration    // of all calls that were answered
	Durations []DurationBucket // of the calls that were answered, the shortest first
}

// DurationBucket counts answered calls that lasted longer than the one before it.
type DurationBucket struct {
	AtMost time.Duration // 0 for no limit
	Calls  int
}

// Answered returns the calls that were answered.
func (c CallSummary) Answered() int { return c.count(vocabulary.CallStatus.Answered) }

// Seized returns the calls that reached the other side: the denominator of the answer
// ratio.
func (c CallSummary) Seized() int { return c.count(vocabulary.CallStatus.Seized) }

// Mean returns how long answered calls lasted on average; 0 without any.
func (c CallSummary) Mean() time.Duration {
	if c.Answered() == 0 {
		return 0
	}
	return c.Talk / time.Duration(c.Answered())
}

func (c CallSummary) count(counts func(vocabulary.CallStatus) bool) (n int) {
	for label, count := range c.ByStatus {
		if status, _ := vocabulary.CallStatusLabelled(label); counts(status) {
			n += count
		}
	}
	return n
}

// Summary returns what the snapshot says at a glance.
func (s *Snapshot) Summary() Summary {
	summary := s.account()
	for _, r := range s.Results {
		switch found := r.finding.(type) {
		case queueDepth:
			summary.Queue, summary.QueueKnown = int(found), true
		case *callWindow:
			summary.Calls = found.summary()
		case *messageWindow:
			summary.Messages = found.summary()
		}
	}
	return summary
}

// account returns what the snapshot says of the account itself, which costs next to
// nothing.
func (s *Snapshot) account() (summary Summary) {
	for _, r := range s.Results {
		switch found := r.finding.(type) {
		case accountState:
			summary.State, summary.SuspendedUntil = found.state, found.until
		case enabledSettings:
			summary.Settings = found
		}
	}
	return summary
}

func journalSummary(w *ledger.JournalWindow) JournalSummary {
	return JournalSummary{Known: true, Records: w.Records, Truncated: w.Truncated, ByStatus: make(map[string]int)}
}

func (w *messageWindow) summary() MessageSummary {
	m := MessageSummary{journalSummary(&w.JournalWindow)}
	for _, c := range w.Messages {
		if !c.Type.Protocol() {
			m.ByStatus[c.Status.Label()] += c.N
		}
	}
	return m
}

func (w *callWindow) summary() CallSummary {
	c := CallSummary{JournalSummary: journalSummary(&w.JournalWindow)}
	for _, calls := range w.Calls {
		c.ByStatus[calls.Status.Label()] += calls.N
	}
	var durations ledger.Histogram
	for _, h := range w.Durations {
		durations.Count += h.Count
		durations.Sum += h.Sum
		for n, count := range h.Buckets {
			durations.Buckets[n] += count
		}
	}
	c.Talk = time.Duration(durations.Sum) * time.Second
	var before uint64
	for n, bound := range ledger.DurationBuckets {
		c.Durations = append(c.Durations, DurationBucket{time.Duration(bound * float64(time.Second)), int(durations.Buckets[n] - before)})
		before = durations.Buckets[n]
	}
	c.Durations = append(c.Durations, DurationBucket{Calls: int(durations.Count - before)})
	return c
}

// totals are the counters of an account, over all labels.
type totals struct {
	messages, delivered, read, failed, calls, answered uint64
	talk                                               int64 // seconds
}

// totals returns the counters as they are now.
func (s *Snapshot) totals() (t totals) {
	for _, c := range s.counters {
		switch c := c.(type) {
		case callCounters:
			counted := c.ledger.Totals()
			for labels, n := range counted.Calls {
				t.calls += n
				if status, _ := vocabulary.CallStatusLabelled(labels.Status); status.Answered() {
					t.answered += n
				}
			}
			for _, h := range counted.Durations {
				t.talk += h.Sum
			}
		case messageCounters:
			counted := c.ledger.Totals()
			for labels, n := range counted.Observed {
				if kind, _ := vocabulary.MessageTypeLabelled(labels.Type); !kind.Protocol() {
					t.messages += n
				}
			}
			t.delivered, t.read = sum(counted.Delivered), sum(counted.Read)
			t.failed = sum(counted.Failed)
		}
	}
	return t
}

func sum[K comparable](counts map[K]uint64) (n uint64) {
	for _, count := range counts {
		n += count
	}
	return n
}

// since returns what was counted since before.
func (t totals) since(before totals) TrendPoint {
	// Counters fall when a state file was set aside.
	more := func(now, before uint64) int { return int(now - min(now, before)) }
	return TrendPoint{
		Messages: more(t.messages, before.messages), Delivered: more(t.delivered, before.delivered),
		Read: more(t.read, before.read), Failed: more(t.failed, before.failed),
		Calls: more(t.calls, before.calls), Answered: more(t.answered, before.answered),
		Talk: time.Duration(max(0, t.talk-before.talk)) * time.Second,
	}
}
