package ledger

import (
	"math"
	"sync/atomic"
	"time"
)

const (
	// lateness is how long a row may take to show in a journal (GREEN-API says 2 minutes).
	lateness = 2 * time.Minute
	// baselineMargin is how far before the baseline a row's time may lie, in
	// seconds, for the row to count all the same.
	baselineMargin = 10 * 60
)

// Read says how a journal was read.
type Read struct {
	Date      time.Time     // The answer's HTTP Date; zero when it had none.
	Window    time.Duration // What was asked for (the request's minutes).
	Truncated bool          // Whether the journal was as long as GREEN-API's cap.
}

// journal is the memory of one journal. Its table is changed by the commit of
// its own transaction only, of which there is one at a time.
type journal[V value[V]] struct {
	table[V]
	meta
	id    journalID
	saved meta // What the state file says.

	current int    // Keys that the last whole journal held.
	oldest  uint32 // No other key was last seen before this.

	open atomic.Bool // Whether a transaction is.
}

// meta is what is known about a journal beside its keys. Dates are Unix seconds
// of the server's clock; 0 stands for none.
type meta struct {
	baselined bool
	baseline  int64 // See JournalTotals.
	created   int64 // See JournalTotals.
	window    time.Duration
	lastDate  int64  // Date of the last whole read.
	lastRead  uint32 // The same by the exporter's clock, in Unix seconds.
	gaps      uint64
	evictions uint64
}

// verdict says how the rows of a read that were not seen before are to be taken.
type verdict struct {
	baseline bool  // All are remembered, none counted.
	floor    int64 // Those of an earlier time are remembered, not counted.
}

func (v verdict) counts(rowTime int64) bool {
	return !v.baseline && (rowTime == 0 || rowTime >= v.floor) // 0: a row without a time.
}

func (m *meta) judge(read Read) verdict {
	v := verdict{
		baseline: !m.baselined || read.Window > m.window,
		floor:    math.MinInt64,
	}
	if baseline := m.lowered(m.baseline, toUnix(read.Date)); baseline != 0 {
		v.floor = baseline - baselineMargin
	}
	return v
}

// lowered returns the earlier of a date kept and the date of an answer. A
// baseline that lies after a later answer came from a clock that was wrong for a
// while; were it kept, nothing would count until that time had come.
func (m *meta) lowered(kept, date int64) int64 {
	if kept != 0 && date != 0 {
		return min(kept, date)
	}
	return kept
}

// gap reports whether rows may have come and gone between the last whole read
// and this one. unchanged is how many rows are as the last whole journal had them.
func (m *meta) gap(read Read, unchanged int) bool {
	if read.Truncated && unchanged == 0 {
		return true
	}
	date := toUnix(read.Date)
	if date == 0 || m.lastDate == 0 || read.Window <= 0 {
		return false
	}
	return float64(date-m.lastDate) > (read.Window - lateness).Seconds()
}

// follow takes the read for the last one.
func (m *meta) follow(read Read, v verdict, now uint32) {
	date := toUnix(read.Date)
	m.created, m.baseline = m.lowered(m.created, date), m.lowered(m.baseline, date)
	if !m.baselined {
		m.created = date
	}
	if date != 0 && (v.baseline || m.baseline == 0) {
		// Rows that came before the first dated answer cannot be told by their
		// time: a row's own time may be wrong, and if it lay in the future it
		// would keep every later row from counting.
		m.baseline = date
	}
	m.baselined = true
	if read.Window > 0 {
		m.window = read.Window
	}
	m.lastDate, m.lastRead = date, now
}

// differs reports whether the state file must be told of m, of which it has saved.
// The Date of an unchanged journal may be a little older there than here: after
// a crash a gap may be reported that much too early, never too late.
func (m *meta) differs(saved *meta) bool {
	a, b := *m, *saved
	a.lastDate, b.lastDate = 0, 0
	a.lastRead, b.lastRead = 0, 0 // After a restart the keys of the last journal pass for seen at that time.
	if a != b || (m.lastDate == 0) != (saved.lastDate == 0) {
		return true
	}
	behind := math.Abs(float64(m.lastDate - saved.lastDate))
	return behind > 0 && behind >= min(15*time.Minute, m.window/16).Seconds()
}

func (m *meta) totals(entries int) JournalTotals {
	return JournalTotals{
		Gaps:      m.gaps,
		Evictions: m.evictions,
		Entries:   entries,
		Baseline:  fromUnix(m.baseline),
		Created:   fromUnix(m.created),
	}
}

// changes is what a whole journal does to the table.
type changes[V value[V]] struct {
	inserts []entry[V]
	updates []update[V]
	drops   []uint64 // Keys; filled in by apply.
}

// update is a new value of the key at a position of the table.
type update[V value[V]] struct {
	position int
	entry[V]
}

// apply makes the changes of a staged journal, to which it adds the keys that
// left the journal and those that must make room.
func (j *journal[V]) apply(s *staging[V], c *changes[V]) {
	if s.knownCurrent < j.current {
		j.leave(s, c)
	}
	for _, u := range c.updates {
		j.values[u.position] = u.value
	}
	j.current = s.known + len(c.inserts)
	excess := len(j.keys) + len(c.inserts) - s.ledger.options.MaxEntries
	if excess <= 0 && j.oldest >= s.cutoff {
		if len(c.inserts) > 0 {
			j.table = j.rebuild(c.inserts, nil)
		}
		return
	}

	gone := newBitset(len(j.keys))
	j.expire(gone, s.cutoff)
	if excess -= gone.count(); excess > 0 {
		c.drops = j.evict(gone, excess)
		j.evictions += uint64(len(c.drops))
	}
	j.drop(gone, c.inserts)
}

// drop removes the keys in gone, and puts inserts into the table.
func (j *journal[V]) drop(gone bitset, inserts []entry[V]) {
	if gone.count()+len(inserts) > 0 {
		j.table = j.rebuild(inserts, gone)
	}
	j.oldest = math.MaxUint32
	for _, v := range j.values {
		if !v.inJournal() {
			j.oldest = min(j.oldest, v.lastSeen())
		}
	}
}

// leave notes when the keys that the last whole journal held, and this one does
// not, were last seen.
func (j *journal[V]) leave(s *staging[V], c *changes[V]) {
	for i, v := range j.values {
		if v.inJournal() && !s.seen.has(i) {
			c.updates = append(c.updates, update[V]{i, entry[V]{j.keys[i], v.left(j.lastRead)}})
			j.oldest = min(j.oldest, j.lastRead)
		}
	}
}

// expire adds the keys whose retention is over to gone.
func (j *journal[V]) expire(gone bitset, cutoff uint32) {
	for i, v := range j.values {
		if !v.inJournal() && v.lastSeen() < cutoff {
			gone.add(i)
		}
	}
}

// evict adds those n keys to gone, and returns them, that were not seen for the
// longest time; among keys last seen at the same time, the first. The journal at
// hand holds none of them.
func (j *journal[V]) evict(gone bitset, n int) []uint64 {
	var times []uint32
	for i, v := range j.values {
		if !v.inJournal() && !gone.has(i) {
			times = append(times, v.lastSeen())
		}
	}
	upTo := func(limit uint32) (count int) {
		for _, seen := range times {
			if seen <= limit {
				count++
			}
		}
		return count
	}
	// Bisection: no more than n were last seen up to limit, more than n up to the
	// second after it. (Sorting 200,000 times takes ten times as long.)
	limit, beyond := uint32(0), uint32(math.MaxUint32)
	for beyond-limit > 1 {
		if middle := limit + (beyond-limit)/2; upTo(middle) <= n {
			limit = middle
		} else {
			beyond = middle
		}
	}
	ties := n - upTo(limit)
	var keys []uint64
	for i, v := range j.values {
		if v.inJournal() || gone.has(i) || v.lastSeen() > beyond {
			continue
		}
		if v.lastSeen() == beyond {
			if ties == 0 {
				continue
			}
			ties--
		}
		keys = append(keys, j.keys[i])
		gone.add(i)
	}
	return keys
}

// toUnix returns the seconds of a date, 0 for none.
func toUnix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}

// fromUnix is the inverse of toUnix.
func fromUnix(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

// clock returns the exporter's time in Unix seconds, as far as they can be kept.
func clock(t time.Time) uint32 {
	return uint32(min(max(t.Unix(), 1), math.MaxUint32-1))
}

// cutoff returns the time before which a key must have been last seen to be forgotten.
func cutoff(now uint32, retention time.Duration) uint32 {
	if seconds := int64(retention / time.Second); seconds < int64(now) {
		return now - uint32(seconds) //nolint:gosec // Between 0 and now.
	}
	return 0
}
