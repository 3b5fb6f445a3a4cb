package ledger

import (
	"fmt"
	"math"
	"slices"
	"time"

	"google.golang.org/protobuf/encoding/protowire"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
)

// The numbers of the fields of state.proto that are not in a table of fields.
const (
	recordOwner   protowire.Number = 1
	recordJournal protowire.Number = 3
	recordCounter protowire.Number = 4

	journalName         protowire.Number = 1
	journalMeta         protowire.Number = 2
	journalParticipants protowire.Number = 3
	journalPut          protowire.Number = 4
	journalDrop         protowire.Number = 5
	journalLoose        protowire.Number = 6
	journalPutPast      protowire.Number = 7
	journalDropPast     protowire.Number = 8
	journalLegacy       protowire.Number = 9
	journalDropLegacy   protowire.Number = 10

	participantsCount protowire.Number = 1

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
	number(6, func(m *meta) *uint64 { return &m.gaps }),
	number(7, func(m *meta) *uint64 { return &m.evictions }),
	number(8, func(m *meta) *uint32 { return &m.lastRead }),
	seconds(9, func(m *meta) *time.Duration { return &m.lastSpan }),
	seconds(10, func(m *meta) *int64 { return &m.wholeDate }),
	number(11, func(m *meta) *uint32 { return &m.wholeRead }),
	seconds(12, func(m *meta) *int64 { return &m.wholeBytes }),
	number(13, func(m *meta) *uint32 { return &m.invalid }),
	seconds(14, func(m *meta) *int64 { return &m.covered }),
	number(15, func(m *meta) *uint64 { return &m.lateChanges }),
	number(16, func(m *meta) *uint32 { return &m.byAction }),
	number(17, func(m *meta) *uint32 { return &m.bySending }),
}

// seconds is a field for a signed number of meta, most of which are times.
func seconds[N ~int64](n protowire.Number, of func(*meta) *N) field[meta] {
	return field[meta]{
		n, protowire.VarintType, math.MaxUint64,
		func(m *meta) uint64 { return uint64(*of(m)) },
		func(m *meta, n uint64) { *of(m) = N(int64(n)) },
	}
}

func number[N uint32 | uint64](n protowire.Number, of func(*meta) *N) field[meta] {
	return field[meta]{
		n, protowire.VarintType, uint64(^N(0)),
		func(m *meta) uint64 { return uint64(*of(m)) },
		func(m *meta, n uint64) { *of(m) = N(n) },
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
		owner:    l.owner,
		key:      l.key,
		calls:    l.calls.state(),
		messages: l.messages.state(),
		totals:   l.current,
	}
	return state.appendFile(b)
}

// state returns what a state file has of a journal.
func (j *journal) state() journalState {
	return journalState{j.meta, j.current, j.past, j.legacy, j.loose, j.sets}
}

// appendFile appends a file that holds the state in a snapshot.
func (s *fileState) appendFile(b []byte) []byte {
	const perRow = 40 // Or less, as it mostly is.
	rows := len(s.calls.current.ids) + len(s.messages.current.ids) + len(s.calls.past.ids) + len(s.messages.past.ids)
	payload := make([]byte, 0, 4096+perRow*rows)
	if s.owner != "" {
		payload = appendString(payload, recordOwner, s.owner)
	}
	payload = s.calls.append(payload, journalCalls)
	payload = s.messages.append(payload, journalMessages)
	payload = appendCounters(payload, s.totals, s.totals)
	b = slices.Grow(b, headerSize+len(payload)+frameExtra)
	return appendFrame(appendHeader(b, s.key), 0, payload)
}

// appendDates appends the payload of a record that brings what is known of the
// journals up to date.
func appendDates(b []byte, l *Ledger) []byte {
	for _, j := range []*journal{&l.calls, &l.messages} {
		b = l.appendRecord(b, j, &edit{}, newTotals())
	}
	return b
}

func (s *journalState) append(b []byte, id journalID) []byte {
	return appendMessage(b, recordJournal, func(b []byte) []byte {
		b = appendString(b, journalName, id.String())
		b = appendMessage(b, journalMeta, func(b []byte) []byte { return appendFields(b, metaFields, &s.meta) })
		b = appendParticipants(b, s.sets.sets)
		b = appendColumns(b, journalPut, id.columns(), s.current.ids, s.current.values)
		b = appendColumns(b, journalLoose, id.columns(), make([]uint64, len(s.loose)), s.loose)
		b = appendColumns(b, journalPutPast, pastColumns, s.past.ids, s.past.values)
		return appendColumns(b, journalLegacy, pastColumns, s.legacy.ids, s.legacy.values)
	})
}

// appendRecord appends the payload of a commit: what it changed.
func (l *Ledger) appendRecord(b []byte, j *journal, e *edit, delta *Totals) []byte {
	b = appendMessage(b, recordJournal, func(b []byte) []byte {
		b = appendString(b, journalName, j.id.String())
		b = appendMessage(b, journalMeta, func(b []byte) []byte { return appendFields(b, metaFields, &j.meta) })
		b = appendParticipants(b, j.sets.sets[min(j.sets.saved, len(j.sets.sets)):])
		b = appendEntries(b, journalPut, j.id.columns(), e.putRows)
		b = appendEntries(b, journalDrop, []field[row]{chatColumn}, e.dropRows)
		if e.loose {
			b = appendMessage(b, journalLoose, func(b []byte) []byte {
				return appendRows(b, j.id.columns(), make([]uint64, len(j.loose)), j.loose)
			})
		}
		b = appendEntries(b, journalPutPast, pastColumns, e.keeps)
		b = appendEntries(b, journalDropPast, pastColumns[:1], e.dropPast)
		if len(e.dropLegacy) > 0 {
			b = appendKeys(b, journalDropLegacy, e.dropLegacy)
		}
		return b
	})
	return appendCounters(b, l.current, delta)
}

// appendEntries appends rows as a field, if there are any.
func appendEntries[V any](b []byte, number protowire.Number, columns []field[V], entries []entry[V]) []byte {
	ids, values := make([]uint64, len(entries)), make([]V, len(entries))
	for i, e := range entries {
		ids[i], values[i] = e.id, e.value
	}
	return appendColumns(b, number, columns, ids, values)
}

func appendColumns[V any](b []byte, number protowire.Number, columns []field[V], ids []uint64, values []V) []byte {
	if len(ids) == 0 {
		return b
	}
	return appendMessage(b, number, func(b []byte) []byte { return appendRows(b, columns, ids, values) })
}

func appendParticipants(b []byte, sets []participants) []byte {
	for _, set := range sets {
		b = appendMessage(b, journalParticipants, func(b []byte) []byte {
			return appendMessage(b, participantsCount, func(b []byte) []byte {
				for _, n := range set {
					b = protowire.AppendVarint(b, uint64(n))
				}
				return b
			})
		})
	}
	return b
}

// readParticipants reads a message of type Participants.
func readParticipants(message []byte) (set participants, err error) {
	err = eachField(message, func(f wireField) error {
		if f.number != participantsCount {
			return f.unknown("Participants")
		}
		column, err := f.message()
		for i := 0; len(column) > 0 && err == nil; i++ {
			v, n := protowire.ConsumeVarint(column)
			switch {
			case n < 0 || v > math.MaxUint16:
				return fmt.Errorf("%w: participants", errDamaged)
			case i >= vocabulary.CallStatusCount:
				return fmt.Errorf("%w: a status of participants", ErrNewerVersion)
			}
			set[i], column = uint16(v), column[n:]
		}
		return err
	})
	return set, err
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
