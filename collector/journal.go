package collector

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

const falls = " Its value falls when records leave the window: do not use rate() or increase() on it."

var (
	windowRecords = newFamily(Gauge, "window_records",
		"Number of records of the journal in the window, including invalid ones."+falls,
		"journal")
	windowTruncated = newFamily(Gauge, "window_truncated",
		"1 while the window lacks records because the API returns at most 10,000, else 0.",
		"journal")
	windowOldest = newFamily(Gauge, "window_oldest_record_timestamp_seconds",
		"Time of the oldest record in the window (end of a call, last action on a message). Absent without records.",
		"journal")
	windowNewest = newFamily(Gauge, "window_newest_record_timestamp_seconds",
		"Time of the newest record in the window (end of a call, last action on a message). Absent without records.",
		"journal")
	windowInvalid = newFamily(Gauge, "window_invalid_records",
		"Number of records that the last whole read could not use (not an object, an incoming record, a field of the wrong type, a number out of bounds). No window series other than greenapi_window_records includes them."+falls,
		"journal")
	windowUnknown = newFamily(Gauge, "window_unknown_values",
		"Number of values in the window that this version does not know, by field: they show as \"other\", or as \"unknown\" when they have the wrong JSON type. If it is above 0, the API has changed: look for a newer exporter."+falls,
		"journal", "field")
	windowChats = newFamily(Gauge, "window_chats",
		"Number of distinct chats with records in the window. A chat whose id has changed counts once if the exporter saw the change and has not restarted since."+falls,
		"journal", "chat_type")
	windowReached = newFamily(Gauge, "window_chats_reached",
		"Number of the chats in greenapi_window_chats with at least one delivered message or answered call."+falls,
		"journal", "chat_type")
	windowLID = newFamily(Gauge, "window_lid_chats",
		"Number of the chats in greenapi_window_chats that have a privacy id (@lid) and no phone number."+falls,
		"journal")
	windowWholeRead = newFamily(Gauge, "window_whole_read_timestamp_seconds",
		"Time, by the clock of the API, of the last read of the whole window. Later reads requested recent records only. Absent if the API sends no Date header.",
		"journal")

	journalFamilies = []*Family{
		windowRecords, windowTruncated, windowOldest, windowNewest, windowInvalid, windowUnknown,
		windowChats, windowReached, windowLID, windowWholeRead,
	}
)

// Values of the label field.
const (
	fieldStatus            = "status"
	fieldParticipantStatus = "participant_status"
	fieldMessageType       = "message_type"
	fieldChatType          = "chat_type"
	fieldOrigin            = "origin"
)

// journal describes a journal of the API: how it is read, what the memory makes of a
// record, and what is shown of it.
type journal[R any] struct {
	name     string // Value of the labels journal and collector.
	optional bool   // Whether some instances lack it.
	open     func(*client.Client, context.Context, time.Duration) (*client.Journal[R], error)
	plan     func(l *ledger.Ledger, window, interval time.Duration) (recent time.Duration)
	begin    func(*ledger.Ledger, prefixes) transaction[R]
	totals   func(*ledger.Totals) ledger.JournalTotals
}

// transaction is an answer on its way into the memory.
type transaction[R any] interface {
	add(*R)
	commit(ledger.Read) (finding, error)
	Abort()
}

// journalSource reads a journal of an instance.
type journalSource[R any] struct {
	*journal[R]
	client   *client.Client
	ledger   *ledger.Ledger
	window   time.Duration
	interval time.Duration // between whole reads
	prefixes prefixes
}

func newJournalSource[R any](j *journal[R], s *setup, l *ledger.Ledger) source {
	return journalSource[R]{j, s.client, l, s.spec.Window, s.spec.WholeReadInterval, newPrefixes(s.spec.NumberPrefixes)}
}

func (s journalSource[R]) name() string        { return s.journal.name }
func (journalSource[R]) shared() time.Duration { return 0 }

// optional implements source. What the memory knows of has worked, before a restart it
// may be.
func (s journalSource[R]) optional() bool {
	return s.journal.optional && s.totals(s.ledger.Totals()).Baseline.IsZero()
}

// fetch streams the journal, or its recent part, into the memory. It takes effect only
// when the answer was read to its end.
func (s journalSource[R]) fetch(ctx context.Context, log *slog.Logger) (finding, error) {
	recent := s.plan(s.ledger, s.window, s.interval)
	asked := s.window
	if recent > 0 {
		asked = recent
	}
	answer, err := s.open(s.client, ctx, asked)
	if err != nil {
		return nil, err
	}
	defer answer.Close()
	tx := s.begin(s.ledger, s.prefixes)
	defer tx.Abort()
	for record := range answer.Records() {
		tx.add(record)
	}
	if err := answer.Err(); err != nil {
		return nil, err
	}
	read := ledger.Read{
		Date: answer.Date, Window: s.window, Recent: recent,
		Truncated: answer.Total() >= client.JournalCap, Invalid: answer.Invalid(), Bytes: answer.Bytes(),
	}
	log.DebugContext(ctx, "journal read", "journal", s.journal.name, "minutes", int(asked.Minutes()), "whole", recent == 0,
		"records", answer.Total(), "invalid", read.Invalid, "truncated", read.Truncated)
	before := s.totals(s.ledger.Totals()).Filter
	found, err := tx.commit(read)
	s.tellFilter(ctx, log, before)
	switch {
	case errors.Is(err, ledger.ErrTooManyRows):
		return nil, &client.Error{
			Method: s.journal.name, Reason: client.ReasonTooLarge,
			Detail: "more records than --ledger.max-entries and than the API is documented to return",
		}
	case err != nil: // The ledger was closed.
		return nil, &client.Error{Method: s.journal.name, Reason: client.ReasonCanceled}
	}
	return found, nil
}

// tellFilter says what the API goes by when it lists the rows of the last minutes, and
// how late that makes counters: loudly when it has just been found out.
func (s journalSource[R]) tellFilter(ctx context.Context, log *slog.Logger, before ledger.Filter) {
	filter, late := s.totals(s.ledger.Totals()).Filter, time.Duration(0)
	if filter == ledger.FilterBySending {
		late = s.interval
	}
	level := slog.LevelDebug
	if filter != before {
		level = slog.LevelInfo
	}
	log.Log(ctx, level, "what the API goes by when it lists the records of the last minutes", "journal", s.journal.name,
		"listed", filter.String(), "counters_late_at_most", late.String())
}

// collectWindow sends what all journals show.
func (e *emitter) collectWindow(journal string, w *ledger.JournalWindow, unknown map[string]int) {
	e.gauge(windowRecords, float64(w.Records), journal)
	e.gauge(windowTruncated, boolValue(w.Truncated), journal)
	e.timestamp(windowOldest, unixTime(w.Oldest), journal)
	e.timestamp(windowNewest, unixTime(w.Newest), journal)
	e.timestamp(windowWholeRead, w.WholeRead, journal)
	e.gauge(windowInvalid, float64(w.Invalid), journal)
	for field, n := range unknown {
		e.gauge(windowUnknown, float64(n), journal, field)
	}
	for i, chatType := range vocabulary.ChatTypes() {
		if w.Chats[i] > 0 || chatType.ZeroFilled {
			e.gauge(windowChats, float64(w.Chats[i]), journal, chatType.Label)
			e.gauge(windowReached, float64(w.Reached[i]), journal, chatType.Label)
		}
	}
	e.gauge(windowLID, float64(w.LIDChats), journal)
}

// unixTime returns the time of a record, zero for 0.
func unixTime(unix int64) time.Time {
	if unix == 0 {
		return time.Time{}
	}
	return time.Unix(unix, 0)
}
