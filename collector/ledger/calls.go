package ledger

import (
	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
)

// Call is one row of the journal of calls.
type Call struct {
	ChatID, ID []byte // They are read during Add only.
	Time       int64  // Unix seconds; 0 when the row has none.
	Status     vocabulary.CallStatus
	Media      vocabulary.Media
	Duration   int64 // Seconds, 0 to 604,800.
	// Participants are the statuses of those called. The slice is read during
	// Add only.
	Participants []vocabulary.CallStatus
	// Prefix is the destination that the call counts for; "" for none.
	Prefix string
}

// newSet stands for participants that have no position yet.
const newSet = ^uint32(0)

// CallTx takes in one answer of the journal of calls. It is for one goroutine.
type CallTx struct {
	transaction
	repeats map[chatRow]uint32 // How many rows had the same values, of those that were not the first known one.
}

// BeginCalls opens a transaction for an answer of the journal of calls. Nothing takes
// effect before its Commit. To begin another one before Commit or Abort is a
// programming error, and panics.
func (l *Ledger) BeginCalls() *CallTx {
	return &CallTx{transaction: l.begin(&l.calls), repeats: map[chatRow]uint32{}}
}

// Add takes in a row. Rows without idMessage, and calls that have no outcome yet, are
// in the view of a whole read only.
func (tx *CallTx) Add(c Call) {
	if !tx.ready() {
		return
	}
	set, fresh, hasSet := tx.journal.sets.find(c.Participants)
	if !hasSet {
		set = newSet
	}
	r := row{time: shortTime(c.Time), extra: set}
	chat := tx.hasher.chat(c.ChatID)
	r.setChat(chat)
	r.bits = chatBits(c.ChatID).
		with(callStatusAt, callStatusBits, uint32(c.Status)).
		with(mediaAt, mediaBits, uint32(c.Media)).
		with(durationAt, durationBits, uint32(c.Duration))
	tx.noteTime(r.time)
	if len(c.ID) == 0 || c.Status.Open() {
		if !hasSet {
			tx.looseSets[len(tx.loose)] = fresh
		}
		tx.addLoose(r)
		return
	}
	first := chatRow{tx.hasher.call(&c), chat}
	if i, ok := tx.find(first); ok {
		if tx.known(i, r, fresh, c.Prefix) {
			return
		}
		if tx.repeats[first] == 0 {
			tx.repeats[first] = 1
		}
	}
	// The row is new, or has occurred in this answer before.
	tx.repeats[first]++
	n := tx.repeats[first]
	key := chatRow{tx.hasher.repeated(first.id, n), chat}
	if n > 1 {
		if i, ok := tx.find(key); ok {
			tx.known(i, r, fresh, c.Prefix)
			return
		}
	}
	tx.add(pending{
		chatRow: key, row: r, latest: c.Time, prefix: c.Prefix, participants: fresh,
		legacy: tx.legacyKey(&c, n),
	})
}

// legacyKey returns the key of a call in a state file of version 1, if there was one.
func (tx *CallTx) legacyKey(c *Call, n uint32) uint64 {
	if len(tx.journal.legacy.ids) == 0 {
		return 0
	}
	return tx.hasher.repeated(tx.hasher.legacyCall(c), n)
}

// known notes a call that is in the window, and reports whether this was news.
func (tx *CallTx) known(i int, r row, fresh participants, prefix string) bool {
	if !tx.mark(i) {
		return false
	}
	tx.unchanged++ // Time and status are those of its identifier.
	was := &tx.journal.current.values[i]
	if r.extra == newSet {
		tx.changedSets[i] = fresh
	} else if r == asShown(*was) {
		return true
	}
	tx.changed[i] = change{r, prefix}
	return true
}

// Abort closes the transaction and leaves the ledger as it was. After Commit it
// does nothing.
func (tx *CallTx) Abort() { tx.end() }

// Commit makes the answer take effect, once it is known to be whole, and returns what
// the window shows then. It returns ErrTooManyRows when the answer held more rows than
// the ledger may remember, which changes no counter, and ErrClosed when the ledger or
// the transaction was closed before. That the state file cannot be written is no
// error: the read has taken effect, and Totals shows it when the file can be written
// again.
func (tx *CallTx) Commit(read Read) (*CallWindow, error) {
	if err := tx.commit(read, tx); err != nil {
		return nil, err
	}
	return tx.ledger.CallWindow(), nil
}

// insert implements counting.
func (tx *CallTx) insert(delta *Totals, p *pending, counts bool) {
	var once uint64
	if counts {
		once = 1
	}
	status, media, chatType := p.row.callStatus(), p.row.media().Label(), p.row.chatType().Label()
	delta.Calls[CallLabels{status.Label(), media, chatType}] += once
	for i, n := range p.participants {
		if n > 0 {
			delta.Participants[CallLabels{vocabulary.CallStatus(i).Label(), media, chatType}] += once * uint64(n)
		}
	}
	if p.prefix != "" {
		delta.DestinationCalls[DestinationLabels{p.prefix, status.Label()}] += once
	}
	if status.Answered() {
		labels := DurationLabels{media, chatType}
		durations := delta.Durations[labels]
		if counts {
			durations.Observe(p.row.duration(), DurationBuckets[:])
		}
		delta.Durations[labels] = durations
	}
}

// move implements counting: a call counts once.
func (tx *CallTx) move(_ *Totals, _ row, _ bool, now change) row { return now.row }
