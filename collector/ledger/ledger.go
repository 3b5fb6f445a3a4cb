package ledger

import (
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// ErrTooManyRows is the error of a commit whose answer holds more rows than
	// Options.MaxRows. Nothing was counted, and a gap was reported.
	ErrTooManyRows = errors.New("the answer holds more rows than the ledger takes")
	// ErrClosed is the error of using what was closed.
	ErrClosed = errors.New("the ledger is closed")
)

// Options are those of one ledger.
type Options struct {
	// Retention is how long a row is remembered after it was last seen, by Now.
	// By default, 168 hours.
	Retention time.Duration
	// MaxEntries is how many rows are remembered, for each journal, but that those of
	// the last whole read and the reads since always are. By default, 200,000.
	MaxEntries int
	// MaxRows is how many rows an answer may have. By default, MaxEntries.
	MaxRows int
	// Now is the exporter's clock. It serves retention, plans and the bounds of some
	// delays. By default, time.Now.
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

	mu       sync.Mutex // Held by commits. It guards what follows, the journals too, but see there.
	current  *Totals    // What has been counted,
	durable  *Totals    // and as much of it as the state file is known to hold.
	calls    journal
	messages journal
	store    *store // Nil in a ledger that lives in memory.
	unsaved  bool   // Whether a journal was read since the last snapshot.
	closed   bool
	onClose  func()
}

// New returns a ledger that lives in memory: a restart forgets everything.
func New(o Options) *Ledger {
	return newLedger(o, nil, newFileState(newHashKey()))
}

func newLedger(o Options, s *store, state *fileState) *Ledger {
	l := &Ledger{
		options: o.withDefaults(),
		owner:   state.owner,
		key:     state.key,
		store:   s,
		onClose: func() {},
	}
	now := clock(l.options.Now())
	cutoff := cutoff(now, l.options.Retention)
	l.calls.id, l.messages.id = journalCalls, journalMessages
	l.calls.restore(&state.calls, now, cutoff)
	l.messages.restore(&state.messages, now, cutoff)
	l.current = state.totals
	l.current.CallJournal, l.current.MessageJournal = l.calls.totals(), l.messages.totals()
	l.durable = l.current
	l.shown.Store(l.durable)
	return l
}

// restore takes over what a state file has of a journal.
func (j *journal) restore(state *journalState, now, cutoff uint32) {
	j.meta, j.saved = state.meta, state.meta
	j.current, j.past, j.legacy = state.current, state.past, state.legacy
	j.loose, j.sets = state.loose, state.sets
	j.seen = now // While the exporter was down, nothing could be seen.
	for i, was := range j.legacy.values {
		if was.lastSeen() == lastSeenNow {
			j.legacy.values[i] = newPast(now, 0, was.chatType(), was.stage(), was.failures())
		}
	}
	j.past = j.past.rebuild(nil, lastSeenBefore(cutoff, j.past.values))
	j.legacy = j.legacy.rebuild(nil, lastSeenBefore(cutoff, j.legacy.values))
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

// settle counts, saves and shows what was done to a journal.
func (l *Ledger) settle(j *journal, delta *Totals, e *edit) {
	l.unsaved = true
	changed := e.changes() || j.differs(&j.saved)
	if changed {
		l.current = l.current.plus(delta)
	}
	l.current = l.current.withJournals(l.calls.totals(), l.messages.totals())
	var record []byte
	if changed && l.store != nil {
		l.store.stale = l.store.stale || e.positions
		record = l.appendRecord(nil, j, e, delta)
	}
	// An error is logged there; the read has taken effect all the same.
	if err := l.save(record); err == nil && changed {
		j.saved, j.sets.saved = j.meta, len(j.sets.sets)
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
		for _, j := range []*journal{&l.calls, &l.messages} {
			j.saved, j.sets.saved = j.meta, len(j.sets.sets)
		}
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
