package ledger

import (
	"slices"
)

// edit is what an answer does to the memory of a journal.
type edit struct {
	inserts   []entry[row] // New in the window.
	updates   []int        // Positions in the window that have changed in place.
	leaves    bitset       // Positions that leave the window,
	forgotten map[int]bool // and which of them are not to be remembered.

	keeps   []entry[past] // New in the past.
	drops   bitset        // Positions in the past that are gone.
	expired bitset        // The same of the legacy.

	// What the state file is told of it, apart from keeps.
	putRows, dropRows []entry[row]
	dropPast          []entry[past]
	dropLegacy        []uint64
	loose             bool // Whether the loose rows are others.
	positions         bool // Whether participants have other positions: only a new file will do.
}

// renamed notes that a row leaves the window under its old chat only: nothing of it is
// to be remembered there.
func (e *edit) renamed(at int) {
	e.leaves.add(at)
	if e.forgotten == nil {
		e.forgotten = map[int]bool{}
	}
	e.forgotten[at] = true
}

// changes reports whether an edit changes what a state file holds. What has expired
// does not: it would expire again when the file is read.
func (e *edit) changes() bool {
	return len(e.putRows)+len(e.dropRows)+len(e.keeps)+len(e.dropPast)+len(e.dropLegacy) > 0 || e.loose || e.positions
}

// apply makes an edit of the memory, to which it adds what must make room.
func (j *journal) apply(tx *transaction, e *edit) {
	j.depart(e)
	j.tell(e)
	j.expire(tx, e)
	j.current = j.current.rebuild(e.inserts, e.leaves)
	j.past = j.past.rebuild(e.keeps, e.drops)
	j.legacy = j.legacy.rebuild(nil, e.expired)
	if excess := j.entries() - tx.ledger.options.MaxEntries; excess > 0 {
		j.evict(e, excess)
	}
	if j.id == journalCalls {
		e.positions = j.sets.compact(j.current.values, j.loose)
	}
	j.chatsGone()
}

// tell collects what the state file is told.
func (j *journal) tell(e *edit) {
	e.putRows = e.inserts
	for _, i := range e.updates {
		if !e.leaves.has(i) {
			e.putRows = append(e.putRows, entry[row]{j.current.ids[i], j.current.values[i]})
		}
	}
	e.dropRows = append(e.dropRows, j.current.picked(e.leaves)...)
	e.dropPast = append(e.dropPast, j.past.picked(e.drops)...)
	for _, gone := range j.legacy.picked(e.expired) {
		e.dropLegacy = append(e.dropLegacy, gone.id)
	}
}

// depart remembers the rows that leave the window.
func (j *journal) depart(e *edit) {
	for i := range j.current.values {
		if e.leaves.has(i) && !e.forgotten[i] {
			e.keeps = append(e.keeps, entry[past]{j.current.ids[i], j.toPast(&j.current.values[i])})
		}
	}
}

// toPast returns what is remembered of a row that leaves the window.
func (j *journal) toPast(r *row) past {
	if j.id == journalCalls {
		return newPast(j.seen, r.chat(), r.chatType(), 0, 0)
	}
	return newPast(j.seen, r.chat(), r.chatType(), r.stage(), r.failures())
}

// expire drops what was last seen before the retention.
func (j *journal) expire(tx *transaction, e *edit) {
	e.drops.addAll(lastSeenBefore(tx.cutoff, j.past.values))
	e.expired.addAll(lastSeenBefore(tx.cutoff, j.legacy.values))
	e.keeps = slices.DeleteFunc(e.keeps, func(k entry[past]) bool { return k.value.lastSeen() < tx.cutoff })
}

// lastSeenBefore returns the positions of rows whose retention is over.
func lastSeenBefore(cutoff uint32, rows []past) bitset {
	gone := newBitset(len(rows))
	for i, was := range rows {
		if was.lastSeen() < cutoff {
			gone.add(i)
		}
	}
	return gone
}

// evict forgets n rows: of the past those that were not seen for the longest time,
// then those in the window that lie beyond the cap, the oldest first. What the last
// whole read and the reads since have shown is never forgotten.
func (j *journal) evict(e *edit, n int) {
	gone := oldest(n, lastSeen(j.legacy.values))
	for _, old := range j.legacy.picked(gone) {
		e.dropLegacy = append(e.dropLegacy, old.id)
	}
	j.legacy, n = j.legacy.rebuild(nil, gone), n-j.evicted(gone)

	gone = oldest(n, lastSeen(j.past.values))
	e.dropPast = append(e.dropPast, j.past.picked(gone)...)
	j.past, n = j.past.rebuild(nil, gone), n-j.evicted(gone)

	gone = oldest(n, j.timesBeyondCap())
	for _, old := range j.current.picked(gone) {
		e.dropRows = append(e.dropRows, old)
		j.covered = max(j.covered, int64(old.value.time)+1)
	}
	j.current = j.current.rebuild(nil, gone)
	j.evicted(gone)
}

// evicted counts rows as evicted.
func (j *journal) evicted(gone bitset) int {
	n := gone.count()
	j.evictions += uint64(n)
	return n
}

func lastSeen(rows []past) []uint32 {
	times := make([]uint32, len(rows))
	for i, was := range rows {
		times[i] = was.lastSeen()
	}
	return times
}

// never stands for the time of a row that must not be forgotten.
const never = ^uint32(0)

// timesBeyondCap returns the times of the rows in the window that lie beyond the cap.
func (j *journal) timesBeyondCap() []uint32 {
	times := make([]uint32, len(j.current.values))
	for i := range times {
		times[i] = never
		if r := &j.current.values[i]; r.bits.flag(beyondAt) {
			times[i] = min(r.time, never-1)
		}
	}
	return times
}

// oldest returns the positions of the n lowest times, or of all but never; among equal
// ones, the first.
func oldest(n int, times []uint32) bitset {
	gone := newBitset(len(times))
	if n <= 0 {
		return gone
	}
	upTo := func(limit uint32) (count int) {
		for _, t := range times {
			if t <= limit {
				count++
			}
		}
		return count
	}
	// Bisection: no more than n are at most limit, more than n at most beyond. (Sorting
	// 200,000 times takes ten times as long.)
	limit, beyond := uint32(0), never-1
	if upTo(beyond) <= n {
		limit = beyond
	}
	for beyond > limit+1 {
		if middle := limit + (beyond-limit)/2; upTo(middle) <= n {
			limit = middle
		} else {
			beyond = middle
		}
	}
	ties := n - upTo(limit)
	for i, t := range times {
		switch {
		case t <= limit:
			gone.add(i)
		case t == beyond && beyond > limit && ties > 0:
			gone.add(i)
			ties--
		}
	}
	return gone
}
