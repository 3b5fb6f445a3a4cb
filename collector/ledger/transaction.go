package ledger

import (
	"math"
)

// transaction takes in one answer of a journal, row by row. It compares each with
// what the memory has; nothing takes effect before commit.
type transaction struct {
	ledger  *Ledger
	journal *journal
	hasher  hasher
	now     uint32 // By the exporter's clock, when the transaction began.
	cutoff  uint32 // Rows last seen before this are forgotten.

	seen      bitset         // Positions of the rows in the window that the answer has.
	unchanged int            // How many of them are as the memory has them.
	changed   map[int]change // The others, by position.
	pending   []pending      // Rows that are not in the window.
	position  map[chatRow]int
	loose     []row // Rows that only the view of a whole read has.
	// Participants of calls that have no position yet, by the positions of their rows.
	looseSets, changedSets map[int]participants
	oldest                 uint32 // Time of the oldest row of the answer; 0 for none.

	rows int  // Rows of the answer, repetitions left out.
	full bool // Whether they are more than can be remembered: none is taken in then.
	done bool
}

// chatRow tells the rows of a journal apart.
type chatRow struct{ id, chat uint64 }

// change is what an answer says of a row that the memory has otherwise.
type change struct {
	row
	prefix string
}

// pending is a row that is not in the window.
type pending struct {
	chatRow
	row
	legacy       uint64 // Its key in a state file of version 1.
	latest       int64  // Time of the latest of its rows.
	prefix       string
	participants participants
	resolved     bool
}

func (l *Ledger) begin(j *journal) transaction {
	if !j.open.CompareAndSwap(false, true) {
		panic("ledger: a transaction on this journal is open already")
	}
	now := clock(l.options.Now())
	return transaction{
		ledger: l, journal: j,
		hasher: hasher{hashKey: l.key},
		now:    now, cutoff: cutoff(now, l.options.Retention),
		seen:      newBitset(len(j.current.ids)),
		changed:   map[int]change{},
		position:  map[chatRow]int{},
		looseSets: map[int]participants{}, changedSets: map[int]participants{},
	}
}

// ready reports whether rows are still taken in.
func (tx *transaction) ready() bool {
	if tx.done {
		panic("ledger: a row was added after Commit or Abort")
	}
	return !tx.full
}

// noteTime takes the time of a row into account.
func (tx *transaction) noteTime(at uint32) {
	if at != 0 && (tx.oldest == 0 || at < tx.oldest) {
		tx.oldest = at
	}
}

// addLoose takes in a row that only the view has: it has no identifier, or no
// outcome yet, or is one more row of a message.
func (tx *transaction) addLoose(r row) {
	if tx.take() {
		tx.loose = append(tx.loose, r)
	}
}

// find returns the position of a row in the window.
func (tx *transaction) find(key chatRow) (int, bool) {
	from, to := tx.journal.current.find(key.id)
	for ; from < to; from++ {
		if tx.journal.current.values[from].chat() == key.chat {
			return from, true
		}
	}
	return 0, false
}

// mark notes that the answer has the row at a position, and reports whether this
// was news.
func (tx *transaction) mark(i int) bool {
	if !tx.seen.add(i) {
		return false
	}
	tx.take()
	return true
}

// take notes one more row that is not a repetition, and reports whether there is room for it.
func (tx *transaction) take() bool {
	tx.rows++
	tx.full = tx.rows > tx.ledger.options.MaxRows
	return !tx.full
}

// add takes in a row that is not in the window.
func (tx *transaction) add(p pending) {
	if tx.take() {
		tx.position[p.chatRow] = len(tx.pending)
		tx.pending = append(tx.pending, p)
	}
}

// end closes the transaction.
func (tx *transaction) end() {
	if !tx.done {
		tx.done = true
		tx.journal.open.Store(false)
	}
}

// counting is what a journal makes of rows: its two kinds are CallTx and MessageTx.
type counting interface {
	// insert counts a row that was never seen before, if it counts.
	insert(delta *Totals, p *pending, counts bool)
	// move counts what has become of a row that was remembered as it was, and
	// returns it as it is to be remembered. known tells whether the memory had the
	// row itself, or only what was counted of it.
	move(delta *Totals, was row, known bool, now change) row
}

// commit makes the answer take effect, once it is known to be whole.
func (tx *transaction) commit(read Read, kind counting) error {
	if tx.done {
		return ErrClosed
	}
	defer tx.end()
	l, j := tx.ledger, tx.journal
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	if tx.full {
		// The memory remains what it was: the next read will tell what came meanwhile,
		// as long as it is still there.
		j.gaps++
		l.settle(j, newTotals(), &edit{})
		return ErrTooManyRows
	}
	tx.noteLegacy()
	v := j.judge(read)
	delta := newTotals()
	var e edit
	gap := !v.baseline && j.gap(read, tx.unchanged)
	if gap {
		j.gaps++
	}
	begins := read.begins()
	tx.settleSets()
	tx.leave(&e, read, begins)
	tx.update(&e, delta, read, kind)
	tx.resolve(&e, delta, read, v, kind)
	for i := range e.inserts {
		r := &e.inserts[i].value
		r.bits = r.bits.withFlag(staleAt, read.whole() && r.older(begins))
	}
	j.cover(tx, read, begins, gap || v.baseline)
	if read.whole() {
		e.loose = len(tx.loose)+len(j.loose) > 0
		j.loose = tx.loose
	}
	j.apply(tx, &e)
	j.follow(read, v, tx.now)
	j.seen = tx.now
	l.settle(j, delta, &e)
	return nil
}

// noteLegacy takes rows that a state file of version 1 remembers for unchanged ones: it
// does not tell.
func (tx *transaction) noteLegacy() {
	for i := range tx.pending {
		if from, to := tx.journal.legacy.find(tx.pending[i].legacy); from < to {
			tx.unchanged++
		}
	}
}

// settleSets gives the participants that were new their positions.
func (tx *transaction) settleSets() {
	for i, set := range tx.looseSets {
		if i < len(tx.loose) {
			tx.loose[i].extra = tx.journal.sets.add(set)
		}
	}
	for i, set := range tx.changedSets {
		c := tx.changed[i]
		c.extra = tx.journal.sets.add(set)
		tx.changed[i] = c
	}
}

// leave finds the rows that leave the window: of a whole read those that it lacks, but
// not for the cap; of a recent one those whose time has left the window since.
func (tx *transaction) leave(e *edit, read Read, begins int64) {
	j := tx.journal
	e.leaves = newBitset(len(j.current.ids))
	for i := range j.current.values {
		r := &j.current.values[i]
		old, bits := r.older(begins), r.bits
		switch {
		case tx.seen.has(i):
			bits = bits.withFlag(beyondAt, false)
			if _, isOther := tx.changed[i]; read.whole() && !isOther {
				bits = bits.withFlag(staleAt, old)
			}
		case !read.whole():
			// What was too old already when the last whole read had it stays as long as
			// whole reads have it.
			if old && !bits.flag(staleAt) {
				e.leaves.add(i)
			}
		case !read.Truncated || old || !tx.beyondCap(r):
			e.leaves.add(i)
		default:
			bits = bits.withFlag(beyondAt, true).withFlag(staleAt, false)
		}
		if bits != r.bits && !e.leaves.has(i) {
			r.bits = bits
			e.updates = append(e.updates, i)
		}
	}
}

// older reports whether the row's time is before another, in Unix seconds.
func (r *row) older(than int64) bool { return r.time != 0 && int64(r.time) < than }

// beyondCap reports whether a truncated answer may lack a row because of the cap: it
// is older than all of its rows, by its last action or by its sending.
func (tx *transaction) beyondCap(r *row) bool {
	isMessage := tx.journal.id == journalMessages
	return r.time != 0 && (r.time < tx.oldest || isMessage && r.extra != 0 && r.extra < tx.oldest)
}

// update counts what has become of the rows in the window.
func (tx *transaction) update(e *edit, delta *Totals, read Read, kind counting) {
	j := tx.journal
	for i, now := range tx.changed {
		was := j.current.values[i]
		// What a known message is called (its type, say) may be told in another way: only a
		// new time or status is news of it.
		if j.id == journalMessages && (now.time != was.time || now.messageStatus() != was.messageStatus()) {
			j.noteFilter(read, was.extra, now.time)
			if read.whole() && j.late(now.time) {
				j.lateChanges++
			}
		}
		next := kind.move(delta, was, true, now)
		next.bits = next.bits.withFlag(staleAt, read.whole() && next.older(read.begins()))
		if next != j.current.values[i] {
			j.current.values[i] = next
			e.updates = append(e.updates, i)
		}
	}
}

// resolve decides what each row is that is not in the window: one that has come back,
// one whose chat has another id now, or a new one.
func (tx *transaction) resolve(e *edit, delta *Totals, read Read, v verdict, kind counting) {
	j := tx.journal
	e.drops, e.expired = newBitset(len(j.past.ids)), newBitset(len(j.legacy.ids))
	e.inserts = make([]entry[row], 0, len(tx.pending))
	// Those whose own past is known take it first; what is left of the past can be that
	// of a row whose chat has another id now.
	for i := range tx.pending {
		p := &tx.pending[i]
		if at, ok := tx.findPast(p.id, func(was past) bool { return was.inChat(p.chatRow.chat) }, e); ok {
			tx.restore(e, delta, p, j.past.values[at], kind)
		} else if at, ok := tx.findLegacy(p, e); ok {
			tx.restore(e, delta, p, j.legacy.values[at], kind)
		}
	}
	for i := range tx.pending {
		p := &tx.pending[i]
		if p.resolved {
			continue
		}
		if at, ok := tx.findMoved(p); ok {
			tx.rename(e, delta, p, at, kind)
		} else if at, ok := tx.findPast(p.id, func(was past) bool { return was.chatType() == p.row.chatType() }, e); ok {
			tx.restore(e, delta, p, j.past.values[at], kind)
		} else {
			if read.whole() && j.late(p.row.time) && v.counts(p.latest) {
				j.lateChanges++
			}
			kind.insert(delta, p, v.counts(p.latest))
			tx.enter(e, p, p.row)
		}
	}
}

// enter puts a row into the window.
func (tx *transaction) enter(e *edit, p *pending, r row) {
	p.resolved = true
	if tx.journal.id == journalCalls && r.extra == newSet {
		r.extra = tx.journal.sets.add(p.participants)
	}
	e.inserts = append(e.inserts, entry[row]{p.id, r})
}

// findPast returns the position of a row in the past that is not taken yet.
func (tx *transaction) findPast(id uint64, fits func(past) bool, e *edit) (int, bool) {
	from, to := tx.journal.past.find(id)
	for ; from < to; from++ {
		was := tx.journal.past.values[from]
		if was.lastSeen() >= tx.cutoff && !e.drops.has(from) && fits(was) {
			e.drops.add(from)
			return from, true
		}
	}
	return 0, false
}

// findLegacy returns the position of a row in the legacy that is not taken yet.
func (tx *transaction) findLegacy(p *pending, e *edit) (int, bool) {
	at, to := tx.journal.legacy.find(p.legacy)
	return at, at < to && tx.journal.legacy.values[at].lastSeen() >= tx.cutoff && e.expired.add(at)
}

// restore takes a row for one that has been here before.
func (tx *transaction) restore(e *edit, delta *Totals, p *pending, was past, kind counting) {
	r := row{extra: p.row.extra}
	r.time = was.lastSeen()
	r.bits = rowBits(0).with(chatTypeAt, chatTypeBits, uint32(was.chatType()))
	if tx.journal.id == journalMessages {
		r.bits = r.bits.with(stageAt, stageBits, uint32(was.stage())).with(failuresAt, failureBits, uint32(was.failures()))
	}
	tx.enter(e, p, kind.move(delta, r, false, change{p.row, p.prefix}))
}

// findMoved returns the position of a row in the window that has the identifier of
// another, which is in another chat, while it is gone itself: WhatsApp has given its
// chat another id. In a recent read it may be there after all, unseen; the next whole
// read shows it then, and it is counted late, but never twice.
func (tx *transaction) findMoved(p *pending) (int, bool) {
	from, to := tx.journal.current.find(p.id)
	for ; from < to; from++ {
		r := &tx.journal.current.values[from]
		if !tx.seen.has(from) && r.chatType() == p.row.chatType() {
			return from, true
		}
	}
	return 0, false
}

// rename takes a row for the one at a position in the window.
func (tx *transaction) rename(e *edit, delta *Totals, p *pending, at int, kind counting) {
	was := tx.journal.current.values[at]
	tx.seen.add(at) // It is taken.
	e.renamed(at)
	next := p.row
	if tx.journal.id == journalMessages {
		next.extra = was.extra
	}
	tx.journal.chatMoved(was.chat(), next.chat())
	tx.enter(e, p, kind.move(delta, was, true, change{next, p.prefix}))
}

// cover says since when the window has all rows.
func (j *journal) cover(tx *transaction, read Read, begins int64, broken bool) {
	switch {
	case read.whole() && !read.Truncated:
		j.covered = 0
	case read.Truncated && broken:
		// Without a row that has a time, nothing is known.
		j.covered = max(int64(tx.oldest), 1)
		if tx.oldest == 0 {
			j.covered = math.MaxInt64
		}
	case j.covered != 0 && j.covered <= begins:
		j.covered = 0
	}
}
