package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"

	"golang.org/x/sys/unix"

	"github.com/greenapi-exporter/greenapi_exporter/collector/regularfile"
)

// ErrInUse is the error of opening a folder that another process has open.
var ErrInUse = errors.New("in use by another process")

// errFolderGone is the error of writing to a folder that is not at its path any more.
var errFolderGone = errors.New("the ledger folder was deleted or replaced while the exporter ran, and another process may have the one that is there now: restart the exporter")

// Dir is a folder of state files. It is locked, so that no other process counts
// into the same files.
type Dir struct {
	path string
	fs   fileSystem
	lock *os.File
	gone atomic.Bool // Whether it was said that the folder is.

	mu     sync.Mutex
	open   map[string]*Ledger // By idInstance.
	closed bool
}

// CheckDir tells what will keep OpenDir from opening a folder, or state files from
// being written there: something on its path is no folder, or cannot be written to.
// It leaves everything as it was, and does not ask whether another process has the
// folder open.
func CheckDir(path string) error {
	at := filepath.Clean(path)
	for {
		info, err := os.Stat(at)
		parent := filepath.Dir(at)
		switch missing := errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR); {
		case missing && parent != at:
			at = parent // It will be made in there.
			continue
		case err != nil:
			return fmt.Errorf("the user of the exporter (uid %d) cannot look at the folder: %w: give this user the right to, or give another path", os.Getuid(), err)
		case !info.IsDir():
			return fmt.Errorf("%s is not a folder: give the path of a folder for the state files, or of one that can be made", at)
		}
		if err = unix.Access(at, unix.W_OK|unix.X_OK); err == nil {
			err = tryFolder(at)
		}
		if err != nil {
			return fmt.Errorf("the folder %s (mode %04o) cannot be written to by the user of the exporter (uid %d): %w: make it theirs, or give another path", at, info.Mode().Perm(), os.Getuid(), err)
		}
		return nil
	}
}

// tryFolder writes to a folder, and takes it back: that the mode allows it, or root asks,
// says little where the file system takes nothing (/proc, or one that is read only). A
// disk that is full is no obstacle, for it may be so no longer when it matters.
func tryFolder(at string) error {
	made, err := os.MkdirTemp(at, ".greenapi_exporter-check-*")
	if err == nil {
		err = os.Remove(made)
	}
	if errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) {
		return nil
	}
	if failed := new(fs.PathError); errors.As(err, &failed) {
		err = failed.Err // without the path that was only tried
	}
	return err
}

// OpenDir opens a folder, and makes it if need be. The lock is on the folder
// itself: it leaves no file behind, and a disk that is full is no obstacle.
func OpenDir(path string) (*Dir, error) {
	if err := CheckDir(path); err != nil {
		return nil, err
	}
	if err := makeFolder(osFS{}, filepath.Clean(path)); err != nil {
		return nil, fmt.Errorf("make the ledger folder: %w", err)
	}
	folder, err := openFolder(path)
	if err != nil {
		return nil, fmt.Errorf("open the ledger folder: %w", err)
	}
	if err := unix.Flock(int(folder.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		if errors.Is(err, unix.EWOULDBLOCK) {
			err = fmt.Errorf("%w: stop that one, or give each exporter a folder of its own", ErrInUse)
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

// openFolder opens a folder, and nothing else, without waiting.
func openFolder(path string) (*os.File, error) {
	return os.OpenFile(path, os.O_RDONLY|unix.O_DIRECTORY|unix.O_NONBLOCK, 0) //nolint:gosec // The path is the operator's.
}

// makeFolder makes a folder, and those that it is in, so that they are there after a
// power cut too.
func makeFolder(fsys fileSystem, path string) error {
	if _, err := fsys.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	parent := filepath.Dir(path)
	if parent != path {
		if err := makeFolder(fsys, parent); err != nil {
			return err
		}
	}
	if err := fsys.Mkdir(path, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return fsys.SyncDir(parent)
}

// guard tells whether the folder that is locked is still the one at the path. It is
// asked before each write. That it is not is logged once.
func (d *Dir) guard(logger *slog.Logger) error {
	if d.lock == nil {
		return nil
	}
	locked, err := d.lock.Stat()
	if err != nil {
		return fmt.Errorf("look at the lock of the ledger folder: %w", err)
	}
	there, err := os.Stat(d.path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("look at the ledger folder: %w", err)
	}
	if err == nil && os.SameFile(locked, there) {
		d.gone.Store(false)
		return nil
	}
	if d.gone.CompareAndSwap(false, true) {
		logger.Error("nothing is saved any more, and the counters shown stay at what was saved last", "path", d.path, "err", errFolderGone)
	}
	return errFolderGone
}

// Open reads the ledger of an instance, or begins one. Close it before the
// instance is opened again.
//
// A file that is damaged, or is another instance's, or is no state file, is set
// aside under another name; that is logged, and the ledger begins anew. A file of a
// newer version is an error (ErrNewerVersion), and so is one that cannot be read or
// set aside: it is never overwritten.
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
	if err := d.guard(o.Logger); err != nil {
		return nil, fmt.Errorf("ledger of instance %s: %w", idInstance, err)
	}
	s := &store{
		fs: d.fs, path: d.file(idInstance),
		guard: func() error { return d.guard(o.Logger) },
		now:   o.Now, logger: o.Logger,
	}
	state, err := s.load(idInstance)
	if err != nil {
		return nil, fmt.Errorf("ledger of instance %s: %w", idInstance, err)
	}
	l := newLedger(o, s, state)
	l.onClose = func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.open, idInstance)
	}
	d.open[idInstance] = l
	return l, nil
}

func (d *Dir) file(idInstance string) string { return filepath.Join(d.path, idInstance+fileEnd) }

// load reads the file of a store, which is to be the owner's.
func (s *store) load(owner string) (*fileState, error) {
	state, err := s.read(owner)
	switch {
	case err == nil:
	case errors.Is(err, fs.ErrNotExist):
		state, s.stale = newFileState(newHashKey()), true
	case errors.Is(err, errDamaged), errors.Is(err, errForeign), errors.As(err, new(regularfile.NotRegularError)):
		end := asideForeign
		if errors.Is(err, errDamaged) {
			end = asideCorrupt
		}
		aside, moved := s.setAside(end)
		if moved != nil {
			return nil, fmt.Errorf("%w; it could not be set aside: %w", err, moved)
		}
		s.logger.Error("the ledger's state file cannot be used and was set aside; the counters begin at 0: to have the old ones, stop the exporter and put a good copy of the file in its place",
			"path", s.path, "set_aside", aside, "err", err)
		state, s.stale = newFileState(newHashKey()), true
	default:
		return nil, fmt.Errorf("%s: %w", s.path, err)
	}
	s.key, state.owner = state.key, owner
	return state, nil
}

// read reads the file.
func (s *store) read(owner string) (*fileState, error) {
	data, err := s.fs.ReadFile(s.path)
	if err != nil {
		return nil, err
	}
	state, err := decode(data)
	if err != nil {
		return nil, err
	}
	if state.owner != "" && state.owner != owner {
		return nil, fmt.Errorf("%w %s", errForeign, state.owner)
	}
	s.present = true
	s.snapshotSize, s.logSize, s.records = state.snapshotSize, state.size-state.snapshotSize, state.frames
	if torn := len(data) - state.size; torn > 0 {
		s.logger.Warn("the end of the ledger's state file was cut off: a record that was being written when the exporter or the machine stopped, and was never shown",
			"path", s.path, "bytes", torn)
	}
	// Whatever tore the file's end, no record may be put behind it. And what is to
	// be shown must be on the disk: all this may have been read from memory.
	s.stale = state.version < version || state.size < len(data) || s.sync() != nil
	return state, nil
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
