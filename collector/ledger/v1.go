package ledger

// Files of version 1, which had no owner. They are read, and written again in the
// present version when there is something to write. All numbers are little-endian; a
// varint is unsigned, as encoding/binary writes it, and a text is the varint of its
// length and its bytes.
//
//	frame   = size(4) crc(4) payload crc(4)
//	payload = section...
//	section = kind(1) journal(1) size(4) bytes
//
// The first checksum covers size(4) and position(4): the place of the frame among
// the others.
//
// The sections:
//
//	1 chat types  text...
//	2 meta        baselined(1) baseline(8) created(8) window(8) lastDate(8) gaps(8) evictions(8) lastRead(4)
//	3 put         (key(8) value(4 or 8))...  of calls, or of messages
//	4 drop        key(8)...
//	5 counters    (family(1) text... varint...)...
//
// The value of a call is when it was last seen, all bits set while it is in the
// journal. That of a message has, from its lowest bit, 32 bits of time, 8 of chat
// type, 2 of stage, 5 of failures, 4 of status, 1 that says it is in the journal.

import (
	"encoding/binary"
	"fmt"
	"math"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
)

const v1FrameExtra = 12

const (
	v1ChatTypes = iota + 1
	v1Meta
	v1Put
	v1Drop
	v1Counters
)

const (
	v1Calls = iota + 1
	v1Messages
)

// v1Families are the families of version 1, by number.
var v1Families = [...]string{"", "calls", "participants", "call_durations", "observed", "sent", "delivered", "read", "failed"}

// v1Near is how many frames behind a broken one are looked for: what one page of the
// disk holds. They do not say their position.
const v1Near = 64

// readV1Frame is readFrame for version 1.
func readV1Frame(data []byte, position uint32) (payload []byte, size int, torn bool) {
	c := cursor{rest: data}
	n, sum := c.uint32(), c.uint32()
	if c.short || sum != v1Checksum(n, position) {
		return nil, 0, !v1FrameFollows(data, position)
	}
	if uint64(n)+4 > uint64(len(c.rest)) {
		return nil, 0, true
	}
	payload = c.bytes(int(n))
	if checksum(payload) != c.uint32() {
		return nil, 0, len(c.rest) == 0
	}
	return payload, v1FrameExtra + len(payload), false
}

// v1FrameFollows is frameFollows for version 1.
func v1FrameFollows(data []byte, position uint32) bool {
	for len(data) >= v1FrameExtra {
		c := cursor{rest: data}
		n, sum := c.uint32(), c.uint32()
		if uint64(n)+4 <= uint64(len(c.rest)) {
			for next := range uint32(v1Near) {
				if sum == v1Checksum(n, position+1+next) && checksum(c.rest[:n]) == binary.LittleEndian.Uint32(c.rest[n:]) {
					return true
				}
			}
		}
		data = data[1:]
	}
	return false
}

func v1Checksum(size, position uint32) uint32 {
	var b [8]byte
	binary.LittleEndian.PutUint32(b[:], size)
	binary.LittleEndian.PutUint32(b[4:], position)
	return checksum(b[:])
}

// applyV1 is apply for version 1.
func (d *decoder) applyV1(payload []byte, snapshot bool) error {
	c := cursor{rest: payload}
	for len(c.rest) > 0 {
		kind, id := c.byte(), c.byte()
		body := cursor{rest: c.bytes(int(c.uint32()))}
		if c.short {
			return fmt.Errorf("%w: a section", errDamaged)
		}
		var err error
		switch {
		case kind == v1ChatTypes && id == 0:
			var names []string
			for len(body.rest) > 0 && len(names) <= math.MaxUint8 {
				names = append(names, body.string())
			}
			err = d.setV1ChatTypes(names)
		case kind == v1Counters && id == 0:
			err = d.readV1Counters(&body)
		case id == v1Calls:
			err = readV1Journal(&body, kind, 4, callFromV1, &d.state.calls, &d.calls, snapshot)
		case id == v1Messages:
			err = readV1Journal(&body, kind, 8, d.messageFromV1, &d.state.messages, &d.messages, snapshot)
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

func (d *decoder) readV1Counters(c *cursor) error {
	for len(c.rest) > 0 {
		number := int(c.byte())
		if number == 0 || number >= len(v1Families) {
			return errDamaged
		}
		f := familyNamed(v1Families[number])
		var s sample
		for range f.labels {
			s.labels = append(s.labels, c.string())
		}
		for range f.values {
			s.values = append(s.values, c.uvarint())
		}
		if c.short || !f.take(d.state.totals, s) {
			return errDamaged
		}
	}
	if !d.state.totals.bounded() {
		return errDamaged
	}
	return nil
}

// setV1ChatTypes notes which chat types the rows of a file count from 0.
func (d *decoder) setV1ChatTypes(names []string) error {
	if len(names) == 0 || len(names) > math.MaxUint8 || names[0] != other {
		return fmt.Errorf("%w: chat types", errDamaged)
	}
	d.chatTypes = nil
	for _, name := range names {
		chatType, _ := vocabulary.ChatTypeLabelled(name)
		d.chatTypes = append(d.chatTypes, chatType)
	}
	return nil
}

// readV1Journal reads a section of a journal. Its keys are other hashes than those of
// today: they become the legacy.
func readV1Journal(c *cursor, kind byte, size int, convert func(uint64) (past, bool), state *journalState, r *replay, snapshot bool) error {
	switch kind {
	case v1Meta:
		return state.readV1(c)
	case v1Put:
		n := len(c.rest) / (8 + size)
		entries := make([]entry[past], n)
		for i := range n {
			var ok bool
			entries[i].id = c.uint64()
			if entries[i].value, ok = convert(c.uint(size)); !ok || snapshot && i > 0 && entries[i].id <= entries[i-1].id {
				return errDamaged
			}
		}
		r.putLegacy(&state.legacy, entries)
		return nil
	case v1Drop:
		for len(c.rest) > 0 && !c.short {
			r.dropLegacy(c.uint64())
		}
		return nil
	}
	return errDamaged
}

func (m *meta) readV1(c *cursor) error {
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

// lastSeenNow stands for a row that the journal held when the file was written.
const lastSeenNow = math.MaxUint32

func callFromV1(v uint64) (was past, ok bool) {
	return newPast(uint32(v), 0, 0, 0, 0), v != 0 && v <= math.MaxUint32
}

func (d *decoder) messageFromV1(v uint64) (was past, ok bool) {
	lastSeen, chatType, inJournal := uint32(v), int(v>>32&255), v>>51&1 != 0
	if inJournal {
		lastSeen = lastSeenNow
	}
	if chatType >= max(len(d.chatTypes), 1) || v>>52 != 0 || lastSeen == 0 || v>>47&15 > 10 {
		return 0, false
	}
	kind := vocabulary.ChatOther
	if chatType < len(d.chatTypes) {
		kind = d.chatTypes[chatType]
	}
	return newPast(lastSeen, 0, kind, vocabulary.Stage(v>>40&3), failures(v>>42&31)), true
}
