package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// ErrNewerVersion is the error of opening a state file that a later version of
// the exporter wrote. The file is left as it is.
var ErrNewerVersion = errors.New("written by a newer version of the exporter")

// errDamaged is the error of a file that is not, or not any more, a state file.
var errDamaged = errors.New("damaged or not a state file")

// errForeign is the error of the state file of another instance.
var errForeign = errors.New("it is the file of instance")

// fileState is what a state file holds.
type fileState struct {
	version   uint32 // Of the file that it was read from.
	owner     string // The idInstance; "" when the file does not say.
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
	if len(data) < len(magic)+4 || string(data[:len(magic)]) != magic {
		return nil, fmt.Errorf("%w: no header", errDamaged)
	}
	v := binary.LittleEndian.Uint32(data[len(magic):])
	switch {
	case v > version:
		return nil, fmt.Errorf("%w: version %d of the file, at most %d can be read", ErrNewerVersion, v, version)
	case v < 1 || len(data) < headerSize:
		return nil, fmt.Errorf("%w: header of version %d", errDamaged, v)
	}
	d := decoder{state: newFileState(headerKey(data))}
	if checksum(data[:headerSize-4]) != binary.LittleEndian.Uint32(data[headerSize-4:]) {
		return nil, fmt.Errorf("%w: checksum of the header", errDamaged)
	}
	d.state.version = v
	read, apply := readFrame, d.apply
	if v == 1 {
		read, apply = readV1Frame, d.applyV1
	}

	s := d.state
	for s.size = headerSize; s.size < len(data); s.frames++ {
		payload, size, torn := read(data[s.size:], s.frames)
		if size == 0 && torn && s.frames > 0 {
			break
		}
		if size == 0 {
			return nil, fmt.Errorf("%w: record %d at byte %d", errDamaged, s.frames, s.size)
		}
		if err := apply(payload, s.frames == 0); err != nil {
			return nil, fmt.Errorf("record %d at byte %d: %w", s.frames, s.size, err)
		}
		s.size += size
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

// decoder applies payloads to a state.
type decoder struct {
	state    *fileState
	calls    replay[callValue]
	messages replay[messageValue]
}

// apply applies a Record.
func (d *decoder) apply(payload []byte, snapshot bool) error {
	var chatTypes []string
	err := eachField(payload, func(f wireField) error {
		b, err := f.message()
		if err != nil {
			return err
		}
		switch f.number {
		case recordOwner:
			if !snapshot {
				return fmt.Errorf("%w: an owner in the log", errDamaged)
			}
			d.state.owner = string(b)
		case recordChatType:
			if len(chatTypes) > math.MaxUint8 {
				return fmt.Errorf("%w: too many chat types", errDamaged)
			}
			chatTypes = append(chatTypes, string(b))
		case recordJournal:
			return d.readJournal(b, snapshot)
		case recordCounter:
			return d.readCounter(b)
		default:
			return f.unknown("Record")
		}
		return nil
	})
	if err == nil && chatTypes != nil {
		err = d.setChatTypes(chatTypes)
	}
	if err == nil && !d.state.totals.bounded() {
		err = fmt.Errorf("%w: too many counters", errDamaged)
	}
	return err
}

func (d *decoder) setChatTypes(names []string) error {
	if len(names) == 0 || len(names) > math.MaxUint8 || names[0] != other {
		return fmt.Errorf("%w: chat types", errDamaged)
	}
	d.state.chatTypes = names
	return nil
}

func (d *decoder) readCounter(message []byte) error {
	var f *family
	var s sample
	err := eachField(message, func(w wireField) error {
		switch w.number {
		case counterFamily:
			name, err := w.text()
			if f = familyNamed(name); err == nil && f == nil {
				err = fmt.Errorf("%w: a family of counters", ErrNewerVersion)
			}
			return err
		case counterLabel:
			label, err := w.text()
			s.labels = append(s.labels, label)
			return err
		case counterValue:
			values, err := w.message()
			for len(values) > 0 && err == nil {
				v, n := protowire.ConsumeVarint(values)
				if n < 0 {
					return fmt.Errorf("%w: a value", errDamaged)
				}
				s.values, values = append(s.values, v), values[n:]
			}
			return err
		}
		return w.unknown("Counter")
	})
	if err == nil && (f == nil || !f.take(d.state.totals, s)) {
		err = fmt.Errorf("%w: a counter", errDamaged)
	}
	return err
}

// readJournal reads a Journal, whose name comes first.
func (d *decoder) readJournal(message []byte, snapshot bool) error {
	named := false
	var read func(wireField) error
	return eachField(message, func(f wireField) error {
		switch {
		case named:
			return read(f)
		case f.number != journalName:
			return fmt.Errorf("%w: a journal without a name", errDamaged)
		}
		name, err := f.text()
		if err != nil {
			return err
		}
		named = true
		switch name {
		case journalCalls.String():
			read = func(f wireField) error { return readJournal(f, &d.state.calls, &d.calls, snapshot) }
		case journalMessages.String():
			read = func(f wireField) error { return readJournal(f, &d.state.messages, &d.messages, snapshot) }
		default:
			return fmt.Errorf("%w: a journal", ErrNewerVersion)
		}
		return nil
	})
}

// readJournal reads a field of a Journal.
func readJournal[V value[V]](f wireField, state *journalState[V], r *replay[V], snapshot bool) error {
	b, err := f.message()
	if err != nil {
		return err
	}
	switch f.number {
	case journalMeta:
		state.meta = meta{}
		if err := readFields(b, "Meta", metaFields, &state.meta); err != nil {
			return err
		}
		if state.window < 0 {
			return fmt.Errorf("%w: a window", errDamaged)
		}
		return nil
	case journalPut:
		var v V
		keys, values, err := readRows(b, v.columns())
		if err != nil {
			return err
		}
		return state.put(r, keys, values, snapshot)
	case journalDrop:
		return eachKey(f, r.drop)
	}
	return f.unknown("Journal")
}

// put takes over rows: as they are from a snapshot, where their keys rise, and from
// the log into its replay.
func (s *journalState[V]) put(r *replay[V], keys []uint64, values []V, snapshot bool) error {
	if !snapshot {
		for i, key := range keys {
			r.put(key, values[i])
		}
		return nil
	}
	for i := range keys {
		if i > 0 && keys[i] <= keys[i-1] {
			return fmt.Errorf("%w: keys out of order", errDamaged)
		}
	}
	if s.keys != nil {
		return fmt.Errorf("%w: rows twice", errDamaged)
	}
	s.keys, s.values = keys, values
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
