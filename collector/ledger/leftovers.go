package ledger

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"time"
)

// LeftoverAge is how long files are kept that nobody uses.
const LeftoverAge = 30 * 24 * time.Hour

const fileEnd = ".ledger"

// leftover matches the names of the files that are made here: that of an instance,
// the one that takes its place, and those set aside, with the time.
var leftover = regexp.MustCompile(`^([0-9]+)\.ledger(\.tmp|\.(?:corrupt|foreign)-([0-9]{8}T[0-9]{6}Z)(?:-[0-9]+)?)?$`)

// RemoveLeftovers removes, by the clock now, the files that have been left over for
// longer than an age: what was set aside, since then; and those of instances whose
// ledgers are not open, since they were last written. Each is logged. Files of open
// ledgers, and files of other names, are never touched.
func (d *Dir) RemoveLeftovers(now time.Time, age time.Duration, logger *slog.Logger) error {
	// Nothing is opened meanwhile.
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.closed {
		return ErrClosed
	}
	if err := d.guard(logger); err != nil {
		return err
	}
	entries, err := os.ReadDir(d.path)
	if err != nil {
		return fmt.Errorf("look for files that are left over: %w", err)
	}
	var errs []error
	for _, e := range entries {
		since, ok := d.leftSince(e)
		if !ok || now.Sub(since) < age {
			continue
		}
		path := filepath.Join(d.path, e.Name())
		if err := d.fs.Remove(path); err != nil {
			errs = append(errs, fmt.Errorf("remove a file that is left over: %w", err))
			continue
		}
		logger.Info("a file that was left over was removed from the ledger folder", "path", path, "since", since.UTC().Format(time.RFC3339))
	}
	return errors.Join(errs...)
}

// leftSince tells since when a file is left over, if it is.
func (d *Dir) leftSince(e fs.DirEntry) (since time.Time, ok bool) {
	name := leftover.FindStringSubmatch(e.Name())
	if name == nil {
		return time.Time{}, false
	}
	if aside := name[3]; aside != "" {
		since, err := time.Parse(asideTime, aside)
		return since, err == nil
	}
	if d.open[name[1]] != nil {
		return time.Time{}, false
	}
	info, err := e.Info()
	if err != nil || !info.Mode().IsRegular() {
		return time.Time{}, false
	}
	return info.ModTime(), true
}
