package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestUnreadableNamesTheUser has the system refuse a file: who may not read it is
// said, and the mode of the file. (The test's own user may be allowed everything.)
func TestUnreadableNamesTheUser(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	refused := &fs.PathError{Op: "open", Path: path, Err: fs.ErrPermission}
	got := unreadable(path, refused).Error()
	if !strings.Contains(got, "uid ") || !strings.Contains(got, "mode is 0600") || strings.Contains(got, path) {
		t.Error(got)
	}
	got = unreadable(filepath.Join(path, "below"), refused).Error()
	if !strings.Contains(got, "uid ") || !strings.Contains(got, "for a folder on its path") {
		t.Error(got)
	}
}
