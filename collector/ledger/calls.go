package ledger

import (
	"math"

	"google.golang.org/protobuf/encoding/protowire"
)

// Call is one row of the journal of calls. Its label values are canonical: of
// the closed sets that the metrics have.
type Call struct {
	ChatID, ID []byte // They are read during Add only.
	Time       int64  // Unix seconds; 0 when the row has none.
	Status     string
	Media      string
	ChatType   string
	Duration   int64 // Seconds, 0 to 604,800.
	// Participants are the statuses of those called. The slice is read during
	// Add only.
	Participants []string
}

// callValue is when the call was last seen, in Unix seconds, or currentCall.
type callValue uint32

const currentCall callValue = math.MaxUint32

func (v callValue) inJournal() bool                { return v == currentCall }
func (v callValue) lastSeen() uint32               { return uint32(v) }
func (v callValue) left(lastSeen uint32) callValue { return callValue(lastSeen) }
func (v callValue) valid(int) bool                 { return v != 0 }
func (callValue) columns() []field[callValue]      { return callColumns }

// callColumns are those of Rows for calls.
var callColumns = []field[callValue]{
	{
		2, protowire.Fixed32Type, math.MaxUint32,
		func(v *callValue) uint64 {
			if v.inJournal() {
				return 0
			}
			return uint64(*v)
		},
		func(v *callValue, n uint64) { *v = callValue(n) },
	},
	{
		3, protowire.VarintType, 1,
		func(v *callValue) uint64 { return bit(v.inJournal()) },
		func(v *callValue, n uint64) {
			if n == 1 {
				*v = currentCall
			}
		},
	},
}

// CallTx takes in one journal of calls. It is for one goroutine.
type CallTx struct {
	staging[callValue]
	pending  []pendingCall
	repeats  map[uint64]uint32 // How many rows had the same values, of those that were not the first known one.
	statuses []statusCount     // Of the participants of pending calls.
	returned []update[callValue]
}

// pendingCall is a call not seen before.
type pendingCall struct {
	key                      uint64
	time, duration           int64
	status, media, chatType  string
	firstStatus, endStatuses int // Its participants, in CallTx.statuses.
}

type statusCount struct {
	status string
	n      uint64
}

// BeginCalls opens a transaction for a whole journal of calls. Nothing takes
// effect before its Commit. To begin another one before Commit or Abort is a
// programming error, and panics.
func (l *Ledger) BeginCalls() *CallTx {
	return &CallTx{staging: begin(l, &l.calls), repeats: map[uint64]uint32{}}
}

// Add takes in a row. Rows without idMessage are passed over, and so are calls
// that have no outcome yet.
func (tx *CallTx) Add(c Call) {
	if !tx.ready() || len(c.ID) == 0 || c.Status == "" || c.Status == "unknown" || c.Status == "offer" {
		return
	}
	first := tx.hasher.call(&c)
	if i, ok := tx.find(first); ok {
		if tx.markCall(i) {
			return
		}
		if tx.repeats[first] == 0 {
			tx.repeats[first] = 1
		}
	}
	// The row is new, or has occurred in this journal before.
	tx.repeats[first]++
	n := tx.repeats[first]
	key := tx.hasher.repeated(first, n)
	if n > 1 {
		if i, ok := tx.find(key); ok {
			tx.markCall(i)
			return
		}
	}
	if !tx.take() {
		return
	}
	p := pendingCall{
		key: key, time: c.Time, duration: c.Duration,
		status: c.Status, media: c.Media, chatType: c.ChatType,
		firstStatus: len(tx.statuses),
	}
	tx.addStatuses(c.Participants)
	p.endStatuses = len(tx.statuses)
	tx.pending = append(tx.pending, p)
}

// markCall notes a known call, and reports whether this was news.
func (tx *CallTx) markCall(i int) bool {
	if !tx.mark(i) {
		return false
	}
	if !tx.journal.values[i].inJournal() {
		tx.returned = append(tx.returned, update[callValue]{i, entry[callValue]{tx.journal.keys[i], currentCall}})
	}
	return true
}

// addStatuses adds up the participants of one call, so that it needs no more
// room than there are statuses.
func (tx *CallTx) addStatuses(statuses []string) {
	start := len(tx.statuses)
next:
	for _, status := range statuses {
		for i := start; i < len(tx.statuses); i++ {
			if tx.statuses[i].status == status {
				tx.statuses[i].n++
				continue next
			}
		}
		tx.statuses = append(tx.statuses, statusCount{status, 1})
	}
}

// Abort closes the transaction and leaves the ledger as it was. After Commit it
// does nothing.
func (tx *CallTx) Abort() {
	tx.end()
}

// Commit makes the journal take effect, once it is known to be whole. It returns
// ErrTooManyRows when the journal held more rows than the ledger may remember,
// which changes no counter, and ErrClosed when the ledger or the transaction was
// closed before. That the state file cannot be written is no error: the read
// has taken effect, and Totals shows it when the file can be written again.
func (tx *CallTx) Commit(read Read) error {
	return commit(&tx.staging, read, func(v verdict) (changes[callValue], *Totals, int) {
		c := changes[callValue]{updates: tx.returned}
		delta := newTotals()
		for i := range tx.pending {
			p := &tx.pending[i]
			c.inserts = append(c.inserts, entry[callValue]{p.key, currentCall})
			tx.count(delta, p, v.counts(p.time))
		}
		return c, delta, tx.knownCurrent
	})
}

// count counts a call, or makes its label sets known when it is only to be remembered.
func (tx *CallTx) count(delta *Totals, p *pendingCall, counts bool) {
	var once uint64
	if counts {
		once = 1
	}
	delta.Calls[CallLabels{p.status, p.media, p.chatType}] += once
	for _, s := range tx.statuses[p.firstStatus:p.endStatuses] {
		delta.Participants[CallLabels{s.status, p.media, p.chatType}] += once * s.n
	}
	if p.status == "pickUp" {
		labels := DurationLabels{p.media, p.chatType}
		durations := delta.Durations[labels]
		if counts {
			durations.Observe(p.duration)
		}
		delta.Durations[labels] = durations
	}
}
