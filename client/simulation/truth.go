package simulation

import (
	"slices"
	"time"
)

// Truth is what really happened on an account, counted by the labels of the
// exporter's counters. Failures and stages of a message are counted once each;
// a later stage implies the earlier ones.
type Truth struct {
	Observed              map[MessageLabels]int
	Sent, Delivered, Read map[string]int // by chat type: private, group
	Failed                map[FailureLabels]int
	// Seconds from sent to delivered of the messages in Delivered, and from delivered to
	// read of those in Read, by chat type.
	DeliveryDelays, ReadDelays map[string][]int
	Calls, Participants        map[CallLabels]int
	Durations                  map[DurationLabels][]int // of answered calls, seconds, ascending
}

// MessageLabels are those of a message.
type MessageLabels struct {
	MessageType, ChatType, Origin string
}

// FailureLabels are those of a message's failure. Reason is spelt as the
// metrics do, whatever the journal's spelling.
type FailureLabels struct {
	Reason, ChatType string
}

// CallLabels are those of a call, and of its participants. Status is spelt as
// the metrics do, whatever the journal's spelling.
type CallLabels struct {
	Status, Media, ChatType string
}

// DurationLabels are those of an answered call's duration.
type DurationLabels struct {
	Media, ChatType string
}

// Truth counts what became visible on an account in [from, to).
//
// An event is visible at t when a journal served at t shows it, its lag over:
// a message when its row does, a stage or a failure when the row's status says
// or implies it, a call when its row has a final status (not offer). It
// becomes visible at the first such second, always a whole one. The journal
// thought of here has no end: an unlimited window, no cap, no failing request.
// Rows without an id do not count.
//
// So a counter that began at a scrape at b and is read at a scrape at t must
// equal Truth(id, b.Add(1), t.Add(1)), provided that the scrapes between lost
// nothing: they are closer to each other than the window, less the lag of
// 2 minutes, and than 58 minutes where receipts are reset; the cap does not
// bite; and, where journals read BySendingTime, the window is longer than a
// message's life, 40 hours at most. What the first scrape cannot show, a row
// older than its window, counts in full there when it moves later; nothing
// rests for 24 hours and then moves, but what an incident holds up.
func (s *Simulation) Truth(id string, from, to time.Time) Truth {
	a := s.account(id)
	t := Truth{
		Observed:  make(map[MessageLabels]int),
		Sent:      make(map[string]int),
		Delivered: make(map[string]int),
		Read:      make(map[string]int),
		Failed:    make(map[FailureLabels]int),

		DeliveryDelays: make(map[string][]int),
		ReadDelays:     make(map[string][]int),

		Calls:        make(map[CallLabels]int),
		Participants: make(map[CallLabels]int),
		Durations:    make(map[DurationLabels][]int),
	}
	first, last := wholeSecond(from), wholeSecond(to)-1
	visible := func(second int64) bool { return first <= second && second <= last }
	a.messages.visit(first, last, a.messageLife(), func(e *event) { t.addMessage(a, e, visible) })
	a.calls.visit(first, last, callLife, func(e *event) { t.addCall(a, e, visible) })
	for _, seconds := range t.Durations {
		slices.Sort(seconds)
	}
	return t
}

// wholeSecond is the first whole second that is not before t.
func wholeSecond(t time.Time) int64 {
	return t.Add(time.Second - 1).Unix()
}

// visit calls do for every event that may show something new from one second
// to another.
func (s *stream) visit(first, last, life int64, do func(*event)) {
	from := max(0, earliest(first-maxLag, last, life, *s.account.incidents.Load()))
	for hour := from / secondsPerHour; hour <= last/secondsPerHour; hour++ {
		b := s.hour(hour)
		if b.lastShown < first {
			continue
		}
		for i := range b.events {
			do(&b.events[i])
		}
	}
}

func (t *Truth) addMessage(a *account, e *event, visible func(int64) bool) {
	if e.degenerate {
		return
	}
	chat := chatType(e.group)
	if visible(e.shownAt(0)) {
		t.Observed[MessageLabels{messageKinds[e.kind].name, chat, a.origin(e)}]++
	}
	if messageKinds[e.kind].event {
		return
	}
	for _, stage := range []struct {
		status status
		counts map[string]int
	}{{statusSent, t.Sent}, {statusDelivered, t.Delivered}, {statusRead, t.Read}} {
		if second, ok := e.reached(stage.status); ok && visible(second) {
			stage.counts[chat]++
		}
	}
	t.addDelay(t.DeliveryDelays, e, chat, statusSent, statusDelivered, visible)
	t.addDelay(t.ReadDelays, e, chat, statusDelivered, statusRead, visible)
	for i := range int(e.n) {
		if isFailure(e.status[i]) && e.everShown(i) && visible(e.shownAt(i)) {
			t.Failed[FailureLabels{e.status[i].String(), chat}]++
		}
	}
}

// addDelay adds how long the message took from one stage to another, if that shows.
func (*Truth) addDelay(delays map[string][]int, e *event, chat string, from, to status, visible func(int64) bool) {
	if second, ok := e.reached(to); !ok || !visible(second) {
		return
	}
	delays[chat] = append(delays[chat], int(e.acted(to)-e.acted(from)))
}

// acted is when a message reached a stage, or a later one.
func (e *event) acted(stage status) int64 {
	for i := range int(e.n) {
		if e.status[i] >= stage && e.status[i] <= statusRead {
			return e.actedAt(i)
		}
	}
	return 0
}

// reached is the first second in which a message shows a stage or a later one.
func (e *event) reached(stage status) (int64, bool) {
	for i := range int(e.n) {
		if e.status[i] >= stage && e.status[i] <= statusRead && e.everShown(i) {
			return e.shownAt(i), true
		}
	}
	return 0, false
}

func (t *Truth) addCall(a *account, e *event, visible func(int64) bool) {
	final := int(e.n) - 1
	if !visible(e.shownAt(final)) {
		return
	}
	media, chat := "voice", chatType(e.group)
	if e.video {
		media = "video"
	}
	for repeat := range int(e.repeats) + 1 {
		s := e.rowStatus(final, repeat)
		t.Calls[CallLabels{s.String(), media, chat}]++
		for _, p := range a.participants(e, final, repeat) {
			t.Participants[CallLabels{p.status.String(), media, chat}]++
		}
		if s == statusPickUp {
			labels := DurationLabels{media, chat}
			t.Durations[labels] = append(t.Durations[labels], e.rowDuration(final, repeat))
		}
	}
}
