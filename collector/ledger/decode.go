package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
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
	version  uint32 // Of the file that it was read from.
	owner    string // The idInstance; "" when the file does not say.
	key      hashKey
	calls    journalState
	messages journalState
	totals   *Totals // Without those of the journals.

	// Where the file's parts end. What comes after size is torn.
	snapshotSize, size int
	frames             uint32
}

// journalState is what a state file holds of a journal.
type journalState struct {
	meta
	current table[row]
	past    table[past]
	legacy  table[past]
	loose   []row
	sets    participantSets
}

func newFileState(key hashKey) *fileState {
	return &fileState{key: key, totals: newTotals()}
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
		if size == 0 && torn {
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
	if !d.calls.finish(&s.calls, journalCalls) || !d.messages.finish(&s.messages, journalMessages) {
		return nil, fmt.Errorf("%w: a row", errDamaged)
	}
	return s, nil
}

// decoder applies payloads to a state.
type decoder struct {
	state           *fileState
	calls, messages replay
	chatTypes       []vocabulary.ChatType // Of a file of version 1, by position.
}

// apply applies a Record.
func (d *decoder) apply(payload []byte, snapshot bool) error {
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
		case recordJournal:
			return d.readJournal(b, snapshot)
		case recordCounter:
			return d.readCounter(b)
		default:
			return f.unknown("Record")
		}
		return nil
	})
	if err == nil && !d.state.totals.bounded() {
		err = fmt.Errorf("%w: too many counters", errDamaged)
	}
	return err
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
			read = func(f wireField) error { return d.state.calls.read(f, journalCalls, &d.calls, snapshot) }
		case journalMessages.String():
			read = func(f wireField) error { return d.state.messages.read(f, journalMessages, &d.messages, snapshot) }
		default:
			return fmt.Errorf("%w: a journal", ErrNewerVersion)
		}
		return nil
	})
}

// read reads a field of a Journal.
func (s *journalState) read(f wireField, id journalID, r *replay, snapshot bool) error {
	b, err := f.message()
	if err != nil {
		return err
	}
	switch f.number {
	case journalMeta:
		s.meta = meta{}
		if err := readFields(b, "Meta", metaFields, &s.meta); err != nil {
			return err
		}
		if s.window < 0 || s.lastSpan < 0 {
			return fmt.Errorf("%w: a window", errDamaged)
		}
		return nil
	case journalParticipants:
		set, err := readParticipants(b)
		if err == nil {
			s.sets.sets = append(s.sets.sets, set)
		}
		return err
	case journalPut:
		return readTable(b, id.columns(), &s.current, snapshot, r.putRow)
	case journalLoose:
		_, s.loose, err = readRows(b, id.columns())
		return err
	case journalPutPast:
		return readTable(b, pastColumns, &s.past, snapshot, r.putPast)
	}
	return s.readDrop(f, r, snapshot)
}

// readDrop reads the fields of a Journal that are in the log only, and those that are
// in a snapshot only.
func (s *journalState) readDrop(f wireField, r *replay, snapshot bool) error {
	switch {
	case f.number == journalDrop && !snapshot:
		return readTable(f.bytes, []field[row]{chatColumn}, nil, false, r.dropRow)
	case f.number == journalDropPast && !snapshot:
		return readTable(f.bytes, pastColumns[:1], nil, false, r.dropPast)
	case f.number == journalDropLegacy && !snapshot:
		return eachKey(f, r.dropLegacy)
	case f.number == journalLegacy && snapshot:
		return readTable(f.bytes, pastColumns, &s.legacy, true, nil)
	case f.number <= journalDropLegacy:
		return fmt.Errorf("%w: field %d of Journal", errDamaged, f.number)
	}
	return f.unknown("Journal")
}

// readTable reads rows: as they are from a snapshot, where their identifiers rise, and
// one by one from the log.
func readTable[V any](message []byte, columns []field[V], into *table[V], snapshot bool, each func(uint64, V)) error {
	ids, values, err := readRows(message, columns)
	if err != nil {
		return err
	}
	if !snapshot {
		for i, id := range ids {
			each(id, values[i])
		}
		return nil
	}
	if !slices.IsSorted(ids) {
		return fmt.Errorf("%w: rows out of order", errDamaged)
	}
	if into.ids != nil {
		return fmt.Errorf("%w: rows twice", errDamaged)
	}
	*into = newTable(ids, values)
	return nil
}
