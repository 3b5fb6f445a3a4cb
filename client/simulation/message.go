package simulation

import "time"

// messageKind is a type of message, and the form of its row.
type messageKind struct {
	name  string
	share float64
	form  form
	event bool // About a message, and not one itself: it has no stages and no failures.
}

type form uint8

const (
	formPlain form = iota
	formText
	formExtended
	formMedia
	formLocation
	formContact
	formPoll
)

// messageKinds are the documented types, with the shares that businesses'
// traffic might have. Shares sum up to 100.
var messageKinds = [...]messageKind{
	{"textMessage", 47, formText, false},
	{"extendedTextMessage", 16, formExtended, false},
	{"imageMessage", 11, formMedia, false},
	{"documentMessage", 7, formMedia, false},
	{"quotedMessage", 4, formExtended, false},
	{"audioMessage", 3.5, formMedia, false},
	{"videoMessage", 2.5, formMedia, false},
	{"reactionMessage", 2, formExtended, true},
	{"locationMessage", 1, formLocation, false},
	{"contactMessage", 1, formContact, false},
	{"pollMessage", 0.8, formPoll, false},
	{"stickerMessage", 0.8, formMedia, false},
	{"editedMessage", 0.6, formExtended, true},
	{"deletedMessage", 0.5, formPlain, true},
	{"templateMessage", 0.5, formPlain, false},
	{"buttonsMessage", 0.4, formPlain, false},
	{"listMessage", 0.3, formPlain, false},
	{"buttonsResponseMessage", 0.2, formPlain, false},
	{"listResponseMessage", 0.2, formPlain, false},
	{"templateButtonsReplyMessage", 0.2, formPlain, false},
	{"contactsArrayMessage", 0.2, formContact, false},
	{"pollUpdateMessage", 0.2, formPoll, true},
	{"groupInviteMessage", 0.1, formPlain, false},
}

func pickKind(d *dice) uint8 {
	p := d.float() * 100
	for i, k := range messageKinds {
		if p -= k.share; p < 0 {
			return uint8(i)
		}
	}
	return 0
}

// makeMessages makes the messages that begin in an hour.
func (a *account) makeMessages(hour int64, incidents []incident) []event {
	return a.makeHour(hour, saltMessage, a.MessagesPerDay, incidents, a.makeMessage)
}

// makeHour throws for how many events begin in an hour, then makes each. The
// ones that a burst adds are made apart, so that the others stay as they are.
func (a *account) makeHour(
	hour int64, salt uint64, perDay float64, incidents []incident,
	makeOne func(key uint64, at int64, incidents []incident) (event, bool),
) []event {
	mean := perDay * a.share(hour)
	start := hour * secondsPerHour
	var events []event
	add := func(layer uint64, from, length int64, mean float64) {
		d := newDice(a.key, salt, uint64(hour), layer) //nolint:gosec // only a seed
		for i := range d.poisson(mean) {
			key := hash(a.key, salt, uint64(hour), layer, uint64(i)) //nolint:gosec // only a seed
			at := from + int64(d.float()*float64(length))
			if at < a.since {
				continue
			}
			if e, ok := makeOne(key, at, incidents); ok {
				events = append(events, e)
			}
		}
	}
	add(0, start, secondsPerHour, mean)
	for _, inc := range incidents {
		from, to := max(inc.from, start), min(inc.to, start+secondsPerHour)
		if inc.Kind == IncidentBurst && from < to {
			length := to - from
			add(inc.key, from, length, mean*(inc.Factor-1)*float64(length)/secondsPerHour)
		}
	}
	return events
}

// makeMessage makes the message with this key, sent at a second. It reports
// false when there is no such message: an incident prevents it.
func (a *account) makeMessage(key uint64, at int64, incidents []incident) (event, bool) {
	d := dice{state: key}
	e := event{key: key, created: at}
	b := &a.behaviour
	e.group = a.Groups > 0 && d.chance(b.GroupMessages)
	e.phone = d.chance(b.FromPhone)
	e.chat = a.pickChat(&d, e.group)
	e.kind = pickKind(&d)
	e.degenerate = d.chance(b.Degenerate)
	for i := range incidents {
		if incidents[i].prevents(key, at, e.phone, false) {
			return event{}, false
		}
	}
	c := a.sending(&d, &e)
	for i := range incidents {
		incidents[i].bend(&c, key, !e.group, e.phone)
	}
	e.settle(&c)
	return e, true
}

// pickChat picks a contact or group: some get much, many little.
func (a *account) pickChat(d *dice, group bool) int32 {
	n := a.Contacts
	if group {
		n = a.Groups
	}
	u := d.float()
	return int32(u * u * float64(n))
}

// resetDelay is how long a reading is there to be seen before its receipt is
// reset: long enough for a scrape to see it.
const resetDelay = secondsPerHour

// sending is the course of a message that no incident touches.
func (a *account) sending(d *dice, e *event) course {
	var c course
	b := &a.behaviour
	elapsed := 0.0
	add := func(delay float64, s status) {
		elapsed += delay
		c.add(e.created+int64(elapsed), s)
	}
	sent := statusSent
	if e.phone {
		add(0, sent)
	} else {
		switch p := d.float(); {
		case !e.group && p < b.NoAccount:
			sent = statusNoAccount
		case e.group && p < b.NotInGroup:
			sent = statusNotInGroup
		case p > 1-b.Failed:
			sent = statusFailed
		case p > 1-b.Failed-b.NoActiveSession:
			sent = statusNoActiveSession
		}
		add(0, statusPending)
		add(min(60, d.logNormal(1.5, 0.8)), sent)
	}
	if isFailure(sent) || d.chance(b.NeverDelivered) {
		return c
	}
	delivery := a.deliveryDelay(d, e.group)
	if !e.group && d.chance(b.OpenChat) {
		add(delivery, statusRead)
	} else {
		add(delivery, statusDelivered)
		if reading, ok := a.readingDelay(d, e.group); ok {
			add(reading, statusRead)
		}
	}
	last := c.steps[c.n-1].status
	switch p := d.float(); {
	case last == statusRead && p < b.ReceiptsReset:
		add(resetDelay+d.float()*(maxEditing-resetDelay), statusDelivered)
	case p > 1-b.Edited:
		add(30+d.float()*(maxEditing-30), last)
	}
	return c
}

// deliveryDelay is in seconds. A group has the message when its last member has.
func (a *account) deliveryDelay(d *dice, group bool) float64 {
	b := &a.behaviour
	recipients := 1
	if group {
		recipients = a.GroupMembers
	}
	slowest := 0.0
	for range recipients {
		delay := min(secondsPerHour, d.logNormal(b.DeliveryMedian.Seconds(), 1))
		if d.chance(b.Offline) {
			delay = min(maxOffline, d.exponential(b.OfflineMean.Seconds()))
		}
		slowest = max(slowest, delay)
	}
	return slowest
}

// readingDelay is in seconds after the delivery, and false for never.
func (a *account) readingDelay(d *dice, group bool) (float64, bool) {
	b := &a.behaviour
	share, median := b.Read, b.ReadMedian
	if group {
		share, median = b.ReadInGroups, 4*median
	}
	if !d.chance(share) {
		return 0, false
	}
	return min(maxReading, d.logNormal(median.Seconds(), 1.5)), true
}

// chatType is private or group.
func chatType(group bool) string {
	if group {
		return "group"
	}
	return "private"
}

// origin of a message as the metrics have it.
func (a *account) origin(e *event) string {
	switch {
	case a.OldSchema:
		return "unknown"
	case e.phone:
		return "phone"
	}
	return "api"
}

// pending counts what waits in the queue at t. GREEN-API looks every 10 s.
func (a *account) pending(t time.Time) int {
	now := t.Unix() / 10 * 10
	n := 0
	for hour := (now - queueLife) / secondsPerHour; hour <= now/secondsPerHour; hour++ {
		events := a.messages.hour(hour).events
		for i := range events {
			e := &events[i]
			waiting := e.created <= now && e.created > now-queueLife && e.status[0] == statusPending
			if waiting && (e.n == 1 || e.actedAt(1) > now) {
				n++
			}
		}
	}
	return n
}
