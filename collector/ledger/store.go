package ledger

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// minLog is the size up to which the log of a state file is not worth folding.
const minLog = 4096

// store writes one state file: a snapshot, and behind it a log of commits. The
// file is opened for each write, so that a thousand of them need no descriptors.
type store struct {
	fs   fileSystem
	path string

	snapshotSize, logSize int
	records               uint32 // In the file.

	// stale is whether the file lacks something that a record cannot add: there is
	// none yet, or its end is torn, or a record is missing. Only a new one will do.
	stale bool
	// failing is whether the last write went wrong.
	failing bool
}

// save appends a record, if there is one, and writes a new file when the old one
// is stale or its log has outgrown its snapshot. It reports whether it did the latter.
func (s *store) save(record []byte, snapshot func() []byte) (rewritten bool, err error) {
	if record != nil && !s.stale {
		err = s.append(record)
	}
	if err == nil && (s.stale || s.logSize > max(minLog, s.snapshotSize)) {
		err = s.rewrite(snapshot())
		rewritten = err == nil
	}
	s.failing = err != nil
	return rewritten, err
}

// append adds a record to the log. What it has written of a record it could not
// finish is a torn end: it is left to the next snapshot to get rid of.
func (s *store) append(payload []byte) error {
	frame := appendFrame(nil, s.records, payload)
	s.stale = true
	f, err := s.fs.OpenFile(s.path, os.O_WRONLY|os.O_APPEND, 0)
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
	s.stale = false
	s.snapshotSize, s.logSize, s.records = len(data), 0, 1
	return nil
}

func (s *store) writeNew(name string, data []byte) error {
	f, err := s.fs.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err //nolint:wrapcheck // The caller does.
	}
	return writeAll(f, data)
}

// sync makes durable what a process before this one has written.
func (s *store) sync() error {
	f, err := s.fs.OpenFile(s.path, os.O_RDONLY, 0)
	if err != nil {
		return err //nolint:wrapcheck // It is looked at, and not told.
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	return s.fs.SyncDir(filepath.Dir(s.path)) //nolint:wrapcheck // The same.
}

// writeAll writes, syncs and closes.
func writeAll(f file, data []byte) error {
	_, err := f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}
