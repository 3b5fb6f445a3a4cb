package ledger_test

import (
	"errors"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

var errCrashed = errors.New("the process is dead")

// pageSize is how much of a file reaches the disk at once, or does not.
const pageSize = 4096

// tearFS is a file system in memory that can stop in the middle of any write,
// and knows what may be left after the process, or the machine, died.
type tearFS struct {
	visible map[string]*inode // What a process sees.
	durable map[string]*inode // What is left for certain after a power cut.
	pending []nameChange      // What leads from durable to visible, as far as it was not synced.

	steps   int // Bytes written, and other changes made.
	crashAt int // Stop at this step; never when negative.
	// fault, if any, is asked before each change; a write that fails may have
	// written some of its bytes.
	fault func(size int) (written int, err error)
}

type inode struct {
	data  []byte
	saved []byte // What survives a power cut for certain.
	mode  fs.FileMode
}

// stored is a file that is on the disk.
func stored(data []byte) *inode { return &inode{data: data, saved: slices.Clone(data), mode: 0o600} }

// nameChange is a change to the names in a folder. It is on the disk as a whole, or not.
type nameChange struct {
	folder string
	apply  func(names map[string]*inode)
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

// rename changes names: those that are the same afterwards are not in changed.
func (t *tearFS) rename(name string, changed map[string]*inode) {
	c := nameChange{filepath.Dir(name), func(names map[string]*inode) {
		for name, f := range changed {
			if f == nil {
				delete(names, name)
			} else {
				names[name] = f
			}
		}
	}}
	c.apply(t.visible)
	t.pending = append(t.pending, c)
}

// kill returns the file system as the next process finds it after kill -9.
func (t *tearFS) kill() *tearFS {
	next := newTearFS()
	copies := map[*inode]*inode{}
	clone := func(names map[string]*inode) map[string]*inode {
		cloned := map[string]*inode{}
		for name, f := range names {
			if copies[f] == nil {
				copies[f] = &inode{data: slices.Clone(f.data), saved: slices.Clone(f.saved), mode: f.mode}
			}
			cloned[name] = copies[f]
		}
		return cloned
	}
	next.visible, next.durable = clone(t.visible), clone(t.durable)
	if len(t.pending) > 0 {
		// The new names as one change: enough for what a process does after a crash.
		folder := t.pending[0].folder
		now := maps.Clone(next.visible)
		next.pending = []nameChange{{folder, func(names map[string]*inode) {
			clear(names)
			maps.Copy(names, now)
		}}}
	}
	return next
}

// cut returns the file system as it may be after a power cut. Of the changes to names
// that were not synced, and of the pages of files, any may be on the disk: the later
// ones without the earlier, too. A folder whose name is not there has lost what is in it.
func (t *tearFS) cut(roll func(n int) int) *tearFS {
	next := newTearFS()
	names := maps.Clone(t.durable)
	for _, c := range t.pending {
		if roll(2) == 0 {
			c.apply(names)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if folder := t.visible[filepath.Dir(name)]; folder != nil && names[filepath.Dir(name)] == nil {
			continue
		}
		f := names[name]
		next.visible[name] = &inode{data: f.left(roll), mode: f.mode}
	}
	for _, f := range next.visible {
		f.saved = slices.Clone(f.data)
	}
	next.durable = maps.Clone(next.visible)
	return next
}

// left returns what may be left of a file: some of the pages that were not synced,
// zeros for the others, and some of its length.
func (f *inode) left(roll func(n int) int) []byte {
	data := slices.Clone(f.saved)
	if more := len(f.data) - len(data); more > 0 {
		data = append(data, make([]byte, roll(more+1))...)
	}
	for at := 0; at < len(data); at += pageSize {
		page := data[at:min(at+pageSize, len(data))]
		if at < len(f.data) && roll(2) == 0 {
			copy(page, f.data[at:])
		}
	}
	return data
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
		t.rename(name, map[string]*inode{name: f})
	}
	if flag&os.O_TRUNC != 0 {
		f.data = nil
	}
	return &tornFile{fs: t, inode: f}, nil
}

func (t *tearFS) Lstat(name string) (fs.FileInfo, error) {
	f, ok := t.visible[name]
	if !ok {
		return nil, &fs.PathError{Op: "lstat", Path: name, Err: syscall.ENOENT}
	}
	return fileInfo{f}, nil
}

func (t *tearFS) Mkdir(name string, mode fs.FileMode) error {
	if t.visible[name] != nil {
		return &fs.PathError{Op: "mkdir", Path: name, Err: syscall.EEXIST}
	}
	if err := t.change(); err != nil {
		return &fs.PathError{Op: "mkdir", Path: name, Err: err}
	}
	t.rename(name, map[string]*inode{name: {mode: mode | fs.ModeDir}})
	return nil
}

func (t *tearFS) Rename(from, to string) error {
	if err := t.change(); err != nil {
		return &os.LinkError{Op: "rename", Old: from, New: to, Err: err}
	}
	t.rename(to, map[string]*inode{to: t.visible[from], from: nil})
	return nil
}

func (t *tearFS) Remove(name string) error {
	if err := t.change(); err != nil {
		return &fs.PathError{Op: "remove", Path: name, Err: err}
	}
	t.rename(name, map[string]*inode{name: nil})
	return nil
}

func (t *tearFS) SyncDir(name string) error {
	if err := t.change(); err != nil {
		return &fs.PathError{Op: "sync", Path: name, Err: err}
	}
	t.pending = slices.DeleteFunc(t.pending, func(c nameChange) bool {
		if c.folder == name {
			c.apply(t.durable)
		}
		return c.folder == name
	})
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

func (f *tornFile) ReadAt(b []byte, offset int64) (int, error) {
	n := copy(b, f.inode.data[min(int(offset), len(f.inode.data)):])
	if n < len(b) {
		return n, io.EOF
	}
	return n, nil
}

func (f *tornFile) Sync() error {
	if err := f.fs.change(); err != nil {
		return err
	}
	f.inode.saved = slices.Clone(f.inode.data)
	return nil
}

func (f *tornFile) Close() error { return f.fs.change() }

func (f *tornFile) Stat() (fs.FileInfo, error) { return fileInfo{f.inode}, nil }

type fileInfo struct{ *inode }

func (fileInfo) Name() string        { return "" }
func (i fileInfo) Size() int64       { return int64(len(i.data)) }
func (i fileInfo) Mode() fs.FileMode { return i.mode }
func (fileInfo) ModTime() time.Time  { return time.Time{} }
func (i fileInfo) IsDir() bool       { return i.mode.IsDir() }
func (fileInfo) Sys() any            { return nil }
