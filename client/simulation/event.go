package simulation

import (
	"math"
	"sync/atomic"
)

// Salts keep apart the dice that are thrown for different things.
const (
	saltMessage uint64 = iota + 1
	saltCall
	saltDay
	saltIncident
	saltLag
	saltContact
	saltGroup
	saltText
	saltParticipants
	saltRequest
	saltPostponed
	saltToken
	saltPayload
	saltNight
	saltCampaign
)

const (
	secondsPerHour = 3600

	// maxLag is the documented time that a record takes to appear, at most.
	maxLag = 120
	// maxOffline and maxReading bound the tails of the delays, in seconds, so
	// that a journal knows how far back to look for what moves late.
	maxOffline  = 20 * secondsPerHour
	maxReading  = 16 * secondsPerHour
	maxEditing  = 3 * secondsPerHour
	maxTalk     = 4 * secondsPerHour
	maxNight    = 12 * secondsPerHour // that a receipt waits for the morning, once or twice
	maxCampaign = 12 * secondsPerHour
	messageLife = maxOffline + maxReading + maxEditing + secondsPerHour
	callLife    = maxTalk + secondsPerHour

	// queueLife is how long a message waits for its account, in seconds.
	queueLife = 24 * secondsPerHour

	// cachedHours is how many hours of an account's events are kept: a window
	// of 24 hours, a message's life and some.
	cachedHours = 24 + (messageLife+2*maxNight+maxCampaign)/secondsPerHour + 8

	maxSteps = 5
)

// status is of a message or of a call.
type status uint8

const (
	statusPending status = iota
	statusSent
	statusDelivered
	statusRead
	statusNoAccount
	statusNotInGroup
	statusFailed
	statusSuspended
	statusNoActiveSession
	statusPickUp
	statusHungUp
	statusDeclined
	statusInvalid
	statusMissed
	statusOffer
)

// String is the status as the metrics spell it.
func (s status) String() string {
	return [...]string{
		"pending", "sent", "delivered", "read",
		"noAccount", "notInGroup", "failed", "suspended", "noActiveSession",
		"pickUp", "hungUp", "declined", "invalid", "missed", "offer",
	}[s]
}

func isReceipt(s status) bool { return s == statusDelivered || s == statusRead }

func isFailure(s status) bool { return s >= statusNoAccount && s <= statusNoActiveSession }

// A step is an action on a message or a call: its status from then on.
type step struct {
	at     int64 // unix seconds
	status status
}

// A course is the steps of an event in their order, while it is being made.
type course struct {
	steps [maxSteps]step
	n     int
}

func (c *course) add(at int64, s status) {
	c.steps[c.n] = step{at, s}
	c.n++
}

// find returns the first step with this status, -1 when there is none.
func (c *course) find(s status) int {
	for i := range c.n {
		if c.steps[i].status == s {
			return i
		}
	}
	return -1
}

// endAs makes step i the last one, with another status.
func (c *course) endAs(i int, s status) {
	c.steps[i].status = s
	c.n = i + 1
}

func (c *course) forget(unwanted func(step) bool) {
	n := 0
	for _, s := range c.steps[:c.n] {
		if !unwanted(s) {
			c.steps[n] = s
			n++
		}
	}
	c.n = n
}

// postpone moves step i behind the incident, and those after it as far. What
// has waited too long is given up.
func (c *course) postpone(i int, inc *incident, key uint64) {
	gaveUp := c.steps[i].status == statusSent && inc.to-c.steps[0].at > queueLife
	if inc.to == math.MaxInt64 || gaveUp {
		c.n = i
		return
	}
	d := newDice(inc.key, key, saltPostponed)
	by := inc.to + int64(d.below(maxLag)) - c.steps[i].at
	for ; i < c.n; i++ {
		c.steps[i].at += by
	}
}

// An event is a message or a call with all its future, in few bytes: a fleet
// keeps a million of them.
type event struct {
	key      uint64
	created  int64            // unix seconds
	at       [maxSteps]uint32 // of each step, seconds after created
	shown    [maxSteps]uint32 // when the journal shows it, likewise
	status   [maxSteps]status
	n        uint8
	kind     uint8 // of a message: index into messageKinds
	repeats  uint8 // of a call: more rows of the same id
	chat     int32 // contact, or group
	duration int32 // of a call, seconds

	group, phone, video, degenerate bool
}

// settle takes over a course and throws for how late the journal shows each
// step. A step never shows before the one ahead of it.
func (e *event) settle(c *course) {
	lag := newDice(e.key, saltLag)
	var before int64
	for i, s := range c.steps[:c.n] {
		before = max(before, s.at+int64(lag.below(maxLag+1)))
		e.at[i] = uint32(s.at - e.created)
		e.shown[i] = uint32(before - e.created)
		e.status[i] = s.status
	}
	e.n = uint8(c.n)
}

func (e *event) actedAt(i int) int64 { return e.created + int64(e.at[i]) }
func (e *event) shownAt(i int) int64 { return e.created + int64(e.shown[i]) }

// current is the step that a journal of second t shows, -1 before the first.
func (e *event) current(t int64) int {
	i := int(e.n) - 1
	for i >= 0 && e.shownAt(i) > t {
		i--
	}
	return i
}

// everShown tells whether step i shows at some second before the next one does.
func (e *event) everShown(i int) bool {
	return i == int(e.n)-1 || e.shown[i] < e.shown[i+1]
}

// A block holds the events that began in an hour. It never changes.
type block struct {
	hour      int64
	incidents *[]incident // under which it was made
	events    []event
	lastShown int64 // second after which none of them changes
	lastActed int64 // second after which none of them acts
}

// A stream is the messages or the calls of an account, cut into hours that are
// made when they are asked for.
type stream struct {
	account *account
	make    func(hour int64, incidents []incident) []event
	slots   []atomic.Pointer[block] // of hour h at h modulo their number
}

// hour returns the events that began in an hour since 1970. Two goroutines may
// make the same one: they make it equal.
func (s *stream) hour(hour int64) *block {
	incidents := s.account.incidents.Load()
	slot := &s.slots[uint64(hour)%uint64(len(s.slots))]
	if b := slot.Load(); b != nil && b.hour == hour && b.incidents == incidents {
		return b
	}
	b := &block{hour: hour, incidents: incidents, events: s.make(hour, *incidents)}
	for i := range b.events {
		e := &b.events[i]
		b.lastShown = max(b.lastShown, e.shownAt(int(e.n)-1))
		b.lastActed = max(b.lastActed, e.actedAt(int(e.n)-1))
	}
	slot.Store(b)
	return b
}

// earliest is the first second in which something may have begun that still
// acts at or after second since, as seen at second now.
func earliest(since, now, life int64, incidents []incident) int64 {
	from := since - life
	for range incidents {
		for _, inc := range incidents {
			if inc.postpones() && inc.to <= now && inc.to+life >= from && inc.from != math.MinInt64 {
				from = min(from, inc.from-life)
			}
		}
	}
	return from
}
