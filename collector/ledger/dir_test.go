package ledger_test

import (
	"bufio"
	"bytes"
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

func TestFolderIsLockedAgainstOtherProcesses(t *testing.T) { //nolint:paralleltest // A process that is being started holds the locks of other tests for a moment.
	path := t.TempDir()
	holder := exec.CommandContext(t.Context(), os.Args[0])
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

	second := exec.CommandContext(t.Context(), os.Args[0])
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
		if got := sum(want.Calls) + sum(want.Observed); got != uint64(20*i) {
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
		file, err := os.ReadFile(filepath.Join(path, instance+".ledger"))
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

func TestOnlyHashesAreKept(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	l := open(t, openDir(t, path), ledger.Options{})
	for i := range 3 {
		commitCalls(t, l, at(0), benchCalls(0, 500*i)...)
		commitMessages(t, l, at(0), benchMessages(0, 500*i)...)
	}
	file, err := os.ReadFile(filepath.Join(path, instance+".ledger"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range benchCalls(0, 1000) {
		if bytes.Contains(file, c.ChatID[:11]) || bytes.Contains(file, c.ID) {
			t.Fatal("the file holds the chat or the identifier of a call")
		}
	}
	for _, m := range benchMessages(0, 1000) {
		if bytes.Contains(file, m.ID) {
			t.Fatal("the file holds the identifier of a message")
		}
	}
	if perEntry := len(file) / 2000; perEntry > 32 {
		t.Errorf("%d bytes an entry, want 32 or less", perEntry)
	}
}
