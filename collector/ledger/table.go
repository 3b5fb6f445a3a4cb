package ledger

import (
	"cmp"
	"math/bits"
	"slices"
)

// table maps identifiers to values, and costs little more than both: two arrays in
// the order of the identifiers, and an index over their leading bits. They are
// hashes, so the index divides them evenly. Rows in several chats may share one.
type table[V any] struct {
	ids    []uint64
	values []V
	index  []uint32 // index[b] is the position of the first identifier whose leading bits are b or more.
	shift  int
}

type entry[V any] struct {
	id    uint64
	value V
}

// idsPerBucket is how many identifiers share the same leading bits on average, at the
// least: as many as two cache lines hold, at the most.
const idsPerBucket = 8

func newTable[V any](ids []uint64, values []V) table[V] {
	leading := max(bits.Len(uint(len(ids)/idsPerBucket))-1, 0)
	t := table[V]{ids: ids, values: values, index: make([]uint32, 1<<leading+1), shift: 64 - leading}
	position := 0
	for b := range t.index {
		for position < len(ids) && ids[position]>>t.shift < uint64(b) {
			position++
		}
		t.index[b] = uint32(position)
	}
	return t
}

// find returns the positions of an identifier, from one to before another.
func (t *table[V]) find(id uint64) (from, to int) {
	if len(t.ids) == 0 {
		return 0, 0
	}
	b := id >> t.shift
	end := int(t.index[b+1])
	for from = int(t.index[b]); from < end && t.ids[from] < id; from++ {
	}
	for to = from; to < end && t.ids[to] == id; to++ {
	}
	return from, to
}

// rebuild returns a table without the entries in drop, and with inserts, which it
// sorts. It shares nothing with the old one unless nothing changes.
func (t *table[V]) rebuild(inserts []entry[V], drop bitset) table[V] {
	dropped := drop.count()
	if len(inserts)+dropped == 0 {
		return *t
	}
	slices.SortStableFunc(inserts, func(a, b entry[V]) int { return cmp.Compare(a.id, b.id) })
	size := len(t.ids) + len(inserts) - dropped
	ids, values := make([]uint64, 0, size), make([]V, 0, size)
	insert := 0
	for i, id := range t.ids {
		for ; insert < len(inserts) && inserts[insert].id < id; insert++ {
			ids, values = append(ids, inserts[insert].id), append(values, inserts[insert].value)
		}
		if !drop.has(i) {
			ids, values = append(ids, id), append(values, t.values[i])
		}
	}
	for _, e := range inserts[insert:] {
		ids, values = append(ids, e.id), append(values, e.value)
	}
	return newTable(ids, values)
}

// picked returns the entries at some positions.
func (t *table[V]) picked(some bitset) []entry[V] {
	var entries []entry[V]
	for i, id := range t.ids {
		if some.has(i) {
			entries = append(entries, entry[V]{id, t.values[i]})
		}
	}
	return entries
}

// bitset is a set of positions in a table. The nil bitset is empty.
type bitset []uint64

func newBitset(size int) bitset { return make(bitset, (size+63)/64) }

func (s bitset) has(i int) bool {
	return i/64 < len(s) && s[i/64]&(1<<(i%64)) != 0
}

// add puts i into the set, and reports whether it was not there.
func (s bitset) add(i int) bool {
	before := s[i/64]
	s[i/64] |= 1 << (i % 64)
	return s[i/64] != before
}

// addAll puts all of another set of the same size into the set.
func (s bitset) addAll(more bitset) {
	for i := range s {
		s[i] |= more[i]
	}
}

func (s bitset) count() int {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}
