package ledger_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

var update = flag.Bool("update", false, "write the golden files anew")

// life is a few commits that differ in all that a state file can say.
func life(tb testing.TB, l *ledger.Ledger, after func()) {
	tb.Helper()
	lifeOf(tb, l, 60, after)
}

// lifeOf is a life with journals of n messages and fewer calls.
func lifeOf(tb testing.TB, l *ledger.Ledger, n int, after func()) {
	tb.Helper()
	day := func(minutes int) ledger.Read { return at(time.Duration(minutes) * time.Minute) }
	calls, messages := benchCalls(0, n*2/3), benchMessages(0, n)
	messages[n-2].ChatType, messages[n-1].ChatType = "group", "channel"
	for _, commit := range []func(){
		func() { commitCalls(tb, l, day(0), calls[:2]...) },
		func() { commitMessages(tb, l, day(0), messages[:2]...) },
		func() { commitCalls(tb, l, day(1), calls...) },
		func() { commitMessages(tb, l, day(1), messages[1:]...) },
		func() {
			for i := range messages {
				messages[i].Status, messages[i].Time = "read", messages[i].Time+1
			}
			commitMessages(tb, l, day(2), messages...)
		},
		func() { commitCalls(tb, l, day(2), calls[4:6]...) },
		func() { commitCalls(tb, l, ledger.Read{Date: start, Window: 25 * time.Hour}, calls[n/2:]...) },
		func() { commitMessages(tb, l, day(3000), messages[3]) },
		func() { commitMessages(tb, l, day(3001), benchMessages(100, n)...) },
		func() { commitMessages(tb, l, day(3002), benchMessages(100+n, n*2/3)...) },
	} {
		commit()
		after()
	}
}

// fileAfterLife returns a state file that has a log, and where its frames end.
func fileAfterLife(t *testing.T) (file []byte, ends []int) {
	t.Helper()
	return fileAfterLifeOf(t, 60)
}

func fileAfterLifeOf(t *testing.T, n int) (file []byte, ends []int) {
	t.Helper()
	fs := newTearFS()
	l, err := ledger.NewDirOn(fs, "d").Open(instance, ledger.Options{MaxEntries: n * 3 / 2, Now: func() time.Time { return start }})
	if err != nil {
		t.Fatal(err)
	}
	lifeOf(t, l, n, func() {
		next := fs.visible[filepath.Join("d", instance+".ledger")].data
		if !bytes.HasPrefix(next, file) { // Folded.
			ends = nil
		}
		file = slices.Clone(next)
		ends = append(ends, len(file))
	})
	if ends = slices.Compact(ends); len(ends) < 3 {
		t.Fatalf("the file has %d frames; want a log of two at least", len(ends))
	}
	return file, ends
}

func decoded(t *testing.T, file []byte) *ledger.Meaning {
	t.Helper()
	m, _, err := ledger.Decode(file)
	if err != nil {
		t.Fatalf("Decode: %v", err)
	}
	return m
}

func TestTornEndIsCut(t *testing.T) {
	t.Parallel()
	file, ends := fileAfterLifeOf(t, 12)
	for size := range file {
		whole := 0
		for whole < len(ends) && ends[whole] <= size {
			whole++
		}
		zeros := make([]byte, ends[whole]-size)
		torn := map[string][]byte{"short": file[:size]}
		// A frame that ends with zeros, as one in 256 does, is whole with them.
		if zeroed := slices.Concat(file[:size], zeros); !bytes.HasPrefix(file, zeroed) {
			torn["with zeros"] = zeroed
		}
		for name, file := range torn {
			m, _, err := ledger.Decode(file)
			switch {
			case whole == 0 && !ledger.IsDamaged(err):
				t.Fatalf("%s, %d bytes: a torn snapshot passes: %v", name, size, err)
			case whole > 0 && err != nil:
				t.Fatalf("%s, %d bytes: %v", name, size, err)
			case whole > 0 && m.Frames != whole:
				t.Fatalf("%s, %d bytes: %d frames, want %d", name, size, m.Frames, whole)
			}
		}
	}
}

func TestEveryFlippedBitIsDetectedOrCutsTheEnd(t *testing.T) {
	t.Parallel()
	file, _ := fileAfterLifeOf(t, 12)
	for bit := range len(file) * 8 {
		checkFlip(t, file, bit)
	}
}

// checkFlip fails when a file passes of which one bit is wrong, unless it passes
// for what it was before its last frame.
func checkFlip(t *testing.T, file []byte, bit int) {
	t.Helper()
	flipped := slices.Clone(file)
	flipped[bit/8] ^= 1 << (bit % 8)
	got, _, err := ledger.Decode(flipped)
	if err != nil {
		return
	}
	if whole := decoded(t, file); got.Size > bit/8 || got.Frames < whole.Frames-1 {
		t.Fatalf("a flipped bit at byte %d of %d is not detected", bit/8, len(file))
	}
	if want := decoded(t, file[:got.Size]); !reflect.DeepEqual(got, want) {
		t.Fatalf("a flipped bit at byte %d of %d changes what comes before (-want +got):\n%s", bit/8, len(file), cmp.Diff(want, got))
	}
}

func TestFramesBelongWhereTheyAre(t *testing.T) {
	t.Parallel()
	file, ends := fileAfterLife(t)
	first, second := file[ends[0]:ends[1]], file[ends[1]:ends[2]]
	snapshot := file[:ends[0]]
	for name, other := range map[string][]byte{
		"one is missing":          slices.Concat(snapshot, second),
		"one comes twice":         slices.Concat(snapshot, first, first),
		"two have changed places": slices.Concat(snapshot, second, first),
		"no snapshot":             slices.Concat(file[:ledger.HeaderSize], first),
	} {
		if _, _, err := ledger.Decode(other); !ledger.IsDamaged(err) {
			t.Errorf("%s: %v, want damage", name, err)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	file, _ := fileAfterLife(t)
	newer := slices.Clone(file)
	binary.LittleEndian.PutUint32(newer[8:], ledger.Version+1)
	section := func(kind, journal byte, body ...byte) []byte {
		b := binary.LittleEndian.AppendUint32([]byte{kind, journal}, uint32(len(body)))
		return ledger.Frame(ledger.Header(), 0, append(b, body...))
	}
	for _, test := range []struct {
		name  string
		file  []byte
		newer bool
	}{
		{"nothing", nil, false},
		{"another kind of file", []byte("# HELP greenapi_up Whether the last scrape worked.\n"), false},
		{"a newer version", newer, true},
		{"a newer version, and nothing else", newer[:12], false},
		{"version 0", append([]byte("gapiledg\x00\x00\x00\x00"), file[12:]...), false},
		{"a section of a later kind", section(99, 1), true},
		{"a journal of a later kind", section(2, 9), true},
		{"a counter of a later kind", section(5, 0, 200, 1), true},
		{"a section longer than the file", ledger.Frame(ledger.Header(), 0, []byte{3, 1, 255, 255, 255, 255}), false},
		{"half an entry", section(3, 1, 1, 2, 3, 4), false},
		{"entries out of order", section(3, 1, slices.Concat(entry(2), entry(1))...), false},
		{"the same entry twice", section(3, 1, slices.Concat(entry(2), entry(2))...), false},
		{"a call last seen at no time", section(3, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), false},
		{"a message of an impossible state", section(3, 2, bytes.Repeat([]byte{255}, 16)...), false},
		{"a message of an unknown chat type", section(3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 3, 0, 8, 0), false},
		{"half a name", section(1, 0, 5, 'o', 't', 'h', 'e', 'r', 200), false},
		{"a name longer than can be", section(1, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1), false},
		{"too many names", section(1, 0, append([]byte("\x05other"), make([]byte, 300)...)...), false},
		{"entries of no journal", section(3, 0), false},
		{"names of a journal", section(1, 1, 5, 'o', 't', 'h', 'e', 'r'), false},
		{"half of what is known of a journal", section(2, 1, 1), false},
		{"a histogram that falls", section(5, 0, 3, 0, 0, 9, 9, 5, 4, 4, 4, 4, 4, 4, 4, 4, 4), false},
		{"a histogram of more than there are", section(5, 0, 3, 0, 0, 1, 9, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5), false},
		{"too many label sets", section(5, 0, manySent(2000)...), false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := ledger.Decode(test.file)
			if errors.Is(err, ledger.ErrNewerVersion) != test.newer || ledger.IsDamaged(err) == test.newer {
				t.Errorf("error %v; want that of a newer version: %t", err, test.newer)
			}
		})
	}
}

func entry(key uint64) []byte {
	return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint64(nil, key), 1)
}

func manySent(n int) (b []byte) {
	for i := range n {
		name := fmt.Sprint(i)
		b = append(b, 5, byte(len(name)))
		b = append(append(b, name...), 1)
	}
	return b
}

// TestFileOfThisVersionCanBeRead reads a file of version 1. It must be readable,
// and mean the same, for as long as there are such files.
func TestFileOfThisVersionCanBeRead(t *testing.T) {
	t.Parallel()
	golden := filepath.Join("testdata", "v1.ledger")
	if _, err := os.Stat(golden); *update && errors.Is(err, os.ErrNotExist) { // what is there stays
		file, _ := fileAfterLife(t)
		if err := os.WriteFile(golden, file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	file, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	options := ledger.Options{MaxEntries: 90, Now: func() time.Time { return start }}
	memory := ledger.New(options)
	life(t, memory, func() {})

	fs := newTearFS()
	fs.visible[filepath.Join("d", instance+".ledger")] = &inode{data: file, synced: len(file)}
	l, err := ledger.NewDirOn(fs, "d").Open(instance, options)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(memory.Totals(), l.Totals()); diff != "" {
		t.Errorf("totals (-want +got):\n%s", diff)
	}
	commitMessages(t, l, at(3003*time.Minute), benchMessages(160, 40)...)
	if got, want := sum(l.Totals().Observed), sum(memory.Totals().Observed); got != want {
		t.Errorf("observed %d once the last journal was read again, want %d: its keys are not known", got, want)
	}
}

// FuzzState reads what is no state file, or nearly one. With wrap, snapshot and
// log are the payloads of frames whose checksums are right, so that the fuzzer
// gets past them.
func FuzzState(f *testing.F) {
	f.Fuzz(func(t *testing.T, snapshot, log []byte, wrap bool, flip uint) {
		file := slices.Concat(snapshot, log)
		if wrap {
			file = ledger.Frame(ledger.Frame(ledger.Header(), 0, snapshot), 1, log)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m, again, err := ledger.Decode(file)
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20+uint64(256*len(file)) {
			t.Fatalf("%d bytes allocated for a file of %d", took, len(file))
		}
		if err != nil {
			if !ledger.IsDamaged(err) && !errors.Is(err, ledger.ErrNewerVersion) {
				t.Fatalf("an error of no kind: %v", err)
			}
			return
		}
		repeated, _, err := ledger.Decode(again)
		if err != nil {
			t.Fatalf("what was read and written again cannot be read: %v", err)
		}
		m.Size, m.Snapshot, m.Frames = repeated.Size, repeated.Snapshot, repeated.Frames
		if !reflect.DeepEqual(m, repeated) {
			t.Fatalf("what was read and written again says something else (-first +second):\n%s", cmp.Diff(m, repeated))
		}
		checkFlip(t, file, int(flip%uint(len(file)*8)))
	})
}
