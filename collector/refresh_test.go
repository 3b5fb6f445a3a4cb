package collector_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
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

// TestWhoHasNoTurnIsBusy tells, of two answers that had both begun when the deadline came,
// the one that was being read from the one that waited to be.
func TestWhoHasNoTurnIsBusy(t *testing.T) {
	t.Parallel()
	for _, deadline := range []time.Duration{2 * time.Second, 20 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, func(o *collector.Options) { o.Concurrency = 1 }, "")
			b.instance.Fault(greenapitest.AnyMethod, greenapitest.Fault{Break: greenapitest.BreakStall, BreakAfter: 1}, 0)
			reasons := map[client.Reason]int{}
			for _, r := range b.within(t, deadline).Results {
				reasons[r.Err.Reason]++
			}
			if want := (map[client.Reason]int{client.ReasonTimeout: 1, client.ReasonBusy: 1}); !maps.Equal(reasons, want) {
				t.Errorf("after %v: %v, want %v", deadline, reasons, want)
			}
			if b.requests() != 2 {
				t.Errorf("%d requests, want both journals asked", b.requests())
			}
		})
	}
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

// TestShortDeadlinesAreNobodyElses has visitors who wait for hardly any time in front
// of a scraper that waits for 30 s, for an API that takes its time: the scraper sees
// the account, and the API is asked no more often than the minimum interval allows.
func TestShortDeadlinesAreNobodyElses(t *testing.T) {
	t.Parallel()
	for name, visit := range map[string]func(ctx context.Context) (context.Context, context.CancelFunc){
		"short deadline": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, 5*time.Millisecond)
		},
		"connect and leave": func(ctx context.Context) (context.Context, context.CancelFunc) {
			ctx, leave := context.WithCancel(ctx)
			time.AfterFunc(5*time.Millisecond, leave)
			return ctx, leave
		},
		"a second": func(ctx context.Context) (context.Context, context.CancelFunc) {
			return context.WithTimeout(ctx, time.Second)
		},
	} {
		for _, answers := range []time.Duration{0, 2 * time.Second, 12 * time.Second} {
			t.Run(fmt.Sprintf("%s, %v", name, answers), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t, nil, "")
					b.instance.Fault(greenapitest.AnyMethod, slow(answers), 0)
					instance := b.Roster().Targets[0].Instance
					visiting, end := context.WithCancel(t.Context())
					var visitors sync.WaitGroup
					visitors.Go(func() {
						for visiting.Err() == nil {
							ctx, leave := visit(visiting)
							instance.Refresh(ctx)
							leave()
							time.Sleep(100 * time.Millisecond)
						}
					})
					const rounds = 12
					for round := range rounds {
						time.Sleep(55 * time.Second)
						start := time.Now()
						if s := b.within(t, 29500*time.Millisecond); !s.Up() {
							t.Errorf("round %d, the scraper that waits: %v", round, s.Results)
						}
						time.Sleep(5*time.Second - min(time.Since(start), 5*time.Second))
					}
					end()
					visitors.Wait()
					span := rounds * 75 * time.Second
					if n, most := b.requests(), 2*int(span/(10*time.Second)); n > most {
						t.Errorf("%d requests, want %d at most", n, most)
					}
				})
			})
		}
	}
}

// TestWhatIsGivenUpServesTheNext leaves a scrape at once: the attempt is one, and what
// comes of it is there for who asks next.
func TestWhatIsGivenUpServesTheNext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		b.instance.Fault(greenapitest.AnyMethod, slow(3*time.Second), 0)
		for range 200 {
			ctx, cancel := context.WithCancel(t.Context())
			time.AfterFunc(10*time.Millisecond, cancel)
			b.Roster().Targets[0].Instance.Refresh(ctx)
			time.Sleep(90 * time.Millisecond)
		}
		if n := b.requests(); n > 6 {
			t.Errorf("%d requests in 20 s, want 6 at most: one a journal in each minimum interval", n)
		}
		if s := b.within(t, 100*time.Millisecond); !s.Up() {
			t.Errorf("the result of what was given up is not shared: %v", s.Results)
		}
	})
}

// TestMoreTimeIsAnotherAttempt shares what nobody waited for only with those who have
// no more time than it had.
func TestMoreTimeIsAnotherAttempt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *collector.Options) { o.MinInterval = 55 * time.Second }, "")
		b.instance.Fault(greenapitest.AnyMethod, slow(12*time.Second), 0)
		b.within(t, time.Second)
		time.Sleep(10 * time.Second)
		if s := b.within(t, 9500*time.Millisecond); s.Up() || b.requests() != 2 {
			t.Errorf("%d requests for one who has less time than the last attempt, %v", b.requests(), s.Results)
		}
		if s := b.within(t, 20*time.Second); !s.Up() {
			t.Errorf("who has the time gets what did not have it: %v", s.Results)
		}
	})
}

func TestClosingEndsARefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		b.instance.Fault(greenapitest.AnyMethod, greenapitest.FaultHang(), 0)
		instance := b.Roster().Targets[0].Instance
		b.within(t, time.Second)
		start := time.Now()
		b.Close()
		if took := time.Since(start); took != 0 {
			t.Errorf("closed after %v", took)
		}
		if instance.Last() != nil {
			t.Error("a refresh that was ended on purpose says something about the instance")
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

// TestEverythingMissing lets every method of an instance answer 404 for one scrape,
// and one method alone: what has worked is not unsupported.
func TestEverythingMissing(t *testing.T) {
	t.Parallel()
	for name, methods := range map[string][]string{
		"all":   {greenapitest.AnyMethod},
		"calls": {greenapitest.MethodLastOutgoingCalls},
		"state": {greenapitest.MethodGetStateInstance},
	} {
		for _, reload := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, reload %v", name, reload), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					b := newBench(t, nil, "")
					b.apply(t, accountYAML(b, "calls, messages, state"))
					if s := b.within(t, time.Second); !s.Up() {
						t.Fatalf("not up: %v", s.Results)
					}
					if reload {
						b.apply(t, accountYAML(b, "calls, messages, state, queue"))
					}
					time.Sleep(time.Minute)
					for _, method := range methods {
						b.instance.Fault(method, greenapitest.FaultStatus(404, ""), 0)
					}
					families := gather(t, collector.Collector{b.within(t, time.Second)})
					if up, _ := value(families, "greenapi_up"); up != 0 {
						t.Error("up, though what has worked is missing")
					}
					for _, c := range []string{"calls", "messages", "state"} {
						want := name == "all" || name == c
						if _, failed := value(families, "greenapi_scrape_collector_failure", "collector="+c, "reason=not_found"); failed != want {
							t.Errorf("%s has failed as not_found: %v, want %v", c, failed, want)
						}
					}
					b.instance.ClearFaults()
					time.Sleep(time.Minute)
					if s := b.within(t, time.Second); !s.Up() {
						t.Errorf("not up a minute later: %v", s.Results)
					}
				})
			})
		}
	}
}

// TestNothingSupported is an instance under a wrong path prefix: no collector has
// succeeded, so it is not up, and it is there as soon as it answers.
func TestNothingSupported(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		b.apply(t, accountYAML(b, "calls, state"))
		b.instance.Fault(greenapitest.AnyMethod, greenapitest.FaultStatus(404, ""), 0)
		for range 3 {
			families := gather(t, collector.Collector{b.within(t, time.Second)})
			if up, _ := value(families, "greenapi_up"); up != 0 {
				t.Fatal("up without a collector that has succeeded")
			}
			if success, there := value(families, "greenapi_scrape_collector_success", "collector=calls"); !there || success != 0 {
				t.Errorf("success of calls: %v, there: %v", success, there)
			}
			time.Sleep(time.Minute)
		}
		// One works: what never has is not offered, and no failure.
		b.instance.ClearFaults()
		b.instance.SetUnsupported(greenapitest.MethodLastOutgoingCalls)
		s := b.within(t, time.Second)
		if !s.Up() || !s.Results[0].Unsupported {
			t.Fatalf("results %v", s.Results)
		}
		// Nothing works for a scrape: no longer up.
		time.Sleep(2 * time.Hour)
		b.instance.Fault(greenapitest.AnyMethod, greenapitest.FaultStatus(404, ""), 0)
		if s := b.within(t, time.Second); s.Up() || !s.Results[0].Unsupported || s.Results[1].Err == nil {
			t.Errorf("results %v", s.Results)
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

// TestClocksApart answers with a Date that is far ahead, and a new message: it counts,
// as if there were no Date, and the skew is shown.
func TestClocksApart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *collector.Options) { o.MaxClockSkew = 24 * time.Hour }, "")
		message := func(n int) greenapitest.Message {
			return greenapitest.Message{IDMessage: fmt.Sprint("M", n), ChatID: "79110000001@c.us", Timestamp: time.Now().Unix(), Status: "sent"}
		}
		all := []greenapitest.Message{message(0)}
		b.instance.SetMessages(all...)
		farAhead := greenapitest.Fault{Header: map[string][]string{"Date": {"Fri, 31 Dec 9999 23:59:59 GMT"}}}
		b.instance.Fault(greenapitest.AnyMethod, farAhead, 0)
		b.within(t, time.Second)
		for round, date := range []string{"Fri, 31 Dec 9999 23:59:59 GMT", "Fri, 31 Dec 9999 23:59:59 GMT", "Thu, 01 Jan 1970 00:00:00 GMT", "", "Fri, 31 Dec 9999 23:59:59 GMT"} {
			time.Sleep(time.Minute)
			all = append(all, message(round+1))
			b.instance.SetMessages(all...)
			b.instance.ClearFaults()
			if date != "" {
				b.instance.Fault(greenapitest.AnyMethod, greenapitest.Fault{Header: map[string][]string{"Date": {date}}}, 0)
			}
			families := gather(t, collector.Collector{b.within(t, time.Second)})
			if n, _ := value(families, "greenapi_messages_observed_total", "message_type=textMessage", "chat_type=private", "origin=phone"); int(n) != round+1 {
				t.Errorf("round %d: %v messages counted", round, n)
			}
			if skew, there := value(families, "greenapi_api_clock_skew_seconds"); !there || (skew == 0) != (date == "") {
				t.Errorf("round %d: skew %v", round, skew)
			}
		}
		if n := strings.Count(b.log.String(), "the clock of the API"); n != 2 {
			t.Errorf("said %d times, want twice: when it went wrong, and when it did again:\n%s", n, b.log)
		}
	})
}
