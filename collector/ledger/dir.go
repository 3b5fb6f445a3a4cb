package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"golang.org/x/sys/unix"
)

// ErrInUse is the error of opening a folder that another process has open.
var ErrInUse = errors.New("in use by another process")

// Dir is a folder of state files. It is locked, so that no other process counts
// into the same files.
type Dir struct {
	path string
	fs   fileSystem
	lock *os.File

	mu     sync.Mutex
	open   map[string]*Ledger // By idInstance.
	closed bool
}

// OpenDir opens a folder, and makes it if need be. The lock is on the folder
// itself: it leaves no file behind, and a disk that cannot be written to is no obstacle.
func OpenDir(path string) (*Dir, error) {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, fmt.Errorf("make the ledger folder: %w", err)
	}
	folder, err := os.Open(path) //nolint:gosec // The path is the operator's.
	if err != nil {
		return nil, fmt.Errorf("open the ledger folder: %w", err)
	}
	if err := unix.Flock(int(folder.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = ErrInUse
		} else { // NFS, which makes it a lock on bytes, says EBADF.
			err = fmt.Errorf("%w: not every network file system can lock a folder, take a local one", err)
		}
		return nil, errors.Join(fmt.Errorf("lock the ledger folder %s: %w", path, err), folder.Close())
	}
	return newDir(path, osFS{}, folder), nil
}

func newDir(path string, fs fileSystem, lock *os.File) *Dir {
	return &Dir{path: path, fs: fs, lock: lock, open: map[string]*Ledger{}}
}

// Open reads the ledger of an instance, or begins one. Close it before the
// instance is opened again.
//
// A file that is damaged, or is something else, is set aside under another name;
// that is logged, and the ledger begins anew. A file of a newer version is an
// error (ErrNewerVersion), and so is one that cannot be read or set aside: it is
// never overwritten.
func (d *Dir) Open(idInstance string, o Options) (*Ledger, error) {
	if idInstance == "" || idInstance[0] == '.' || idInstance != filepath.Base(idInstance) {
		return nil, errors.New("an idInstance that cannot be a file name")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return nil, ErrClosed
	}
	if d.open[idInstance] != nil {
		return nil, fmt.Errorf("the ledger of instance %s is open already", idInstance)
	}
	o = o.withDefaults()
	s := &store{fs: d.fs, path: filepath.Join(d.path, idInstance+".ledger")}
	state, err := d.load(s, idInstance, o)
	if err != nil {
		return nil, fmt.Errorf("ledger of instance %s: %w", idInstance, err)
	}
	state.owner = idInstance
	l := newLedger(o, s, state)
	l.onClose = func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.open, idInstance)
	}
	d.open[idInstance] = l
	return l, nil
}

// load reads the file of a store.
func (d *Dir) load(s *store, owner string, o Options) (*fileState, error) {
	data, err := d.fs.ReadFile(s.path)
	if errors.Is(err, fs.ErrNotExist) {
		s.stale = true
		return newFileState(newHashKey()), nil
	}
	if err != nil {
		return nil, err //nolint:wrapcheck // The caller does.
	}
	state, err := decode(data)
	if err == nil && state.owner != "" && state.owner != owner {
		err = fmt.Errorf("%w %s", errForeign, state.owner)
	}
	if errors.Is(err, errDamaged) || errors.Is(err, errForeign) {
		aside, moved := d.setAside(s.path, o)
		if moved != nil {
			return nil, fmt.Errorf("%w; it could not be set aside: %w", err, moved)
		}
		o.Logger.Error("the ledger's state file cannot be used and was set aside; the counters begin at 0: to have the old ones, stop the exporter and put a good copy of the file in its place",
			"path", s.path, "set_aside", aside, "err", err)
		s.stale = true
		return newFileState(newHashKey()), nil
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", s.path, err)
	}
	s.snapshotSize, s.logSize, s.records = state.snapshotSize, state.size-state.snapshotSize, state.frames
	// Whatever tore the file's end, no record may be put behind it. And what is to
	// be shown must be on the disk: all this may have been read from memory.
	s.stale = state.version < version || state.size < len(data) || s.sync() != nil
	return state, nil
}

// setAside renames a file, without overwriting another one.
func (d *Dir) setAside(path string, o Options) (aside string, err error) {
	name := path + ".corrupt-" + o.Now().UTC().Format("20060102T150405Z")
	aside = name
	for n := 2; ; n++ {
		f, err := d.fs.OpenFile(aside, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
		if err == nil {
			if err := f.Close(); err != nil {
				return "", err //nolint:wrapcheck // The caller does.
			}
			break
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", err //nolint:wrapcheck // The caller does.
		}
		aside = name + "-" + strconv.Itoa(n)
	}
	if err := d.fs.Rename(path, aside); err != nil {
		return "", errors.Join(err, d.fs.Remove(aside))
	}
	return aside, d.fs.SyncDir(d.path) //nolint:wrapcheck // The caller does.
}

// Close closes the ledgers that are still open, and gives the folder free.
func (d *Dir) Close() error {
	d.mu.Lock()
	d.closed = true
	open := make([]*Ledger, 0, len(d.open))
	for _, l := range d.open {
		open = append(open, l)
	}
	d.mu.Unlock()

	var errs []error
	for _, l := range open {
		errs = append(errs, l.Close())
	}
	if d.lock != nil {
		errs = append(errs, d.lock.Close())
		d.lock = nil
	}
	return errors.Join(errs...)
}
