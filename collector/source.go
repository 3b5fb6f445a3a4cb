package collector

import (
	"context"
	"log/slog"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
)

// source is one of an instance's collectors: what one method of the API tells
// about the instance.
type source interface {
	// name is the value of the label collector.
	name() string
	// fetch asks the API. It returns what it found, or an *client.Error.
	fetch(ctx context.Context, log *slog.Logger) (finding, error)
	// optional tells whether some instances lack the method.
	optional() bool
	// shared is how long scrapes share what was found; 0 to ask for each.
	shared() time.Duration
}

// finding is what a source found, immutable.
type finding interface {
	collect(e emitter)
}

// callSource reads the journal of outgoing calls.
type callSource struct {
	client *client.Client
	window time.Duration
}

func (callSource) name() string          { return calls }
func (callSource) optional() bool        { return true }
func (callSource) shared() time.Duration { return 0 }

func (s callSource) fetch(ctx context.Context, log *slog.Logger) (finding, error) {
	journal, err := s.client.LastOutgoingCalls(ctx, s.window)
	if err != nil {
		return nil, err //nolint:wrapcheck // an *client.Error says it all
	}
	defer journal.Close()
	window := newCallWindow()
	for call := range journal.Records() {
		window.add(call)
	}
	if err := journal.Err(); err != nil {
		return nil, err //nolint:wrapcheck // an *client.Error says it all
	}
	window.end(journal.Total(), journal.Invalid())
	window.log(ctx, log)
	return window, nil
}

// messageSource reads the journal of outgoing messages.
type messageSource struct {
	client *client.Client
	window time.Duration
}

func (messageSource) name() string          { return messages }
func (messageSource) optional() bool        { return false }
func (messageSource) shared() time.Duration { return 0 }

func (s messageSource) fetch(ctx context.Context, log *slog.Logger) (finding, error) {
	journal, err := s.client.LastOutgoingMessages(ctx, s.window)
	if err != nil {
		return nil, err //nolint:wrapcheck // an *client.Error says it all
	}
	defer journal.Close()
	window := newMessageWindow()
	for message := range journal.Records() {
		window.add(message)
	}
	if err := journal.Err(); err != nil {
		return nil, err //nolint:wrapcheck // an *client.Error says it all
	}
	window.end(journal.Total(), journal.Invalid())
	window.log(ctx, log)
	return window, nil
}

// log tells what was read.
func (j *journal) log(ctx context.Context, log *slog.Logger) {
	log.DebugContext(ctx, "journal read", "journal", j.name,
		"records", j.records, "invalid", j.invalid, "truncated", j.truncated())
}
