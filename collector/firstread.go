package collector

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"
)

// FirstRead reads every account once, so that the pages show something before the
// first scrape, and a wrong token is in the log at once. It logs a line for each
// account that is in trouble, and one that sums up. The accounts of a partner's
// account are read when the partner API has listed them.
//
// It is like any scrape: within all limits, shared with scrapes that come meanwhile.
func (f *Fleet) FirstRead(ctx context.Context) {
	roster := f.Roster()
	f.firstRead(ctx, roster.Instances())
	if roster.partner() == nil {
		return
	}
	select {
	case <-f.listed:
	case <-ctx.Done():
		return
	}
	f.firstRead(ctx, slices.DeleteFunc(f.Roster().Instances(), func(i *Instance) bool { return i.Last() != nil }))
}

// firstRead reads accounts, with a quarter of the places for bodies: scrapes that
// come meanwhile find the others free.
func (f *Fleet) firstRead(ctx context.Context, instances []*Instance) {
	if len(instances) == 0 {
		return
	}
	started := time.Now()
	ctx = context.WithValue(ctx, withoutFailures{}, true)
	snapshots := readEach(ctx, instances, max(1, f.opts.Concurrency/4), 0)
	if ctx.Err() != nil {
		return // the exporter stops, which says nothing about the accounts
	}
	var counts [Critical + 1]int
	for _, s := range snapshots {
		condition := s.Condition()
		counts[condition.Severity]++
		if condition.Severity > Unknown {
			f.opts.Logger.WarnContext(ctx, "first read: account in trouble", troubleAttrs(s, condition)...)
		}
	}
	f.opts.Logger.InfoContext(ctx, "first read done", "instances", len(snapshots), "fine", counts[Fine],
		"in_trouble", counts[Warning]+counts[Critical], "duration_seconds", time.Since(started).Seconds())
}

// readEach refreshes instances, so many at a time, and each for a time at most, unless
// that is 0. It returns their snapshots, nil for those that had no turn before the
// context ended.
func readEach(ctx context.Context, instances []*Instance, atOnce int, each time.Duration) []*Snapshot {
	places := make(chan struct{}, atOnce)
	snapshots := make([]*Snapshot, len(instances))
	var reading sync.WaitGroup
	for n, i := range instances {
		places <- struct{}{}
		if ctx.Err() != nil {
			break
		}
		reading.Go(func() {
			defer func() { <-places }()
			asking, cancel := ctx, context.CancelFunc(func() {})
			if each > 0 {
				asking, cancel = context.WithTimeout(ctx, each)
			}
			defer cancel()
			snapshots[n] = i.Refresh(asking)
		})
	}
	reading.Wait()
	return snapshots
}

// ReadOnce reads every account once, each for a time at most, and returns the
// snapshots in the order of the roster; nil for those that had no turn before the
// context ended.
func (f *Fleet) ReadOnce(ctx context.Context, each time.Duration) []*Snapshot {
	return readEach(context.WithValue(ctx, withoutFailures{}, true), f.Roster().Instances(), f.opts.Concurrency, each)
}

// troubleAttrs says what is wrong with an account, and how to mend it.
func troubleAttrs(s *Snapshot, condition Condition) []any {
	attrs := []any{"id_instance", s.ID, "name", s.Name}
	switch {
	case condition.Failed != nil:
		var failed []string
		for _, r := range s.Results {
			if r.Err != nil {
				failed = append(failed, r.Collector)
			}
		}
		attrs = append(attrs, "collectors", strings.Join(failed, ","),
			"reason", string(condition.Failed.Err.Reason), "err", condition.Failed.Err)
	case condition.State != "":
		attrs = append(attrs, "state", condition.State)
	case condition.Setting != "":
		attrs = append(attrs, "setting_off", condition.Setting)
	}
	return append(attrs, "remedy", condition.Remedy)
}

// withoutFailures is the key of contexts in which a failed collector is no news for
// the log: whoever asked says it for the whole account.
type withoutFailures struct{}

// failureLevel is the level at which a failure that begins is logged.
func failureLevel(ctx context.Context) slog.Level {
	if ctx.Value(withoutFailures{}) != nil {
		return slog.LevelDebug
	}
	return slog.LevelWarn
}
