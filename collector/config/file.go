package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"strings"

	promconfig "github.com/prometheus/common/config"

	"github.com/greenapi-exporter/greenapi_exporter/collector/regularfile"
)

// ReadFile reads a regular file of at most limit bytes. Anything else is refused
// without waiting for it: a pipe or a device may never end. The error says what is
// wrong, without the path.
func ReadFile(path string, limit int64) ([]byte, fs.FileMode, error) {
	f, info, err := openFile(path)
	if err != nil {
		return nil, 0, err
	}
	content, readErr := io.ReadAll(io.LimitReader(f, limit+1))
	if err := errors.Join(readErr, f.Close()); err != nil {
		return nil, 0, unreadable(path, err)
	}
	if int64(len(content)) > limit {
		return nil, 0, tooLargeError(limit)
	}
	return content, info.Mode(), nil
}

// openFile opens a regular file.
func openFile(path string) (*os.File, fs.FileInfo, error) {
	f, err := regularfile.Open(path, os.O_RDONLY, 0)
	var other regularfile.NotRegularError
	if errors.As(err, &other) {
		return nil, nil, fmt.Errorf("is %s: it must be a regular file", other.Kind)
	}
	if err != nil {
		return nil, nil, unreadable(path, err)
	}
	info, err := f.Stat()
	if err != nil {
		return nil, nil, errors.Join(unreadable(path, err), f.Close())
	}
	return f, info, nil
}

// CheckReadable tells what keeps a file from being read that libraries read: it must
// be a regular one of at most limit bytes. The error says what is wrong, without the
// path.
func CheckReadable(path string, limit int64) error {
	f, info, err := openFile(path)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return unreadable(path, err)
	}
	if info.Size() > limit {
		return tooLargeError(limit)
	}
	return nil
}

func tooLargeError(limit int64) error {
	size := fmt.Sprint(limit>>20, " MiB")
	if limit < 1<<20 {
		size = fmt.Sprint(limit>>10, " KiB")
	}
	return errors.New("is larger than " + size)
}

// unreadable says why a file cannot be read, without its path. Where that is a
// matter of permissions, it says who may not do what.
func unreadable(path string, err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	if !errors.Is(err, fs.ErrPermission) {
		return fmt.Errorf("cannot be read: %w", err)
	}
	if info, statErr := os.Stat(path); statErr == nil {
		return fmt.Errorf("cannot be read by %s: %w, its mode is %04o: let that user read it", whoami(), err, info.Mode().Perm())
	}
	return fmt.Errorf("cannot be read by %s: %w for a folder on its path: let that user enter it (x)", whoami(), err)
}

// whoami names the user that the process runs as.
func whoami() string {
	who := fmt.Sprint("uid ", os.Getuid())
	if u, err := user.Current(); err == nil && u.Username != "" {
		return "user " + u.Username + " (" + who + ")"
	}
	return "the user of the exporter (" + who + ")"
}

// shownPath is where a path in the configuration leads, as far as it can be shown:
// of a value that somebody has put in the wrong place, it may be a secret. So what
// looks like one is left out, but for the id of the account.
func shownPath(folder, path, id string) string {
	elements := strings.Split(filepath.ToSlash(path), "/")
	for n, element := range elements {
		rest := element
		if CheckID(id) == nil {
			rest = strings.ReplaceAll(rest, id, "")
		}
		if rest != "" && !quotable(rest) {
			elements[n] = "…"
		}
	}
	shown := promconfig.JoinDir(folder, filepath.FromSlash(strings.Join(elements, "/")))
	if absolute, err := filepath.Abs(shown); err == nil {
		return absolute
	}
	return shown
}
