// Package regularfile opens and reads files that the operator names, or that lie in
// a folder of the operator's, so that none of them holds the program up: a named
// pipe blocks whoever opens it until somebody comes to the other end, a device may
// never end, and a file may be larger than the memory. Regular files only, and no
// more of them than a bound.
package regularfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"syscall"
)

// NotRegularError is the error of what is no regular file.
type NotRegularError struct {
	Kind string // What it is: a folder, a pipe, a socket, a device.
}

func (e NotRegularError) Error() string { return "it is " + e.Kind + ", and must be a regular file" }

// TooLargeError is the error of reading a file that is larger than the bound.
type TooLargeError struct {
	Most int64 // bytes
}

func (e TooLargeError) Error() string { return fmt.Sprintf("it is larger than %d bytes", e.Most) }

// Open is os.OpenFile for regular files, and links to them. It never waits.
func Open(name string, flag int, mode fs.FileMode) (*os.File, error) {
	// Looked at first, because with some devices it is the opening that does something.
	info, err := os.Stat(name)
	if err == nil {
		err = check(name, info)
	}
	if err != nil && !(flag&os.O_CREATE != 0 && errors.Is(err, fs.ErrNotExist)) {
		return nil, err
	}
	// And again behind it, because it may be another one by then. Regular files do not
	// mind O_NONBLOCK.
	f, err := os.OpenFile(name, flag|syscall.O_NONBLOCK, mode) //nolint:gosec // The operator names the files.
	if err != nil {
		return nil, err
	}
	if info, err = f.Stat(); err == nil {
		err = check(name, info)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func check(name string, info fs.FileInfo) error {
	kind := "a device"
	switch mode := info.Mode(); {
	case mode.IsRegular():
		return nil
	case mode.IsDir():
		kind = "a folder"
	case mode&fs.ModeNamedPipe != 0:
		kind = "a pipe"
	case mode&fs.ModeSocket != 0:
		kind = "a socket"
	}
	return &fs.PathError{Op: "open", Path: name, Err: NotRegularError{kind}}
}

// Read returns the content of a regular file of at most so many bytes.
func Read(name string, most int64) ([]byte, error) {
	f, err := Open(name, os.O_RDONLY, 0)
	if err != nil {
		return nil, err
	}
	content, err := read(f, most)
	return content, errors.Join(err, f.Close())
}

func read(f *os.File, most int64) ([]byte, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	tooLarge := &fs.PathError{Op: "read", Path: f.Name(), Err: TooLargeError{most}}
	if info.Size() > most {
		return nil, tooLarge
	}
	// A file may grow while it is read, and some (in /proc) do not say their size.
	content := make([]byte, 0, info.Size()+1)
	for {
		n, err := f.Read(content[len(content):cap(content)])
		content = content[:len(content)+n]
		switch {
		case int64(len(content)) > most:
			return nil, tooLarge
		case errors.Is(err, io.EOF):
			return content, nil
		case err != nil:
			return nil, err
		case len(content) == cap(content):
			content = append(content, 0)[:len(content)]
		}
	}
}
