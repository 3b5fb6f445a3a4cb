package ledger_test

import (
	"bytes"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

var seeds = flag.Int("seeds", 60, "how many lives of an account TestModel lives through")

const instance = "1101000001"

// TestModel lives through weeks of an account's life, with all that can happen
// to it, its journals, the exporter and the disk, and holds the ledger against
// the reference after every read and every restart.
func TestModel(t *testing.T) {
	t.Parallel()
	var did tally
	for seed := range *seeds {
		m := newModel(t, seeded{rand.New(rand.NewPCG(uint64(seed), 1))})
		m.name = fmt.Sprintf("seed %d", seed)
		for range 250 {
			m.step()
		}
		m.finish()
		did.add(m.did)
	}
	t.Logf("%+v", did)
	if *seeds >= 50 {
		did.mustAllHaveHappened(t)
	}
}

// FuzzLedger lets the fuzzer choose what happens.
func FuzzLedger(f *testing.F) {
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 4096 {
			return // Longer lives find nothing that shorter ones do not.
		}
		d := &chosen{data: data}
		m := newModel(t, d)
		m.name = "fuzz"
		for len(d.data) > 0 {
			m.step()
		}
		m.finish()
	})
}

type seeded struct{ *rand.Rand }

func (s seeded) roll(n int) int { return s.IntN(n) }

// chosen rolls what its bytes say, and 0 when there are none left.
type chosen struct{ data []byte }

func (c *chosen) roll(n int) int {
	v := 0
	for size := n - 1; size > 0; size >>= 8 {
		if len(c.data) == 0 {
			return 0
		}
		v = v<<8 | int(c.data[0])
		c.data = c.data[1:]
	}
	return v % n
}

// tally counts what a model has gone through, so that a test can tell whether it tests anything.
type tally struct {
	Reads, Aborts, Restarts, Kills, PowerCuts, Torn, Troubles, TooMany, Doubts, Lost int
	Gaps, Evictions                                                                  uint64
	Baselines, Recents, Moves, Beyond                                                int
	Late                                                                             uint64
}

func (a *tally) add(b tally) {
	a.Reads += b.Reads
	a.Aborts += b.Aborts
	a.Restarts += b.Restarts
	a.Kills += b.Kills
	a.PowerCuts += b.PowerCuts
	a.Torn += b.Torn
	a.Troubles += b.Troubles
	a.TooMany += b.TooMany
	a.Doubts += b.Doubts
	a.Lost += b.Lost
	a.Gaps += b.Gaps
	a.Evictions += b.Evictions
	a.Baselines += b.Baselines
	a.Recents += b.Recents
	a.Moves += b.Moves
	a.Beyond += b.Beyond
	a.Late += b.Late
}

func (a *tally) mustAllHaveHappened(t *testing.T) {
	t.Helper()
	for what, n := range map[string]int{
		"aborts": a.Aborts, "restarts": a.Restarts, "kills": a.Kills, "power cuts": a.PowerCuts,
		"torn files": a.Torn, "disk troubles": a.Troubles, "too many rows": a.TooMany, "lost rows": a.Lost, "longer windows": a.Baselines,
		"recent reads": a.Recents, "moved chats": a.Moves, "rows beyond the cap": a.Beyond, "late changes": int(a.Late),
		"gaps": int(a.Gaps), "evictions": int(a.Evictions),
	} {
		if n == 0 {
			t.Errorf("the model went through no %s: it tests less than it should", what)
		}
	}
}

// model is one life.
type model struct {
	t    *testing.T
	name string
	dice
	world   *world
	skew    time.Duration // Of the exporter's clock.
	options ledger.Options

	// What the server does to its answers.
	undated, backwards, glitches bool

	fs     *tearFS
	dir    *ledger.Dir
	ledger *ledger.Ledger
	did    tally

	crashed bool         // Whether the last process crashed: what the last reads were is not certain.
	beliefs []*reference // What the ledger may know: one reference but for some time after a crash.
	filed   []*reference // What may be found in the state file.
}

func newModel(t *testing.T, d dice) *model {
	t.Helper()
	m := &model{t: t, dice: d, fs: newTearFS()}
	m.world = &world{
		dice:   d,
		now:    time.Date(2025, 11, 1, 12, 0, 0, 0, time.UTC),
		window: time.Duration(pick(d, 30, 120, 1440, 5)) * time.Minute,
		bySent: oneIn(d, 2), rewrites: oneIn(d, 3), moves: oneIn(d, 3), person: "79990000001@c.us",
	}
	if oneIn(d, 2) {
		m.world.cap = 2 + d.roll(6)
	} else {
		m.world.late = oneIn(d, 2)
	}
	m.undated, m.backwards, m.glitches = oneIn(d, 4), oneIn(d, 6), oneIn(d, 3)
	m.skew = pick(d, 0, -20*365*24*time.Hour, 5*time.Hour)
	m.options = ledger.Options{
		Retention:  pick(d, 168*time.Hour, 3*time.Hour, 90*time.Second),
		MaxEntries: pick(d, 200_000, 40, 9, 2),
		MaxRows:    pick(d, 200_000, 40, 9),
		Now:        func() time.Time { return m.world.now.Add(m.skew) },
		Logger:     slog.New(slog.DiscardHandler),
	}
	m.world.twins = !m.world.moves && m.options.MaxEntries == 200_000
	m.filed = []*reference{newReference(m.options)}
	m.open(m.fs)
	m.beliefs = m.filed
	return m
}

// step lets something happen.
func (m *model) step() {
	w := m.world
	switch m.roll(16) {
	case 0, 1:
		w.call()
	case 2, 3:
		w.message()
	case 4:
		w.act()
	case 5:
		w.act()
		w.act()
		w.forget()
	case 6:
		w.now = w.now.Add(time.Duration(m.roll(600)) * time.Second)
	case 7:
		m.wait()
	case 8, 9, 10, 11, 12:
		w.now = w.now.Add(time.Duration(10+m.roll(60)) * time.Second)
		m.read()
		m.read()
	case 13:
		w.now = w.now.Add(time.Second)
		m.read()
	case 14:
		if w.moves && oneIn(m, 3) {
			w.move()
			m.did.Moves++
			return
		}
		m.upheaval()
	case 15:
		m.trouble()
	}
}

// wait lets much time pass, sometimes without a read.
func (m *model) wait() {
	w := m.world
	w.now = w.now.Add(w.window * time.Duration(m.roll(40)) / 16)
	if oneIn(m, 10) {
		w.now = w.now.Add(time.Duration(m.roll(5*24)) * time.Hour)
	}
	if oneIn(m, 8) {
		m.skew += time.Duration(m.roll(7200)) * time.Second
	}
	if oneIn(m, 12) {
		w.window = time.Duration(pick(m.dice, 5, 30, 60, 120, 1440)) * time.Minute
	}
}

// upheaval ends the process, in order or not.
func (m *model) upheaval() {
	switch m.roll(4) {
	case 0:
		m.restart()
	case 1:
		m.crash(m.fs.kill())
		m.did.Kills++
	case 2: // In the middle of a write.
		m.fs.crashAt = m.fs.steps + m.roll(700)
		for range 4 {
			m.world.call()
			m.world.message()
			m.read()
			if m.fs.steps == m.fs.crashAt {
				break
			}
		}
		m.crash(m.fs.kill())
		m.did.Kills++
	case 3:
		m.fs.crashAt = m.fs.steps + m.roll(700)
		m.world.message()
		m.read()
		m.crash(m.fs.cut(m.roll))
		m.did.PowerCuts++
	}
}

// trouble starts or ends a time in which the disk cannot be relied on.
func (m *model) trouble() {
	if m.fs.fault != nil {
		m.fs.fault = nil
		return
	}
	m.did.Troubles++
	often := 1 + m.roll(4)
	m.fs.fault = func(size int) (int, error) {
		if oneIn(m, often) {
			return m.roll(size + 1), syscall.ENOSPC
		}
		return size, nil
	}
}

// read reads one of the journals, mostly to the end.
func (m *model) read() {
	w := m.world
	r := reading{Read: ledger.Read{Date: w.now, Window: w.window}, now: m.options.Now(), at: w.now}
	if m.undated && oneIn(m, 8) {
		r.Date = time.Time{}
	}
	if m.backwards && oneIn(m, 12) {
		r.Date = w.now.Add(time.Duration(m.roll(4000)-2000) * time.Second)
	}
	if m.roll(2) == 0 {
		r.Recent = m.recent(func(r *reference) *refJournal { return &r.calls })
		m.readCalls(r)
	} else {
		r.Recent = m.recent(func(r *reference) *refJournal { return &r.messages })
		m.readMessages(r)
	}
}

// recent says how far back a read goes: mostly to the last one and 10 minutes more, 0
// for the whole window.
func (m *model) recent(of func(*reference) *refJournal) time.Duration {
	for _, r := range m.beliefs {
		if j := of(r); !j.baselined || j.window != m.world.window || j.early > 0 {
			return 0
		}
	}
	since := m.world.now.Sub(of(m.beliefs[0]).lastAt)
	recent := (since + time.Minute - 1).Truncate(time.Minute) + 10*time.Minute
	if since > time.Hour || recent >= m.world.window || oneIn(m, 3) {
		return 0
	}
	m.did.Recents++
	return recent
}

func (m *model) readCalls(whole reading) {
	whole.calls, whole.Truncated = m.world.readCalls(whole.span())
	if m.glitches && oneIn(m, 15) {
		whole.calls, whole.Truncated = nil, false
	}
	// Equal calls keep their order: which of them is the first to be seen decides.
	if !slices.ContainsFunc(whole.calls, func(c ledger.Call) bool { return c.Status.Answered() }) || oneIn(m, 2) {
		shuffle(m, whole.calls)
	}
	tx := m.ledger.BeginCalls()
	defer tx.Abort()
	fail := m.roll(12*(len(whole.calls)+1)) - 11*(len(whole.calls)+1)
	for i, c := range whole.calls {
		if i == fail {
			m.did.Aborts++
			return
		}
		tx.Add(c)
	}
	before, lost := m.ledger.Totals(), false
	if m.knowsTruth() {
		lost = m.world.lostCalls(m.beliefs[0].calls.lastAt, whole.calls)
	}
	view, err := tx.Commit(whole.Read)
	l := m.ledger
	m.committed(err, before, func(r *reference) []*reference { return r.readCalls(whole, l.KeyOfCall) })
	if err == nil {
		m.viewed(shownCalls(view), func(r *reference) *refJournal { return &r.calls })
	}
	m.mustTell(lost, before.CallJournal, m.ledger.Totals().CallJournal)
}

func (m *model) readMessages(whole reading) {
	whole.messages, whole.Truncated = m.world.readMessages(whole.span())
	if m.glitches && oneIn(m, 15) {
		whole.messages, whole.Truncated = nil, false
	}
	shuffle(m, whole.messages)
	tx := m.ledger.BeginMessages()
	defer tx.Abort()
	fail := m.roll(12*(len(whole.messages)+1)) - 11*(len(whole.messages)+1)
	for i, message := range whole.messages {
		if i == fail {
			m.did.Aborts++
			return
		}
		tx.Add(message)
	}
	before, lost := m.ledger.Totals(), false
	if m.knowsTruth() && !m.world.rewrites {
		lost = m.world.lostMessages(m.beliefs[0].messages.lastAt, whole.messages)
	}
	view, err := tx.Commit(whole.Read)
	l := m.ledger
	m.committed(err, before, func(r *reference) []*reference { return r.readMessages(whole, l.KeyOfMessage) })
	if err == nil {
		m.viewed(shownMessages(view), func(r *reference) *refJournal { return &r.messages })
	}
	m.mustTell(lost, before.MessageJournal, m.ledger.Totals().MessageJournal)
}

// open starts a process on a file system. The state it finds must be one of those filed.
func (m *model) open(fs *tearFS) {
	m.t.Helper()
	m.fs = fs
	m.dir = ledger.NewDirOn(fs, "ledgers")
	l, err := m.dir.Open(instance, m.options)
	if err != nil {
		m.t.Fatalf("%s: Open: %v", m.name, err)
	}
	for name := range fs.visible {
		if bytes.Contains([]byte(name), []byte("corrupt")) {
			m.t.Fatalf("%s: a good state file was set aside", m.name)
		}
	}
	m.ledger = l
}

// restart ends the process as it should be.
func (m *model) restart() {
	m.t.Helper()
	m.did.Restarts++
	before := m.ledger.Totals()
	if err := m.ledger.Close(); err != nil {
		m.crash(m.fs.kill())
		return
	}
	m.neverLess(before, m.ledger.Totals())
	m.filed = m.beliefs
	m.reopen(before, m.fs.kill(), false)
}

// crash ends the process, and starts one on what is left.
func (m *model) crash(left *tearFS) {
	m.t.Helper()
	m.crashed = true
	m.filed = distinct(append(slices.Clone(m.filed), m.beliefs...))
	m.reopen(m.ledger.Totals(), left, true)
}

func (m *model) reopen(before *ledger.Totals, left *tearFS, unsure bool) {
	m.t.Helper()
	if file, err := left.ReadFile("ledgers/" + instance + ".ledger"); err == nil {
		if state, _, err := ledger.Decode(file); err == nil && state.Size < len(file) {
			m.did.Torn++
		}
	}
	m.open(left)
	after := m.ledger.Totals()
	m.neverLess(before, after)
	var found []*reference
	for _, r := range m.filed {
		r = r.clone()
		r.restart(m.options.Now())
		if unsure {
			r.crashed(m.backwards)
		}
		found = append(found, r)
	}
	m.beliefs = distinct(m.agreeing(found, after, "after a restart"))
	m.filed = m.beliefs
}

// finish ends the life, and counts what came of it.
func (m *model) finish() {
	m.t.Helper()
	m.fs.fault = nil
	m.restart()
	totals := m.ledger.Totals()
	m.did.Gaps = totals.CallJournal.Gaps + totals.MessageJournal.Gaps
	m.did.Late = totals.CallJournal.LateChanges + totals.MessageJournal.LateChanges
	m.did.Evictions = totals.CallJournal.Evictions + totals.MessageJournal.Evictions
	if !totals.CallJournal.Baseline.Equal(totals.CallJournal.Created) {
		m.did.Baselines++
	}
	for _, f := range m.fs.visible {
		for _, private := range []string{"7999000", "12036300", "@c.us", "@g.us", "BAE5F0C0DE"} {
			if bytes.Contains(f.data, []byte(private)) {
				m.t.Fatalf("%s: the state file holds %q", m.name, private)
			}
		}
	}
}
