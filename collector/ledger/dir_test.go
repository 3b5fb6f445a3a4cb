package ledger_test

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

// holdVariable makes the test binary a process that holds a folder's lock.
const holdVariable = "LEDGER_TEST_HOLD"

func TestMain(m *testing.M) {
	if path := os.Getenv(holdVariable); path != "" {
		os.Exit(hold(path))
	}
	os.Exit(m.Run())
}

// hold says what came of opening the folder, and keeps it until its input ends.
func hold(path string) int {
	dir, err := ledger.OpenDir(path)
	fmt.Println(err)
	if err != nil {
		return 1
	}
	_, _ = io.Copy(io.Discard, os.Stdin)
	if err := dir.Close(); err != nil {
		return 1
	}
	return 0
}

func openDir(t *testing.T, path string) *ledger.Dir {
	t.Helper()
	dir, err := ledger.OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := dir.Close(); err != nil {
			t.Error(err)
		}
	})
	return dir
}

func open(t *testing.T, dir *ledger.Dir, o ledger.Options) *ledger.Ledger {
	t.Helper()
	l, err := dir.Open(instance, o)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// logTo returns a logger that writes into a buffer, without times.
func logTo(b *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	}))
}

func TestFolderIsLocked(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	first, err := ledger.OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ledger.OpenDir(path); !errors.Is(err, ledger.ErrInUse) {
		t.Errorf("opened twice: %v, want ErrInUse", err)
	} else if !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("the error does not say what is wrong where: %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	openDir(t, path)
}

func TestFolderIsLockedAgainstOtherProcesses(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	holder := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // This very program.
	holder.Env = append(os.Environ(), holdVariable+"="+path)
	release, err := holder.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	output, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	if line, err := bufio.NewReader(output).ReadString('\n'); err != nil || line != "<nil>\n" {
		t.Fatalf("the other process said %q, %v", line, err)
	}
	if _, err := ledger.OpenDir(path); !errors.Is(err, ledger.ErrInUse) {
		t.Errorf("while another process has it: %v, want ErrInUse", err)
	}

	second := exec.CommandContext(t.Context(), os.Args[0]) //nolint:gosec // The same.
	second.Env = append(os.Environ(), holdVariable+"="+path)
	if out, err := second.Output(); err == nil || !strings.Contains(string(out), "in use by another process") {
		t.Errorf("a third process: %q, %v", out, err)
	}
	if err := release.Close(); err != nil {
		t.Error(err)
	}
	if err := holder.Wait(); err != nil {
		t.Errorf("the other process: %v", err)
	}
	openDir(t, path)
}

func TestFolderThatCannotBe(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{file, filepath.Join(file, "below")} {
		if _, err := ledger.OpenDir(path); err == nil {
			t.Errorf("%s was opened", path)
		}
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "state", "ledger")
	l := open(t, openDir(t, path), ledger.Options{})
	commitCalls(t, l, at(0))
	commitCalls(t, l, at(0), call("A", "pickUp", 0))
	for name, want := range map[string]fs.FileMode{path: 0o700, filepath.Join(path, instance+".ledger"): 0o600} {
		info, err := os.Stat(name)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", name, got, want)
		}
	}
	if names := list(t, path); !slices.Equal(names, []string{instance + ".ledger"}) {
		t.Errorf("the folder holds %q", names)
	}
}

func list(t *testing.T, path string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestRestartLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	var want *ledger.Totals
	for i := range 3 {
		dir, err := ledger.OpenDir(path)
		if err != nil {
			t.Fatal(err)
		}
		l := open(t, dir, ledger.Options{})
		if want != nil {
			if diff := cmp.Diff(want, l.Totals()); diff != "" {
				t.Fatalf("after restart %d (-want +got):\n%s", i, diff)
			}
		}
		// The rows of the last run are there again, beside new ones.
		commitCalls(t, l, at(time.Duration(i)*time.Hour), benchCalls(0, 10*i)...)
		commitMessages(t, l, at(time.Duration(i)*time.Hour), benchMessages(0, 10*i)...)
		want = l.Totals()
		if got := sum(want.Calls) + sum(want.Observed); got != uint64(20*i) { //nolint:gosec // Not negative.
			t.Fatalf("run %d counts %d, want %d", i, got, 20*i)
		}
		if err := dir.Close(); err != nil { // It closes the ledger.
			t.Fatal(err)
		}
	}
}

func TestCommitIsInTheFileBeforeItIsShown(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	l := open(t, openDir(t, path), ledger.Options{})
	life(t, l, func() {
		file, err := os.ReadFile(filepath.Join(path, instance+".ledger")) //nolint:gosec // A file of the test's.
		if err != nil {
			t.Fatal(err)
		}
		got := decoded(t, file).Totals
		shown := *l.Totals()
		shown.CallJournal, shown.MessageJournal = got.CallJournal, got.MessageJournal // They stand elsewhere in the file.
		if diff := cmp.Diff(&shown, got); diff != "" {
			t.Fatalf("the file does not hold what is shown (-shown +file):\n%s", diff)
		}
	})
}

func TestUnchangedJournalWritesNothing(t *testing.T) {
	t.Parallel()
	fs := newTearFS()
	l := open(t, ledger.NewDirOn(fs, "d"), ledger.Options{})
	calls, messages := benchCalls(0, 20), benchMessages(0, 20)
	commitCalls(t, l, at(0), calls...)
	commitMessages(t, l, at(0), messages...)
	before := fs.steps
	for minute := range 15 { // Scrapes of a quarter of an hour.
		commitCalls(t, l, at(time.Duration(minute)*time.Minute), calls...)
		commitMessages(t, l, at(time.Duration(minute)*time.Minute), messages...)
	}
	if fs.steps != before {
		t.Errorf("unchanged journals wrote %d bytes", fs.steps-before)
	}
}

// TestQuietAccountAndACrash shows what the few bytes that an unchanged journal
// writes every quarter of an hour are good for.
func TestQuietAccountAndACrash(t *testing.T) {
	t.Parallel()
	fs := newTearFS()
	clock := &steppedClock{now: start}
	o := ledger.Options{Now: clock.Now, Retention: time.Hour}
	l := open(t, ledger.NewDirOn(fs, "d"), o)
	m := message("A", "sent", 0)
	commitMessages(t, l, at(0))
	commitMessages(t, l, at(0), m)
	for minute := range 30 * 60 {
		clock.now = start.Add(time.Duration(minute) * time.Minute)
		commitMessages(t, l, at(time.Duration(minute)*time.Minute), m)
	}
	l = open(t, ledger.NewDirOn(fs.kill(), "d"), o)
	commitMessages(t, l, at(30*time.Hour))
	clock.now = clock.now.Add(time.Hour)
	commitMessages(t, l, at(31*time.Hour), m)
	if got := l.Totals(); got.MessageJournal.Gaps != 0 || sum(got.Observed) != 1 {
		t.Errorf("%d gaps, observed %d; want 0 and 1", got.MessageJournal.Gaps, sum(got.Observed))
	}
	// A crash, and a day without the exporter.
	l = open(t, ledger.NewDirOn(fs.kill(), "d"), o)
	commitMessages(t, l, at(54*time.Hour), m)
	if got := l.Totals().MessageJournal.Gaps; got != 1 {
		t.Errorf("%d gaps after a day without the exporter, want 1", got)
	}
}

func TestDamagedFileIsSetAside(t *testing.T) {
	t.Parallel()
	damaged := open(t, ledger.NewDirOn(newTearFS(), "d"), ledger.Options{}).StateFile()
	damaged[len(damaged)/2] ^= 1
	for name, content := range map[string][]byte{"damaged": damaged, "foreign": []byte("a letter"), "empty": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir()
			file := filepath.Join(path, instance+".ledger")
			dir := openDir(t, path)
			var log bytes.Buffer
			o := ledger.Options{
				Logger: logTo(&log),
				Now:    func() time.Time { return start.In(time.FixedZone("", 3600)) },
			}
			for range 3 {
				if err := os.WriteFile(file, content, 0o600); err != nil {
					t.Fatal(err)
				}
				log.Reset()
				l := open(t, dir, o)
				if totals := l.Totals(); totals.CallJournal.Entries != 0 || !totals.LastWriteOK {
					t.Errorf("the new ledger is not empty: %+v", totals)
				}
				if got := strings.Count(log.String(), "level=ERROR"); got != 1 || !strings.Contains(log.String(), "set_aside="+file+".corrupt-20251101T120000Z") {
					t.Errorf("logged:\n%s", log.String())
				}
				commitCalls(t, l, at(0), call("A", "pickUp", 0))
				if err := l.Close(); err != nil {
					t.Error(err)
				}
			}
			base := instance + ".ledger"
			want := []string{base, base + ".corrupt-20251101T120000Z", base + ".corrupt-20251101T120000Z-2", base + ".corrupt-20251101T120000Z-3"}
			if diff := cmp.Diff(want, list(t, path)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			for _, name := range want[1:] {
				if got, err := os.ReadFile(filepath.Join(path, name)); err != nil || !bytes.Equal(got, content) { //nolint:gosec // A file of the test's.
					t.Errorf("%s was changed: %v", name, err)
				}
			}
		})
	}
}

func TestDamagedFileThatCannotBeSetAsideIsAnError(t *testing.T) {
	t.Parallel()
	fs := newTearFS()
	name := filepath.Join("d", instance+".ledger")
	fs.visible[name] = &inode{data: []byte("a letter")}
	fs.fault = func(int) (int, error) { return 0, syscall.EROFS }
	if _, err := ledger.NewDirOn(fs, "d").Open(instance, ledger.Options{}); !errors.Is(err, syscall.EROFS) {
		t.Errorf("Open: %v", err)
	}
	if got := fs.visible[name].data; string(got) != "a letter" || len(fs.visible) != 1 {
		t.Errorf("the file was touched: %q", got)
	}
}

func TestNewerVersionIsLeftAlone(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	file := filepath.Join(path, instance+".ledger")
	content := ledger.New(ledger.Options{}).StateFile()
	binary.LittleEndian.PutUint32(content[8:], ledger.Version+1)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := openDir(t, path)
	if _, err := dir.Open(instance, ledger.Options{}); !errors.Is(err, ledger.ErrNewerVersion) || !strings.Contains(err.Error(), file) {
		t.Errorf("Open: %v, want ErrNewerVersion of %s", err, file)
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, content) || len(list(t, path)) != 1 { //nolint:gosec // A file of the test's.
		t.Errorf("the file was not left alone: %v", err)
	}
	if _, err := dir.Open("1101000002", ledger.Options{}); err != nil {
		t.Errorf("another instance: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	dir := openDir(t, t.TempDir())
	for _, id := range []string{"", ".", "..", "../1101000001", "a/b", "/etc/passwd"} {
		if _, err := dir.Open(id, ledger.Options{}); err == nil {
			t.Errorf("%q was opened", id)
		}
	}
	l := open(t, dir, ledger.Options{})
	if _, err := dir.Open(instance, ledger.Options{}); err == nil {
		t.Error("the same instance was opened twice")
	}
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	open(t, dir, ledger.Options{})
	if err := dir.Close(); err != nil {
		t.Error(err)
	}
	if _, err := dir.Open("1101000002", ledger.Options{}); !errors.Is(err, ledger.ErrClosed) {
		t.Errorf("Open after Close: %v, want ErrClosed", err)
	}
}

func TestNothingReadWritesNoFile(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	if err := open(t, openDir(t, path), ledger.Options{}).Close(); err != nil {
		t.Error(err)
	}
	if names := list(t, path); len(names) != 0 {
		t.Errorf("the folder holds %q", names)
	}
}

// faultyFS is the real file system, until told otherwise.
type faultyFS struct {
	ledger.FileSystem
	err error
}

func (f *faultyFS) OpenFile(name string, flag int, mode fs.FileMode) (ledger.File, error) {
	file, err := f.FileSystem.OpenFile(name, flag, mode)
	if err != nil {
		return nil, fmt.Errorf("open: %w", err)
	}
	return &faultyFile{file, f}, nil
}

type faultyFile struct {
	ledger.File
	fs *faultyFS
}

// Write writes half, and fails, when the disk is full.
func (f *faultyFile) Write(b []byte) (int, error) {
	if f.fs.err != nil {
		n, _ := f.File.Write(b[:len(b)/2])
		return n, f.fs.err
	}
	n, err := f.File.Write(b)
	if err != nil {
		err = fmt.Errorf("write: %w", err)
	}
	return n, err
}

func TestDiskTrouble(t *testing.T) {
	t.Parallel()
	for _, trouble := range []error{syscall.ENOSPC, syscall.EROFS} {
		t.Run(trouble.Error(), func(t *testing.T) {
			t.Parallel()
			path := t.TempDir()
			disk := &faultyFS{FileSystem: ledger.OSFileSystem()}
			dir := ledger.NewDirOn(disk, path)
			var log bytes.Buffer
			l := open(t, dir, ledger.Options{Logger: logTo(&log)})
			commitCalls(t, l, at(0))
			commitCalls(t, l, at(0), benchCalls(0, 1)...)
			before := l.Totals()

			disk.err = trouble
			for n := range 5 {
				commitCalls(t, l, at(0), benchCalls(0, 2+n)...)
				shown := *l.Totals()
				if shown.LastWriteOK {
					t.Fatalf("commit %d: a failed write is not shown", n)
				}
				shown.LastWriteOK = true
				if diff := cmp.Diff(before, &shown); diff != "" {
					t.Fatalf("commit %d: what is not in the file is shown (-file +shown):\n%s", n, diff)
				}
			}
			if got := strings.Count(log.String(), "\n"); got != 1 || !strings.Contains(log.String(), "level=ERROR") {
				t.Errorf("logged while the disk fails:\n%s", log.String())
			}
			// A crash now leaves what was shown.
			file, err := os.ReadFile(filepath.Join(path, instance+".ledger")) //nolint:gosec // A file of the test's.
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before.Calls, decoded(t, file).Totals.Calls); diff != "" {
				t.Errorf("the file holds something else than is shown (-shown +file):\n%s", diff)
			}

			disk.err = nil
			commitCalls(t, l, at(0), benchCalls(0, 6)...) // Unchanged.
			if got := l.Totals(); sum(got.Calls) != 6 || !got.LastWriteOK {
				t.Errorf("once the disk works again: %d calls, LastWriteOK %t; want 6 and true", sum(got.Calls), got.LastWriteOK)
			}
			if got := strings.Count(log.String(), "\n"); got != 2 {
				t.Errorf("logged once the disk works again:\n%s", log.String())
			}
			want := l.Totals()
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			if diff := cmp.Diff(want, open(t, dir, ledger.Options{}).Totals()); diff != "" {
				t.Errorf("after a restart (-want +got):\n%s", diff)
			}
		})
	}
}

func TestCloseTellsOfADiskThatFails(t *testing.T) {
	t.Parallel()
	fs := newTearFS()
	l := open(t, ledger.NewDirOn(fs, "d"), ledger.Options{})
	fs.fault = func(int) (int, error) { return 0, syscall.ENOSPC }
	commitCalls(t, l, at(0))
	commitCalls(t, l, at(0), call("A", "pickUp", 0))
	if got := l.Totals(); sum(got.Calls) != 0 || got.LastWriteOK {
		t.Errorf("%+v", got)
	}
	if err := l.Close(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("Close: %v", err)
	}
	if err := l.Close(); err != nil {
		t.Errorf("Close again: %v", err)
	}
}

func TestLostFileIsWrittenAgain(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	l := open(t, openDir(t, path), ledger.Options{})
	commitCalls(t, l, at(0))
	if err := os.Remove(filepath.Join(path, instance+".ledger")); err != nil {
		t.Fatal(err)
	}
	commitCalls(t, l, at(0), benchCalls(0, 1)...)
	if l.Totals().LastWriteOK {
		t.Error("that the file is gone was not noticed")
	}
	commitCalls(t, l, at(0), benchCalls(0, 1)...)
	file, err := os.ReadFile(filepath.Join(path, instance+".ledger")) //nolint:gosec // A file of the test's.
	if err != nil {
		t.Fatal(err)
	}
	if got := sum(decoded(t, file).Totals.Calls); got != 1 || !l.Totals().LastWriteOK {
		t.Errorf("the file holds %d calls, want 1", got)
	}
}

func TestOnlyHashesAreKept(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	l := open(t, openDir(t, path), ledger.Options{})
	for i := range 3 {
		commitCalls(t, l, at(0), benchCalls(0, 500*i)...)
		commitMessages(t, l, at(0), benchMessages(0, 500*i)...)
	}
	file, err := os.ReadFile(filepath.Join(path, instance+".ledger")) //nolint:gosec // A file of the test's.
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range benchCalls(0, 1000) {
		if bytes.Contains(file, []byte(c.ChatID[:11])) || bytes.Contains(file, []byte(c.ID)) {
			t.Fatal("the file holds the chat or the identifier of a call")
		}
	}
	for _, m := range benchMessages(0, 1000) {
		if bytes.Contains(file, []byte(m.ID)) {
			t.Fatal("the file holds the identifier of a message")
		}
	}
	if bytes.Contains(file, []byte(instance)) {
		t.Error("the file holds the instance")
	}
	if perEntry := len(file) / 2000; perEntry > 24 {
		t.Errorf("%d bytes an entry, want 24 or less", perEntry)
	}
}
