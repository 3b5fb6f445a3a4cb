package ledger_test

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"slices"
	"syscall"

	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

var errCrashed = errors.New("the process is dead")

// tearFS is a file system in memory that can stop in the middle of any write,
// and knows what would be left after the process, or the machine, died.
type tearFS struct {
	visible map[string]*inode // What a process sees.
	durable map[string]*inode // What is left for certain after a power cut.

	steps   int // Bytes written, and other changes made.
	crashAt int // Stop at this step; never when negative.
	// fault, if any, is asked before each change; a write that fails may have
	// written some of its bytes.
	fault func(size int) (written int, err error)
}

type inode struct {
	data   []byte
	synced int // Bytes that survive a power cut.
	mode   fs.FileMode
}

func newTearFS() *tearFS {
	return &tearFS{visible: map[string]*inode{}, durable: map[string]*inode{}, crashAt: -1}
}

// step spends as many steps as there are left, at most size.
func (t *tearFS) step(size int) (int, error) {
	if t.crashAt >= 0 && t.steps+size > t.crashAt {
		size = t.crashAt - t.steps
		t.steps = t.crashAt
		return size, errCrashed
	}
	t.steps += size
	if t.fault != nil {
		return t.fault(size)
	}
	return size, nil
}

func (t *tearFS) change() error {
	_, err := t.step(1)
	return err
}

// kill returns the file system as the next process finds it after kill -9.
func (t *tearFS) kill() *tearFS {
	next := newTearFS()
	for name, f := range t.visible {
		next.visible[name] = &inode{data: slices.Clone(f.data), synced: f.synced, mode: f.mode}
	}
	next.durable = maps.Clone(next.visible)
	return next
}

// cut returns the file system as it may be after a power cut: names that were
// not synced are the old ones or the new ones, bytes that were not synced are
// there, missing, or zero.
func (t *tearFS) cut(roll func(n int) int) *tearFS {
	next := newTearFS()
	names := t.durable
	if roll(2) == 0 {
		names = t.visible
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		f := names[name]
		kept := f.synced + roll(len(f.data)-f.synced+1)
		data := slices.Clone(f.data[:kept])
		if roll(3) == 0 {
			data = append(data, make([]byte, len(f.data)-kept)...)
		}
		next.visible[name] = &inode{data: data, synced: len(data), mode: f.mode}
	}
	next.durable = maps.Clone(next.visible)
	return next
}

func (t *tearFS) ReadFile(name string) ([]byte, error) {
	f, ok := t.visible[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ENOENT}
	}
	return slices.Clone(f.data), nil
}

func (t *tearFS) OpenFile(name string, flag int, mode fs.FileMode) (ledger.File, error) {
	f, ok := t.visible[name]
	switch {
	case !ok && flag&os.O_CREATE == 0:
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.ENOENT}
	case ok && flag&os.O_EXCL != 0:
		return nil, &fs.PathError{Op: "open", Path: name, Err: syscall.EEXIST}
	}
	if err := t.change(); err != nil {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	if !ok {
		f = &inode{mode: mode}
		t.visible[name] = f
	}
	if flag&os.O_TRUNC != 0 {
		f.data, f.synced = nil, 0
	}
	return &tornFile{fs: t, inode: f}, nil
}

func (t *tearFS) Rename(from, to string) error {
	if err := t.change(); err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	t.visible[to] = t.visible[from]
	delete(t.visible, from)
	return nil
}

func (t *tearFS) Remove(name string) error {
	if err := t.change(); err != nil {
		return &fs.PathError{Op: "remove", Path: name, Err: err}
	}
	delete(t.visible, name)
	return nil
}

func (t *tearFS) SyncDir(name string) error {
	if err := t.change(); err != nil {
		return &fs.PathError{Op: "sync", Path: name, Err: err}
	}
	t.durable = maps.Clone(t.visible)
	return nil
}

type tornFile struct {
	fs    *tearFS
	inode *inode
}

func (f *tornFile) Write(b []byte) (int, error) {
	n, err := f.fs.step(len(b))
	f.inode.data = append(f.inode.data, b[:n]...)
	return n, err
}

func (f *tornFile) Sync() error {
	if err := f.fs.change(); err != nil {
		return err
	}
	f.inode.synced = len(f.inode.data)
	return nil
}

func (f *tornFile) Close() error { return f.fs.change() }
