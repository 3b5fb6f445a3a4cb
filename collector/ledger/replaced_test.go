package ledger_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
	"github.com/greenapi-exporter/greenapi_exporter/collector/regularfile"
)

const neighbour = "1101000002"

// twoFiles leaves the state files of two instances, with 3 and 5 calls, and returns
// their paths.
func twoFiles(t *testing.T, path string) (ours, theirs string) {
	t.Helper()
	dir, err := ledger.OpenDir(path)
	if err != nil {
		t.Fatal(err)
	}
	for id, n := range map[string]int{instance: 3, neighbour: 5} {
		l, err := dir.Open(id, ledger.Options{})
		if err != nil {
			t.Fatal(err)
		}
		commitCalls(t, l, at(0))
		commitCalls(t, l, at(0), benchCalls(0, n)...)
	}
	if err := dir.Close(); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(path, instance+".ledger"), filepath.Join(path, neighbour+".ledger")
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func move(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

// TestFilesSwappedWhileStopped has each of two instances find the other's file.
func TestFilesSwappedWhileStopped(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	ours, theirs := twoFiles(t, path)
	content := map[string][]byte{ours: readFile(t, theirs), theirs: readFile(t, ours)}
	move(t, ours, ours+".x")
	move(t, theirs, ours)
	move(t, ours+".x", theirs)

	dir := openDir(t, path)
	for _, id := range []string{instance, neighbour} {
		var log bytes.Buffer
		l, err := dir.Open(id, ledger.Options{Logger: logTo(&log)})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(l.Totals().Calls); got != 0 {
			t.Errorf("%s shows counters of another instance", id)
		}
		file := filepath.Join(path, id+".ledger")
		if got := log.String(); strings.Count(got, "level=ERROR") != 1 || !strings.Contains(got, "set_aside="+file+".foreign-") ||
			!strings.Contains(got, "it is the file of instance 110100000") {
			t.Errorf("logged:\n%s", got)
		}
		aside, err := filepath.Glob(file + ".foreign-*")
		if err != nil || len(aside) != 1 || !bytes.Equal(readFile(t, aside[0]), content[file]) {
			t.Errorf("set aside: %q, %v", aside, err)
		}
	}
}

// TestFileTakenAwayWhileRunning puts other things in the place of the file that a
// process writes to. The process writes it again, and touches nothing else.
func TestFileTakenAwayWhileRunning(t *testing.T) {
	t.Parallel()
	copyOver := func(t *testing.T, from, to string) {
		t.Helper()
		if err := os.WriteFile(to, readFile(t, from), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for name, test := range map[string]struct {
		exchange func(t *testing.T, ours, theirs string)
		aside    bool
	}{
		"removed": {func(t *testing.T, ours, _ string) {
			t.Helper()
			if err := os.Remove(ours); err != nil {
				t.Fatal(err)
			}
		}, false},
		"another instance's moved there": {func(t *testing.T, ours, theirs string) {
			t.Helper()
			move(t, theirs, ours)
		}, true},
		"another instance's copied over it": {func(t *testing.T, ours, theirs string) {
			t.Helper()
			copyOver(t, theirs, ours)
		}, true},
		"an earlier copy put back": {func(t *testing.T, ours, _ string) {
			t.Helper()
			copyOver(t, ours+".copy", ours)
		}, true},
		"emptied": {func(t *testing.T, ours, _ string) {
			t.Helper()
			if err := os.Truncate(ours, 0); err != nil {
				t.Fatal(err)
			}
		}, true},
		"a pipe": {func(t *testing.T, ours, _ string) {
			t.Helper()
			if err := errors.Join(os.Remove(ours), unix.Mkfifo(ours, 0o600)); err != nil {
				t.Fatal(err)
			}
		}, true},
		"a folder": {func(t *testing.T, ours, _ string) {
			t.Helper()
			if err := errors.Join(os.Remove(ours), os.Mkdir(ours, 0o700)); err != nil {
				t.Fatal(err)
			}
		}, true},
		"a device": {func(t *testing.T, ours, _ string) {
			t.Helper()
			if err := errors.Join(os.Remove(ours), os.Symlink("/dev/zero", ours)); err != nil {
				t.Fatal(err)
			}
		}, true},
	} {
		for _, failing := range []bool{false, true} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				path := t.TempDir()
				ours, theirs := twoFiles(t, path)
				disk := &faultyFS{FileSystem: ledger.OSFileSystem()}
				dir := ledger.NewDirOn(disk, path)
				var log bytes.Buffer
				l := open(t, dir, ledger.Options{Logger: logTo(&log)})
				copyOver(t, ours, ours+".copy")
				commitCalls(t, l, at(0), benchCalls(0, 4)...)
				if failing { // Then it is not known how large the file ought to be.
					disk.err = unix.ENOSPC
					commitCalls(t, l, at(0), benchCalls(0, 5)...)
					disk.err = nil
					if name == "an earlier copy put back" {
						return // It is taken for what a failed write has left, and written again.
					}
				}
				test.exchange(t, ours, theirs)
				log.Reset()
				commitCalls(t, l, at(0), benchCalls(0, 6)...)

				if got := l.Totals(); sum(got.Calls) != 6 || !got.LastWriteOK {
					t.Errorf("%d calls are shown, LastWriteOK %t; want 6 and true", sum(got.Calls), got.LastWriteOK)
				}
				m := decoded(t, readFile(t, ours))
				if m.Owner != instance || sum(m.Totals.Calls) != 6 {
					t.Errorf("the file is of %s and holds %d calls, want 6", m.Owner, sum(m.Totals.Calls))
				}
				aside, err := filepath.Glob(ours + ".foreign-*")
				if err != nil || (len(aside) == 1) != test.aside {
					t.Errorf("set aside: %q, %v", aside, err)
				}
				if got := log.String(); !strings.Contains(got, "path="+ours) || strings.Contains(got, "set_aside=") != test.aside {
					t.Errorf("logged:\n%s", got)
				}
				if err := l.Close(); err != nil {
					t.Error(err)
				}
			})
		}
	}
}

// TestNoFileThere would not end if what is there were opened as files are.
func TestNoFileThere(t *testing.T) {
	t.Parallel()
	for name, put := range map[string]func(path string) error{
		"a pipe":   func(path string) error { return unix.Mkfifo(path, 0o600) },
		"a device": func(path string) error { return os.Symlink("/dev/zero", path) },
		"a folder": func(path string) error { return os.Mkdir(path, 0o700) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir()
			file := filepath.Join(path, instance+".ledger")
			if err := errors.Join(put(file), put(file+".tmp")); err != nil {
				t.Fatal(err)
			}
			var log bytes.Buffer
			l := open(t, openDir(t, path), ledger.Options{Logger: logTo(&log)})
			if got := log.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "it is "+name) || !strings.Contains(got, "set_aside=") {
				t.Errorf("logged:\n%s", got)
			}
			commitCalls(t, l, at(0))
			if got := log.String(); l.Totals().LastWriteOK || !strings.Contains(got, file+".tmp") || !strings.Contains(got, "it is "+name) {
				t.Errorf("with %s for the new file: LastWriteOK %t, logged\n%s", name, l.Totals().LastWriteOK, got)
			}
			if err := os.RemoveAll(file + ".tmp"); err != nil {
				t.Fatal(err)
			}
			commitCalls(t, l, at(0))
			if !l.Totals().LastWriteOK {
				t.Errorf("not written again:\n%s", log.String())
			}
		})
	}
}

func TestFileThatIsTooLarge(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	file := filepath.Join(path, instance+".ledger")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Truncate(file, ledger.MaxFile+1)); err != nil {
		t.Fatal(err)
	}
	_, err := openDir(t, path).Open(instance, ledger.Options{})
	if !errors.As(err, new(regularfile.TooLargeError)) || !strings.Contains(err.Error(), file) {
		t.Errorf("Open: %v", err)
	}
	if names := list(t, path); !slices.Equal(names, []string{instance + ".ledger"}) {
		t.Errorf("the folder holds %q", names)
	}
}

// TestTornEndIsLogged also shows that the file is whole with the next commit.
func TestTornEndIsLogged(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	ours, _ := twoFiles(t, path)
	whole := decoded(t, readFile(t, ours)).Totals
	if err := os.WriteFile(ours, append(readFile(t, ours), make([]byte, 77)...), 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	l := open(t, openDir(t, path), ledger.Options{Logger: logTo(&log)})
	if got := log.String(); !strings.Contains(got, "level=WARN") || !strings.Contains(got, "bytes=77") {
		t.Errorf("logged:\n%s", got)
	}
	commitCalls(t, l, at(0), benchCalls(0, 3)...)
	if m := decoded(t, readFile(t, ours)); m.Frames != 1 {
		t.Errorf("the file has %d frames, want 1", m.Frames)
	} else if diff := cmp.Diff(whole.Calls, m.Totals.Calls); diff != "" {
		t.Errorf("calls (-before +after):\n%s", diff)
	}
}
