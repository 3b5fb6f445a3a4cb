package simulation

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"
)

// A row of a journal: an event at a step.
type row struct {
	event  *event
	step   int
	repeat int   // of a call's rows, which
	order  int64 // unix seconds; journals go from the newest to the oldest
}

// rows returns what the journal of a stream shows at second now, the newest
// first, at most as many as the cap allows.
func (s *stream) rows(now, window, life int64) []row {
	since := max(0, now-window)
	byAction := s.account.sim.reading == ByLastAction
	from := since
	if byAction {
		from = earliest(since, now, life, *s.account.incidents.Load())
	}
	var rows []row
	for hour := max(0, from) / secondsPerHour; hour <= now/secondsPerHour; hour++ {
		b := s.hour(hour)
		if byAction && b.lastActed < since {
			continue
		}
		for i := range b.events {
			e := &b.events[i]
			step := e.current(now)
			if step < 0 {
				continue
			}
			order := e.created
			if byAction {
				order = e.actedAt(step)
			}
			if order >= since {
				rows = append(rows, row{event: e, step: step, order: order})
			}
		}
	}
	slices.SortFunc(rows, func(x, y row) int {
		return cmp.Or(cmp.Compare(y.order, x.order), cmp.Compare(x.event.key, y.event.key))
	})
	return limit(repeated(rows), s.account.sim.cap)
}

// repeated adds the further rows of calls that have them.
func repeated(rows []row) []row {
	if !slices.ContainsFunc(rows, func(r row) bool { return r.event.repeats > 0 }) {
		return rows
	}
	var all []row
	for _, r := range rows {
		all = append(all, r)
		if r.event.status[r.step] == statusOffer {
			continue
		}
		for k := range int(r.event.repeats) {
			r.repeat = k + 1
			all = append(all, r)
		}
	}
	return all
}

func limit(rows []row, n int) []row {
	return rows[:min(n, len(rows))]
}

// flushBytes is how much of a journal is written at a time.
const flushBytes = 32 << 10

// journal returns a function that writes the journal of a method.
func (a *account) journal(method string, minutes int, now time.Time) func(io.Writer) error {
	stream, life, write := &a.messages, a.messageLife(), a.appendMessage
	if method == MethodLastOutgoingCalls {
		stream, life, write = &a.calls, callLife, a.appendCall
	}
	return func(w io.Writer) error {
		b := make([]byte, 0, flushBytes+flushBytes/2)
		b = append(b, '[')
		for i, r := range stream.rows(now.Unix(), int64(minutes)*60, life) {
			if i > 0 {
				b = append(b, ',')
			}
			b = write(b, r)
			if len(b) < flushBytes {
				continue
			}
			if _, err := w.Write(b); err != nil {
				return fmt.Errorf("write a journal: %w", err)
			}
			b = b[:0]
		}
		if _, err := w.Write(append(b, ']')); err != nil {
			return fmt.Errorf("write a journal: %w", err)
		}
		return nil
	}
}
