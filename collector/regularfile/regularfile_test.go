package regularfile_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/greenapi-exporter/greenapi_exporter/collector/regularfile"
)

// TestOtherFilesAreRefused would not end if one of them were opened as files are.
func TestOtherFilesAreRefused(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	pipe := filepath.Join(folder, "pipe")
	if err := unix.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(folder, "link")
	if err := os.Symlink(pipe, link); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		pipe:        "a pipe",
		link:        "a pipe",
		folder:      "a folder",
		"/dev/zero": "a device",
	} {
		_, err := regularfile.Read(path, 100)
		var other regularfile.NotRegularError
		if !errors.As(err, &other) || other.Kind != want || !strings.Contains(err.Error(), path) {
			t.Errorf("read %s: %v", path, err)
		}
		for _, flag := range []int{os.O_RDONLY, os.O_WRONLY | os.O_APPEND, os.O_WRONLY | os.O_CREATE | os.O_TRUNC} {
			if _, err := regularfile.Open(path, flag, 0o600); !errors.As(err, &other) {
				t.Errorf("open %s with %o: %v", path, flag, err)
			}
		}
	}
}

func isTooLarge(err error) bool {
	var tooLarge regularfile.TooLargeError
	return errors.As(err, &tooLarge)
}

func TestRead(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if _, err := regularfile.Read(path, 10); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no such file: %v", err)
	}
	for _, content := range []string{"", "1", "0123456789"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := regularfile.Read(path, 10); err != nil || string(got) != content {
			t.Errorf("read %q, %v; want %q", got, err, content)
		}
	}
	if _, err := regularfile.Read(path, 9); !isTooLarge(err) {
		t.Errorf("a file of 10 bytes, of which 9 may be read: %v", err)
	}
	// A file of any size that takes no room on the disk.
	if err := os.Truncate(path, 1<<40); err != nil {
		t.Fatal(err)
	}
	if _, err := regularfile.Read(path, 10); !isTooLarge(err) {
		t.Errorf("a file of a terabyte: %v", err)
	}
}

// TestReadOfAnUnknownSize reads a file that says it is empty.
func TestReadOfAnUnknownSize(t *testing.T) {
	t.Parallel()
	const path = "/proc/self/mountinfo"
	if info, err := os.Stat(path); err != nil || info.Size() != 0 {
		return // There are none here.
	}
	if content, err := regularfile.Read(path, 1<<20); err != nil || len(content) == 0 {
		t.Errorf("%d bytes, %v", len(content), err)
	}
	if _, err := regularfile.Read(path, 10); !isTooLarge(err) {
		t.Errorf("with room for 10 bytes: %v", err)
	}
}

func TestOpenCreates(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	f, err := regularfile.Open(path, os.O_WRONLY|os.O_CREATE, 0o640)
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Error(err)
	}
}
