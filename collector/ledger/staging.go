package ledger

// staging is what both transactions have in common: which of the keys known
// before are in the journal that is being read.
type staging[V value[V]] struct {
	ledger  *Ledger
	journal *journal[V]
	hasher  hasher
	now     uint32 // By the exporter's clock, when the transaction began.
	cutoff  uint32 // Keys last seen before this are forgotten.

	seen         bitset // Positions of the known keys that are in the journal at hand.
	known        int    // How many they are,
	knownCurrent int    // and how many of them the last whole journal held.

	rows int  // Rows of the journal at hand, repetitions left out.
	full bool // Whether they are more than can be remembered: none is taken in then.
	done bool
}

func begin[V value[V]](l *Ledger, j *journal[V]) staging[V] {
	if !j.open.CompareAndSwap(false, true) {
		panic("ledger: a transaction on this journal is open already")
	}
	now := clock(l.options.Now())
	return staging[V]{
		ledger:  l,
		journal: j,
		hasher:  hasher{hashKey: l.key},
		now:     now,
		cutoff:  cutoff(now, l.options.Retention),
		seen:    newBitset(len(j.keys)),
	}
}

// ready reports whether rows are still taken in.
func (s *staging[V]) ready() bool {
	if s.done {
		panic("ledger: a row was added after Commit or Abort")
	}
	return !s.full
}

// find returns the position of a key that is remembered.
func (s *staging[V]) find(key uint64) (int, bool) {
	i, ok := s.journal.find(key)
	if !ok {
		return 0, false
	}
	if v := s.journal.values[i]; !v.inJournal() && v.lastSeen() < s.cutoff {
		return 0, false
	}
	return i, true
}

// mark notes that the key at position i is in the journal at hand, and reports
// whether this was news.
func (s *staging[V]) mark(i int) bool {
	if !s.seen.add(i) {
		return false
	}
	s.known++
	if s.journal.values[i].inJournal() {
		s.knownCurrent++
	}
	s.take()
	return true
}

// take notes one more row that is not a repetition, and reports whether there is room for it.
func (s *staging[V]) take() bool {
	s.rows++
	s.full = s.rows > s.ledger.options.MaxRows
	return !s.full
}

// end closes the transaction, and reports whether it was open.
func (s *staging[V]) end() bool {
	if s.done {
		return false
	}
	s.done = true
	s.journal.open.Store(false)
	return true
}
