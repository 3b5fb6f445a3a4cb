package ledger

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/collector/regularfile"
)

// minLog is the size up to which the log of a state file is not worth folding.
const minLog = 4096

var errTooLarge = errors.New("the ledger's state file would be too large to be read again: lower --ledger.max-entries")

// store writes one state file: a snapshot, and behind it a log of commits. The
// file is opened for each write, so that a thousand of them need no descriptors.
type store struct {
	fs     fileSystem
	path   string
	key    hashKey // In the file's header. No other ledger has it.
	guard  func() error
	now    func() time.Time
	logger *slog.Logger

	snapshotSize, logSize int
	records               uint32 // In the file.

	// present is whether there was a file when it was last looked for.
	present bool
	// stale is whether the file lacks something that a record cannot add: there is
	// none yet, or its end is torn, or a record is missing. Only a new one will do.
	stale bool
	// failing is whether the last write went wrong.
	failing bool
}

// save appends a record, if there is one, and writes a new file when the old one
// is stale or its log has outgrown its snapshot. It reports whether it did the latter.
func (s *store) save(record []byte, snapshot func() []byte) (rewritten bool, err error) {
	if record != nil || s.outgrown() {
		err = s.check()
		switch {
		case err != nil:
			s.stale = s.stale || record != nil
		case record != nil && !s.stale:
			err = s.append(record)
		}
	}
	if err == nil && s.outgrown() {
		err = s.rewrite(snapshot())
		rewritten = err == nil
	}
	s.failing = err != nil
	return rewritten, err
}

// outgrown reports whether a new file is due.
func (s *store) outgrown() bool { return s.stale || s.logSize > max(minLog, s.snapshotSize) }

// check looks before a write at what is there now: somebody may have taken away the
// folder, or the file, or put another one in its place. What would be written over
// and is not ours is set aside.
func (s *store) check() error {
	if err := s.guard(); err != nil {
		return err
	}
	ours, err := s.ours()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if s.present {
			s.logger.Warn("the ledger's state file was removed while the exporter ran; it is written again, nothing was lost", "path", s.path)
		}
		s.present, s.stale = false, true
	case err != nil:
		return fmt.Errorf("look at the ledger's state file: %w", err)
	case !ours:
		aside, err := s.setAside(asideForeign)
		if err != nil {
			return fmt.Errorf("another file is in the place of the ledger's state file, and could not be set aside: %w", err)
		}
		s.logger.Error("another file was in the place of the ledger's state file and was set aside; the state file is written again, nothing was lost: to put a copy back, stop the exporter first",
			"path", s.path, "set_aside", aside)
		s.present, s.stale = false, true
	}
	return nil
}

// ours reports whether the file is the one that was read or written last.
func (s *store) ours() (bool, error) {
	f, err := s.fs.OpenFile(s.path, os.O_RDONLY, 0)
	if errors.As(err, new(regularfile.NotRegularError)) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	header := make([]byte, headerSize)
	_, err = f.ReadAt(header, 0)
	info, statErr := f.Stat()
	if closeErr := f.Close(); errors.Is(err, io.EOF) && statErr == nil && closeErr == nil {
		return false, nil // It is shorter.
	} else if err := errors.Join(err, statErr, closeErr); err != nil {
		return false, err
	}
	// A write that failed has left any size.
	sameSize := s.stale || info.Size() == int64(s.snapshotSize+s.logSize)
	return sameSize && headerKey(header) == s.key && string(header[:len(magic)]) == magic, nil
}

// The ends of the names of files that were set aside; a time follows.
const (
	asideCorrupt = ".corrupt-"
	asideForeign = ".foreign-"
	asideTime    = "20060102T150405Z"
)

// setAside renames whatever is in the file's place, without overwriting another file.
func (s *store) setAside(end string) (aside string, err error) {
	name := s.path + end + s.now().UTC().Format(asideTime)
	aside = name
	for n := 2; ; n++ {
		if _, err := s.fs.Lstat(aside); errors.Is(err, fs.ErrNotExist) {
			break
		} else if err != nil {
			return "", err
		}
		aside = name + "-" + strconv.Itoa(n)
	}
	if err := s.fs.Rename(s.path, aside); err != nil {
		return "", err
	}
	// A new file takes the old name. If the power fails then, both must have theirs.
	return aside, s.fs.SyncDir(filepath.Dir(s.path))
}

// append adds a record to the log. What it has written of a record it could not
// finish is a torn end: it is left to the next snapshot to get rid of.
func (s *store) append(payload []byte) error {
	frame := appendFrame(nil, s.records, payload)
	s.stale = true
	if s.snapshotSize+s.logSize > maxFile-len(frame) {
		return errTooLarge
	}
	f, err := s.fs.OpenFile(s.path, os.O_WRONLY|os.O_APPEND, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // It was removed just now. Being stale, it is written anew.
	}
	if err != nil {
		return fmt.Errorf("append to the ledger: %w", err)
	}
	if err := writeAll(f, frame); err != nil {
		return fmt.Errorf("append to the ledger: %w", err)
	}
	s.stale = false
	s.logSize += len(frame)
	s.records++
	return nil
}

// rewrite replaces the file. A crash at any moment leaves the old one or the new one.
func (s *store) rewrite(data []byte) error {
	if len(data) > maxFile/2 { // With a log as long it could not be read again.
		return errTooLarge
	}
	temporary := s.path + ".tmp"
	if err := s.writeNew(temporary, data); err != nil {
		// A full disk needs the room. The error to tell is the first.
		_ = s.fs.Remove(temporary)
		return fmt.Errorf("write the ledger anew: %w", err)
	}
	// From here on the file's name may stand for either of the two.
	s.stale = true
	if err := s.fs.Rename(temporary, s.path); err != nil {
		return fmt.Errorf("write the ledger anew: %w", err)
	}
	if err := s.fs.SyncDir(filepath.Dir(s.path)); err != nil {
		return fmt.Errorf("write the ledger anew: %w", err)
	}
	s.present, s.stale = true, false
	s.snapshotSize, s.logSize, s.records = len(data), 0, 1
	return nil
}

func (s *store) writeNew(name string, data []byte) error {
	f, err := s.fs.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	return writeAll(f, data)
}

// sync makes durable what a process before this one has written.
func (s *store) sync() error {
	f, err := s.fs.OpenFile(s.path, os.O_RDONLY, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return s.fs.SyncDir(filepath.Dir(s.path))
}

// writeAll writes, syncs and closes.
func writeAll(f file, data []byte) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
