package ledger

import (
	"sync"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
)

// JournalWindow is what the window of any journal shows. It is a view of the rows in
// the memory.
type JournalWindow struct {
	Records, Invalid int       // Rows and elements that were no rows; and how many the latter are, by the last whole read.
	Truncated        bool      // Whether the window lacks rows because of the API's cap.
	Oldest, Newest   int64     // Times of rows, in Unix seconds; 0 for none.
	WholeRead        time.Time // Date of the last whole read; zero for none.

	// Values that nobody listed, or of the wrong JSON type.
	UnknownStatus, UnknownParticipant, UnknownType, UnknownChat, UnknownOrigin int

	Chats, Reached [vocabulary.ChatTypeCount]int // Distinct chats, and those of them that were reached.
	LIDChats       int                           // Distinct chats with a privacy id.
}

// MessageCount is how many messages of the window are alike.
type MessageCount struct {
	Status   vocabulary.MessageStatus
	Type     vocabulary.MessageType
	ChatType vocabulary.ChatType
	N        int
}

// MessageWindow is what the window of the journal of messages shows. It never changes.
type MessageWindow struct {
	JournalWindow
	Messages                  []MessageCount // Without zeros.
	OldestPending, OldestSent int64          // Unix seconds; 0 for none.
}

// CallCount is how many calls, or participants, of the window are alike.
type CallCount struct {
	Status   vocabulary.CallStatus
	Media    vocabulary.Media
	ChatType vocabulary.ChatType
	N        int
}

// CallWindow is what the window of the journal of calls shows. It never changes.
type CallWindow struct {
	JournalWindow
	Calls, Participants []CallCount // Without zeros.
	Durations           map[DurationLabels]Histogram
	// Attempts are the private chats by their number of calls, of which the last is for
	// as many or more, and by whether one of them was answered.
	Attempts [MaxAttempts]struct{ Reached, Unreached int }
}

// MaxAttempts is the number of calls from which on chats are counted together.
const MaxAttempts = 5

// MessageWindow returns what the window shows since the last read.
func (l *Ledger) MessageWindow() *MessageWindow {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.messages.messageWindow()
}

// CallWindow returns what the window shows since the last read.
func (l *Ledger) CallWindow() *CallWindow {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.calls.callWindow()
}

// each calls do for every row of the window.
func (j *journal) each(do func(*row)) {
	for i := range j.current.values {
		do(&j.current.values[i])
	}
	for i := range j.loose {
		do(&j.loose[i])
	}
}

// newWindow begins a view with what all journals have.
func (j *journal) newWindow() JournalWindow {
	n := len(j.current.values) + len(j.loose)
	return JournalWindow{
		Records: n + int(j.invalid), Invalid: int(j.invalid),
		Truncated: j.covered != 0, WholeRead: fromUnix(j.wholeDate),
	}
}

func (w *JournalWindow) add(r *row) {
	if r.time != 0 {
		w.Oldest = earliest(w.Oldest, int64(r.time))
		w.Newest = max(w.Newest, int64(r.time))
	}
	if r.bits.flag(oddChatAt) {
		w.UnknownChat++
	}
}

// earliest returns the earlier of two times, of which 0 is none.
func earliest(a, b int64) int64 {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}

func (j *journal) messageWindow() *MessageWindow {
	w := &MessageWindow{JournalWindow: j.newWindow()}
	var counts [vocabulary.MessageStatusCount][vocabulary.MessageTypeCount][vocabulary.ChatTypeCount]int
	chats := newChatSet(len(j.current.values) + len(j.loose))
	defer chats.free()
	j.each(func(r *row) {
		w.JournalWindow.add(r)
		status, kind := r.messageStatus(), r.messageType()
		counts[status][kind][r.chatType()]++
		if status == 0 {
			w.UnknownStatus++
		}
		if kind == 0 || r.bits.flag(mistypedTypeAt) {
			w.UnknownType++
		}
		if r.bits.flag(mistypedOrigin) {
			w.UnknownOrigin++
		}
		chats.add(j.chat(r.chat()), r, r.stage() >= vocabulary.StageDelivered, false)
		if kind.Protocol() {
			return
		}
		switch {
		case status.Pending():
			w.OldestPending = earliest(w.OldestPending, int64(r.time))
		case status.Stage() == vocabulary.StageSent:
			w.OldestSent = earliest(w.OldestSent, int64(r.time))
		}
	})
	chats.count(&w.JournalWindow, nil)
	for status := range counts {
		for kind := range counts[status] {
			for chatType, n := range counts[status][kind] {
				if n > 0 {
					w.Messages = append(w.Messages, MessageCount{
						vocabulary.MessageStatus(status), vocabulary.MessageType(kind), vocabulary.ChatType(chatType), n,
					})
				}
			}
		}
	}
	return w
}

// callCounts are calls by media, chat type and status.
type callCounts [vocabulary.MediaCount][vocabulary.ChatTypeCount][vocabulary.CallStatusCount]int

func (c *callCounts) list() (all []CallCount) {
	for media := range c {
		for chatType := range c[media] {
			for status, n := range c[media][chatType] {
				if n > 0 {
					all = append(all, CallCount{vocabulary.CallStatus(status), vocabulary.Media(media), vocabulary.ChatType(chatType), n})
				}
			}
		}
	}
	return all
}

// durationCounts are calls by the first of DurationBuckets that they fall into; the
// last count is of those that lasted longer.
type durationCounts struct {
	seconds int64 // of all
	calls   [len(DurationBuckets) + 1]uint64
}

func (c *durationCounts) add(seconds int64) {
	bucket := 0
	for _, bound := range DurationBuckets {
		// One more for each bound that is below: the sign of the difference. A jump here
		// would cost more, for no processor foresees it.
		bucket += int(uint64(int64(bound)-seconds) >> 63)
	}
	c.calls[bucket]++
	c.seconds += seconds
}

func (c *durationCounts) histogram() Histogram {
	h := Histogram{Sum: c.seconds}
	for i, n := range c.calls {
		h.Count += n
		if i < len(h.Buckets) {
			h.Buckets[i] = h.Count
		}
	}
	return h
}

func (j *journal) callWindow() *CallWindow {
	w := &CallWindow{JournalWindow: j.newWindow(), Durations: map[DurationLabels]Histogram{}}
	var calls, people callCounts
	var durations [vocabulary.MediaCount][vocabulary.ChatTypeCount]durationCounts
	chats := newChatSet(len(j.current.values) + len(j.loose))
	defer chats.free()
	j.each(func(r *row) {
		w.JournalWindow.add(r)
		status, media, chatType := r.callStatus(), r.media(), r.chatType()
		calls[media][chatType][status]++
		if status == 0 {
			w.UnknownStatus++
		}
		if status.Answered() {
			durations[media][chatType].add(r.duration())
		}
		switch {
		case r.extra == noParticipants:
		case r.extra < firstOfTheTable:
			people[media][chatType][r.extra-oneParticipant]++
		default:
			all := &people[media][chatType]
			for i, n := range &j.sets.sets[r.extra-firstOfTheTable] {
				all[i] += int(n)
			}
		}
		chats.add(j.chat(r.chat()), r, status.Answered(), !status.Open())
	})
	chats.count(&w.JournalWindow, w)
	w.Calls, w.Participants = calls.list(), people.list()
	for media := range durations {
		for chatType := range durations[media] {
			w.UnknownParticipant += people[media][chatType][0]
			if h := durations[media][chatType].histogram(); h.Count > 0 {
				labels := DurationLabels{vocabulary.Media(media).Label(), vocabulary.ChatType(chatType).Label()}
				w.Durations[labels] = h
			}
		}
	}
	return w
}

// chatSet is a set of chats, by the hashes of their ids.
type chatSet struct {
	slots []chatSlot
	used  []uint32
}

type chatSlot struct {
	chat  uint64
	calls uint32
	bits  uint8 // Its chat type, and the flags below.
}

const (
	slotLID     = 1 << 5
	slotReached = 1 << 6
	slotUsed    = 1 << 7
)

var chatSets = sync.Pool{New: func() any { return new(chatSet) }}

// newChatSet returns a set with room for n chats.
func newChatSet(n int) *chatSet {
	s, _ := chatSets.Get().(*chatSet)
	size := 64
	for size < 2*n {
		size *= 2
	}
	if len(s.slots) < size {
		s.slots = make([]chatSlot, size)
	}
	return s
}

// free gives the set back, empty.
func (s *chatSet) free() {
	for _, i := range s.used {
		s.slots[i] = chatSlot{}
	}
	s.used = s.used[:0]
	chatSets.Put(s)
}

// add notes a row in a chat. Rows without a chat id have none.
func (s *chatSet) add(chat uint64, r *row, reached, isCall bool) {
	if r.chatType() == vocabulary.ChatOther && !r.bits.flag(oddChatAt) {
		return
	}
	mask := uint64(len(s.slots) - 1)
	i := chat & mask
	for s.slots[i].bits&slotUsed != 0 && s.slots[i].chat != chat {
		i = (i + 1) & mask
	}
	slot := &s.slots[i]
	if slot.bits == 0 {
		*slot = chatSlot{chat: chat, bits: slotUsed | uint8(r.chatType())}
		s.used = append(s.used, uint32(i))
	}
	if r.bits.flag(lidAt) {
		slot.bits |= slotLID
	}
	if reached {
		slot.bits |= slotReached
	}
	if isCall {
		slot.calls++
	}
}

// count counts the chats into a view.
func (s *chatSet) count(w *JournalWindow, calls *CallWindow) {
	for _, i := range s.used {
		slot := &s.slots[i]
		chatType, reached := slot.bits&7, slot.bits&slotReached != 0
		w.Chats[chatType]++
		if reached {
			w.Reached[chatType]++
		}
		if slot.bits&slotLID != 0 {
			w.LIDChats++
		}
		if calls == nil || slot.calls == 0 || vocabulary.ChatType(chatType) != vocabulary.ChatPrivate {
			continue
		}
		attempts := &calls.Attempts[min(slot.calls, MaxAttempts)-1]
		if reached {
			attempts.Reached++
		} else {
			attempts.Unreached++
		}
	}
}
