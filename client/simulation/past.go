package simulation

import (
	"time"
)

// Moment is what became visible on an account in one step of its past.
type Moment struct {
	Messages, Delivered, Read, Failed int
	Calls, Answered                   int
	Talk                              time.Duration // of the calls that were answered
	State                             string        // at the end, as getStateInstance says it
	Refused                           bool          // whether the journal of messages could not be read at the end
}

// Past returns what became visible on an account in so many steps up to a time, the
// oldest first. It counts as Truth does.
func (s *Simulation) Past(id string, until time.Time, step time.Duration, steps int) []Moment {
	a := s.account(id)
	past := make([]Moment, steps)
	begin := until.Add(-time.Duration(steps) * step)
	first, last, length := wholeSecond(begin), wholeSecond(until)-1, int64(step/time.Second)
	in := func(second int64) *Moment {
		if second < first || second > last {
			return new(Moment) // of another time
		}
		return &past[min((second-first)/length, int64(steps-1))]
	}
	a.messages.visit(first, last, a.messageLife(), func(e *event) {
		if e.degenerate || messageKinds[e.kind].event {
			return
		}
		in(e.shownAt(0)).Messages++
		if second, ok := e.reached(statusDelivered); ok {
			in(second).Delivered++
		}
		if second, ok := e.reached(statusRead); ok {
			in(second).Read++
		}
		for i := range int(e.n) {
			if isFailure(e.status[i]) && e.everShown(i) {
				in(e.shownAt(i)).Failed++
			}
		}
	})
	a.calls.visit(first, last, callLife, func(e *event) {
		final := int(e.n) - 1
		m := in(e.shownAt(final))
		for repeat := range int(e.repeats) + 1 {
			m.Calls++
			if e.rowStatus(final, repeat) == statusPickUp {
				m.Answered++
				m.Talk += time.Duration(e.rowDuration(final, repeat)) * time.Second
			}
		}
	})
	for n := range past {
		end := begin.Add(time.Duration(n+1) * step)
		past[n].State = a.stateAt(end)
		past[n].Refused = a.refuses(new(Answer), MethodLastOutgoingMessages, end)
	}
	return past
}
