package ledger

import (
	"slices"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
)

// replay collects what a log does to a journal: of each row, the last is what holds.
type replay struct {
	rows   map[chatRow]*row // Nil for those that are gone.
	past   map[pastRow]*past
	legacy map[uint64]bool // Those that are gone.
}

// pastRow tells the rows of the past apart.
type pastRow struct {
	id   uint64
	chat uint64 // Its highest bits.
}

func (p past) key(id uint64) pastRow { return pastRow{id, uint64(p >> pastChatAt)} }

func (r *replay) setRow(key chatRow, v *row) {
	if r.rows == nil {
		r.rows = map[chatRow]*row{}
	}
	r.rows[key] = v
}

func (r *replay) setPast(key pastRow, v *past) {
	if r.past == nil {
		r.past = map[pastRow]*past{}
	}
	r.past[key] = v
}

func (r *replay) putRow(id uint64, v row)   { r.setRow(chatRow{id, v.chat()}, &v) }
func (r *replay) dropRow(id uint64, v row)  { r.setRow(chatRow{id, v.chat()}, nil) }
func (r *replay) putPast(id uint64, v past) { r.setPast(v.key(id), &v) }

func (r *replay) dropPast(id uint64, v past) { r.setPast(v.key(id), nil) }

func (r *replay) dropLegacy(id uint64) {
	if r.legacy == nil {
		r.legacy = map[uint64]bool{}
	}
	r.legacy[id] = true
}

// putLegacy adds what a file of version 1 remembers.
func (r *replay) putLegacy(legacy *table[past], entries []entry[past]) {
	gone := newBitset(len(legacy.ids))
	for _, e := range entries {
		for from, to := legacy.find(e.id); from < to; from++ {
			gone.add(from)
		}
		delete(r.legacy, e.id)
	}
	*legacy = legacy.rebuild(entries, gone)
}

// finish applies the log to the snapshot, and reports whether all rows are possible
// ones.
func (r *replay) finish(s *journalState, id journalID) bool {
	s.current = replayed(s.current, r.rows, func(id uint64, v row) chatRow { return chatRow{id, v.chat()} }, func(k chatRow) uint64 { return k.id })
	s.past = replayed(s.past, r.past, func(id uint64, v past) pastRow { return v.key(id) }, func(k pastRow) uint64 { return k.id })
	gone := newBitset(len(s.legacy.ids))
	for i, id := range s.legacy.ids {
		if r.legacy[id] {
			gone.add(i)
		}
	}
	s.legacy = s.legacy.rebuild(nil, gone)
	s.sets = s.sets.indexed()
	for _, rows := range [][]row{s.current.values, s.loose} {
		if slices.ContainsFunc(rows, func(v row) bool { return !s.possible(id, &v) }) {
			return false
		}
	}
	return true
}

// replayed returns a table with what a log says.
func replayed[K comparable, V any](t table[V], log map[K]*V, key func(uint64, V) K, id func(K) uint64) table[V] {
	gone := newBitset(len(t.ids))
	for i := range t.ids {
		if _, ok := log[key(t.ids[i], t.values[i])]; ok {
			gone.add(i)
		}
	}
	var inserts []entry[V]
	for k, v := range log {
		if v != nil {
			inserts = append(inserts, entry[V]{id(k), *v})
		}
	}
	return t.rebuild(inserts, gone)
}

// possible reports whether a state file may have a row.
func (s *journalState) possible(id journalID, r *row) bool {
	if id == journalCalls {
		return s.sets.has(r.extra)
	}
	return !r.messageType().Protocol() || r.stage() == vocabulary.StageObserved && r.failures() == 0
}
