package collector_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
)

// within refreshes the only instance with a deadline.
func (b *bench) within(t *testing.T, d time.Duration) *collector.Snapshot {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	return b.Roster().Targets[0].Instance.Refresh(ctx)
}

func (b *bench) requests() int { return b.instance.Count(greenapitest.AnyMethod) }

func slow(d time.Duration) greenapitest.Fault { return greenapitest.Fault{Delay: d} }

func TestScrapesThatOverlapShareARefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		b.instance.Fault(greenapitest.AnyMethod, slow(2*time.Second), 0)
		var all sync.WaitGroup
		for n := range 10 {
			time.Sleep(time.Duration(n) * 10 * time.Millisecond)
			all.Go(func() {
				if s := b.within(t, 5*time.Second); !s.Up() {
					t.Errorf("scrape %d: %+v", n, s)
				}
			})
		}
		all.Wait()
		if n := b.requests(); n != 2 {
			t.Errorf("%d requests, want one a journal", n)
		}
	})
}

func TestScrapesWithinTheMinimumIntervalShareASnapshot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *collector.Options) { o.MinInterval = 55 * time.Second }, "")
		// Two Prometheus servers at offsets of their own cost what one costs.
		for range 10 {
			first := b.within(t, time.Second)
			time.Sleep(30 * time.Second)
			if second := b.within(t, time.Second); second != first {
				t.Error("the second server's scrape began a refresh of its own")
			}
			time.Sleep(30 * time.Second)
		}
		if n := b.requests(); n != 20 {
			t.Errorf("%d requests, want 20", n)
		}
	})
}

func TestARefreshRunsToTheLatestDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		b.instance.Fault(greenapitest.MethodLastOutgoingMessages, slow(4*time.Second), 0)
		var all sync.WaitGroup
		all.Go(func() {
			start := time.Now()
			s := b.within(t, time.Second)
			if took := time.Since(start); took != time.Second {
				t.Errorf("answered after %v, want 1s", took)
			}
			// The journal that had ended is there, the other one has run out of time.
			families := gather(t, collector.Collector{s})
			if v, _ := value(families, "greenapi_scrape_collector_success", "collector=calls"); v != 1 {
				t.Error("the calls, which were there, have failed")
			}
			if v, _ := value(families, "greenapi_scrape_collector_failure", "collector=messages", "reason=timeout"); v != 1 {
				t.Error("the messages, which were not there, have no timeout")
			}
		})
		all.Go(func() {
			time.Sleep(500 * time.Millisecond)
			if s := b.within(t, 10*time.Second); !s.Up() {
				t.Errorf("the patient scrape failed: %+v", s)
			}
		})
		all.Wait()
		if n := b.requests(); n != 2 {
			t.Errorf("%d requests, want 2", n)
		}
	})
}

func TestARefreshEndsWhenNobodyIsLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		b.instance.Fault(greenapitest.AnyMethod, greenapitest.FaultHang(), 2)
		start := time.Now()
		s := b.within(t, 3*time.Second)
		if took := time.Since(start); took > 3*time.Second+300*time.Millisecond || s.Up() {
			t.Errorf("after %v: %+v", took, s)
		}
		for _, r := range s.Results {
			if r.Err == nil || r.Err.Reason != "timeout" {
				t.Errorf("%s: %v, want a timeout", r.Collector, r.Err)
			}
		}
		// The failed attempt is one: within the minimum interval it stands.
		if again := b.within(t, time.Second); again.Up() {
			t.Error("the failure was forgotten")
		}
		time.Sleep(10 * time.Second)
		if s := b.within(t, 3*time.Second); !s.Up() {
			t.Errorf("not up again: %+v", s)
		}
	})
}

func TestAScrapeThatIsGivenUpLeavesNoTrace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		b.instance.Fault(greenapitest.AnyMethod, greenapitest.FaultHang(), 2)
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(time.Second, cancel)
		b.Roster().Targets[0].Instance.Refresh(ctx)
		if b.Roster().Targets[0].Instance.Last() != nil {
			t.Error("a refresh that nobody waited for says something about the instance")
		}
		time.Sleep(2 * time.Second)
		if s := b.within(t, 3*time.Second); !s.Up() {
			t.Errorf("not up: %+v", s)
		}
	})
}

func TestRefusedTokensAreNotHammered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		b.instance.Fault(greenapitest.AnyMethod, greenapitest.FaultStatus(401, ""), 0)
		for range 120 {
			families := gather(t, b.refresh(t))
			if v, ok := value(families, "greenapi_scrape_collector_failure", "collector=calls", "reason=unauthorized"); !ok || v != 1 {
				t.Fatal("the reason is not shown while it is backed off")
			}
			time.Sleep(time.Minute)
		}
		if n := b.requests(); n > 40 {
			t.Errorf("%d requests in two hours with a revoked token", n)
		}
		if n := strings.Count(b.log.String(), "level=WARN"); n != 2 {
			t.Errorf("%d warnings, want one a collector:\n%s", n, b.log)
		}
		b.instance.ClearFaults()
		time.Sleep(10 * time.Minute)
		if s := b.within(t, time.Second); !s.Up() {
			t.Errorf("not up again: %+v", s)
		}
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		fault := greenapitest.FaultStatus(429, "")
		fault.Header = map[string][]string{"Retry-After": {"1800"}}
		b.instance.Fault(greenapitest.MethodLastOutgoingCalls, fault, 1)
		b.refresh(t)
		for range 29 {
			time.Sleep(time.Minute)
			b.refresh(t)
		}
		if n := b.instance.Count(greenapitest.MethodLastOutgoingCalls); n != 1 {
			t.Errorf("%d requests for calls within the half hour that the server asked for", n)
		}
		if n := b.instance.Count(greenapitest.MethodLastOutgoingMessages); n != 30 {
			t.Errorf("%d requests for messages, want 30: the other method goes on", n)
		}
		time.Sleep(2 * time.Minute)
		if s := b.within(t, time.Second); !s.Up() {
			t.Errorf("not up again: %+v", s)
		}
	})
}

func TestUnsupportedIsTriedAgainHourly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		b.instance.SetUnsupported(greenapitest.MethodLastOutgoingCalls)
		for range 24 * 60 {
			if s := b.within(t, time.Second); !s.Up() {
				t.Fatalf("not up: %+v", s)
			}
			time.Sleep(time.Minute)
		}
		if n := b.instance.Count(greenapitest.MethodLastOutgoingCalls); n < 24 || n > 32 {
			t.Errorf("%d requests in a day, want about one an hour", n)
		}
		if n := strings.Count(b.log.String(), "collector not supported"); n != 1 {
			t.Errorf("said %d times, want once", n)
		}
		for line := range strings.Lines(b.log.String()) {
			if strings.Contains(line, "succeeded") && strings.Contains(line, "collector=calls") {
				t.Fatalf("logs %s", line)
			}
		}
	})
}

func TestFailuresAreSharedToo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *collector.Options) { o.MinInterval = 0 }, "")
		b.instance.Fault(greenapitest.AnyMethod, greenapitest.FaultStatus(500, ""), 2)
		if s := b.within(t, time.Second); s.Up() {
			t.Error("up")
		}
		time.Sleep(2 * time.Second)
		if s := b.within(t, time.Second); !s.Up() {
			t.Errorf("a failure stands though the minimum interval is 0: %+v", s)
		}
	})
}
