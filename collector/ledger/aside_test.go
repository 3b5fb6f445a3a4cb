package ledger_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

func TestDamagedFileIsSetAside(t *testing.T) {
	t.Parallel()
	damaged := open(t, ledger.NewDirOn(newTearFS(), "d"), ledger.Options{}).StateFile()
	damaged[len(damaged)/2] ^= 1
	for name, content := range map[string][]byte{"damaged": damaged, "foreign": []byte("a letter"), "empty": {}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := t.TempDir()
			file := filepath.Join(path, instance+".ledger")
			dir := openDir(t, path)
			var log bytes.Buffer
			o := ledger.Options{
				Logger: logTo(&log),
				Now:    func() time.Time { return start.In(time.FixedZone("", 3600)) },
			}
			for range 3 {
				if err := os.WriteFile(file, content, 0o600); err != nil {
					t.Fatal(err)
				}
				log.Reset()
				l := open(t, dir, o)
				if totals := l.Totals(); totals.CallJournal.Entries != 0 || !totals.LastWriteOK {
					t.Errorf("the new ledger is not empty: %+v", totals)
				}
				if got := strings.Count(log.String(), "level=ERROR"); got != 1 || !strings.Contains(log.String(), "set_aside="+file+".corrupt-20251101T120000Z") {
					t.Errorf("logged:\n%s", log.String())
				}
				commitCalls(t, l, at(0), call("A", "pickUp", 0))
				if err := l.Close(); err != nil {
					t.Error(err)
				}
			}
			base := instance + ".ledger"
			want := []string{base, base + ".corrupt-20251101T120000Z", base + ".corrupt-20251101T120000Z-2", base + ".corrupt-20251101T120000Z-3"}
			if diff := cmp.Diff(want, list(t, path)); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
			for _, name := range want[1:] {
				if got, err := os.ReadFile(filepath.Join(path, name)); err != nil || !bytes.Equal(got, content) {
					t.Errorf("%s was changed: %v", name, err)
				}
			}
		})
	}
}

// TestDamagedFileSurvivesAPowerCut cuts the power when a new file has taken the name
// of one that was set aside, and the folder was not synced yet.
func TestDamagedFileSurvivesAPowerCut(t *testing.T) {
	t.Parallel()
	fs := newTearFS()
	name := filepath.Join("d", instance+".ledger")
	fs.visible[name] = stored([]byte("a letter"))
	fs.durable[name] = fs.visible[name]
	l := open(t, ledger.NewDirOn(fs, "d"), ledger.Options{})
	commitCalls(t, l, at(0))
	synced := fs.steps
	for crashAt := range synced {
		fs := newTearFS()
		fs.visible[name] = stored([]byte("a letter"))
		fs.durable[name] = fs.visible[name]
		fs.crashAt = crashAt
		if l, err := ledger.NewDirOn(fs, "d").Open(instance, ledger.Options{}); err == nil {
			commitCalls(t, l, at(0))
		}
		for mask := range 1 << len(fs.pending) {
			change := -1
			left := fs.cut(func(n int) int {
				if change++; change < len(fs.pending) && mask>>change&1 == 0 {
					return 1
				}
				return 0
			})
			letters := 0
			for _, f := range left.visible {
				if string(f.data) == "a letter" {
					letters++
				}
			}
			if letters != 1 {
				t.Fatalf("crash at %d of %d, changes %b: the file is there %d times", crashAt, synced, mask, letters)
			}
		}
	}
}

func TestDamagedFileThatCannotBeSetAsideIsAnError(t *testing.T) {
	t.Parallel()
	fs := newTearFS()
	name := filepath.Join("d", instance+".ledger")
	fs.visible[name] = stored([]byte("a letter"))
	fs.fault = func(int) (int, error) { return 0, syscall.EROFS }
	if _, err := ledger.NewDirOn(fs, "d").Open(instance, ledger.Options{}); !errors.Is(err, syscall.EROFS) {
		t.Errorf("Open: %v", err)
	}
	if got := fs.visible[name].data; string(got) != "a letter" || len(fs.visible) != 1 {
		t.Errorf("the file was touched: %q", got)
	}
}

func TestNewerVersionIsLeftAlone(t *testing.T) {
	t.Parallel()
	path := t.TempDir()
	file := filepath.Join(path, instance+".ledger")
	content := ledger.New(ledger.Options{}).StateFile()
	binary.LittleEndian.PutUint32(content[8:], ledger.Version+1)
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := openDir(t, path)
	if _, err := dir.Open(instance, ledger.Options{}); !errors.Is(err, ledger.ErrNewerVersion) || !strings.Contains(err.Error(), file) {
		t.Errorf("Open: %v, want ErrNewerVersion of %s", err, file)
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, content) || len(list(t, path)) != 1 {
		t.Errorf("the file was not left alone: %v", err)
	}
	if _, err := dir.Open("1101000002", ledger.Options{}); err != nil {
		t.Errorf("another instance: %v", err)
	}
}
