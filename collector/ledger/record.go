package ledger

import (
	"math"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"
)

// The numbers of the fields of state.proto that are not in a table of fields.
const (
	recordOwner    protowire.Number = 1
	recordChatType protowire.Number = 2
	recordJournal  protowire.Number = 3
	recordCounter  protowire.Number = 4

	journalName protowire.Number = 1
	journalMeta protowire.Number = 2
	journalPut  protowire.Number = 3
	journalDrop protowire.Number = 4

	counterFamily protowire.Number = 1
	counterLabel  protowire.Number = 2
	counterValue  protowire.Number = 3
)

// metaFields are those of Meta.
var metaFields = []field[meta]{
	{
		1, protowire.VarintType, 1,
		func(m *meta) uint64 { return bit(m.baselined) },
		func(m *meta, n uint64) { m.baselined = n == 1 },
	},
	seconds(2, func(m *meta) *int64 { return &m.baseline }),
	seconds(3, func(m *meta) *int64 { return &m.created }),
	seconds(4, func(m *meta) *time.Duration { return &m.window }),
	seconds(5, func(m *meta) *int64 { return &m.lastDate }),
	{6, protowire.VarintType, math.MaxUint64, func(m *meta) uint64 { return m.gaps }, func(m *meta, n uint64) { m.gaps = n }},
	{7, protowire.VarintType, math.MaxUint64, func(m *meta) uint64 { return m.evictions }, func(m *meta, n uint64) { m.evictions = n }},
	{
		8, protowire.VarintType, math.MaxUint32,
		func(m *meta) uint64 { return uint64(m.lastRead) },
		func(m *meta, n uint64) { m.lastRead = uint32(n) },
	},
}

// seconds is a field for a time or a duration of meta.
func seconds[N ~int64](number protowire.Number, of func(*meta) *N) field[meta] {
	return field[meta]{
		number, protowire.VarintType, math.MaxUint64,
		func(m *meta) uint64 { return uint64(*of(m)) },
		func(m *meta, n uint64) { *of(m) = N(int64(n)) }, //nolint:gosec // Every bit is kept.
	}
}

func bit(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

// appendSnapshot appends a whole file.
func (l *Ledger) appendSnapshot(b []byte) []byte {
	state := fileState{
		owner:     l.owner,
		key:       l.key,
		chatTypes: l.chatTypes,
		calls:     journalState[callValue]{l.calls.meta, l.calls.keys, l.calls.values},
		messages:  journalState[messageValue]{l.messages.meta, l.messages.keys, l.messages.values},
		totals:    l.current,
	}
	return state.appendFile(b)
}

// appendFile appends a file that holds the state in a snapshot.
func (s *fileState) appendFile(b []byte) []byte {
	const perRow = 24 // Or less, as it mostly is.
	payload := make([]byte, 0, 4096+perRow*(len(s.calls.keys)+len(s.messages.keys)))
	if s.owner != "" {
		payload = appendString(payload, recordOwner, s.owner)
	}
	payload = appendChatTypes(payload, s.chatTypes)
	payload = s.calls.append(payload, journalCalls)
	payload = s.messages.append(payload, journalMessages)
	payload = appendCounters(payload, s.totals, s.totals)
	b = slices.Grow(b, headerSize+len(payload)+frameExtra)
	return appendFrame(appendHeader(b, s.key), 0, payload)
}

func (s *journalState[V]) append(b []byte, id journalID) []byte {
	return appendJournal(b, id, &s.meta, s.keys, s.values, nil)
}

// appendRecord appends the payload of a commit: what it changed.
func appendRecord[V value[V]](b []byte, l *Ledger, j *journal[V], c *changes[V], delta *Totals) []byte {
	if j.id == journalMessages && len(c.inserts) > 0 {
		b = appendChatTypes(b, l.chatTypes)
	}
	size := len(c.inserts) + len(c.updates)
	keys, values := make([]uint64, 0, size), make([]V, 0, size)
	for _, e := range c.inserts {
		keys, values = append(keys, e.key), append(values, e.value)
	}
	for _, u := range c.updates {
		keys, values = append(keys, u.key), append(values, u.value)
	}
	b = appendJournal(b, j.id, &j.meta, keys, values, c.drops)
	return appendCounters(b, l.current, delta)
}

// appendDates appends the payload of a record that brings what is known of the
// journals up to date.
func appendDates(b []byte, l *Ledger) []byte {
	b = appendJournal[callValue](b, journalCalls, &l.calls.meta, nil, nil, nil)
	return appendJournal[messageValue](b, journalMessages, &l.messages.meta, nil, nil, nil)
}

// appendJournal appends a Journal.
func appendJournal[V value[V]](b []byte, id journalID, m *meta, keys []uint64, values []V, drops []uint64) []byte {
	return appendMessage(b, recordJournal, func(b []byte) []byte {
		b = appendString(b, journalName, id.String())
		b = appendMessage(b, journalMeta, func(b []byte) []byte { return appendFields(b, metaFields, m) })
		if len(keys) > 0 {
			var v V
			b = appendMessage(b, journalPut, func(b []byte) []byte { return appendRows(b, v.columns(), keys, values) })
		}
		if len(drops) > 0 {
			b = appendKeys(b, journalDrop, drops)
		}
		return b
	})
}

func appendChatTypes(b []byte, chatTypes []string) []byte {
	for _, name := range chatTypes {
		b = appendString(b, recordChatType, name)
	}
	return b
}

// appendCounters appends the counters in t that of has.
func appendCounters(b []byte, t, of *Totals) []byte {
	for i := range families {
		for _, s := range families[i].samples(t, of) {
			b = appendMessage(b, recordCounter, func(b []byte) []byte {
				b = appendString(b, counterFamily, families[i].name)
				for _, label := range s.labels {
					b = appendString(b, counterLabel, label)
				}
				return appendMessage(b, counterValue, func(b []byte) []byte {
					for _, n := range s.values {
						b = protowire.AppendVarint(b, n)
					}
					return b
				})
			})
		}
	}
	return b
}

// journalID is a journal.
type journalID uint8

const (
	journalCalls journalID = iota + 1
	journalMessages
)

// String returns the journal's name in the state file.
func (id journalID) String() string {
	if id == journalCalls {
		return "calls"
	}
	return "messages"
}
