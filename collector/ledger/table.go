package ledger

import (
	"cmp"
	"math/bits"
	"slices"
)

// value is what stands beside a key.
type value[V any] interface {
	~uint32 | ~uint64
	// inJournal reports whether the last whole journal held the key.
	inJournal() bool
	// lastSeen is when the key was last seen, in Unix seconds of the exporter's
	// clock. It is known only of keys that the last whole journal did not hold.
	lastSeen() uint32
	// left returns the value of the key once a whole journal came without it.
	left(lastSeen uint32) V
	// columns are those of Rows in state.proto that hold it.
	columns() []field[V]
	// valid reports whether a state file with so many chat types may hold it.
	valid(chatTypes int) bool
}

type entry[V value[V]] struct {
	key   uint64
	value V
}

// table is a map from keys to values that costs little more than both: two
// arrays in the order of the keys, and an index over the keys' leading bits.
// Keys are hashes, so the index divides them evenly.
type table[V value[V]] struct {
	keys   []uint64
	values []V
	index  []uint32 // index[b] is the position of the first key whose leading bits are b or more.
	shift  int
}

// keysPerBucket is how many keys share the same leading bits on average, at the
// least: as many as two cache lines hold, at the most.
const keysPerBucket = 8

func newTable[V value[V]](keys []uint64, values []V) table[V] {
	leading := max(bits.Len(uint(len(keys)/keysPerBucket))-1, 0)
	t := table[V]{keys: keys, values: values, index: make([]uint32, 1<<leading+1), shift: 64 - leading}
	position := 0
	for b := range t.index {
		for position < len(keys) && keys[position]>>t.shift < uint64(b) {
			position++
		}
		t.index[b] = uint32(position)
	}
	return t
}

// find returns the position of key.
func (t *table[V]) find(key uint64) (int, bool) {
	if len(t.keys) == 0 {
		return 0, false
	}
	b := key >> t.shift
	from, to := t.index[b], t.index[b+1]
	for i, k := range t.keys[from:to] {
		if k >= key {
			return int(from) + i, k == key
		}
	}
	return 0, false
}

// rebuild returns a table without the entries at which drop is true, and with
// inserts, whose keys must be new. It sorts inserts.
func (t *table[V]) rebuild(inserts []entry[V], drop bitset) table[V] {
	slices.SortFunc(inserts, func(a, b entry[V]) int { return cmp.Compare(a.key, b.key) })
	size := len(t.keys) + len(inserts) - drop.count()
	keys, values := make([]uint64, 0, size), make([]V, 0, size)
	insert := 0
	for i, key := range t.keys {
		for ; insert < len(inserts) && inserts[insert].key < key; insert++ {
			keys, values = append(keys, inserts[insert].key), append(values, inserts[insert].value)
		}
		if !drop.has(i) {
			keys, values = append(keys, key), append(values, t.values[i])
		}
	}
	for _, e := range inserts[insert:] {
		keys, values = append(keys, e.key), append(values, e.value)
	}
	return newTable(keys, values)
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

func (s bitset) count() int {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}
