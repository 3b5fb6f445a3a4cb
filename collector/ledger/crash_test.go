package ledger_test

import (
	"bytes"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

// TestCrashAtAnyByte kills the process, or cuts the power, at every seventh
// byte or operation of a life, and looks at what the next process finds.
func TestCrashAtAnyByte(t *testing.T) {
	t.Parallel()
	const n = 12
	options := ledger.Options{MaxEntries: n * 3 / 2, Now: func() time.Time { return start }}
	var want []*ledger.Totals // Before each commit, and after the last.
	memory := ledger.New(options)
	want = append(want, memory.Totals())
	lifeOf(t, memory, n, func() { want = append(want, memory.Totals()) })

	run := func(crashAt int) (fs *tearFS, shown int) {
		fs = newTearFS()
		fs.crashAt = crashAt
		l, err := ledger.NewDirOn(fs, "d").Open(instance, options)
		if err != nil {
			t.Fatal(err)
		}
		commits := 0
		lifeOf(t, l, n, func() {
			commits++
			if totals := l.Totals(); totals.LastWriteOK {
				shown = commits
				if !reflect.DeepEqual(totals, want[shown]) {
					t.Fatalf("crash at %d: after commit %d (-want +got):\n%s", crashAt, commits, cmp.Diff(want[shown], totals))
				}
			}
		})
		if err := l.Close(); (err != nil) != (fs.steps == crashAt) {
			t.Fatalf("crash at %d: Close: %v", crashAt, err)
		}
		return fs, shown
	}
	alive, _ := run(-1)
	for crashAt := 0; crashAt < alive.steps; crashAt += 7 {
		fs, shown := run(crashAt)
		rolls := 0
		roll := func(n int) int { rolls += 7919; return rolls % n }
		for name, left := range map[string]*tearFS{"killed": fs.kill(), "power cut": fs.cut(roll), "power cut again": fs.cut(roll)} {
			l, err := ledger.NewDirOn(left, "d").Open(instance, options)
			if err != nil {
				t.Fatalf("crash at %d, %s: Open: %v", crashAt, name, err)
			}
			found := l.Totals()
			next := min(shown+1, len(want)-1)
			if !reflect.DeepEqual(found, want[shown]) && !reflect.DeepEqual(found, want[next]) {
				t.Fatalf("crash at %d, %s: %d commits were shown, found (-want +got):\n%s", crashAt, name, shown, cmp.Diff(want[shown], found))
			}
		}
	}
}

// TestPowerCutAtAnyTime cuts the power in the middle of a life whose records take
// several pages of the disk. Of the pages and names that were not synced, any are left.
func TestPowerCutAtAnyTime(t *testing.T) {
	t.Parallel()
	const n = 600
	options := ledger.Options{MaxEntries: n * 3 / 2, Now: func() time.Time { return start }}
	memory := ledger.New(options)
	want := []*ledger.Totals{memory.Totals()}
	lifeOf(t, memory, n, func() { want = append(want, memory.Totals()) })
	run := func(crashAt int) (fs *tearFS, shown int) {
		fs = newTearFS()
		fs.crashAt = crashAt
		l := open(t, ledger.NewDirOn(fs, "d"), options)
		commits := 0
		lifeOf(t, l, n, func() {
			if commits++; l.Totals().LastWriteOK {
				shown = commits
			}
		})
		return fs, shown
	}
	alive, _ := run(-1)
	random := rand.New(rand.NewPCG(1, 2))
	torn, beginningsLost := 0, 0
	for range 80 {
		crashAt := random.IntN(alive.steps)
		fs, shown := run(crashAt)
		for range 5 {
			left := fs.cut(random.IntN)
			if file, err := left.ReadFile(filepath.Join("d", instance+".ledger")); err == nil {
				_, size, err := ledger.DecodeFrames(file)
				if err != nil {
					t.Fatalf("crash at %d: %v", crashAt, err)
				}
				if size < len(file) {
					torn++
					if rest := file[size:]; bytes.HasPrefix(rest, make([]byte, 12)) && !bytes.Equal(rest, make([]byte, len(rest))) {
						beginningsLost++
					}
				}
			}
			found := open(t, ledger.NewDirOn(left, "d"), options).Totals()
			next := min(shown+1, len(want)-1)
			if !reflect.DeepEqual(found, want[shown]) && !reflect.DeepEqual(found, want[next]) {
				t.Fatalf("crash at %d: %d commits were shown, found (-want +got):\n%s", crashAt, shown, cmp.Diff(want[shown], found))
			}
		}
	}
	if torn < 20 || beginningsLost < 5 {
		t.Errorf("%d torn ends, of %d the beginning was lost: the test shows little", torn, beginningsLost)
	}
}

// TestAnyFaults lets each operation of a life fail in turn, alone and with one of
// those after it. Whatever is shown must be there after a power cut, at any time.
func TestAnyFaults(t *testing.T) {
	t.Parallel()
	options := ledger.Options{MaxEntries: faultyRows * 3 / 2, Now: func() time.Time { return start }}
	var want []*ledger.Totals
	memory := ledger.New(options)
	want = append(want, memory.Totals())
	lifeOf(t, memory, faultyRows, func() { want = append(want, memory.Totals()) })

	faultyLife(t, options, want, -1, -1)
	for again := range 9 {
		for failAt, operations := 0, 1; failAt < operations; failAt++ {
			operations = faultyLife(t, options, want, failAt, failAt+again)
		}
	}
}

// faultyRows is how many messages a faulty life has: it folds its log twice.
const faultyRows = 24

// faultyLife lives a life in which two operations fail, or one that is both, or none
// when both are negative. It returns how many there were.
func faultyLife(t *testing.T, options ledger.Options, want []*ledger.Totals, failAt, failAgainAt int) (operations int) {
	t.Helper()
	fs := newTearFS()
	fs.fault = func(size int) (int, error) {
		defer func() { operations++ }()
		if operations == failAt || operations == failAgainAt {
			return size / 2, syscall.ENOSPC
		}
		return size, nil
	}
	l, err := ledger.NewDirOn(fs, "d").Open(instance, options)
	if err != nil {
		t.Fatal(err)
	}
	shown, commits := 0, 0
	lifeOf(t, l, faultyRows, func() {
		commits++
		if same(l.Totals(), want[commits]) {
			shown = commits
		} else if !same(l.Totals(), want[shown]) || l.Totals().LastWriteOK {
			t.Fatalf("faults %d and %d: commit %d shows what was never there", failAt, failAgainAt, commits)
		}
		if operations <= failAt {
			return // as in the life without a fault
		}
		for name, left := range map[string]*tearFS{
			"killed":            fs.kill(),
			"cut, names synced": fs.cut(func(int) int { return 0 }),
			"cut":               fs.cut(func(n int) int { return 1 % n }),
		} {
			next, err := ledger.NewDirOn(left, "d").Open(instance, options)
			if err != nil {
				t.Fatalf("faults %d and %d, commit %d, %s: %v", failAt, failAgainAt, commits, name, err)
			}
			if !slices.ContainsFunc(want[shown:commits+1], func(w *ledger.Totals) bool { return same(next.Totals(), w) }) {
				t.Fatalf("faults %d and %d, commit %d, %s: not what was shown (-shown +found):\n%s",
					failAt, failAgainAt, commits, name, cmp.Diff(want[shown], next.Totals()))
			}
		}
	})
	for range 2 { // The faults may go on until here.
		commitMessages(t, l, at(3002*time.Minute), benchMessages(100+faultyRows, faultyRows*2/3)...) // Unchanged.
	}
	if !reflect.DeepEqual(l.Totals(), want[commits]) {
		t.Fatalf("faults %d and %d: in the end (-want +got):\n%s", failAt, failAgainAt, cmp.Diff(want[commits], l.Totals()))
	}
	return operations
}

// same reports whether the totals are equal but for LastWriteOK.
func same(a, b *ledger.Totals) bool {
	x, y := *a, *b
	x.LastWriteOK, y.LastWriteOK = true, true
	return reflect.DeepEqual(x, y)
}

// TestWhatWasReadIsOnTheDisk has a process find a record that was written and
// not synced before it: the power may not take from it what it has shown.
func TestWhatWasReadIsOnTheDisk(t *testing.T) {
	t.Parallel()
	fs := newTearFS()
	l := open(t, ledger.NewDirOn(fs, "d"), ledger.Options{})
	commitCalls(t, l, at(0))
	commitCalls(t, l, at(0), benchCalls(0, 1)...)
	operations := 0
	fs.fault = func(size int) (int, error) {
		if operations++; operations > 4 { // Open and close to look, open and write; no sync.
			return 0, syscall.EIO
		}
		return size, nil
	}
	commitCalls(t, l, at(0), benchCalls(0, 2)...)
	if got := sum(l.Totals().Calls); got != 1 {
		t.Errorf("%d calls are shown, of which 1 is synced", got)
	}
	after := fs.kill()
	found := open(t, ledger.NewDirOn(after, "d"), ledger.Options{}).Totals()
	if got := sum(found.Calls); got != 2 {
		t.Errorf("after kill -9: %d calls, want 2", got)
	}
	cut := after.cut(func(int) int { return 0 })
	if diff := cmp.Diff(found, open(t, ledger.NewDirOn(cut, "d"), ledger.Options{}).Totals()); diff != "" {
		t.Errorf("after a power cut (-shown +found):\n%s", diff)
	}
}

// TestCloseSavesTheDate shows that after a clean stop a gap is reported to the second,
// and that what is written for that is not the whole file.
func TestCloseSavesTheDate(t *testing.T) {
	t.Parallel()
	fs := newTearFS()
	dir := ledger.NewDirOn(fs, "d")
	l := open(t, dir, ledger.Options{})
	commitCalls(t, l, at(0))
	commitCalls(t, l, at(0), benchCalls(0, 1)...)
	commitCalls(t, l, at(10*time.Minute), benchCalls(0, 1)...) // Writes nothing.
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if m := decoded(t, fs.visible[filepath.Join("d", instance+".ledger")].data); m.Frames != 3 {
		t.Errorf("%d frames after Close, want 3", m.Frames)
	}
	l = open(t, dir, ledger.Options{})
	commitCalls(t, l, at(10*time.Minute+24*time.Hour-2*time.Minute), benchCalls(0, 1)...)
	if got := l.Totals().CallJournal.Gaps; got != 0 {
		t.Errorf("%d gaps, want 0", got)
	}
}
