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

// refresh is one refresh of an instance under way, shared by all who wait for it.
// It goes on until the last of them has gone.
type refresh struct {
	setup   *setup
	started time.Time
	cancel  context.CancelCauseFunc
	log     *scrapeLog
	done    chan struct{} // closed when snapshot is there

	waiting   int               // guarded by the instance's mutex
	exchanges []client.Exchange // likewise

	mu      sync.Mutex
	results []Result // in the order of the sources; one without a collector's name is not there yet

	snapshot *Snapshot // to be read after done
}

// farewell is how long the last of those who wait stays for the result of a
// refresh that was ended by its leaving.
const farewell = 200 * time.Millisecond

// Refresh returns a snapshot that is no older than the instance's minimum
// interval, taking one if need be. It comes back when the context ends at the
// latest, then with a snapshot in which those collectors have failed that had not
// ended.
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
	if !i.leave(r, context.Cause(ctx)) {
		return i.provisional(r)
	}
	timer := time.NewTimer(farewell)
	defer timer.Stop()
	select {
	case <-r.done:
		return r.snapshot
	case <-timer.C:
		return i.provisional(r)
	}
}

// join makes the caller one of those who wait for a refresh, or returns a snapshot
// that is recent enough.
func (i *Instance) join(ctx context.Context) (*refresh, *Snapshot) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for i.running != nil && i.running.waiting == 0 {
		// Everybody has left it, so it is ending, and its failures are none of ours.
		ending := i.running
		i.mu.Unlock()
		select {
		case <-ending.done:
		case <-ctx.Done():
		}
		i.mu.Lock()
		if ctx.Err() != nil {
			return nil, i.provisionalOf(ending)
		}
	}
	if i.running == nil {
		setup := i.setup.Load()
		if last := i.last.Load(); last != nil && (i.closed || time.Since(last.Attempted) < setup.minInterval) {
			return nil, last
		}
		if i.closed {
			return nil, i.provisionalOf(i.newRefresh(setup))
		}
		i.start(context.WithoutCancel(ctx), i.newRefresh(setup))
	}
	i.running.waiting++
	return i.running, nil
}

func (i *Instance) newRefresh(setup *setup) *refresh {
	return &refresh{
		setup: setup, started: time.Now(), log: newScrapeLog(i.log.Handler()), done: make(chan struct{}),
		results: make([]Result, len(setup.sources)),
	}
}

// leave takes one off those who wait, and ends the refresh if it was the last.
func (i *Instance) leave(r *refresh, cause error) (last bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	r.waiting--
	if r.waiting == 0 {
		r.cancel(cause)
	}
	return r.waiting == 0
}

// start begins a refresh; the instance's mutex is held. The context carries values
// only: a refresh ends when nobody waits for it, not with the scrape that began it.
func (i *Instance) start(ctx context.Context, r *refresh) {
	ctx, r.cancel = context.WithCancelCause(ctx)
	i.running = r
	go i.run(ctx, r)
}

func (i *Instance) run(ctx context.Context, r *refresh) {
	log := slog.New(r.log).With("id_instance", i.ID)
	i.noticeToken(r.setup)
	var sources sync.WaitGroup
	for n, source := range r.setup.sources {
		sources.Go(func() {
			result := i.fetch(ctx, log, source, r.setup.backoffs[source.name()])
			r.mu.Lock()
			r.results[n] = result
			r.mu.Unlock()
		})
	}
	sources.Wait()

	i.mu.Lock()
	abandoned := errors.Is(context.Cause(ctx), context.Canceled)
	r.snapshot = i.snapshot(r, r.results)
	if !abandoned {
		// A refresh that nobody waited for to its end says nothing about the instance.
		i.last.Store(r.snapshot)
		i.history.add(r.snapshot)
	}
	i.running = nil
	i.mu.Unlock()
	r.cancel(nil)
	close(r.done)
}

// fetch lets one source work, unless its last result stands, and logs a change.
func (i *Instance) fetch(ctx context.Context, log *slog.Logger, s source, backoff *backoff) Result {
	started := time.Now()
	before, stands := backoff.held(started)
	if stands {
		log.DebugContext(ctx, "collector not asked, its last result stands", "collector", s.name())
		return before
	}
	result := Result{Collector: s.name(), LastSuccess: before.LastSuccess}
	found, err := s.fetch(ctx, log)
	result.Duration = time.Since(started)
	switch {
	case err == nil:
		result.finding = found
		result.LastSuccess = started.Add(result.Duration)
	default:
		result.Err = asFailure(s.name(), err)
		if s.optional() && result.Err.Reason == client.ReasonNotFound {
			result.Err, result.Unsupported = nil, true
		}
	}
	if !errors.Is(context.Cause(ctx), context.Canceled) {
		backoff.ended(result, s.shared())
		logChange(ctx, log, before, result)
	}
	return result
}

// logChange logs how a collector ended, loudly where it is news: somebody who reads
// the log of a bad night wants to see when a failure began and when it was over.
func logChange(ctx context.Context, log *slog.Logger, before, now Result) {
	attrs := []any{"collector", now.Collector, "duration_seconds", now.Duration.Seconds()}
	switch {
	case now.Unsupported && before.Unsupported:
		log.DebugContext(ctx, "collector still not supported by this instance", attrs...)
	case now.Unsupported:
		log.InfoContext(ctx, "collector not supported by this instance", attrs...)
	case now.Err != nil:
		attrs = append(attrs, "reason", string(now.Err.Reason), "err", now.Err)
		level := slog.LevelWarn
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

// provisional is the snapshot of a refresh that goes on: collectors that have not
// ended have failed for who cannot wait.
func (i *Instance) provisional(r *refresh) *Snapshot {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.provisionalOf(r)
}

// provisionalOf is provisional where the instance's mutex is held.
func (i *Instance) provisionalOf(r *refresh) *Snapshot {
	r.mu.Lock()
	results := make([]Result, len(r.results))
	copy(results, r.results)
	r.mu.Unlock()
	for n, source := range r.setup.sources {
		if results[n].Collector == "" {
			results[n] = Result{
				Collector:   source.name(),
				Duration:    time.Since(r.started),
				LastSuccess: r.setup.backoffs[source.name()].previous().LastSuccess,
				Err:         &client.Error{Method: source.name(), Reason: client.ReasonTimeout},
			}
		}
	}
	return i.snapshot(r, results)
}

// snapshot is what a refresh has come to; the instance's mutex is held.
func (i *Instance) snapshot(r *refresh, results []Result) *Snapshot {
	return &Snapshot{
		ID: i.ID, Name: r.setup.spec.Name, APIHost: r.setup.apiHost, Window: r.setup.spec.Window,
		Attempted: r.started, Duration: time.Since(r.started),
		Results: results, Exchanges: slices.Clone(r.exchanges), Log: r.log.lines(), counters: r.setup.counters,
	}
}
