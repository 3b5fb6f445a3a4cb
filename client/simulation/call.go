package simulation

import "cmp"

// makeCalls makes the calls that begin in an hour.
func (a *account) makeCalls(hour int64, incidents []incident) []event {
	return a.makeHour(hour, saltCall, a.CallsPerDay, incidents, a.makeCall)
}

// makeCall makes the call with this key, begun at a second. It reports false
// when there is no such call: an incident prevents it.
func (a *account) makeCall(key uint64, at int64, incidents []incident, from source) (event, bool) {
	d := dice{state: key}
	e := event{key: key, created: at}
	b := from.behaviour
	e.group = a.Groups > 0 && d.chance(b.GroupCalls)
	e.video = d.chance(b.Video)
	e.chat = a.pickChat(&d, e.group)
	for i := range incidents {
		if inc := &incidents[i]; inc.concerns(a, &e, true) && inc.prevents(key, at, false, true) {
			return event{}, false
		}
	}
	outcome := pickOutcome(&d, b)
	talk := max(1, min(maxTalk, d.logNormal(b.TalkMedian.Seconds(), cmp.Or(b.TalkSpread, 1.2))))
	for i := range incidents {
		if inc := &incidents[i]; inc.covers(at) && inc.concerns(a, &e, true) && inc.hitsAt(key, at) {
			outcome, talk = bendCall(inc.Kind, outcome, talk, d.float())
		}
	}
	end := at + int64(3+d.float()*37)
	if outcome == statusPickUp {
		e.duration = int32(talk)
		end += int64(talk)
	}
	if d.chance(b.RepeatedRows) {
		e.repeats = 2
	}
	var c course
	if d.chance(b.Offer) {
		c.add(at, statusOffer)
	}
	c.add(end, outcome)
	e.settle(&c)
	return e, true
}

func pickOutcome(d *dice, b *Behaviour) status {
	p := d.float()
	for _, o := range []struct {
		share  float64
		status status
	}{
		{b.Answered, statusPickUp},
		{b.Declined, statusDeclined},
		{b.Invalid, statusInvalid},
		{b.Missed, statusMissed},
	} {
		if p -= o.share; p < 0 {
			return o.status
		}
	}
	return statusHungUp
}

// bendCall is what an incident makes of a call that it hits.
func bendCall(kind IncidentKind, outcome status, talk, luck float64) (status, float64) {
	switch {
	case kind == IncidentFailingCalls:
		return statusInvalid, talk
	case kind == IncidentAnswerDrop && outcome == statusPickUp:
		return statusHungUp, talk
	case kind == IncidentShortCalls && outcome == statusPickUp:
		return outcome, 1 + luck*5
	}
	return outcome, talk
}

// rowStatus is the status of a call's row: of the first, the call's own; of
// those that repeat its id, declined and invalid, as in GREEN-API's example.
func (e *event) rowStatus(i, repeat int) status {
	switch repeat {
	case 1:
		return statusDeclined
	case 2:
		return statusInvalid
	}
	return e.status[i]
}

// rowDuration is the duration of a call's row in seconds.
func (e *event) rowDuration(i, repeat int) int {
	if e.rowStatus(i, repeat) != statusPickUp {
		return 0
	}
	return int(e.duration)
}

// A participant is somebody whom a call rang.
type participant struct {
	contact int32
	status  status
}

// participants of a call's row, and what became of it for each.
func (a *account) participants(e *event, i, repeat int) []participant {
	s := e.rowStatus(i, repeat)
	if !e.group {
		return []participant{{contact: e.chat, status: s}}
	}
	d := newDice(e.key, saltParticipants)
	people := make([]participant, 2+d.below(10))
	for k := range people {
		people[k] = participant{contact: int32(d.below(a.Contacts)), status: s}
		// Of an answered group call, one at least has answered.
		if s == statusPickUp && k > 0 {
			people[k].status = [...]status{statusPickUp, statusHungUp, statusDeclined, statusInvalid}[d.below(4)]
		}
	}
	return people
}
