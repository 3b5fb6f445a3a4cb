package simulation

import (
	"cmp"
	"slices"
	"time"
)

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

// kindEdited is the place of editedMessage among the kinds.
var kindEdited = uint8(slices.IndexFunc(messageKinds[:], func(k messageKind) bool { return k.name == "editedMessage" }))

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
	makeOne func(key uint64, at int64, incidents []incident, from source) (event, bool),
) []event {
	mean := perDay * a.share(hour)
	start := hour * secondsPerHour
	var events []event
	add := func(layer uint64, from, length int64, mean float64) {
		d := newDice(a.key, salt, uint64(hour), layer)
		for i := range d.poisson(mean) {
			key := hash(a.key, salt, uint64(hour), layer, uint64(i))
			at := from + int64(d.float()*float64(length))
			if at < a.since {
				continue
			}
			if e, ok := makeOne(key, at, incidents, source{behaviour: a.behaviourAt(at)}); ok {
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
	return append(events, a.campaigns(hour, salt, incidents, makeOne)...)
}

// source is where an event comes from: the usual traffic, or a campaign.
type source struct {
	behaviour *Behaviour
	campaign  bool
	waits     int64 // seconds in the queue, of a campaign
}

// campaigns makes what campaigns begin in an hour.
func (a *account) campaigns(
	hour int64, salt uint64, incidents []incident,
	makeOne func(key uint64, at int64, incidents []incident, from source) (event, bool),
) []event {
	var events []event
	for n := range a.Campaigns {
		c := &a.Campaigns[n]
		total := c.Messages
		if salt == saltCall {
			total = c.Calls
		}
		begin, over := c.At.Unix(), int64(cmp.Or(c.Over, time.Minute)/time.Second)
		if (begin+over)/secondsPerHour < hour || begin/secondsPerHour > hour {
			continue
		}
		for i := range total {
			at, from := begin, source{behaviour: c.Behaviour, campaign: true}
			if wait := over * int64(i) / int64(total); c.Queued {
				from.waits = wait
			} else {
				at += wait
			}
			if at/secondsPerHour != hour {
				continue
			}
			if from.behaviour == nil {
				from.behaviour = a.behaviourAt(at)
			}
			key := hash(a.key, salt, saltCampaign, uint64(n), uint64(i))
			if e, ok := makeOne(key, at, incidents, from); ok {
				events = append(events, e)
			}
		}
	}
	return events
}

// makeMessage makes the message with this key, sent at a second. It reports
// false when there is no such message: an incident prevents it.
func (a *account) makeMessage(key uint64, at int64, incidents []incident, from source) (event, bool) {
	d := dice{state: key}
	e := event{key: key, created: at}
	b := from.behaviour
	e.group = a.Groups > 0 && d.chance(b.GroupMessages)
	e.phone = d.chance(b.FromPhone) && !from.campaign
	e.chat = a.pickChat(&d, e.group)
	e.kind = pickKind(&d)
	if b.Edits > 0 && d.chance(b.Edits) {
		e.kind = kindEdited
	}
	e.degenerate = d.chance(b.Degenerate)
	for i := range incidents {
		if inc := &incidents[i]; inc.concerns(a, &e, false) && inc.prevents(key, at, e.phone, false) {
			return event{}, false
		}
	}
	c := a.sending(&d, &e, from)
	for i := range incidents {
		if inc := &incidents[i]; inc.concerns(a, &e, false) {
			inc.bend(&c, key, !e.group, e.phone)
		}
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
func (a *account) sending(d *dice, e *event, from source) course {
	var c course
	b := from.behaviour
	elapsed := 0.0
	add := func(delay float64, s status) {
		elapsed += delay
		c.add(e.created+int64(elapsed), s)
	}
	night := newDice(e.key, saltNight)
	// wakes puts off what would come while the recipient sleeps.
	wakes := func(delay float64, off float64) float64 {
		at := e.created + int64(elapsed+delay)
		if morning := b.Night.end(at + int64(a.UTCOffset/time.Second)); morning > 0 && night.chance(off) {
			return delay + float64(morning) + min(2*secondsPerHour, night.exponential(secondsPerHour/2))
		}
		return delay
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
		add(float64(from.waits)+min(60, d.logNormal(1.5, 0.8)), sent)
	}
	if isFailure(sent) || d.chance(b.NeverDelivered) {
		return c
	}
	delivery := wakes(a.deliveryDelay(d, b, e.group), b.Night.Off)
	if !e.group && d.chance(b.OpenChat) {
		add(delivery, statusRead)
	} else {
		add(delivery, statusDelivered)
		if reading, ok := readingDelay(d, b, e.group); ok {
			add(wakes(reading, 1), statusRead)
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
func (a *account) deliveryDelay(d *dice, b *Behaviour, group bool) float64 {
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
func readingDelay(d *dice, b *Behaviour, group bool) (float64, bool) {
	share, median := b.Read, b.ReadMedian
	if group {
		share, median = b.ReadInGroups, 4*median
	}
	if !d.chance(share) {
		return 0, false
	}
	return min(maxReading, d.logNormal(median.Seconds(), 1.5)), true
}

// end is how long the night goes on at a second of local time, 0 by day.
func (n *Night) end(local int64) int64 {
	if n.From == n.To {
		return 0
	}
	second := local % (24 * secondsPerHour)
	since := (second - int64(n.From)*secondsPerHour + 24*secondsPerHour) % (24 * secondsPerHour)
	length := int64((n.To-n.From+24)%24) * secondsPerHour
	return max(0, length-since)
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

// pending counts what waits in the queue at t, and says since when the oldest message
// does. GREEN-API looks every 10 s.
func (a *account) pending(t time.Time) (n int, oldest time.Time) {
	now := t.Unix() / 10 * 10
	for hour := (now - queueLife) / secondsPerHour; hour <= now/secondsPerHour; hour++ {
		events := a.messages.hour(hour).events
		for i := range events {
			e := &events[i]
			waiting := e.created <= now && e.created > now-queueLife && e.status[0] == statusPending
			if !waiting || e.n > 1 && e.actedAt(1) <= now {
				continue
			}
			n++
			if at := time.Unix(e.created, 0); oldest.IsZero() || at.Before(oldest) {
				oldest = at
			}
		}
	}
	return n, oldest
}
