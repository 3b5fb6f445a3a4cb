package ledger

import (
	"errors"
	"io"
	"io/fs"
	"os"
)

// fileSystem is what a state file asks of the operating system. Tests tear it.
type fileSystem interface {
	ReadFile(name string) ([]byte, error)
	OpenFile(name string, flag int, mode fs.FileMode) (file, error)
	Rename(from, to string) error
	Remove(name string) error
	// SyncDir makes the names in a folder durable.
	SyncDir(name string) error
}

type file interface {
	io.Writer
	Sync() error
	Close() error
}

// osFS is the file system of the operating system.
type osFS struct{}

func (osFS) ReadFile(name string) ([]byte, error) {
	return os.ReadFile(name) //nolint:gosec,wrapcheck // Any name, and passes on.
}

func (osFS) OpenFile(name string, flag int, mode fs.FileMode) (file, error) {
	return os.OpenFile(name, flag, mode) //nolint:gosec,wrapcheck // Any name, and passes on.
}

func (osFS) Rename(from, to string) error { return os.Rename(from, to) } //nolint:wrapcheck // Passes on.

func (osFS) Remove(name string) error { return os.Remove(name) } //nolint:wrapcheck // Passes on.

func (osFS) SyncDir(name string) error {
	dir, err := os.Open(name) //nolint:gosec // Any name.
	if err != nil {
		return err //nolint:wrapcheck // Passes on.
	}
	return errors.Join(dir.Sync(), dir.Close())
}
