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
	Date   time.Time     // The answer's HTTP Date; zero when it had none.
	Window time.Duration // What the memory is to show.
	// Recent is what was asked for (the request's minutes) when it was less than the
	// window; 0 for a whole read.
	Recent    time.Duration
	Truncated bool  // Whether the answer was as long as GREEN-API's cap.
	Invalid   int   // Elements of the answer that were no rows.
	Bytes     int64 // Size of the answer's body, inflated.
}

func (r Read) whole() bool { return r.Recent <= 0 }

// span is how far back the answer goes.
func (r Read) span() time.Duration {
	if r.whole() {
		return r.Window
	}
	return r.Recent
}

// begins is when the window begins, by the server's clock; long ago when an answer does
// not tell.
func (r Read) begins() int64 {
	if r.Date.IsZero() {
		return math.MinInt64
	}
	return r.Date.Unix() - int64(r.Window/time.Second)
}

// journal is the memory of one journal. It is changed by the commit of its own
// transaction only, of which there is one at a time.
type journal struct {
	meta
	id    journalID
	saved meta // What the state file says.

	current table[row]      // The rows in the window: what the view shows.
	past    table[past]     // What is remembered of rows that have left it.
	legacy  table[past]     // The same, from a state file of version 1.
	loose   []row           // Of the last whole read: rows that only the view has.
	sets    participantSets // Of the calls.

	moved map[uint64]uint64 // Chats whose id has changed, and to what, as hashes. See chats.
	seen  uint32            // When the rows in the window were last seen, by the exporter's clock.
	open  atomic.Bool       // Whether a transaction is.
}

// entries is how many rows are remembered.
func (j *journal) entries() int {
	return len(j.current.ids) + len(j.past.ids) + len(j.legacy.ids)
}

// meta is what is known about a journal, apart from its rows. Dates are Unix seconds of the
// server's clock, reads are Unix seconds of the exporter's clock; 0 stands for none.
type meta struct {
	baselined bool
	baseline  int64 // See JournalTotals.
	created   int64 // See JournalTotals.
	window    time.Duration
	gaps      uint64
	evictions uint64

	lastDate int64         // Date of the last read.
	lastRead uint32        // When that was.
	lastSpan time.Duration // How far back it went.

	wholeDate  int64  // Date of the last whole read.
	wholeRead  uint32 // When that was.
	wholeBytes int64  // Size of its answer.
	invalid    uint32 // Elements of it that were no rows.

	// covered is since when the window has all rows, by their times; 0 when it has
	// all that it should have.
	covered int64

	lateChanges uint64
	byAction    uint32 // Rows that show that minutes goes by the last action.
	bySending   uint32 // Rows that show that it goes by the sending.
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

// gap reports whether rows may have come and gone between the last read and this one.
// unchanged is how many rows are as the memory has them.
func (m *meta) gap(read Read, unchanged int) bool {
	if read.Truncated && unchanged == 0 {
		return true
	}
	return read.whole() && m.tooLong(read)
}

// tooLong reports whether more time lies between the last read and this one than the
// answer goes back.
func (m *meta) tooLong(read Read) bool {
	date, span := toUnix(read.Date), read.span()
	if date == 0 || m.lastDate == 0 || span <= 0 {
		return false
	}
	return float64(date-m.lastDate) > (span - lateness).Seconds()
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
	m.lastRead, m.lastSpan = now, read.span()
	switch {
	case read.whole() || !m.tooLong(read):
		m.lastDate = date
	default:
		// By the server's clock the recent read was too short: the clocks do not agree on how
		// long ago the last one was. A whole read shows what is missing, and judges whether
		// there was a gap.
		m.wholeRead = 0
	}
	if read.whole() {
		m.wholeDate, m.wholeRead, m.wholeBytes = date, now, read.Bytes
		m.invalid = uint32(min(max(int64(read.Invalid), 0), math.MaxUint32))
	}
}

// differs reports whether m must be written to the state file, which has saved.
// The times of an unchanged journal may be a little older there than here: after a
// crash a gap may be reported that much too early, never too late, and more than
// needed is read.
func (m *meta) differs(saved *meta) bool {
	a, b := *m, *saved
	for _, o := range []*meta{&a, &b} {
		o.lastDate, o.lastRead, o.lastSpan = 0, 0, 0
		o.wholeDate, o.wholeRead, o.wholeBytes = 0, 0, 0
		o.byAction, o.bySending = 0, 0
	}
	if a != b || (m.lastDate == 0) != (saved.lastDate == 0) {
		return true
	}
	behind := math.Abs(float64(m.lastDate - saved.lastDate))
	return behind > 0 && behind >= min(15*time.Minute, m.window/16).Seconds()
}

func (j *journal) totals() JournalTotals {
	return JournalTotals{
		Gaps:        j.gaps,
		Evictions:   j.evictions,
		LateChanges: j.lateChanges,
		Entries:     j.entries(),
		Baseline:    fromUnix(j.baseline),
		Created:     fromUnix(j.created),
		Filter:      j.filter(),
	}
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

// cutoff returns the time before which a row must have been last seen to be forgotten.
func cutoff(now uint32, retention time.Duration) uint32 {
	if seconds := int64(retention / time.Second); seconds < int64(now) {
		return now - uint32(seconds)
	}
	return 0
}
