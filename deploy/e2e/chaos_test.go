//go:build e2e

package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/deploy/e2e"
)

var (
	chaosFor  = flag.Duration("chaos.for", 24*time.Second, "how long the faults of the chaos test last")
	chaosSeed = flag.Uint64("chaos.seed", 9, "seed of the chaos test")
)

const (
	// chaosSpan is the simulated time of a run, however long it takes: half the
	// window, so that an account that is left alone all the time loses nothing.
	chaosSpan = 12 * time.Hour
	// chaosCopies of each kind of account.
	chaosCopies = 4
	// answerLimit is how long the exporter may take for any answer, on a machine
	// that is busy with other tests. The scrapes themselves ask for 3 seconds at most.
	answerLimit = 20 * time.Second
	// idleLimit bounds the wait until a process holds no more than it held before.
	idleLimit = 2 * time.Minute
	// idleLooks is how many expositions are asked for to find the least of a gauge.
	idleLooks = 20
)

// chaos is a run of the exporter behind faults of every kind.
type chaos struct {
	seed     uint64
	begin    time.Time
	sim      *simulation.Simulation
	clock    *clock
	upstream *upstream
	files    *files
	ledgers  string // the folder of the state files
	subject  *subject
	watch    *watch
}

// TestChaos runs the exporter on accounts whose API fails in every way that is
// known, over connections that are cut, delayed, corrupted and silent, while
// scrapes come and go, the configuration is reloaded, tokens are rotated, and the
// exporter is killed, or its state files are exchanged. Afterwards its counters tell exactly what happened; no scrape
// was left without an answer, and none showed a counter that had fallen. A process
// that has lived through half of it holds what it held before.
//
// -chaos.for makes it longer, -chaos.seed another one.
func TestChaos(t *testing.T) {
	t.Parallel()
	c := startChaos(t)

	// First with kills: what was shown stays, from process to process.
	c.rage(t, c.kills)
	c.subject.restart(t) // so that nothing is left alone any more because of what it answered
	c.compare(t, "after the kills")

	// Then one process has to stand it all.
	before := c.idle(t)
	c.rage(t, c.exchanges)
	c.rotateAll(t) // likewise, but in the same process
	c.compare(t, "after the siege")
	c.checkHeld(t, before)
	if code := c.subject.now().Stop(t); code != 0 {
		t.Errorf("after SIGTERM the exporter ended with exit code %d, want 0", code)
	}
	c.subject.restart(t)
	shown := c.compare(t, "after the end")
	c.checkSaid(t)
	c.report(t, shown)
}

func startChaos(t *testing.T) *chaos {
	t.Helper()
	c := &chaos{seed: *chaosSeed, begin: time.Date(2026, 3, 4, 7, 0, 0, 0, time.UTC), watch: newWatch()}
	c.clock = newClock(c.begin)
	var accounts []simulation.Account
	for range chaosCopies {
		accounts = append(accounts, oddAccounts(c.begin)...)
	}
	for n := range accounts {
		accounts[n].ID, accounts[n].Name = fmt.Sprint(1103000001+n), fmt.Sprintf("chaos-%d", n+1)
		accounts[n].Token = chaosToken(accounts[n].ID, 0)
	}
	c.sim = simulation.New(simulation.Settings{Seed: c.seed, Clock: c.clock.now}, accounts...)
	c.upstream = startUpstream(t, c)
	c.files = newFiles(t, c)
	c.ledgers = t.TempDir()
	c.subject = startSubject(t, c.files, e2e.ExporterOptions{Args: []string{
		"--config.file=" + c.files.config, "--ledger.path=" + c.ledgers, "--collector.queue",
		"--greenapi.min-interval=1s", "--greenapi.max-body-bytes=4MiB", "--greenapi.timeout=5s",
		"--greenapi.whole-read-interval=0s", // The simulated clock runs ahead of that by which recent reads are asked for.
	}})
	c.compare(t, "at the start")
	return c
}

// rage lets everything happen at once until half of the time is over, and meanwhile
// does something on the test's own goroutine. Then all is calm.
func (c *chaos) rage(t *testing.T, meanwhile func(t *testing.T, over <-chan struct{})) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), *chaosFor/2)
	defer cancel()
	c.upstream.rage()
	c.clock.run(float64(chaosSpan) / float64(*chaosFor))
	var acting sync.WaitGroup
	for n, act := range []func(*testing.T, *rand.Rand){
		c.scrape, c.scrape, c.probe, c.probe, c.probe, c.look, c.leave, c.visit, c.post, c.hangUp, c.rotate,
	} {
		dice := rand.New(rand.NewPCG(c.seed, uint64(n)))
		acting.Go(func() {
			for ctx.Err() == nil {
				act(t, dice)
			}
		})
	}
	meanwhile(t, ctx.Done())
	acting.Wait()
	c.clock.stop()
	c.upstream.calm()
	c.files.write(t, c.files.configuration(nil, false))
	if answer, ok := c.ask(t, "POST", "/-/reload", nil); !ok || answer.Status != 200 {
		t.Errorf("the last reload is answered with %d", answer.Status)
	}
}

// compare waits until all journals are read, and compares what the exporter shows
// with what happened.
func (c *chaos) compare(t *testing.T, when string) e2e.Samples {
	t.Helper()
	c.upstream.rehearse(t)
	shown := settle(t, c.subject.now(), c.sim, time.Now())
	if diff := cmp.Diff(happened(c.sim, c.begin, c.clock.now()), counters(shown)); diff != "" {
		t.Fatalf("%s, what happened (-) and what the exporter shows (+) differ:\n%s", when, diff)
	}
	if gaps := total(shown, "greenapi_journal_gaps_total"); gaps != 0 {
		t.Errorf("%s, %v gaps are reported, and nothing was lost", when, gaps)
	}
	return shown
}

// held is what a process holds, by the gauge that tells and how much more of it
// is no leak: a few connections that are used again, the stories of the last
// refreshes, what the ledger remembers of more events.
var held = map[string]float64{
	"go_goroutines":                 8,
	"process_open_fds":              8,
	"go_memstats_heap_alloc_bytes":  24 << 20,
	"process_resident_memory_bytes": 96 << 20,
}

// idle is the least that the process holds while nothing happens.
func (c *chaos) idle(t *testing.T) map[string]float64 {
	t.Helper()
	least := map[string]float64{}
	for range idleLooks {
		exposition(t, c.subject.now())
		c.upstream.disconnect()                   // connections that are kept are no leak,
		samples := exposition(t, c.subject.now()) // and what was just read is not read again
		for name := range held {
			value, ok := samples[name]
			if !ok {
				t.Fatalf("%s is not exposed", name)
			}
			if before, ok := least[name]; !ok || value < before {
				least[name] = value
			}
		}
	}
	return least
}

// checkHeld checks that the process comes to hold what it held before.
func (c *chaos) checkHeld(t *testing.T, before map[string]float64) {
	t.Helper()
	deadline := time.Now().Add(idleLimit)
	for {
		after := c.idle(t)
		var more []string
		for name, slack := range held {
			if after[name] > before[name]+slack {
				more = append(more, fmt.Sprintf("%s: %.0f before, %.0f after", name, before[name], after[name]))
			}
		}
		if len(more) == 0 {
			for name := range held {
				t.Logf("%s: %.0f before, %.0f after", name, before[name], after[name])
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v without any fault, the process holds more than before:\n%s", idleLimit, strings.Join(more, "\n"))
		}
	}
}

// checkSaid checks what the processes wrote and what GREEN-API was asked: no
// token, no crash, no complaint of the ledger, and nothing that changes an account.
func (c *chaos) checkSaid(t *testing.T) {
	t.Helper()
	for _, life := range c.subject.lives {
		for _, unwanted := range []string{tokenMark, "panic", "fatal error", "goroutine ", "DATA RACE", "counters begin at 0", "cannot write the ledger", "exposition incomplete"} {
			if n := strings.Index(life.Output(), unwanted); n >= 0 {
				t.Errorf("an exporter wrote %q: …%.400s…", unwanted, life.Output()[max(0, n-200):])
			}
		}
	}
	if violations := c.upstream.api.Violations(); len(violations) > 0 {
		t.Errorf("GREEN-API was asked for what no exporter may ask for: %v", violations)
	}
	for _, fault := range greenapitest.Faults() {
		if c.upstream.injected[fault.Name] == 0 {
			t.Errorf("the fault %q never happened", fault.Name)
		}
	}
	for what, least := range map[string]int{"kill": 3, "reload": 3, "reload refused": 1, "SIGHUP": 3, "rotation": 3, "metrics": 10, "probe": 30, "left": 3, "short visit": 10, "page": 10, "state file removed": 1, "state file written over": 1, "state file exchanged": 1} {
		if c.watch.done[what] < least {
			t.Errorf("%s: %d of them, want %d at least", what, c.watch.done[what], least)
		}
	}
}

// report tells what was done to the exporter and what came of it.
func (c *chaos) report(t *testing.T, shown e2e.Samples) {
	t.Helper()
	events := func(samples e2e.Samples) (sum float64) {
		for _, name := range counterNames {
			if strings.HasSuffix(name, "_total") {
				sum += total(samples, name)
			}
		}
		return sum
	}
	truth, counted := events(happened(c.sim, c.begin, c.clock.now())), events(shown)
	var report strings.Builder
	fmt.Fprintf(&report, "chaos of %v, seed %d: %d accounts, %v of simulated time\n", *chaosFor, c.seed, len(c.sim.Accounts()), c.clock.now().Sub(c.begin).Round(time.Minute))
	fmt.Fprintf(&report, "events: %.0f happened, %.0f counted, %.0f lost\n", truth, counted, truth-counted)
	fmt.Fprintf(&report, "done: %s\n", countsOf(c.watch.done))
	fmt.Fprintf(&report, "slowest answer %v; scrapes not answered %d, counters that fell %d\n", c.watch.slowest.Round(time.Millisecond), c.watch.unanswered, c.watch.fallen)
	fmt.Fprintf(&report, "connections: %s\n", countsOf(c.upstream.harmed()))
	sum := 0
	for _, n := range c.upstream.injected {
		sum += n
	}
	fmt.Fprintf(&report, "faults of %d kinds, %d times: %s", len(c.upstream.injected), sum, countsOf(c.upstream.injected))
	t.Log(report.String())
}

// countsOf lists counts by their names.
func countsOf(counts map[string]int) string {
	var all []string
	for what, n := range counts {
		all = append(all, fmt.Sprintf("%s %d", what, n))
	}
	slices.Sort(all)
	return strings.Join(all, ", ")
}
