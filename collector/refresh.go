package collector

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
)

// fairTime is for how long after its beginning a refresh goes on though nobody waits for
// it any more. A scraper with a short deadline, or one that leaves, gets what there is by
// then. The refresh serves the next one: that a scraper was impatient is no failure of
// the instance.
const fairTime = 10 * time.Second

// refresh is one refresh of an instance under way, shared by all who wait for it.
type refresh struct {
	setup   *setup
	started time.Time
	log     *scrapeLog
	cancel  context.CancelCauseFunc
	done    chan struct{} // closed when snapshot is there

	// Guarded by the instance's mutex.
	waiting   int
	fair      bool            // it has had its fair time
	ended     bool            // it was ended because nobody waited
	turns     map[string]bool // whether the request of a method has its turn, to be sent or to be read
	exchanges []client.Exchange

	mu       sync.Mutex
	attempts []attempt // in the order of the sources; one without a collector's name has not ended

	snapshot *Snapshot // to be read after done
}

// attempt is what a source came to, before it is known how the others fared.
type attempt struct {
	Result

	before Result
	asked  bool // else the last result stands
}

// Refresh returns a snapshot that is no older than the instance's minimum
// interval, taking one if need be. It comes back when the context ends at the
// latest, then with a snapshot in which those collectors have failed that had not
// ended; nobody else gets that one.
func (i *Instance) Refresh(ctx context.Context) *Snapshot {
	r, recent := i.join(ctx)
	if recent != nil {
		return recent
	}
	select {
	case <-r.done:
		return r.snapshot
	case <-ctx.Done():
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	r.waiting--
	r.endUnlessWanted()
	return i.provisional(r)
}

// join makes the caller one of those who wait for a refresh, or returns a snapshot
// that will do.
func (i *Instance) join(ctx context.Context) (*refresh, *Snapshot) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for i.running != nil && i.running.ended {
		ending := i.running
		i.mu.Unlock()
		select {
		case <-ending.done:
		case <-ctx.Done():
		}
		i.mu.Lock()
		if ctx.Err() != nil {
			return nil, i.provisional(ending)
		}
	}
	if i.running == nil {
		setup := i.setup.Load()
		if last := i.last.Load(); last != nil && (i.closed || last.serves(ctx, setup)) {
			return nil, last
		}
		r := i.newRefresh(setup)
		if i.closed {
			return nil, i.provisional(r)
		}
		i.start(context.WithoutCancel(ctx), r)
	}
	i.running.waiting++
	return i.running, nil
}

// serves tells whether the snapshot is recent enough to be shared. One in which a
// collector ran out of time serves only scrapes that have no more time than that.
func (s *Snapshot) serves(ctx context.Context, setup *setup) bool {
	if time.Since(s.Attempted) >= setup.minInterval {
		return false
	}
	patience := time.Duration(forever)
	if deadline, ok := ctx.Deadline(); ok {
		patience = time.Until(deadline)
	}
	if setup.timeout > 0 {
		patience = min(patience, setup.timeout)
	}
	return !slices.ContainsFunc(s.Results, func(r Result) bool {
		late := r.Err != nil && (r.Err.Reason == client.ReasonTimeout || r.Err.Reason == client.ReasonBusy)
		return late && patience > r.Duration+r.Duration/4 // the same deadline is a little different each time
	})
}

func (i *Instance) newRefresh(setup *setup) *refresh {
	return &refresh{
		setup: setup, started: time.Now(), log: newScrapeLog(i.log.Handler()), done: make(chan struct{}),
		turns: make(map[string]bool), attempts: make([]attempt, len(setup.sources)),
	}
}

// endUnlessWanted ends the refresh when nobody waits and it has had its time; the
// instance's mutex is held.
func (r *refresh) endUnlessWanted() {
	if r.waiting == 0 && r.fair && !r.ended {
		r.ended = true
		r.cancel(context.DeadlineExceeded)
	}
}

// start begins a refresh; the instance's mutex is held. The context carries values
// only: a refresh does not end with the scrape that began it.
func (i *Instance) start(ctx context.Context, r *refresh) {
	ctx, r.cancel = context.WithCancelCause(ctx)
	i.running = r
	go i.run(ctx, r)
}

func (i *Instance) run(ctx context.Context, r *refresh) {
	log := slog.New(r.log).With("id_instance", i.ID)
	fair := time.AfterFunc(fairTime, func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		r.fair = true
		r.endUnlessWanted()
	})
	defer fair.Stop()
	i.noticeToken(r.setup)
	allAtOnce(len(r.setup.sources), func(n int) {
		source := r.setup.sources[n]
		a := r.fetch(ctx, log, source)
		if !a.undecided(source) {
			r.conclude(ctx, log, source, a)
		}
		r.mu.Lock()
		r.attempts[n] = a
		r.mu.Unlock()
	})
	r.mu.Lock()
	for n, source := range r.setup.sources {
		if r.attempts[n].undecided(source) {
			r.attempts[n] = judged(r.attempts, n)
			r.conclude(ctx, log, source, r.attempts[n])
		}
	}
	r.mu.Unlock()

	closing := errors.Is(context.Cause(ctx), context.Canceled)
	i.mu.Lock()
	r.snapshot = i.snapshot(r, r.attempts)
	if !closing { // else it says nothing about the instance
		i.remember(r.snapshot)
	}
	i.running = nil
	i.mu.Unlock()
	r.cancel(nil)
	close(r.done)
}

// fetch lets one source work, unless its last result stands.
func (r *refresh) fetch(ctx context.Context, log *slog.Logger, s source) attempt {
	started := time.Now()
	before, stands := r.setup.backoffs[s.name()].held(started)
	if stands {
		log.DebugContext(ctx, "collector not asked, its last result stands", "collector", s.name())
		return attempt{Result: before}
	}
	a := attempt{Result: Result{Collector: s.name(), LastSuccess: before.LastSuccess}, before: before, asked: true}
	found, err := s.fetch(ctx, log)
	a.Duration = time.Since(started)
	if err != nil {
		a.Err = asFailure(s.name(), err)
		if r.setup.spec.expired && refused[a.Err.Reason] {
			a.Err.Reason = client.ReasonExpired
		}
	} else {
		a.finding = found
		a.LastSuccess = started.Add(a.Duration)
	}
	return a
}

// refused are the reasons for which the API may refuse an account that has expired, as
// the partner API says it has.
var refused = map[client.Reason]bool{
	client.ReasonUnauthorized: true, client.ReasonForbidden: true, client.ReasonNotFound: true,
	client.ReasonNotAuthorized: true, client.ReasonClientError: true, client.ReasonQuotaExceeded: true,
}

// undecided tells whether it depends on the other collectors what the attempt means.
func (a attempt) undecided(s source) bool {
	return a.Err != nil && a.Err.Reason == client.ReasonNotFound && a.LastSuccess.IsZero() && s.optional()
}

// judged tells a method that the instance does not offer from one that answers 404
// for a while: what has worked once is offered, and where nothing works, everything
// may be missing for a reason that passes (a wrong path prefix, a fault of the API).
func judged(attempts []attempt, n int) attempt {
	a := attempts[n]
	if a.before.Unsupported || slices.ContainsFunc(attempts, func(a attempt) bool { return a.succeeded() }) {
		a.Err, a.Unsupported = nil, true
	}
	return a
}

// conclude notes and logs what came of an attempt, unless the refresh was ended on
// purpose: then it says nothing about the instance.
func (r *refresh) conclude(ctx context.Context, log *slog.Logger, s source, a attempt) {
	if !a.asked || errors.Is(context.Cause(ctx), context.Canceled) {
		return
	}
	r.setup.backoffs[s.name()].ended(a.Result, s.shared(), r.setup.timeout)
	logChange(ctx, log, a.before, a.Result)
}

// logChange logs how a collector ended. The level is higher where that is news: the log
// of a bad night should show when a failure began and when it was over.
func logChange(ctx context.Context, log *slog.Logger, before, now Result) {
	attrs := []any{"collector", now.Collector, "duration_seconds", now.Duration.Seconds()}
	switch {
	case now.Unsupported && before.Unsupported:
		log.DebugContext(ctx, "collector still not supported by this instance", attrs...)
	case now.Unsupported:
		log.InfoContext(ctx, "collector not supported by this instance", attrs...)
	case now.Err != nil:
		attrs = append(attrs, "reason", string(now.Err.Reason), "err", now.Err)
		level := failureLevel(ctx)
		if before.Err != nil && before.Err.Reason == now.Err.Reason {
			level = slog.LevelDebug
		}
		log.Log(ctx, level, "collector failed", attrs...)
	case before.Err != nil:
		log.InfoContext(ctx, "collector works again", attrs...)
	default:
		log.DebugContext(ctx, "collector succeeded", attrs...)
	}
}

// asFailure makes sure that a failure has a reason.
func asFailure(collector string, err error) *client.Error {
	var failure *client.Error
	if errors.As(err, &failure) {
		return failure
	}
	return &client.Error{Method: collector, Reason: client.ReasonMalformed}
}

// provisional is the snapshot of a refresh that goes on, for a scrape that cannot wait:
// collectors that have not ended have failed. The instance's mutex is held.
func (i *Instance) provisional(r *refresh) *Snapshot {
	r.mu.Lock()
	attempts := slices.Clone(r.attempts)
	r.mu.Unlock()
	for n, source := range r.setup.sources {
		if attempts[n].Collector == "" {
			attempts[n].Result = Result{
				Collector:   source.name(),
				Duration:    time.Since(r.started),
				LastSuccess: r.setup.backoffs[source.name()].previous().LastSuccess,
				Err:         r.unfinished(source.name()),
			}
		}
	}
	for n, source := range r.setup.sources {
		if attempts[n].undecided(source) {
			attempts[n] = judged(attempts, n)
		}
	}
	return i.snapshot(r, attempts)
}

// methods are those that the collectors ask first.
var methods = map[string]string{
	outgoingCalls.name: client.MethodLastOutgoingCalls, outgoingMessages.name: client.MethodLastOutgoingMessages,
	state: client.MethodStateInstance, settings: client.MethodSettings, queue: client.MethodMessagesCount,
}

// unfinished is why a collector has not ended in time; the instance's mutex is held.
func (r *refresh) unfinished(collector string) *client.Error {
	reason := client.ReasonBusy
	if r.turns[methods[collector]] {
		reason = client.ReasonTimeout
	}
	return &client.Error{Method: methods[collector], Reason: reason}
}

// snapshot is what a refresh has come to; the instance's mutex is held.
func (i *Instance) snapshot(r *refresh, attempts []attempt) *Snapshot {
	results := make([]Result, len(attempts))
	for n, a := range attempts {
		results[n] = a.Result
	}
	return &Snapshot{
		ID: i.ID, Name: r.setup.spec.Name, APIHost: r.setup.apiHost, Window: r.setup.spec.Window,
		Attempted: r.started, Duration: time.Since(r.started),
		Results: results, Exchanges: slices.Clone(r.exchanges), Log: r.log.lines(), counters: r.setup.counters,
	}
}
