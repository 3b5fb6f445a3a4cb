package ledger_test

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

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
			file, err := os.ReadFile(filepath.Join(path, instance+".ledger"))
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
