package ledger_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

func TestRemoveLeftovers(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	now := start
	old, young := now.Add(-31*24*time.Hour), now.Add(-29*24*time.Hour)
	dir := openDir(t, path)
	l := open(t, dir, ledger.Options{})
	commitCalls(t, l, at(0))
	for name, written := range map[string]time.Time{
		instance + ".ledger":                             old, // An account that nothing is read of.
		instance + ".ledger.corrupt-20250930T000000Z":    young,
		instance + ".ledger.corrupt-20251030T000000Z":    old,
		instance + ".ledger.foreign-20250930T000000Z-12": old,
		"1101000002.ledger":                              old,
		"1101000002.ledger.tmp":                          old,
		"1101000003.ledger":                              young,
		"1101000002.ledger.bak":                          old,
		"notes":                                          old,
		"x.ledger":                                       old,
	} {
		name = filepath.Join(path, name)
		if _, err := os.Stat(name); errors.Is(err, os.ErrNotExist) {
			if err := os.WriteFile(name, nil, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chtimes(name, written, written); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(path, "1101000004.ledger"), 0o700); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	if err := dir.RemoveLeftovers(now, ledger.LeftoverAge, logTo(&log)); err != nil {
		t.Fatal(err)
	}
	want := []string{
		instance + ".ledger",
		instance + ".ledger.corrupt-20251030T000000Z",
		"1101000002.ledger.bak",
		"1101000003.ledger",
		"1101000004.ledger",
		"notes",
		"x.ledger",
	}
	if diff := cmp.Diff(want, list(t, path)); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if got := strings.Count(log.String(), "was removed from the ledger folder"); got != 4 {
		t.Errorf("logged %d lines, want one for each of 4 files:\n%s", got, log.String())
	}

	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := dir.RemoveLeftovers(now, 0, logTo(&log)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"1101000002.ledger.bak", "1101000004.ledger", "notes", "x.ledger"}, list(t, path)); diff != "" {
		t.Errorf("of any age, with no ledger open (-want +got):\n%s", diff)
	}
}

func TestLeftoversOfAnotherFolder(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "ledgers")
	dir := openDir(t, path)
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	openDir(t, path)
	file := filepath.Join(path, "1101000002.ledger")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	var log bytes.Buffer
	if err := dir.RemoveLeftovers(start.AddDate(100, 0, 0), 0, logTo(&log)); err == nil {
		t.Error("files of a folder that another process has were removed")
	}
	if _, err := os.Stat(file); err != nil {
		t.Error(err)
	}
}
