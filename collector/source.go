package collector

import (
	"context"
	"log/slog"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
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

// staged is a journal on its way into the ledger.
type staged interface {
	Commit(read ledger.Read) error
}

// readJournal streams a journal into its window and, staged, into the ledger. Both
// take effect only when the whole of it was read.
func readJournal[R any](
	ctx context.Context, log *slog.Logger, window time.Duration,
	open func(context.Context, time.Duration) (*client.Journal[R], error),
	into *journal, stage staged, add func(*R),
) error {
	answer, err := open(ctx, window)
	if err != nil {
		return err
	}
	defer answer.Close()
	for record := range answer.Records() {
		add(record)
	}
	if err := answer.Err(); err != nil {
		return err
	}
	into.end(answer.Total(), answer.Invalid())
	log.DebugContext(ctx, "journal read", "journal", into.name,
		"records", into.records, "invalid", into.invalid, "truncated", into.truncated())
	// One that the ledger cannot take is whole all the same: the window shows it, and
	// the ledger a gap.
	read := ledger.Read{Date: answer.Date, Window: window, Truncated: into.truncated()}
	if err := stage.Commit(read); err != nil {
		log.WarnContext(ctx, "journal not counted", "journal", into.name, "err", err)
	}
	return nil
}
