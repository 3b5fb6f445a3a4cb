package collector

import (
	"context"
	"log/slog"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

// source is one of an instance's collectors: what one method of the API tells
// about the instance.
type source interface {
	// name is the value of the label collector.
	name() string
	// fetch asks the API. It returns what it found, or an *client.Error.
	fetch(ctx context.Context, log *slog.Logger) (finding, error)
	// optional tells whether the instance may lack the method, as far as is known.
	optional() bool
	// shared is how long scrapes share what was found; 0 to ask for each.
	shared() time.Duration
}

// finding is what a source found, immutable.
type finding interface {
	collect(e *emitter)
}

// kind is a kind of collector. Its name is in vocabulary.Collectors, from which flags,
// configuration and documents have it.
type kind struct {
	families []*Family
	source   func(*setup, *ledger.Ledger) source
	// counters are what outlives snapshots. By default, nothing does.
	counters func(*setup, *ledger.Ledger) finding
}

// kinds returns the kinds of collectors by name. A test holds that all names have one.
func kinds() map[string]kind {
	return map[string]kind{
		outgoingCalls.name: {
			families: append(callFamilies, callCounterFamilies...),
			source:   func(s *setup, l *ledger.Ledger) source { return newJournalSource(&outgoingCalls, s, l) },
			counters: func(s *setup, l *ledger.Ledger) finding { return callCounters{l, newPrefixes(s.spec.NumberPrefixes)} },
		},
		outgoingMessages.name: {
			families: append(messageFamilies, messageCounterFamilies...),
			source:   func(s *setup, l *ledger.Ledger) source { return newJournalSource(&outgoingMessages, s, l) },
			counters: func(s *setup, l *ledger.Ledger) finding {
				return messageCounters{l, newPrefixes(s.spec.NumberPrefixes)}
			},
		},
		state: {
			families: stateFamilies,
			source:   func(s *setup, _ *ledger.Ledger) source { return stateSource{s.client, s.backoffs[suspension]} },
		},
		settings: {
			families: settingFamilies,
			source:   func(s *setup, _ *ledger.Ledger) source { return settingsSource{s.client} },
		},
		queue: {
			families: queueFamilies,
			source:   func(s *setup, _ *ledger.Ledger) source { return queueSource{s.client} },
		},
	}
}
