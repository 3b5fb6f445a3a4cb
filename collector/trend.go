package collector

import (
	"math"
	"sync"
	"time"
)

// An account's trend is what the reads of the last 24 hours saw, in steps of 5
// minutes. It is kept in memory for the exporter's own pages; Prometheus has its own.
const (
	TrendStep   = 5 * time.Minute
	TrendLength = 24 * time.Hour

	trendSlots = int(TrendLength / TrendStep)
)

// slot is one step of a trend: 20 bytes. Counts that do not fit stay at the largest.
type slot struct {
	talk                              uint32 // seconds of the calls that were answered
	messages, delivered, read, failed uint16
	calls, answered                   uint16
	reads, failures                   uint8 // reads of the account; how many of them failed
	severity                          uint8 // the worst
}

// trend is the trend of one account: 5,760 bytes of slots, and a few more. What an
// event shows in is the step in which the exporter saw it.
type trend struct {
	mu     sync.Mutex
	slots  [trendSlots]slot // the slot of step number n is n modulo trendSlots
	newest int64            // number of the newest step since 1970; 0 before the first
	totals totals           // of the last read

	condition Condition // of the last read
	since     time.Time // when it began
	atLeast   bool      // it may have begun earlier: nobody looked
}

// TrendPoint is what the reads in one part of a trend saw.
type TrendPoint struct {
	Messages, Delivered, Read, Failed int
	Calls, Answered                   int
	Talk                              time.Duration // of the calls that were answered
	Reads, Failures                   int           // reads of the account; how many of them failed
	Severity                          Severity      // the worst
}

// note adds a read to the trend, and tells its snapshot since when the account has
// been as it is.
func (t *trend) note(s *Snapshot) {
	t.mu.Lock()
	defer t.mu.Unlock()
	condition, now := s.Condition(), s.totals()
	var p TrendPoint
	if t.since.IsZero() {
		t.began(s.Attempted, condition) // what was counted until now, by a state file, is no news
	} else {
		p = now.since(t.totals)
		if !condition.same(t.condition) {
			t.since, t.atLeast = s.Attempted, false
		}
	}
	t.condition, t.totals = condition, now
	s.Since, s.SinceAtLeast = t.since, t.atLeast
	p.Reads, p.Severity = 1, condition.Severity
	if condition.Failed != nil {
		p.Failures = 1
	}
	t.at(s.Attempted.Unix() / int64(TrendStep/time.Second)).add(p)
}

// began sets since when the first condition has lasted: as long as the trend was
// given the same one, at least since the first read.
func (t *trend) began(at time.Time, condition Condition) {
	t.since, t.atLeast = at, true
	for n := range int64(trendSlots) {
		number := t.newest - n
		past := t.slots[number%int64(trendSlots)]
		if number <= 0 || past.reads == 0 {
			return
		}
		if Severity(past.severity) != condition.Severity {
			t.atLeast = false
			return
		}
		t.since = time.Unix(number*int64(TrendStep/time.Second), 0)
	}
}

// at returns the slot of a step, and forgets those that are too old for it. A step
// before the newest, because the clock was set back, is the newest; where it was set
// back by the length of the trend or more, what was seen by the wrong time is forgotten.
func (t *trend) at(number int64) *slot {
	number = max(number, 0) // a clock before 1970
	if number-t.newest >= int64(trendSlots) || t.newest-number >= int64(trendSlots) {
		t.slots = [trendSlots]slot{}
		t.newest = number
	}
	for t.newest < number {
		t.newest++
		t.slots[t.newest%int64(trendSlots)] = slot{}
	}
	return &t.slots[t.newest%int64(trendSlots)]
}

func (s *slot) add(p TrendPoint) {
	s.talk = uint32(min(int64(s.talk)+int64(p.Talk/time.Second), math.MaxUint32))
	for _, column := range []struct {
		to   *uint16
		more int
	}{
		{&s.messages, p.Messages},
		{&s.delivered, p.Delivered},
		{&s.read, p.Read},
		{&s.failed, p.Failed},
		{&s.calls, p.Calls},
		{&s.answered, p.Answered},
	} {
		*column.to = uint16(min(int(*column.to)+column.more, math.MaxUint16))
	}
	s.reads = uint8(min(int(s.reads)+p.Reads, math.MaxUint8))
	s.failures = uint8(min(int(s.failures)+p.Failures, math.MaxUint8))
	s.severity = max(s.severity, uint8(p.Severity))
}

// Trend returns the last 24 hours until a time in so many parts of equal length, the
// oldest first. The number of parts has to divide 288.
func (i *Instance) Trend(until time.Time, parts int) []TrendPoint {
	points := make([]TrendPoint, parts)
	each := trendSlots / parts
	last := until.Unix() / int64(TrendStep/time.Second)
	t := &i.trend
	t.mu.Lock()
	defer t.mu.Unlock()
	for n := range parts * each {
		number := last - int64(trendSlots-1-n)
		if number > t.newest || number <= t.newest-int64(trendSlots) || number < 0 {
			continue
		}
		points[n/each].add(t.slots[number%int64(trendSlots)])
	}
	return points
}

func (p *TrendPoint) add(s slot) {
	p.Messages += int(s.messages)
	p.Delivered += int(s.delivered)
	p.Read += int(s.read)
	p.Failed += int(s.failed)
	p.Calls += int(s.calls)
	p.Answered += int(s.answered)
	p.Talk += time.Duration(s.talk) * time.Second
	p.Reads += int(s.reads)
	p.Failures += int(s.failures)
	p.Severity = max(p.Severity, Severity(s.severity))
}

// SetPast gives the account a trend from before its first read, in steps of
// TrendStep that end at a time: for simulated accounts, whose past is known. It does
// nothing once the account was read.
func (i *Instance) SetPast(until time.Time, points []TrendPoint) {
	t := &i.trend
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.since.IsZero() {
		return
	}
	first := until.Unix()/int64(TrendStep/time.Second) - int64(len(points))
	for n, p := range points {
		t.at(first + int64(n)).add(p)
	}
}
