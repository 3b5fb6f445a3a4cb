package ledger

import (
	"errors"
	"io"
	"io/fs"
	"os"

	"github.com/greenapi-exporter/greenapi_exporter/collector/regularfile"
)

// maxFile bounds the size of a state file, in bytes: more than ten million rows in
// each journal take, with a log as long as the snapshot. What is larger was not
// written here.
const maxFile = 1<<31 - 1

// fileSystem is what a state file asks of the operating system. Tests tear it.
type fileSystem interface {
	// ReadFile reads a regular file of at most maxFile bytes.
	ReadFile(name string) ([]byte, error)
	// OpenFile opens a regular file, or makes one.
	OpenFile(name string, flag int, mode fs.FileMode) (file, error)
	Lstat(name string) (fs.FileInfo, error)
	Mkdir(name string, mode fs.FileMode) error
	Rename(from, to string) error
	Remove(name string) error
	// SyncDir makes the names in a folder durable.
	SyncDir(name string) error
}

type file interface {
	io.Writer
	io.ReaderAt
	Stat() (fs.FileInfo, error)
	Sync() error
	Close() error
}

// osFS is the file system of the operating system.
type osFS struct{}

func (osFS) ReadFile(name string) ([]byte, error) {
	return regularfile.Read(name, maxFile)
}

func (osFS) OpenFile(name string, flag int, mode fs.FileMode) (file, error) {
	f, err := regularfile.Open(name, flag, mode)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (osFS) Lstat(name string) (fs.FileInfo, error) { return os.Lstat(name) }

func (osFS) Mkdir(name string, mode fs.FileMode) error { return os.Mkdir(name, mode) }

func (osFS) Rename(from, to string) error { return os.Rename(from, to) }

func (osFS) Remove(name string) error { return os.Remove(name) }

func (osFS) SyncDir(name string) error {
	dir, err := openFolder(name)
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}
