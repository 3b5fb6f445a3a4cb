package ledger

// The state file. All numbers are little-endian; a varint is unsigned, as
// encoding/binary writes it, and a string is the varint of its length and its bytes.
//
//	file    = magic version(4) hashKey(16) crc(4) frame...
//	frame   = size(4) crc(4) payload crc(4)
//	payload = section...
//	section = kind(1) journal(1) size(4) bytes
//
// The first frame is the snapshot. It was synced before the file got its name,
// so it must be whole. The frames after it are the log, one a commit; only the
// last of them may be torn. The checksums are CRC-32C. The first of a frame
// covers its size and its position among the frames: without it, damage to a
// size in the middle would pass for a torn end, and all that follows be lost
// without a word.
//
// The sections of a payload are applied in their order. They hold values, never
// differences, so that nothing is ever counted again:
//
//	chatTypes string...                  all of them, by position
//	meta      see appendMeta             of one journal
//	put       (key(8) value(4 or 8))...  of one journal; sorted in a snapshot
//	drop      key(8)...                  of one journal
//	counters  (family(1) string... varint...)...
//
// A later version may add kinds of sections, journals and families. A file that
// has any of them is left alone, as one with a higher version is: what cannot be
// read cannot be written back.

import (
	"cmp"
	"encoding/binary"
	"hash/crc32"
	"slices"
)

const (
	magic      = "gapiledg"
	version    = 1
	headerSize = len(magic) + 4 + 16 + 4
	frameExtra = 12 // Size and checksums.
)

type sectionKind uint8

const (
	sectionChatTypes sectionKind = iota + 1
	sectionMeta
	sectionPut
	sectionDrop
	sectionCounters
)

type journalID uint8

const (
	journalNone journalID = iota
	journalCalls
	journalMessages
)

// valueSize is how many bytes a value of the journal takes.
func (id journalID) valueSize() int {
	if id == journalCalls {
		return 4
	}
	return 8
}

type family uint8

const (
	familyCalls family = iota + 1
	familyParticipants
	familyDurations
	familyObserved
	familySent
	familyDelivered
	familyRead
	familyFailed
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(b []byte) uint32 { return crc32.Checksum(b, castagnoli) }

func appendHeader(b []byte, key hashKey) []byte {
	start := len(b)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint32(b, version)
	b = binary.LittleEndian.AppendUint64(b, key.k0)
	b = binary.LittleEndian.AppendUint64(b, key.k1)
	return binary.LittleEndian.AppendUint32(b, checksum(b[start:]))
}

// appendFrame appends the frame that has this position in its file.
func appendFrame(b []byte, position uint32, payload []byte) []byte {
	b = binary.LittleEndian.AppendUint32(b, uint32(len(payload)))                         //nolint:gosec // Payloads are far smaller.
	b = binary.LittleEndian.AppendUint32(b, sizeChecksum(uint32(len(payload)), position)) //nolint:gosec // The same.
	b = append(b, payload...)
	return binary.LittleEndian.AppendUint32(b, checksum(payload))
}

func sizeChecksum(size, position uint32) uint32 {
	return checksum(binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(nil, size), position))
}

// appendSection appends a section whose bytes write appends.
func appendSection(b []byte, kind sectionKind, id journalID, write func([]byte) []byte) []byte {
	b = append(b, byte(kind), byte(id), 0, 0, 0, 0)
	start := len(b)
	b = write(b)
	binary.LittleEndian.PutUint32(b[start-4:], uint32(len(b)-start)) //nolint:gosec // Sections are far smaller.
	return b
}

// appendSnapshot appends a whole file.
func (l *Ledger) appendSnapshot(b []byte) []byte {
	state := fileState{
		key:       l.key,
		chatTypes: l.chatTypes,
		calls:     journalState[callValue]{l.calls.meta, l.calls.keys, l.calls.values},
		messages:  journalState[messageValue]{l.messages.meta, l.messages.keys, l.messages.values},
		totals:    l.current,
	}
	return state.appendFile(b)
}

func (s *fileState) appendFile(b []byte) []byte {
	const perEntry = 8 + 8
	payload := make([]byte, 0, 4096+12*len(s.calls.keys)+perEntry*len(s.messages.keys))
	payload = appendChatTypes(payload, s.chatTypes)
	payload = s.calls.appendSections(payload, journalCalls)
	payload = s.messages.appendSections(payload, journalMessages)
	payload = appendCounters(payload, s.totals.samples(s.totals))
	b = slices.Grow(b, headerSize+len(payload)+frameExtra)
	return appendFrame(appendHeader(b, s.key), 0, payload)
}

func (s *journalState[V]) appendSections(b []byte, id journalID) []byte {
	b = appendMeta(b, id, &s.meta)
	return appendSection(b, sectionPut, id, func(b []byte) []byte {
		for i, key := range s.keys {
			b = appendEntry(b, id, key, uint64(s.values[i]))
		}
		return b
	})
}

// appendRecord appends the payload of a commit: what it changed.
func appendRecord[V value[V]](b []byte, l *Ledger, j *journal[V], c *changes[V], delta *Totals) []byte {
	if j.id == journalMessages && len(c.inserts) > 0 {
		b = appendChatTypes(b, l.chatTypes)
	}
	b = appendMeta(b, j.id, &j.meta)
	if len(c.inserts)+len(c.updates) > 0 {
		b = appendSection(b, sectionPut, j.id, func(b []byte) []byte {
			for _, e := range c.inserts {
				b = appendEntry(b, j.id, e.key, uint64(e.value))
			}
			for _, u := range c.updates {
				b = appendEntry(b, j.id, u.key, uint64(u.value))
			}
			return b
		})
	}
	if len(c.drops) > 0 {
		b = appendSection(b, sectionDrop, j.id, func(b []byte) []byte {
			for _, key := range c.drops {
				b = binary.LittleEndian.AppendUint64(b, key)
			}
			return b
		})
	}
	return appendCounters(b, l.current.samples(delta))
}

func appendEntry(b []byte, id journalID, key, v uint64) []byte {
	b = binary.LittleEndian.AppendUint64(b, key)
	if id.valueSize() == 4 {
		return binary.LittleEndian.AppendUint32(b, uint32(v)) //nolint:gosec // Values of this journal have 32 bits.
	}
	return binary.LittleEndian.AppendUint64(b, v)
}

func appendChatTypes(b []byte, chatTypes []string) []byte {
	return appendSection(b, sectionChatTypes, journalNone, func(b []byte) []byte {
		for _, name := range chatTypes {
			b = appendText(b, name)
		}
		return b
	})
}

func appendMeta(b []byte, id journalID, m *meta) []byte {
	return appendSection(b, sectionMeta, id, func(b []byte) []byte {
		baselined := byte(0)
		if m.baselined {
			baselined = 1
		}
		b = append(b, baselined)
		for _, n := range []int64{m.baseline, m.created, int64(m.window), m.lastDate} {
			b = binary.LittleEndian.AppendUint64(b, uint64(n)) //nolint:gosec // Every bit is kept.
		}
		b = binary.LittleEndian.AppendUint64(b, m.gaps)
		b = binary.LittleEndian.AppendUint64(b, m.evictions)
		return binary.LittleEndian.AppendUint32(b, m.lastRead)
	})
}

// sample is one series of one family.
type sample struct {
	family family
	labels []string
	values []uint64
}

func appendCounters(b []byte, samples []sample) []byte {
	if len(samples) == 0 {
		return b
	}
	slices.SortFunc(samples, func(a, b sample) int {
		return cmp.Or(cmp.Compare(a.family, b.family), slices.Compare(a.labels, b.labels))
	})
	return appendSection(b, sectionCounters, journalNone, func(b []byte) []byte {
		for _, s := range samples {
			b = append(b, byte(s.family))
			for _, label := range s.labels {
				b = appendText(b, label)
			}
			for _, v := range s.values {
				b = binary.AppendUvarint(b, v)
			}
		}
		return b
	})
}

// samples returns the series of t that of has.
func (t *Totals) samples(of *Totals) []sample {
	var all []sample
	add := func(f family, values []uint64, labels ...string) {
		all = append(all, sample{f, labels, values})
	}
	for k := range of.Calls {
		add(familyCalls, []uint64{t.Calls[k]}, k.Status, k.Media, k.ChatType)
	}
	for k := range of.Participants {
		add(familyParticipants, []uint64{t.Participants[k]}, k.Status, k.Media, k.ChatType)
	}
	for k := range of.Durations {
		h := t.Durations[k]
		add(familyDurations, append([]uint64{h.Count, uint64(h.Sum)}, h.Buckets[:]...), k.Media, k.ChatType) //nolint:gosec // A sum is never negative.
	}
	for k := range of.Observed {
		add(familyObserved, []uint64{t.Observed[k]}, k.Type, k.ChatType, k.Origin)
	}
	for k := range of.Sent {
		add(familySent, []uint64{t.Sent[k]}, k)
	}
	for k := range of.Delivered {
		add(familyDelivered, []uint64{t.Delivered[k]}, k)
	}
	for k := range of.Read {
		add(familyRead, []uint64{t.Read[k]}, k)
	}
	for k := range of.Failed {
		add(familyFailed, []uint64{t.Failed[k]}, k.Reason, k.ChatType)
	}
	return all
}

// set takes over a sample that a state file holds. It reports whether the
// sample has the labels and values that its family asks for.
func (t *Totals) set(s sample) bool {
	l, v := s.labels, s.values
	switch s.family {
	case familyCalls:
		t.Calls[CallLabels{l[0], l[1], l[2]}] = v[0]
	case familyParticipants:
		t.Participants[CallLabels{l[0], l[1], l[2]}] = v[0]
	case familyDurations:
		h := Histogram{Count: v[0], Sum: int64(v[1])} //nolint:gosec // Looked at below.
		copy(h.Buckets[:], v[2:])
		t.Durations[DurationLabels{l[0], l[1]}] = h
		return h.Sum >= 0 && slices.IsSorted(h.Buckets[:]) && h.Buckets[len(h.Buckets)-1] <= h.Count
	case familyObserved:
		t.Observed[ObservedLabels{l[0], l[1], l[2]}] = v[0]
	case familySent:
		t.Sent[l[0]] = v[0]
	case familyDelivered:
		t.Delivered[l[0]] = v[0]
	case familyRead:
		t.Read[l[0]] = v[0]
	case familyFailed:
		t.Failed[FailureLabels{l[0], l[1]}] = v[0]
	}
	return true
}

// shape returns how many labels and values a sample of the family has. Both are
// 0 for a family that this version does not know.
func (f family) shape() (labels, values int) {
	switch f {
	case familyCalls, familyParticipants, familyObserved:
		return 3, 1
	case familyDurations:
		return 2, 2 + len(DurationBuckets)
	case familyFailed:
		return 2, 1
	case familySent, familyDelivered, familyRead:
		return 1, 1
	}
	return 0, 0
}
