package config

import (
	"context"
	"crypto/sha256"
	"errors"
	"io/fs"
	"path/filepath"
	"sync"
	"time"
)

// watchInterval is how often the configuration file is looked at. Kubernetes takes
// about a minute to bring a change to a mounted file, so this adds little.
const watchInterval = 10 * time.Second

// File is a configuration file, and what was last loaded of it. It is safe for
// concurrent use.
type File struct {
	path     string
	defaults Defaults
	lookup   func(string) (string, bool)

	mu      sync.Mutex
	loaded  contentSum
	failed  bool // what was loaded is not in use
	changed bool // the last load read something else than was in use
}

// contentSum is the hash of a file's content, or of why it cannot be read. It is zero
// while there is no file.
type contentSum [sha256.Size]byte

// NewFile returns the configuration file at path. Lookup gives environment variables,
// as os.LookupEnv does.
func NewFile(path string, d Defaults, lookup func(string) (string, bool)) *File {
	return &File{path: path, defaults: d, lookup: lookup}
}

// Load reads the file, and the token files and environment variables that it names.
// Relative paths in it start at its own folder. Its error is a Faults that holds
// every fault of the file.
func (f *File) Load() (*Config, error) {
	document, mode, sum, err := f.read()
	var c *Config
	if err != nil {
		err = Faults{{File: f.path, Message: err.Error() + f.lookedAt()}}
	} else {
		c, err = parse(f.path, document, mode, f.defaults, f.lookup)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.changed = sum != f.loaded || f.failed
	f.loaded, f.failed = sum, err != nil
	return c, err
}

// Changed tells whether the last Load read something else than was in use before.
func (f *File) Changed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.changed
}

// Reject notes that what was loaded could not be put to use: Watch has it loaded again.
func (f *File) Reject() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = true
}

func (f *File) read() ([]byte, fs.FileMode, contentSum, error) {
	document, mode, err := ReadFile(f.path, maxDocument)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, contentSum{}, err
	case err != nil:
		return nil, 0, sha256.Sum256([]byte(err.Error())), err
	}
	return document, mode, sha256.Sum256(document), nil
}

// lookedAt says where a relative path leads.
func (f *File) lookedAt() string {
	if absolute, err := filepath.Abs(f.path); err == nil && !filepath.IsAbs(f.path) {
		return " (" + absolute + ")"
	}
	return ""
}

// Watch calls reload, which is to call Load, when the file differs from what was last
// loaded, until the context ends, and again and again while what was loaded is not in
// use: what the file names, such as a token file, may come later than it. It reads the
// file rather than waiting for events of the file system: those get lost behind the
// symbolic links of Kubernetes and on network file systems.
func (f *File) Watch(ctx context.Context, reload func()) {
	ticker := time.NewTicker(watchInterval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		// One that is not there is about to be replaced, or will be missed at the next
		// reload.
		if _, _, now, _ := f.read(); now != (contentSum{}) && f.outdated(now) {
			reload()
		}
	}
}

func (f *File) outdated(now contentSum) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.failed || now != f.loaded
}
