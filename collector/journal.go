package collector

import (
	"hash/maphash"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
)

// Values of the label journal, and of the label collector of the same source.
const (
	calls    = "calls"
	messages = "messages"
)

var (
	windowRecords = newFamily(Gauge, "window_records",
		"Elements of the journal's array in the window, invalid ones included. Falls as records leave the window: rate() and increase() are wrong on it.",
		"journal")
	windowTruncated = newFamily(Gauge, "window_truncated",
		"Whether the journal held 10,000 records or more, so that the API has probably left out the oldest of the window.",
		"journal")
	windowOldest = newFamily(Gauge, "window_oldest_record_timestamp_seconds",
		"Time of the journal's oldest record (end of a call, last action on a message). Absent without records.",
		"journal")
	windowNewest = newFamily(Gauge, "window_newest_record_timestamp_seconds",
		"Time of the journal's newest record (end of a call, last action on a message). Absent without records.",
		"journal")
	windowInvalid = newFamily(Gauge, "window_invalid_records",
		"Elements in the window that could not be read as records (not an object, a used field of the wrong type, a number out of bounds); they are in no other window series but greenapi_window_records.",
		"journal")
	windowUnknown = newFamily(Gauge, "window_unknown_values",
		"Values in the window that this version does not know and shows as \"other\", by field. Above 0, the API has changed: look for an update.",
		"journal", "field")
	windowChats = newFamily(Gauge, "window_chats",
		"Distinct chats with records in the window (exact up to 100,000, a lower bound beyond). Falls as records leave the window: rate() and increase() are wrong on it.",
		"journal", "chat_type")

	journalFamilies = []*Family{
		windowRecords, windowTruncated, windowOldest, windowNewest, windowInvalid, windowUnknown, windowChats,
	}
)

// Values of the label field.
const (
	fieldStatus            = "status"
	fieldParticipantStatus = "participant_status"
	fieldMessageType       = "message_type"
	fieldChatType          = "chat_type"
)

// maxChats bounds the memory of the set of chats.
const maxChats = 100_000

// journal is what every journal's window counts.
type journal struct {
	name           string
	records        int
	invalid        int
	oldest, newest int64 // Unix seconds; 0 without records
	unknown        map[string]int
	chats          map[string]int // by chat type
	seen           map[uint64]struct{}
	seed           maphash.Seed
}

func newJournal(name string, fields ...string) journal {
	j := journal{
		name:    name,
		unknown: make(map[string]int, len(fields)),
		chats:   map[string]int{private: 0, group: 0},
		seen:    make(map[uint64]struct{}),
		seed:    maphash.MakeSeed(),
	}
	for _, field := range fields {
		j.unknown[field] = 0
	}
	return j
}

// label maps a value of a field and counts it where it is not known.
func (j *journal) label(table map[string]string, field, value string) string {
	mapped, known := label(table, value)
	if !known {
		j.unknown[field]++
	}
	return mapped
}

// chat counts the chat of a record and returns its type.
func (j *journal) chat(id []byte) string {
	kind := chatType(id)
	if kind == other && len(id) > 0 {
		j.unknown[fieldChatType]++
	}
	if len(id) == 0 || len(j.seen) >= maxChats {
		return kind
	}
	key := maphash.Bytes(j.seed, id)
	if _, ok := j.seen[key]; !ok {
		j.seen[key] = struct{}{}
		j.chats[kind]++
	}
	return kind
}

// at takes a record's time into account; 0 is a record without one.
func (j *journal) at(unix int64) {
	if unix == 0 {
		return
	}
	j.oldest = earliest(j.oldest, unix)
	j.newest = max(j.newest, unix)
}

// earliest returns the earlier of two times, of which 0 is none.
func earliest(a, b int64) int64 {
	if a == 0 || (b != 0 && b < a) {
		return b
	}
	return a
}

// end takes over what is known once the whole journal was read.
func (j *journal) end(records, invalid int) {
	j.records, j.invalid = records, invalid
	j.seen = nil
}

func (j *journal) truncated() bool { return j.records >= client.JournalCap }

func (j *journal) collect(e emitter) {
	e.gauge(windowRecords, float64(j.records), j.name)
	e.gauge(windowTruncated, boolValue(j.truncated()), j.name)
	e.timestamp(windowOldest, unixTime(j.oldest), j.name)
	e.timestamp(windowNewest, unixTime(j.newest), j.name)
	e.gauge(windowInvalid, float64(j.invalid), j.name)
	for field, n := range j.unknown {
		e.gauge(windowUnknown, float64(n), j.name, field)
	}
	for kind, n := range j.chats {
		e.gauge(windowChats, float64(n), j.name, kind)
	}
}

// unixTime returns the time of a record, zero for 0.
func unixTime(unix int64) time.Time {
	if unix == 0 {
		return time.Time{}
	}
	return time.Unix(unix, 0)
}
