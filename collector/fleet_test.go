package collector_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
)

// TestDeadAccountsHarmOnlyThemselves scrapes 500 accounts at once whose API takes a
// second to answer, which loopback hides, and 50 of which hang, with half of the
// default concurrency: what 1,000 accounts are for all of it.
func TestDeadAccountsHarmOnlyThemselves(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const accounts, dead = 500, 50
		b := newBench(t, func(o *collector.Options) { o.Concurrency = 32 }, "")
		var yaml strings.Builder
		yaml.WriteString("instances:\n")
		for n := range accounts {
			id := fmt.Sprint(1102000000 + n)
			fault := slow(time.Second)
			if n%(accounts/dead) == 0 {
				fault = greenapitest.FaultHang()
			}
			b.srv.AddInstance(id, token).Fault(greenapitest.AnyMethod, fault, 0)
			fmt.Fprintf(&yaml, "- {id: %q, token: %s, api_url: %s, collectors: [calls, messages, state, settings]}\n", id, token, b.srv.URL)
		}
		b.apply(t, yaml.String())
		for round := range 2 {
			ctx, cancel := context.WithTimeout(t.Context(), 29500*time.Millisecond)
			start := time.Now()
			snapshots := collector.Refresh(ctx, b.Roster().Instances())
			cancel()
			if took := time.Since(start); took > 30*time.Second {
				t.Errorf("round %d: answered after %v", round, took)
			}
			up, reasons := 0, make(map[string]int)
			for _, s := range snapshots {
				if s.Up() {
					up++
					continue
				}
				for _, r := range s.Results {
					if r.Err != nil {
						reasons[string(r.Err.Reason)]++
					}
				}
			}
			if up != accounts-dead || reasons["busy"] > 0 {
				t.Errorf("round %d: %d accounts up, want %d; failures %v", round, up, accounts-dead, reasons)
			}
			time.Sleep(time.Minute - time.Since(start))
		}
	})
}

// TestWhoGotNoTurnGoesFirst has more accounts than can be asked before the deadline:
// each one gets its turn in the end.
func TestWhoGotNoTurnGoesFirst(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const accounts = 80
		b := newBench(t, func(o *collector.Options) { o.Concurrency = 1 }, "")
		var yaml strings.Builder
		yaml.WriteString("instances:\n")
		for n := range accounts {
			id := fmt.Sprint(1102000000 + n)
			b.srv.AddInstance(id, token).Fault(greenapitest.AnyMethod, slow(time.Second), 0)
			fmt.Fprintf(&yaml, "- {id: %q, token: %s, api_url: %s, collectors: [messages]}\n", id, token, b.srv.URL)
		}
		b.apply(t, yaml.String())
		served := make(map[string]int)
		for range 8 {
			ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond) // time for 24 to 32 of them
			for _, s := range collector.Refresh(ctx, b.Roster().Instances()) {
				if s.Up() {
					served[s.ID]++
				} else if reason := s.Results[0].Err.Reason; reason != "busy" && reason != "timeout" {
					t.Errorf("reason %s", reason)
				}
			}
			cancel()
			time.Sleep(time.Minute)
		}
		for _, target := range b.Roster().Targets {
			if n := served[target.Name]; n < 2 {
				t.Errorf("%s served %d times of 8, the mean is about 3", target.Name, n)
			}
		}
	})
}

func TestHangingAccountsAreAskedLessOften(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		b.instance.Fault(greenapitest.AnyMethod, greenapitest.FaultHang(), 0)
		for range 60 {
			start := time.Now()
			families := gather(t, collector.Collector{b.within(t, 29500*time.Millisecond)})
			if v, _ := value(families, "greenapi_scrape_collector_failure", "collector=calls", "reason=timeout"); v != 1 {
				t.Fatal("the timeout is not shown while it is backed off")
			}
			time.Sleep(time.Minute - time.Since(start))
		}
		// Three in a row, then at every other scrape.
		if n := b.instance.Count(greenapitest.MethodLastOutgoingCalls); n != 31 {
			t.Errorf("%d requests in an hour to an account that hangs, want 31", n)
		}
		b.instance.ClearFaults()
		time.Sleep(time.Minute)
		if s := b.within(t, 10*time.Second); !s.Up() {
			t.Errorf("not up again: %+v", s.Results)
		}
	})
}

func TestScrapersInAHurryHarmNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		b.instance.Fault(greenapitest.AnyMethod, slow(time.Second), 0)
		for range 10 {
			if s := b.within(t, 500*time.Millisecond); s.Up() {
				t.Fatal("up in half a second with an API that takes one")
			}
			time.Sleep(15 * time.Second)
			if s := b.within(t, 5*time.Second); !s.Up() {
				t.Fatalf("not up for a scraper that waits: %+v", s.Results)
			}
			for range 5 {
				time.Sleep(15 * time.Second)
				b.within(t, 500*time.Millisecond)
			}
			time.Sleep(15 * time.Second)
		}
	})
}
