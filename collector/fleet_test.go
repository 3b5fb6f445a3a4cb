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

func TestScrapersWithShortDeadlinesHarmNobody(t *testing.T) {
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

// TestADeadHostHarmsOnlyItself has 40 accounts at a host that sends headers and then
// hardly anything, or garbage at times, beside accounts at another host: with four
// places to read in, these are always up.
func TestADeadHostHarmsOnlyItself(t *testing.T) {
	t.Parallel()
	for name, garbage := range map[string]bool{"drips": false, "drips and garbage": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				const dead, alive = 40, 5
				b := newBench(t, func(o *collector.Options) { o.Concurrency = 4 }, "")
				var yaml strings.Builder
				yaml.WriteString("instances:\n")
				var dripping []*greenapitest.Instance
				for n := range dead + alive {
					id, host := fmt.Sprint(1102000000+n), "http://dead.invalid"
					instance := b.srv.AddInstance(id, token)
					if n < dead {
						instance.Fault(greenapitest.AnyMethod, greenapitest.FaultDrip(), 0)
						dripping = append(dripping, instance)
					} else {
						host = "http://alive.invalid"
					}
					fmt.Fprintf(&yaml, "- {id: %q, token: %s, api_url: %s, collectors: [calls, messages]}\n", id, token, host)
				}
				b.apply(t, yaml.String())
				for round := range 10 {
					if garbage {
						fault := greenapitest.FaultDrip()
						if round%2 == 1 {
							fault = greenapitest.Fault{Body: []byte("garbage")}
						}
						for _, instance := range dripping {
							instance.ClearFaults()
							instance.Fault(greenapitest.AnyMethod, fault, 0)
						}
					}
					ctx, cancel := context.WithTimeout(t.Context(), 9500*time.Millisecond)
					for _, s := range collector.Refresh(ctx, b.Roster().Instances()) {
						if s.APIHost == "alive.invalid" && !s.Up() {
							t.Errorf("round %d: %s: %v", round, s.ID, s.Results)
						}
					}
					cancel()
					time.Sleep(15 * time.Second)
				}
			})
		})
	}
}

// TestSwitchingProtocolsHarmsNobody has more accounts whose API answers 101 than there
// are places, and one that works: it stays up, and a reload that leaves the others
// out, or the end, waits for nothing.
func TestSwitchingProtocolsHarmsNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *collector.Options) { o.Concurrency = 2 }, "")
		good := b.srv.AddInstance("1102000099", token)
		yaml := fmt.Sprintf("instances:\n- {id: %q, token: %s, api_url: %s, collectors: [calls, messages]}\n", "1102000099", token, b.srv.URL)
		all := yaml
		for n := range 22 {
			id := fmt.Sprint(1102000000 + n)
			b.srv.AddInstance(id, token).Fault(greenapitest.AnyMethod, greenapitest.FaultSwitch(), 0)
			all += fmt.Sprintf("- {id: %q, token: %s, api_url: %s, collectors: [calls, messages]}\n", id, token, b.srv.URL)
		}
		b.apply(t, all)
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), 9500*time.Millisecond)
			start := time.Now()
			for _, s := range collector.Refresh(ctx, b.Roster().Instances()) {
				if up := s.ID == "1102000099"; s.Up() != up || !up && s.Results[0].Err.Reason != "malformed" {
					t.Errorf("%s: %v", s.ID, s.Results)
				}
			}
			if took := time.Since(start); took > 2*time.Second {
				t.Errorf("answered after %v", took)
			}
			cancel()
			time.Sleep(15 * time.Second)
		}
		if n := good.Count(greenapitest.AnyMethod); n != 6 {
			t.Errorf("%d requests", n)
		}
		start := time.Now()
		b.apply(t, yaml)
		b.Close()
		if took := time.Since(start); took != 0 {
			t.Errorf("the reload and the end took %v", took)
		}
	})
}
