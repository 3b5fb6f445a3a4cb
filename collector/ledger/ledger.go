package ledger

import (
	"errors"
	"log/slog"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// ErrTooManyRows is the error of a commit whose journal holds more rows than
	// Options.MaxRows. Nothing was counted, and a gap was reported.
	ErrTooManyRows = errors.New("the journal holds more rows than the ledger takes")
	// ErrClosed is the error of using what was closed.
	ErrClosed = errors.New("the ledger is closed")
)

// Options are those of one ledger.
type Options struct {
	// Retention is how long a key is remembered after it was last seen. It is
	// measured by Now. By default, 168 hours.
	Retention time.Duration
	// MaxEntries is how many keys are remembered, for each journal, but that those of
	// the last whole one always are. By default, 200,000.
	MaxEntries int
	// MaxRows is how many rows a journal may have. By default, MaxEntries.
	MaxRows int
	// Now is the exporter's clock. It serves retention only. By default, time.Now.
	Now func() time.Time
	// Logger is told about trouble with the state file. By default, nobody is.
	Logger *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Retention <= 0 {
		o.Retention = 168 * time.Hour
	}
	if o.MaxEntries <= 0 {
		o.MaxEntries = 200_000
	}
	if o.MaxRows <= 0 {
		o.MaxRows = o.MaxEntries
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// Ledger remembers what the journals of one instance have shown, and counts it.
// Its methods may be called from several goroutines at a time.
type Ledger struct {
	options Options
	owner   string // The idInstance; "" without a state file.
	key     hashKey
	shown   atomic.Pointer[Totals]

	mu        sync.Mutex // Held by commits. It guards what follows, the journals too, but see there.
	current   *Totals    // What has been counted,
	durable   *Totals    // and as much of it as the state file is known to hold.
	chatTypes []string
	calls     journal[callValue]
	messages  journal[messageValue]
	store     *store // Nil in a ledger that lives in memory.
	unsaved   bool   // Whether a journal was read since the last snapshot.
	closed    bool
	onClose   func()
}

// New returns a ledger that lives in memory: a restart forgets everything.
func New(o Options) *Ledger {
	return newLedger(o, nil, newFileState(newHashKey()))
}

func newLedger(o Options, s *store, state *fileState) *Ledger {
	l := &Ledger{
		options:   o.withDefaults(),
		owner:     state.owner,
		key:       state.key,
		store:     s,
		chatTypes: state.chatTypes,
		onClose:   func() {},
	}
	// While the exporter was down nothing was seen and nothing was missed either.
	now := clock(l.options.Now())
	cutoff := cutoff(now, l.options.Retention)
	restore(&l.calls, journalCalls, &state.calls, now, cutoff)
	restore(&l.messages, journalMessages, &state.messages, now, cutoff)
	l.current = state.totals
	l.current.CallJournal = l.calls.totals(len(l.calls.keys))
	l.current.MessageJournal = l.messages.totals(len(l.messages.keys))
	l.durable = l.current
	l.shown.Store(l.durable)
	return l
}

func restore[V value[V]](j *journal[V], id journalID, state *journalState[V], now, cutoff uint32) {
	j.id = id
	j.table = newTable(state.keys, state.values)
	j.meta, j.saved = state.meta, state.meta
	j.lastRead = now
	for _, v := range j.values {
		if v.inJournal() {
			j.current++
		}
	}
	gone := newBitset(len(j.keys))
	j.expire(gone, cutoff)
	j.drop(gone, nil)
}

// Totals returns what has been counted up to the last commit that is safely in
// the state file, or, without one, up to the last commit.
func (l *Ledger) Totals() *Totals { return l.shown.Load() }

// Close writes what has not been written, and closes the ledger. The totals
// remain. To close it again does nothing.
func (l *Ledger) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	l.closed = true
	defer l.onClose()
	if l.store == nil || !l.unsaved {
		return nil
	}
	// Mostly it is the Dates of the last reads that the file lacks: a short record, and
	// one sync, so that thousands of ledgers are closed within seconds.
	return l.save(appendDates(nil, l))
}

// commit makes a staged journal take effect. decide is called under the lock,
// with the verdict on the read; it returns the changes to the table, what they
// count, and how many rows are as the last whole journal had them.
func commit[V value[V]](s *staging[V], read Read, decide func(verdict) (changes[V], *Totals, int)) error {
	if s.done {
		return ErrClosed
	}
	defer s.end()
	l, j := s.ledger, s.journal
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	if s.full {
		// The last whole journal remains what it was: the next one will tell what
		// came meanwhile, as long as it is still there.
		j.gaps++
		settle(l, j, &changes[V]{}, newTotals())
		return ErrTooManyRows
	}
	v := j.judge(read)
	c, delta, unchanged := decide(v)
	if !v.baseline && j.gap(read, unchanged) {
		j.gaps++
	}
	j.apply(s, &c)
	j.follow(read, v, s.now)
	settle(l, j, &c, delta)
	return nil
}

// settle counts, saves and shows what was done to a journal.
func settle[V value[V]](l *Ledger, j *journal[V], c *changes[V], delta *Totals) {
	l.unsaved = true
	changed := len(c.inserts)+len(c.updates)+len(c.drops) > 0 || j.differs(&j.saved)
	if changed {
		l.current = l.current.plus(delta)
	}
	l.current = l.current.withJournals(
		l.calls.totals(len(l.calls.keys)),
		l.messages.totals(len(l.messages.keys)))
	var record []byte
	if changed && l.store != nil {
		record = appendRecord(nil, l, j, c, delta)
	}
	// An error is logged there; the read has taken effect all the same.
	if err := l.save(record); err == nil && changed {
		j.saved = j.meta
	}
}

// save writes a record of the last commit, if there is one, and whatever is
// missing in the state file. Then it shows what is there.
func (l *Ledger) save(record []byte) error {
	if l.store == nil {
		l.shown.Store(l.current)
		return nil
	}
	wasFailing := l.store.failing
	rewritten, err := l.store.save(record, func() []byte { return l.appendSnapshot(nil) })
	switch {
	case err != nil && !wasFailing && !errors.Is(err, errFolderGone): // That is logged once for the folder.
		l.options.Logger.Error("cannot write the ledger's state file; the counters shown stay at what it holds until it can be written again",
			"path", l.store.path, "err", err)
	case err == nil && wasFailing:
		l.options.Logger.Info("the ledger's state file is written again; nothing was lost", "path", l.store.path)
	}
	if rewritten {
		l.unsaved = false
		l.calls.saved, l.messages.saved = l.calls.meta, l.messages.meta
	}
	if !l.store.stale {
		l.durable = l.current
	}
	if ok := err == nil; l.durable.LastWriteOK != ok {
		shown := *l.durable
		shown.LastWriteOK = ok
		l.durable = &shown
	}
	l.shown.Store(l.durable)
	return err
}

// chatType returns the position of a chat type.
func (l *Ledger) chatType(name string) uint8 {
	i := slices.Index(l.chatTypes, name)
	switch {
	case i >= 0:
	case len(l.chatTypes) < math.MaxUint8:
		i = len(l.chatTypes)
		l.chatTypes = append(l.chatTypes, name)
	default:
		i = 0 // Other, see newFileState.
	}
	return uint8(i)
}
