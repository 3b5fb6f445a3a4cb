package ledger

import (
	"fmt"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// The payloads of a state file are messages of Protocol Buffers, described in
// state.proto. They are written and read with package protowire rather than with
// generated code: rows are columns of plain numbers, which pass between the file and
// the memory's own arrays without an object in between, and what this version
// does not know must be noticed, not skipped.

// field is a number in a message of type T. Of rows it is a column: the numbers of
// all of them, packed. One that is 0, or 0 in all rows, is not written.
type field[T any] struct {
	number protowire.Number
	kind   protowire.Type // Varint, Fixed32 or Fixed64.
	// most is the greatest number that this version knows the meaning of. A greater
	// one was written by a later version. It must fit what set makes of it.
	most uint64
	get  func(*T) uint64
	set  func(*T, uint64)
}

// wireField is a field of a message as it was read.
type wireField struct {
	number protowire.Number
	kind   protowire.Type
	n      uint64 // Of the kinds Varint, Fixed32 and Fixed64.
	bytes  []byte // Of the kind Bytes.
}

// eachField calls visit for the fields of a message, in their order.
func eachField(message []byte, visit func(wireField) error) error {
	for len(message) > 0 {
		var f wireField
		var n int
		f.number, f.kind, n = protowire.ConsumeTag(message)
		if n < 0 {
			return fmt.Errorf("%w: the number of a field", errDamaged)
		}
		message = message[n:]
		if f.kind == protowire.BytesType {
			f.bytes, n = protowire.ConsumeBytes(message)
		} else {
			f.n, n = consumeNumber(message, f.kind)
		}
		if n < 0 {
			return fmt.Errorf("%w: field %d", errDamaged, f.number)
		}
		message = message[n:]
		if err := visit(f); err != nil {
			return err
		}
	}
	return nil
}

// unknown is the error of a field that this version does not know.
func (f wireField) unknown(message string) error {
	return fmt.Errorf("%w: field %d of %s", ErrNewerVersion, f.number, message)
}

// message checks that a field holds a message or text, and returns it.
func (f wireField) message() ([]byte, error) {
	if f.kind != protowire.BytesType {
		return nil, fmt.Errorf("%w: field %d has type %d", errDamaged, f.number, f.kind)
	}
	return f.bytes, nil
}

// text is message for texts.
func (f wireField) text() (string, error) {
	b, err := f.message()
	return string(b), err
}

// consumeNumber returns the first number of b, and how many bytes it takes; less
// than 0 when there is none.
func consumeNumber(b []byte, kind protowire.Type) (number uint64, size int) {
	switch kind {
	case protowire.VarintType:
		return protowire.ConsumeVarint(b)
	case protowire.Fixed32Type:
		v, n := protowire.ConsumeFixed32(b)
		return uint64(v), n
	case protowire.Fixed64Type:
		return protowire.ConsumeFixed64(b)
	}
	return 0, -1
}

func appendNumber(b []byte, kind protowire.Type, n uint64) []byte {
	switch kind {
	case protowire.Fixed32Type:
		return protowire.AppendFixed32(b, uint32(n))
	case protowire.Fixed64Type:
		return protowire.AppendFixed64(b, n)
	default:
		return protowire.AppendVarint(b, n)
	}
}

// appendMessage appends a field that holds the message, or the column, that write
// appends. Its length comes before it, and is known only afterwards.
func appendMessage(b []byte, number protowire.Number, write func([]byte) []byte) []byte {
	b = protowire.AppendTag(b, number, protowire.BytesType)
	start := len(b)
	b = write(b)
	size := uint64(len(b) - start)
	room := protowire.SizeVarint(size)
	b = slices.Grow(b, room)[:len(b)+room]
	copy(b[start+room:], b[start:])
	protowire.AppendVarint(b[:start], size)
	return b
}

func appendString(b []byte, number protowire.Number, text string) []byte {
	return protowire.AppendString(protowire.AppendTag(b, number, protowire.BytesType), text)
}

// appendKeys appends a column of keys.
func appendKeys(b []byte, number protowire.Number, keys []uint64) []byte {
	return appendMessage(b, number, func(b []byte) []byte {
		b = slices.Grow(b, len(keys)*protowire.SizeFixed64())
		for _, key := range keys {
			b = protowire.AppendFixed64(b, key)
		}
		return b
	})
}

// eachKey calls visit for the keys of a column.
func eachKey(f wireField, visit func(uint64)) error {
	column, err := f.message()
	if err != nil {
		return err
	}
	if len(column)%protowire.SizeFixed64() != 0 {
		return fmt.Errorf("%w: column %d", errDamaged, f.number)
	}
	for len(column) > 0 {
		key, n := protowire.ConsumeFixed64(column)
		column = column[n:]
		visit(key)
	}
	return nil
}

// appendFields appends the fields of a message.
func appendFields[T any](b []byte, fields []field[T], of *T) []byte {
	for _, f := range fields {
		if v := f.get(of); v != 0 {
			b = appendNumber(protowire.AppendTag(b, f.number, f.kind), f.kind, v)
		}
	}
	return b
}

// readFields reads a message of the type that is named.
func readFields[T any](message []byte, name string, fields []field[T], into *T) error {
	return eachField(message, func(w wireField) error {
		f, err := known(w, name, fields)
		if err != nil {
			return err
		}
		if w.kind != f.kind {
			return fmt.Errorf("%w: field %d of %s has type %d", errDamaged, w.number, name, w.kind)
		}
		return f.put(into, w.n)
	})
}

// known returns the field that has a number.
func known[T any](w wireField, message string, fields []field[T]) (*field[T], error) {
	for i := range fields {
		if fields[i].number == w.number {
			return &fields[i], nil
		}
	}
	return nil, w.unknown(message)
}

func (f *field[T]) put(into *T, n uint64) error {
	if n > f.most {
		return fmt.Errorf("%w: value %d of field %d", ErrNewerVersion, n, f.number)
	}
	f.set(into, n)
	return nil
}

const keyColumn protowire.Number = 1

// appendRows appends a message of type Rows.
func appendRows[V any](b []byte, columns []field[V], keys []uint64, values []V) []byte {
	if len(keys) == 0 {
		return b
	}
	b = appendKeys(b, keyColumn, keys)
	for i := range columns {
		b = columns[i].appendColumn(b, values)
	}
	return b
}

func (f *field[V]) appendColumn(b []byte, values []V) []byte {
	start := len(b)
	var all uint64
	b = appendMessage(b, f.number, func(b []byte) []byte {
		for i := range values {
			n := f.get(&values[i])
			all |= n
			b = appendNumber(b, f.kind, n)
		}
		return b
	})
	if all == 0 {
		return b[:start]
	}
	return b
}

// readColumn reads the numbers of a column, one for each of values.
func (f *field[V]) readColumn(w wireField, values []V) error {
	column, err := w.message()
	if err != nil {
		return err
	}
	for i := range values {
		v, n := consumeNumber(column, f.kind)
		if n < 0 {
			return fmt.Errorf("%w: column %d is too short", errDamaged, w.number)
		}
		column = column[n:]
		if v > f.most {
			return f.put(&values[i], v)
		}
		f.set(&values[i], v)
	}
	if len(column) > 0 {
		return fmt.Errorf("%w: column %d is too long", errDamaged, w.number)
	}
	return nil
}

// readRows reads a message of type Rows. The keys come first.
func readRows[V any](message []byte, columns []field[V]) (keys []uint64, values []V, err error) {
	read := make(map[protowire.Number]bool, len(columns)+1)
	err = eachField(message, func(w wireField) error {
		if read[w.number] {
			return fmt.Errorf("%w: column %d comes twice", errDamaged, w.number)
		}
		read[w.number] = true
		if w.number == keyColumn {
			keys = make([]uint64, 0, len(w.bytes)/protowire.SizeFixed64())
			err := eachKey(w, func(key uint64) { keys = append(keys, key) })
			values = make([]V, len(keys))
			return err
		}
		column, err := known(w, "Rows", columns)
		if err != nil {
			return err
		}
		return column.readColumn(w, values)
	})
	return keys, values, err
}
