package ledger_test

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

// TestFolderThatIsMadeSurvivesAPowerCut holds that the folders above it are synced.
func TestFolderThatIsMadeSurvivesAPowerCut(t *testing.T) {
	t.Parallel()
	fs := newTearFS()
	if err := ledger.MakeFolder(fs, "/var/lib/exporter"); err != nil {
		t.Fatal(err)
	}
	l := open(t, ledger.NewDirOn(fs, "/var/lib/exporter"), ledger.Options{})
	commitCalls(t, l, at(0), benchCalls(0, 2)...)
	left := fs.cut(func(n int) int { return n - 1 }) // Of what was not synced, nothing is left.
	want := l.Totals()
	if diff := cmp.Diff(want, open(t, ledger.NewDirOn(left, "/var/lib/exporter"), ledger.Options{}).Totals()); diff != "" {
		t.Errorf("after a power cut (-shown +found):\n%s", diff)
	}
}

// TestFolderTakenAway takes the folder away from a process, and gives a second one
// the folder that is in its place.
func TestFolderTakenAway(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledgers")
	var log bytes.Buffer
	o := ledger.Options{Logger: logTo(&log)}
	first := openDir(t, path)
	ours := open(t, first, o)
	other, err := first.Open("1101000002", o)
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range []*ledger.Ledger{ours, other} {
		commitCalls(t, l, at(0))
		commitCalls(t, l, at(0), benchCalls(0, 1)...)
	}
	before := ours.Totals()
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	commitCalls(t, ours, at(0), benchCalls(0, 2)...)

	second := openDir(t, path)
	theirs, err := second.Open(instance, ledger.Options{})
	if err != nil {
		t.Fatal(err)
	}
	commitCalls(t, theirs, at(0))
	for n := range 3 {
		commitCalls(t, theirs, at(0), benchCalls(0, 5+n)...)
		for _, l := range []*ledger.Ledger{ours, other} {
			commitCalls(t, l, at(0), benchCalls(0, 2+n)...)
			if l.Totals().LastWriteOK || sum(l.Totals().Calls) != sum(before.Calls) {
				t.Errorf("a process without its folder shows %d calls, LastWriteOK %t", sum(l.Totals().Calls), l.Totals().LastWriteOK)
			}
		}
	}
	if got := strings.Count(log.String(), "\n"); got != 1 || !strings.Contains(log.String(), "level=ERROR") || !strings.Contains(log.String(), path) {
		t.Errorf("logged:\n%s", log.String())
	}
	if _, err := first.Open("1101000003", o); err == nil {
		t.Error("a ledger was opened in the folder of another process")
	}
	if got := sum(theirs.Totals().Calls); got != 7 || !theirs.Totals().LastWriteOK {
		t.Errorf("the second process counts %d calls, LastWriteOK %t", got, theirs.Totals().LastWriteOK)
	}
	if names := list(t, path); len(names) != 1 {
		t.Errorf("the second process's folder holds %q", names)
	}

	// The folder comes back.
	if err := theirs.Close(); err != nil {
		t.Error(err)
	}
	if err := os.RemoveAll(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	commitCalls(t, ours, at(0), benchCalls(0, 4)...)
	if got := ours.Totals(); !got.LastWriteOK || sum(got.Calls) != 4 {
		t.Errorf("with its folder again: %d calls, LastWriteOK %t", sum(got.Calls), got.LastWriteOK)
	}
	commitCalls(t, other, at(0), benchCalls(0, 4)...)
}

func TestCheckDir(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	file, pipe := filepath.Join(path, "file"), filepath.Join(path, "pipe")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	before := list(t, path)
	for _, good := range []string{path, filepath.Join(path, "made"), filepath.Join(path, "made", "later")} {
		if err := ledger.CheckDir(good); err != nil {
			t.Errorf("%s: %v", good, err)
		}
	}
	for _, bad := range []string{file, filepath.Join(file, "below"), pipe, "/dev/null"} {
		if err := ledger.CheckDir(bad); err == nil || !strings.Contains(err.Error(), "is not a folder") {
			t.Errorf("%s: %v", bad, err)
		}
		if _, err := ledger.OpenDir(bad); err == nil || !strings.Contains(err.Error(), "is not a folder") {
			t.Errorf("open %s: %v", bad, err)
		}
	}
	for _, bad := range []string{"/proc", "/proc/below", "/proc/below/it"} { // Which no mode keeps root out of.
		for name, open := range map[string]func(string) error{
			"check": ledger.CheckDir, "open": func(path string) error { _, err := ledger.OpenDir(path); return err },
		} {
			if err := open(bad); err == nil || !strings.Contains(err.Error(), "the folder /proc (mode 0555) cannot be written to") {
				t.Errorf("%s %s: %v", name, bad, err)
			}
		}
	}
	if diff := cmp.Diff(before, list(t, path)); diff != "" {
		t.Errorf("to check changed the folder (-before +after):\n%s", diff)
	}
}

func TestCheckDirOfWhatCannotBeWritten(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	if err := os.Chmod(path, 0o500); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{path, filepath.Join(path, "below")} {
		err := ledger.CheckDir(path)
		if os.Getuid() == 0 { // Whom no mode keeps out.
			if err != nil {
				t.Errorf("for root: %v", err)
			}
			continue
		}
		if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "mode 0500") {
			t.Errorf("a folder of mode 0500: %v", err)
		}
	}
}
