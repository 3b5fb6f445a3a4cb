package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// ErrNewerVersion is the error of opening a state file that a later version of
// the exporter wrote. The file is left as it is.
var ErrNewerVersion = errors.New("written by a newer version of the exporter")

// errDamaged is the error of a file that is not, or not any more, a state file.
var errDamaged = errors.New("damaged or not a state file")

// fileState is what a state file holds.
type fileState struct {
	key       hashKey
	chatTypes []string
	calls     journalState[callValue]
	messages  journalState[messageValue]
	totals    *Totals // Without those of the journals.

	// Where the file's parts end. What comes after size is torn.
	snapshotSize, size int
	frames             uint32
}

type journalState[V value[V]] struct {
	meta
	keys   []uint64 // In order, without repetitions.
	values []V
}

func newFileState(key hashKey) *fileState {
	// The first chat type stands for all for which there is no room.
	return &fileState{key: key, chatTypes: []string{other}, totals: newTotals()}
}

// decode reads a state file. It takes no more memory than in proportion to data.
func decode(data []byte) (*fileState, error) {
	if len(data) < headerSize || string(data[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: no header", errDamaged)
	}
	switch v := binary.LittleEndian.Uint32(data[len(magic):]); {
	case v > version:
		return nil, fmt.Errorf("%w: version %d of the file, at most %d can be read", ErrNewerVersion, v, version)
	case v < version:
		return nil, fmt.Errorf("%w: version %d", errDamaged, v)
	}
	header := cursor{rest: data[len(magic)+4 : headerSize]}
	d := decoder{state: newFileState(hashKey{header.uint64(), header.uint64()})}
	if checksum(data[:headerSize-4]) != header.uint32() {
		return nil, fmt.Errorf("%w: checksum of the header", errDamaged)
	}

	s := d.state
	for s.size = headerSize; s.size < len(data); s.frames++ {
		payload, torn, ok := readFrame(data[s.size:], s.frames)
		if torn && s.frames > 0 {
			break
		}
		if torn || !ok {
			return nil, fmt.Errorf("%w: record %d at byte %d", errDamaged, s.frames, s.size)
		}
		if err := d.apply(payload, s.frames == 0); err != nil {
			return nil, fmt.Errorf("record %d at byte %d: %w", s.frames, s.size, err)
		}
		s.size += frameExtra + len(payload)
		if s.frames == 0 {
			s.snapshotSize = s.size
		}
	}
	if s.frames == 0 {
		return nil, fmt.Errorf("%w: no snapshot", errDamaged)
	}
	if !d.calls.finish(&s.calls, len(s.chatTypes)) || !d.messages.finish(&s.messages, len(s.chatTypes)) {
		return nil, fmt.Errorf("%w: an entry", errDamaged)
	}
	return s, nil
}

// readFrame returns the payload of the first frame of data. A frame is torn when
// it is the last thing in the file and not all of it is there: the end is
// missing, or was never written and reads as zeros, or as something else.
func readFrame(data []byte, position uint32) (payload []byte, torn, ok bool) {
	c := cursor{rest: data}
	size, sum := c.uint32(), c.uint32()
	if c.short {
		return nil, true, false
	}
	if sum != sizeChecksum(size, position) {
		return nil, !slices.ContainsFunc(c.rest, func(b byte) bool { return b != 0 }), false
	}
	if uint64(size)+4 > uint64(len(c.rest)) {
		return nil, true, false
	}
	payload = c.bytes(int(size))
	if checksum(payload) != c.uint32() {
		return nil, len(c.rest) == 0, false
	}
	return payload, false, true
}

// decoder applies payloads to a state.
type decoder struct {
	state    *fileState
	calls    replay[callValue]
	messages replay[messageValue]
}

func (d *decoder) apply(payload []byte, snapshot bool) error {
	c := cursor{rest: payload}
	for len(c.rest) > 0 {
		kind, id := sectionKind(c.byte()), journalID(c.byte())
		body := cursor{rest: c.bytes(int(c.uint32()))}
		if c.short {
			return fmt.Errorf("%w: a section", errDamaged)
		}
		if kind > sectionCounters || id > journalMessages {
			return fmt.Errorf("%w: it holds more than this one knows of", ErrNewerVersion)
		}
		var err error
		switch {
		case kind == sectionChatTypes && id == journalNone:
			err = d.readChatTypes(&body)
		case kind == sectionCounters && id == journalNone:
			err = d.readCounters(&body)
		case id == journalCalls:
			err = readJournal(&body, kind, id, &d.state.calls, &d.calls, snapshot)
		case id == journalMessages:
			err = readJournal(&body, kind, id, &d.state.messages, &d.messages, snapshot)
		default:
			err = errDamaged
		}
		if err == nil && (body.short || len(body.rest) > 0) {
			err = errDamaged
		}
		if err != nil {
			return fmt.Errorf("section %d of journal %d: %w", kind, id, err)
		}
	}
	return nil
}

func (d *decoder) readChatTypes(c *cursor) error {
	var names []string
	for len(c.rest) > 0 && len(names) <= math.MaxUint8 {
		names = append(names, c.string())
	}
	if len(names) == 0 || len(names) > math.MaxUint8 || names[0] != other {
		return errDamaged
	}
	d.state.chatTypes = names
	return nil
}

func (d *decoder) readCounters(c *cursor) error {
	for len(c.rest) > 0 {
		s := sample{family: family(c.byte())}
		labels, values := s.family.shape()
		if labels == 0 {
			return fmt.Errorf("%w: counter %d", ErrNewerVersion, s.family)
		}
		for range labels {
			s.labels = append(s.labels, c.string())
		}
		for range values {
			s.values = append(s.values, c.uvarint())
		}
		if c.short || !d.state.totals.set(s) {
			return errDamaged
		}
	}
	if !d.state.totals.bounded() {
		return errDamaged
	}
	return nil
}

func readJournal[V value[V]](c *cursor, kind sectionKind, id journalID, state *journalState[V], r *replay[V], snapshot bool) error {
	switch kind {
	case sectionMeta:
		return state.readMeta(c)
	case sectionPut:
		if snapshot {
			return state.readEntries(c, id)
		}
		for len(c.rest) > 0 && !c.short {
			r.put(c.uint64(), V(c.uint(id.valueSize())))
		}
		return nil
	case sectionDrop:
		for len(c.rest) > 0 && !c.short {
			r.drop(c.uint64())
		}
		return nil
	}
	return errDamaged
}

// readEntries reads those of a snapshot.
func (s *journalState[V]) readEntries(c *cursor, id journalID) error {
	n := len(c.rest) / (8 + id.valueSize())
	s.keys, s.values = slices.Grow(s.keys, n), slices.Grow(s.values, n)
	for range n {
		key := c.uint64()
		if last := len(s.keys) - 1; last >= 0 && key <= s.keys[last] {
			return errDamaged
		}
		s.keys = append(s.keys, key)
		s.values = append(s.values, V(c.uint(id.valueSize())))
	}
	return nil
}

func (m *meta) readMeta(c *cursor) error {
	baselined := c.byte()
	m.baselined = baselined == 1
	m.baseline, m.created = c.int64(), c.int64()
	m.window = time.Duration(c.int64())
	m.lastDate = c.int64()
	m.gaps, m.evictions = c.uint64(), c.uint64()
	m.lastRead = c.uint32()
	if baselined > 1 || m.window < 0 {
		return errDamaged
	}
	return nil
}

// replay collects what a log does to a table: of each key, the last is what holds.
type replay[V value[V]] struct {
	puts  map[uint64]V
	drops map[uint64]struct{}
}

func (r *replay[V]) put(key uint64, v V) {
	if r.puts == nil {
		r.puts = map[uint64]V{}
	}
	r.puts[key] = v
	delete(r.drops, key)
}

func (r *replay[V]) drop(key uint64) {
	if r.drops == nil {
		r.drops = map[uint64]struct{}{}
	}
	r.drops[key] = struct{}{}
	delete(r.puts, key)
}

// finish applies the log to the entries of the snapshot, and reports whether all
// values are possible ones.
func (r *replay[V]) finish(s *journalState[V], chatTypes int) bool {
	if len(r.puts)+len(r.drops) > 0 {
		t := newTable(s.keys, s.values)
		dropped := newBitset(len(t.keys))
		for key := range r.drops {
			if i, ok := t.find(key); ok {
				dropped.add(i)
			}
		}
		var inserts []entry[V]
		for key, v := range r.puts {
			if i, ok := t.find(key); ok {
				t.values[i] = v
			} else {
				inserts = append(inserts, entry[V]{key, v})
			}
		}
		t = t.rebuild(inserts, dropped)
		s.keys, s.values = t.keys, t.values
	}
	return !slices.ContainsFunc(s.values, func(v V) bool { return !v.valid(chatTypes) })
}
