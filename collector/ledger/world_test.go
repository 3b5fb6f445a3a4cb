package ledger_test

import (
	"bytes"
	"fmt"
	"slices"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

// dice decides everything that is left to chance: a seeded generator in the
// model test, the fuzzer's bytes in FuzzLedger.
type dice interface {
	roll(n int) int // 0 to n-1.
}

func oneIn(d dice, n int) bool { return d.roll(n) == 0 }

func pick[T any](d dice, from ...T) T { return from[d.roll(len(from))] }

// world is a GREEN-API instance: what happened there, and what its journals show.
type world struct {
	dice
	now      time.Time
	window   time.Duration
	bySent   bool // Whether the journal of messages is filtered by the time of sending, or of the last action.
	cap      int
	late     bool // Whether rows may take up to 2 minutes to show.
	rewrites bool // Whether times are overwritten.
	moves    bool // Whether chats get other ids.
	// twins are rows in two chats that share an identifier. Where chats move, or some of
	// what was seen at the same time is forgotten, it would not be certain which is which.
	twins  bool
	person string

	calls    []worldCall
	messages []*worldMessage
	made     int
}

type worldCall struct {
	ledger.Call
	born, visible time.Time
}

type worldMessage struct {
	ledger.Message
	sent, visible time.Time
}

var (
	worldCallStatuses    = []string{"pickUp", "pickUp", "hungUp", "declined", "missed", "invalid", "offer", "unknown", "other"}
	worldMessageStatuses = []string{
		"pending", "pending", "sent", "sent", "delivered", "read",
		"noAccount", "notInGroup", "failed", "suspended", "noActiveSession", "unknown", "other",
	}
)

func (w *world) chat() []byte {
	return []byte(pick(w.dice, w.person, w.person, "79990000002@c.us", "120363000000000001@g.us", "120363000000000002@newsletter"))
}

// move gives a person's chat another id: that of all rows is another from now on.
func (w *world) move() {
	w.made++
	moved := fmt.Sprintf("7999%07d@lid", w.made)
	for i := range w.calls {
		if string(w.calls[i].ChatID) == w.person {
			w.calls[i].ChatID = []byte(moved)
		}
	}
	for _, m := range w.messages {
		if string(m.ChatID) == w.person {
			m.ChatID = []byte(moved)
		}
	}
	w.person = moved
}

// visible says when a row that is made now shows in the journal.
func (w *world) visible() time.Time {
	if w.late && oneIn(w, 3) {
		return w.now.Add(time.Duration(w.roll(121)) * time.Second)
	}
	return w.now
}

func (w *world) id() []byte {
	w.made++
	return fmt.Appendf(nil, "BAE5F0C0DE%04d", w.made)
}

// call makes a call, now and then one with the identifier of another, or equal to another.
func (w *world) call() {
	c := worldCall{born: w.now, visible: w.visible()}
	c.ChatID = w.chat()
	c.ID, c.Time = w.id(), w.now.Unix()
	c.Status, c.Media = callStatus(pick(w.dice, worldCallStatuses...)), pick(w.dice, vocabulary.Voice, vocabulary.Voice, vocabulary.Video)
	if n := len(w.calls); n > 0 && oneIn(w, 4) {
		again := w.calls[w.roll(n)]
		c.ChatID, c.ID = again.ChatID, again.ID
		if oneIn(w, 2) && again.born.Equal(w.now) {
			c.Status = again.Status
		}
	}
	if c.Status.Answered() {
		c.Duration = int64(w.roll(5000))
	}
	for range w.roll(4) {
		c.Participants = append(c.Participants, callStatus(pick(w.dice, worldCallStatuses...)))
	}
	switch w.roll(30) {
	case 0:
		c.ID = nil
	case 1, 2: // The same in another chat, which may show before it.
		if !w.twins {
			break
		}
		twin := c
		twin.ChatID = []byte("120363000000000001@g.us")
		if string(c.ChatID) == string(twin.ChatID) {
			twin.ChatID = []byte("79990000002@c.us")
		}
		twin.visible = w.visible()
		w.calls = append(w.calls, twin)
	}
	w.calls = append(w.calls, c)
}

func (w *world) message() {
	m := &worldMessage{sent: w.now, visible: w.visible()}
	m.ChatID = w.chat()
	m.ID, m.Time = w.id(), w.now.Unix()
	if n := len(w.messages); n > 0 && oneIn(w, 8) && w.twins {
		m.ID = w.messages[w.roll(n)].ID // Unique in its chat only.
		kind := vocabulary.ChatTypeOf(m.ChatID)
		if slices.ContainsFunc(w.messages, func(o *worldMessage) bool {
			return kind == vocabulary.ChatTypeOf(o.ChatID) && bytes.Equal(o.ID, m.ID)
		}) {
			m.ID = w.id()
		}
	}
	m.Status = messageStatus(pick(w.dice, worldMessageStatuses...))
	m.Type = messageType(pick(w.dice, "textMessage", "imageMessage", "textMessage", "imageMessage", "editedMessage", "reactionMessage"))
	m.Origin = pick(w.dice, vocabulary.OriginAPI, vocabulary.OriginPhone, vocabulary.OriginUnknown)
	switch w.roll(40) {
	case 0:
		m.ID = nil
	case 1:
		m.Time = 0
	}
	w.messages = append(w.messages, m)
}

// act changes the status of a message: mostly as it should, sometimes back.
func (w *world) act() {
	if len(w.messages) == 0 {
		return
	}
	m := w.messages[len(w.messages)-1-w.roll(min(len(w.messages), 12))]
	next := map[string]string{"pending": "sent", "sent": "delivered", "delivered": "read"}[m.Status.Label()]
	if next == "" || oneIn(w, 6) {
		next = pick(w.dice, worldMessageStatuses...)
	}
	m.Status, m.Time = messageStatus(next), w.now.Unix()
	if w.rewrites && oneIn(w, 4) {
		m.Time = w.now.Unix() - int64(w.roll(3*24*3600)) // Issue 847.
	}
}

// forget bounds the history: rows that no journal shows again need not be kept.
func (w *world) forget() {
	if len(w.calls) > 60 {
		w.calls = slices.Delete(w.calls, 0, 20)
	}
	if len(w.messages) > 60 {
		w.messages = slices.Delete(w.messages, 0, 20)
	}
}

func (w *world) readCalls(window time.Duration) (rows []ledger.Call, truncated bool) {
	for i := range w.calls {
		c := &w.calls[i]
		if !c.visible.After(w.now) && !c.born.Before(w.now.Add(-window)) {
			rows = append(rows, c.Call)
		}
	}
	rows, truncated = capped(rows, w.cap, func(c ledger.Call) int64 { return c.Time })
	return rows, truncated
}

func (w *world) readMessages(window time.Duration) (rows []ledger.Message, truncated bool) {
	type timed struct {
		ledger.Message
		at int64
	}
	var all []timed
	for _, m := range w.messages {
		at := m.Time
		if w.bySent || at == 0 {
			at = m.sent.Unix()
		}
		if !m.visible.After(w.now) && at >= w.now.Add(-window).Unix() {
			all = append(all, timed{m.Message, at})
		}
	}
	all, truncated = capped(all, w.cap, func(t timed) int64 { return t.at })
	for _, t := range all {
		rows = append(rows, t.Message)
		if t.Time > 0 && oneIn(w, 25) { // The same message twice, as it was and as it is.
			earlier := t.Message
			earlier.Status = messageStatus(pick(w.dice, worldMessageStatuses...))
			earlier.Time -= int64(w.roll(3))
			rows = append(rows, earlier)
		}
	}
	return rows, truncated
}

// capped drops the oldest rows beyond the cap.
func capped[T any](rows []T, limit int, at func(T) int64) (kept []T, truncated bool) {
	if limit == 0 || len(rows) < limit {
		return rows, false
	}
	slices.SortStableFunc(rows, func(a, b T) int { return int(at(a) - at(b)) })
	return rows[len(rows)-limit:], true
}

func shuffle[T any](d dice, rows []T) {
	for i := len(rows) - 1; i > 0; i-- {
		j := d.roll(i + 1)
		rows[i], rows[j] = rows[j], rows[i]
	}
}

// lostCalls reports whether a call came into the journal after a read, and is
// not among rows any more.
func (w *world) lostCalls(after time.Time, rows []ledger.Call) bool {
	return slices.ContainsFunc(w.calls, func(c worldCall) bool {
		if len(c.ID) == 0 || c.Status.Open() || !c.visible.After(after) || c.visible.After(w.now) {
			return false
		}
		return !slices.ContainsFunc(rows, func(row ledger.Call) bool { return sameCall(row, c.Call) })
	})
}

func sameCall(a, b ledger.Call) bool {
	return bytes.Equal(a.ChatID, b.ChatID) && bytes.Equal(a.ID, b.ID) && a.Time == b.Time && a.Status == b.Status
}

// lostMessages reports the same of the sending of a message.
func (w *world) lostMessages(after time.Time, rows []ledger.Message) bool {
	return slices.ContainsFunc(w.messages, func(m *worldMessage) bool {
		if len(m.ID) == 0 || !m.visible.After(after) || m.visible.After(w.now) {
			return false
		}
		return !slices.ContainsFunc(rows, func(row ledger.Message) bool { return bytes.Equal(row.ChatID, m.ChatID) && bytes.Equal(row.ID, m.ID) })
	})
}
