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
	"google.golang.org/protobuf/encoding/protowire"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
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
	messages[n-2].ChatID, messages[n-1].ChatID = chatOf("group"), chatOf("channel")
	for _, commit := range []func(){
		func() { commitCalls(tb, l, day(0), calls[:2]...) },
		func() { commitMessages(tb, l, day(0), messages[:2]...) },
		func() { commitCalls(tb, l, day(1), calls...) },
		func() { commitMessages(tb, l, day(1), messages[1:]...) },
		func() {
			for i := range messages {
				messages[i].Status, messages[i].Time = messageStatus("read"), messages[i].Time+1
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
	var now []int
	lifeOf(t, l, n, func() {
		next := fs.visible[filepath.Join("d", instance+".ledger")].data
		if len(now) > 0 && len(next) < now[len(now)-1] { // Folded.
			now = nil
		}
		now = slices.Compact(append(now, len(next)))
		if len(now) >= len(ends) {
			file, ends = slices.Clone(next), slices.Clone(now)
		}
	})
	if len(ends) < 3 {
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
			frames, _, err := ledger.DecodeFrames(file)
			switch {
			case whole == 0 && !ledger.IsDamaged(err):
				t.Fatalf("%s, %d bytes: a torn snapshot passes: %v", name, size, err)
			case whole > 0 && err != nil:
				t.Fatalf("%s, %d bytes: %v", name, size, err)
			case whole > 0 && frames != whole:
				t.Fatalf("%s, %d bytes: %d frames, want %d", name, size, frames, whole)
			}
		}
	}
}

// lose returns a file of which the bytes from one to another read as zeros.
func lose(file []byte, from, to int) []byte {
	lost := slices.Clone(file)
	clear(lost[from:to])
	return lost
}

// filesOfAllVersions returns those of testdata, and where their frames end.
func filesOfAllVersions(t *testing.T) (files [][]byte, ends [][]int) {
	t.Helper()
	for v := 1; v <= ledger.Version; v++ {
		file, err := os.ReadFile(filepath.Join("testdata", fmt.Sprintf("v%d.ledger", v)))
		if err != nil {
			t.Fatal(err)
		}
		extra := []int{1: 12, 2: 16}[v]
		var ended []int
		for at := ledger.HeaderSize; at < len(file); {
			at += extra + int(binary.LittleEndian.Uint32(file[at:]))
			ended = append(ended, at)
		}
		files, ends = append(files, file), append(ends, ended)
	}
	return files, ends
}

// TestAnyPartOfTheLastFrameMayBeLost is what a power cut does: of the pages of a
// record that was being written, any may be missing, the first as well.
func TestAnyPartOfTheLastFrameMayBeLost(t *testing.T) {
	t.Parallel()
	files, ends := filesOfAllVersions(t)
	for v, file := range files {
		whole := len(ends[v]) - 1
		begin := ends[v][whole-1]
		for from := begin; from < len(file); from += 1 + (from-begin)/8 {
			for to := from + 1; to <= len(file); to += 1 + (to-from)/8 {
				lost := lose(file, from, to)
				if bytes.Equal(lost, file) {
					continue
				}
				if frames, size, err := ledger.DecodeFrames(lost); err != nil || frames != whole || size != begin {
					t.Fatalf("version %d, bytes %d to %d of the last frame: %v", v+1, from-begin, to-begin, err)
				}
			}
		}
	}
}

// TestFrameBehindABrokenOneMeansDamage holds that what was written behind a record
// shows that the record was whole once.
func TestFrameBehindABrokenOneMeansDamage(t *testing.T) {
	t.Parallel()
	files, ends := filesOfAllVersions(t)
	for v, file := range files {
		begin := ledger.HeaderSize
		for n, end := range ends[v][:len(ends[v])-1] {
			for from := begin; from < end; from += 1 + (from-begin)/4 {
				for to := from + 1; to <= end; to += 1 + (to-from)/4 {
					lost := lose(file, from, to)
					if bytes.Equal(lost, file) {
						continue
					}
					if _, _, err := ledger.DecodeFrames(lost); !ledger.IsDamaged(err) {
						t.Fatalf("version %d, bytes %d to %d of frame %d: %v, want damage", v+1, from-begin, to-begin, n, err)
					}
				}
			}
			begin = end
		}
	}
	file, at := fileAfterLifeOf(t, 12)
	for name, broken := range map[string][]byte{
		"two before a whole one":          lose(file, at[1]+1, at[3]-1),
		"all of the log but the last one": lose(file, at[0], at[len(at)-2]),
		"one before a torn one":           lose(file, at[1]+1, at[2])[:at[2]+20],
	} {
		if _, _, err := ledger.Decode(broken); !ledger.IsDamaged(err) {
			t.Errorf("%s: %v, want damage", name, err)
		}
	}
}

func TestEveryFlippedBitIsDetectedOrCutsTheEnd(t *testing.T) {
	t.Parallel()
	file, _ := fileAfterLifeOf(t, 12)
	check := flipChecker(t, file)
	for bit := range len(file) * 8 {
		check(bit)
	}
}

// flipChecker returns a function that fails when the file passes with one of its bits
// flipped, unless it passes for what it was before its last frame.
func flipChecker(t *testing.T, file []byte) func(bit int) {
	t.Helper()
	whole := decoded(t, file)
	var before *ledger.Meaning // What the file was before its last frame.
	flipped := slices.Clone(file)
	return func(bit int) {
		t.Helper()
		mask := byte(1) << (bit % 8)
		flipped[bit/8] ^= mask
		defer func() { flipped[bit/8] ^= mask }()
		frames, size, err := ledger.DecodeFrames(flipped)
		if err != nil {
			return
		}
		if size > bit/8 || frames < whole.Frames-1 {
			t.Fatalf("a flipped bit at byte %d of %d is not detected", bit/8, len(file))
		}
		if before == nil || before.Size != size {
			before = decoded(t, file[:size])
		}
		if got := decoded(t, flipped); !reflect.DeepEqual(got, before) {
			t.Fatalf("a flipped bit at byte %d of %d changes what comes before (-want +got):\n%s", bit/8, len(file), cmp.Diff(before, got))
		}
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

func field(number protowire.Number, content ...[]byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(nil, number, protowire.BytesType), slices.Concat(content...))
}

func textField(number protowire.Number, text string) []byte { return field(number, []byte(text)) }

func numberField(number protowire.Number, n uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(nil, number, protowire.VarintType), n)
}

// column is a packed field; of fixed width when it is that of identifiers, chats or times.
func column(number protowire.Number, numbers ...uint64) []byte {
	var b []byte
	for _, n := range numbers {
		switch number {
		case 1, 2:
			b = protowire.AppendFixed64(b, n)
		case 3, 13:
			b = protowire.AppendFixed32(b, uint32(n))
		default:
			b = protowire.AppendVarint(b, n)
		}
	}
	return field(number, b)
}

func varints(numbers ...uint64) (b []byte) {
	for _, n := range numbers {
		b = protowire.AppendVarint(b, n)
	}
	return b
}

// journalOf is a Record that has a Journal.
func journalOf(name string, fields ...[]byte) []byte {
	return field(3, textField(1, name), slices.Concat(fields...))
}

// counterOf is a Record that has a Counter.
func counterOf(family string, labels []string, values ...uint64) []byte {
	b := textField(1, family)
	for _, l := range labels {
		b = append(b, textField(2, l)...)
	}
	return field(4, b, field(3, varints(values...)))
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	file, _ := fileAfterLife(t)
	newer := slices.Clone(file)
	binary.LittleEndian.PutUint32(newer[8:], ledger.Version+1)
	snapshot := func(record ...[]byte) []byte { return ledger.Frame(ledger.Header(), 0, slices.Concat(record...)) }
	log := func(record ...[]byte) []byte {
		return ledger.Frame(ledger.Frame(ledger.Header(), 0, nil), 1, slices.Concat(record...))
	}
	rows := func(columns ...[]byte) []byte { return field(4, columns...) }
	oneCall := column(1, 7)
	for _, test := range []struct {
		name  string
		file  []byte
		newer bool
	}{
		{"nothing", nil, false},
		{"another kind of file", []byte("# HELP greenapi_up Whether the last scrape worked.\n"), false},
		{"a newer version", newer, true},
		{"a newer version, and nothing else", newer[:12], true},
		{"version 0", append([]byte("gapiledg\x00\x00\x00\x00"), file[12:]...), false},

		{"a later field of a record", snapshot(textField(99, "x")), true},
		{"a later journal", snapshot(journalOf("incoming")), true},
		{"a later field of a journal", snapshot(journalOf("calls", textField(99, "x"))), true},
		{"a later field of what is known of a journal", snapshot(journalOf("calls", field(2, numberField(99, 1)))), true},
		{"a later column", snapshot(journalOf("calls", rows(oneCall, column(99, 1)))), true},
		{"a column of the other journal", snapshot(journalOf("calls", rows(oneCall, column(10, 1)))), true},
		{"a later status", snapshot(journalOf("messages", rows(column(1, 7), column(10, uint64(vocabulary.MessageStatusCount))))), true},
		{"a later type", snapshot(journalOf("messages", rows(column(1, 7), column(11, 60)))), true},
		{"a later stage", snapshot(journalOf("messages", rows(column(1, 7), column(8, 4)))), true},
		{"a later failure", snapshot(journalOf("messages", rows(column(1, 7), column(9, 1<<len(vocabulary.Failures()))))), true},
		{"a later flag", snapshot(journalOf("calls", rows(oneCall, column(5, 2)))), true},
		{"a later status of calls", snapshot(journalOf("calls", rows(oneCall, column(16, uint64(vocabulary.CallStatusCount))))), true},
		{"a later status of participants", snapshot(journalOf("calls", field(3, field(1, varints(1, 1, 1, 1, 1, 1, 1, 1, 1, 1))))), true},
		{"a later field of participants", snapshot(journalOf("calls", field(3, textField(9, "x")))), true},
		{"a chat type of a later version", snapshot(journalOf("messages", rows(column(1, 7), column(4, 9)))), true},
		{"a later field in the log", log(journalOf("calls", textField(99, "x"))), true},
		{"a later family of counters", snapshot(counterOf("weights", nil, 1)), true},
		{"a later field of a counter", snapshot(field(4, textField(1, "sent"), textField(99, "x"))), true},

		{"half a tag", snapshot([]byte{0x80}), false},
		{"a field longer than the file", snapshot([]byte{0x0a, 0xff, 0xff, 0xff, 0xff, 0x0f}), false},
		{"a group", snapshot([]byte{0x0b, 0x0c}), false},
		{"a number for a record's field", snapshot(numberField(1, 1)), false},
		{"a number for what is known of a journal", snapshot(journalOf("calls", numberField(2, 1))), false},
		{"a text for a number", snapshot(journalOf("calls", field(2, textField(2, "x")))), false},
		{"an owner in the log", log(textField(1, instance)), false},
		{"a journal without a name", snapshot(field(3, field(2, nil))), false},
		{"rows without identifiers", snapshot(journalOf("calls", rows(column(2, 7)))), false},
		{"half an identifier", snapshot(journalOf("calls", rows(field(1, []byte{1, 2, 3, 4})))), false},
		{"identifiers out of order", snapshot(journalOf("calls", rows(column(1, 2, 1)))), false},
		{"identifiers of the past out of order", snapshot(journalOf("calls", field(7, column(1, 2, 1)))), false},
		{"identifiers twice", snapshot(journalOf("calls", rows(column(1, 2), column(2, 7), column(1, 3)))), false},
		{"a column too long", snapshot(journalOf("calls", rows(oneCall, column(2, 7, 7)))), false},
		{"a column too short", snapshot(journalOf("calls", rows(column(1, 7, 8), column(2, 7)))), false},
		{"rows twice", snapshot(journalOf("calls", rows(oneCall, column(2, 7)), rows(column(1, 8), column(2, 7)))), false},
		{"rows that leave in a snapshot", snapshot(journalOf("calls", field(5, oneCall))), false},
		{"rows of version 1 in the log", log(journalOf("calls", field(9, oneCall))), false},
		{"half a forgotten identifier", log(journalOf("calls", field(10, []byte{1, 2, 3}))), false},
		{"a call with participants that are not there", snapshot(journalOf("calls", rows(oneCall, column(19, 10)))), false},
		{"an event about a message that was read", snapshot(journalOf("messages", rows(column(1, 7), column(11, 16), column(8, 3)))), false},
		{"too many participants", snapshot(journalOf("calls", field(3, field(1, varints(1<<16))))), false},
		{"a window that is negative", snapshot(journalOf("calls", field(2, numberField(4, 1<<63)))), false},
		{"a counter without a family", snapshot(field(4, column(3, 1))), false},
		{"a counter with labels missing", snapshot(counterOf("failed", []string{"noAccount"}, 1)), false},
		{"a counter with too many values", snapshot(counterOf("sent", []string{"private"}, 1, 2)), false},
		{"a histogram that falls", snapshot(counterOf("call_durations", []string{"", ""}, 9, 9, 5, 4, 4, 4, 4, 4, 4, 4, 4, 4)), false},
		{"a histogram of more than there are", snapshot(counterOf("call_durations", []string{"", ""}, 1, 9, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5)), false},
		{"a sum that is negative", snapshot(counterOf("call_durations", []string{"", ""}, 1, 1<<63, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)), false},
		{"too many label sets", snapshot(manySent(2000)), false},
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

func manySent(n int) (b []byte) {
	for i := range n {
		b = append(b, counterOf("sent", []string{fmt.Sprint(i)}, 1)...)
	}
	return b
}

func TestDecodeRefusesOfVersion1(t *testing.T) {
	t.Parallel()
	section := func(kind, journal byte, body ...byte) []byte {
		b := binary.LittleEndian.AppendUint32([]byte{kind, journal}, uint32(len(body)))
		return ledger.V1Frame(ledger.V1Header(), 0, append(b, body...))
	}
	entry := func(key uint64) []byte {
		return binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint64(nil, key), 1)
	}
	for name, file := range map[string][]byte{
		"a section of a later kind":          section(99, 1),
		"a journal of a later kind":          section(2, 9),
		"a counter of a later kind":          section(5, 0, 200, 1),
		"a section longer than the file":     ledger.V1Frame(ledger.V1Header(), 0, []byte{3, 1, 255, 255, 255, 255}),
		"half an entry":                      section(3, 1, 1, 2, 3, 4),
		"entries out of order":               section(3, 1, slices.Concat(entry(2), entry(1))...),
		"the same entry twice":               section(3, 1, slices.Concat(entry(2), entry(2))...),
		"a call last seen at no time":        section(3, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
		"a message of an impossible state":   section(3, 2, bytes.Repeat([]byte{255}, 16)...),
		"a message of an unknown chat type":  section(3, 2, 1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 3, 0, 8, 0),
		"half a name":                        section(1, 0, 5, 'o', 't', 'h', 'e', 'r', 200),
		"a name longer than can be":          section(1, 0, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1),
		"too many names":                     section(1, 0, append([]byte("\x05other"), make([]byte, 300)...)...),
		"entries of no journal":              section(3, 0),
		"names of a journal":                 section(1, 1, 5, 'o', 't', 'h', 'e', 'r'),
		"half of what is known of a journal": section(2, 1, 1),
		"a histogram that falls":             section(5, 0, 3, 0, 0, 9, 9, 5, 4, 4, 4, 4, 4, 4, 4, 4, 4),
		"a histogram of more than there are": section(5, 0, 3, 0, 0, 1, 9, 5, 5, 5, 5, 5, 5, 5, 5, 5, 5),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, _, err := ledger.Decode(file); !ledger.IsDamaged(err) {
				t.Errorf("error %v; want damage", err)
			}
		})
	}
}

// goldens are files of all versions, and how many messages the lives had that
// wrote them.
var goldens = []int{1: 60, 2: 46}

// TestFilesOfAllVersionsCanBeRead reads a file of each version. They must be
// readable, and mean the same, for as long as there are such files.
func TestFilesOfAllVersionsCanBeRead(t *testing.T) {
	t.Parallel()
	for v := 1; v <= ledger.Version; v++ {
		t.Run(fmt.Sprint(v), func(t *testing.T) {
			t.Parallel()
			n := goldens[v]
			options := ledger.Options{MaxEntries: n * 3 / 2, Now: func() time.Time { return start }}
			path := filepath.Join("d", instance+".ledger")
			golden := filepath.Join("testdata", fmt.Sprintf("v%d.ledger", v))
			if _, err := os.Stat(golden); *update && errors.Is(err, os.ErrNotExist) { // what is there stays
				fs := newTearFS()
				lifeOf(t, open(t, ledger.NewDirOn(fs, "d"), options), n, func() {})
				if err := os.WriteFile(golden, fs.visible[path].data, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			file, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if m := decoded(t, file); m.Frames < 2 {
				t.Errorf("the file has %d frames: it has no log", m.Frames)
			}
			memory := ledger.New(options)
			lifeOf(t, memory, n, func() {})

			fs := newTearFS()
			fs.visible[path] = stored(file)
			l := open(t, ledger.NewDirOn(fs, "d"), options)
			want, got := *memory.Totals(), *l.Totals()
			if v == 1 { // Which did not know delays.
				for _, totals := range []*ledger.Totals{&want, &got} {
					totals.DeliveryDelays, totals.ReadDelays, totals.DelaysBounded = nil, nil, nil
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("totals (-want +got):\n%s", diff)
			}
			commitMessages(t, l, at(3003*time.Minute), benchMessages(100+n, n*2/3)...)
			if got, want := sum(l.Totals().Observed), sum(memory.Totals().Observed); got != want {
				t.Errorf("observed %d once the last journal was read again, want %d: its keys are not known", got, want)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			written := fs.visible[path].data
			if m := decoded(t, written); m.Owner != instance || written[8] != ledger.Version || m.Key != decoded(t, file).Key {
				t.Errorf("the file that was written is of version %d and instance %q, or has another key", written[8], m.Owner)
			}
		})
	}
}

// FuzzState reads what is no state file, or nearly one. With a version to wrap them
// in, snapshot and log are the payloads of frames whose checksums are right, so that
// the fuzzer gets past them.
func FuzzState(f *testing.F) {
	f.Fuzz(func(t *testing.T, snapshot, log []byte, wrap uint8, flip uint) {
		file := slices.Concat(snapshot, log)
		switch wrap {
		case 1:
			file = ledger.V1Frame(ledger.V1Frame(ledger.V1Header(), 0, snapshot), 1, log)
		case 2:
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
		flipChecker(t, file)(int(flip % uint(len(file)*8)))
	})
}
