package collector

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
)

var (
	instanceState = newFamily(Gauge, "instance_state",
		"State of the instance, as a state set: 1 for the current state, 0 for the others. The API sometimes reports false states: give alerts a for clause.",
		"state")
	suspendedUntil = newFamily(Gauge, "instance_suspended_until_timestamp_seconds",
		"End of the account's suspension by the messenger. Absent if the account is not suspended or the API gives no time.")

	stateFamilies = []*Family{instanceState, suspendedUntil}
)

// Values of the label collector of the sources that ask about the account.
const (
	state    = "state"
	settings = "settings"
	queue    = "queue"
)

// suspension is the question until when an account is suspended. It has a back-off of its
// own, so that it is no burden on the state, which is worth more.
const suspension = "suspension"

const (
	suspensionShared  = 5 * time.Minute // how long an answer is shared between scrapes
	suspensionTimeout = 2 * time.Second
)

// stateSource asks for the state of the instance.
type stateSource struct {
	client  *client.Client
	backoff *backoff // of the suspension
}

func (stateSource) name() string          { return state }
func (stateSource) optional() bool        { return true }
func (stateSource) shared() time.Duration { return 0 }

func (s stateSource) fetch(ctx context.Context, log *slog.Logger) (finding, error) {
	reported, err := s.client.StateInstance(ctx)
	if err != nil {
		return nil, err
	}
	found := accountState{state: reported.Label()}
	if found.state == "suspended" {
		found.until = s.suspendedUntil(ctx, log)
	}
	log.DebugContext(ctx, "state read", "state", found.state)
	return found, nil
}

// suspendedUntil returns until when the account is suspended, as it was last known.
func (s stateSource) suspendedUntil(ctx context.Context, log *slog.Logger) time.Time {
	before, stands := s.backoff.held(time.Now())
	last, _ := before.finding.(accountState)
	if stands {
		return last.until
	}
	asking, cancel := context.WithTimeout(ctx, suspensionTimeout)
	defer cancel()
	until, err := s.client.SuspendedUntil(asking)
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return last.until // nobody waits, so this says nothing
	}
	result := Result{LastSuccess: before.LastSuccess}
	if err == nil {
		last.until, result.LastSuccess = until, time.Now()
	}
	result.finding = last
	if err != nil {
		log.DebugContext(ctx, "end of the suspension not known", "err", err)
		// An API that hangs, or lacks for a while what it had, is asked as seldom as one
		// that answers.
		failure := asFailure(suspension, err)
		missing := failure.Reason == client.ReasonNotFound
		hangs := asking.Err() != nil && ctx.Err() == nil
		if passes := hangs || missing && !before.LastSuccess.IsZero(); !passes {
			result.Err, result.Unsupported = failure, missing
		}
	}
	s.backoff.ended(result, suspensionShared, suspensionTimeout)
	return last.until
}

// accountState is the state of an instance.
type accountState struct {
	state string    // value of the label state
	until time.Time // of a suspension, where it is known
}

func (a accountState) collect(e *emitter) {
	for _, s := range vocabulary.Labels(vocabulary.InstanceStates()) {
		e.gauge(instanceState, boolValue(s == a.state), s)
	}
	e.timestamp(suspendedUntil, a.until)
}
