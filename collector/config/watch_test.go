package config_test

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
)

func noEnvironment(string) (string, bool) { return "", false }

// document is a good configuration that differs from others by a name.
func document(name string) string {
	return "instances: [{id: '1101000001', token: good, name: " + name + "}]"
}

// TestWatch changes a file as an editor does, and as Kubernetes does: by a symbolic
// link to a folder that is exchanged.
func TestWatch(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		folder := t.TempDir()
		write := func(name, text string) {
			t.Helper()
			if err := os.MkdirAll(filepath.Dir(filepath.Join(folder, name)), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		point := func(to string) {
			t.Helper()
			next := filepath.Join(folder, "next")
			if err := os.Symlink(to, next); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(next, filepath.Join(folder, "data")); err != nil {
				t.Fatal(err)
			}
		}
		write("one/greenapi.yml", document("a"))
		write("two/greenapi.yml", document("b"))
		point("one")
		ctx, cancel := context.WithCancel(t.Context())
		var changes atomic.Int64
		var fault atomic.Bool
		file := config.NewFile(filepath.Join(folder, "data", "greenapi.yml"), defaults(), noEnvironment)
		reload := func() {
			changes.Add(1)
			if _, err := file.Load(); err != nil {
				t.Error(err)
			}
			if fault.Load() {
				file.Reject()
			}
		}
		reload()
		changes.Store(0)
		go file.Watch(ctx, reload)
		expect := func(want int64) {
			t.Helper()
			time.Sleep(time.Minute)
			synctest.Wait()
			if got := changes.Load(); got != want {
				t.Errorf("%d changes, want %d", got, want)
			}
		}
		expect(0)
		point("two")
		expect(1)
		write("two/greenapi.yml", document("c"))
		expect(2)
		write("two/greenapi.yml", document("c")) // the same again
		expect(2)
		if err := os.Remove(filepath.Join(folder, "two/greenapi.yml")); err != nil {
			t.Fatal(err)
		}
		expect(2)
		write("two/greenapi.yml", document("d"))
		expect(3)
		fault.Store(true)
		write("two/greenapi.yml", document("e"))
		expect(9) // tried again every 10 s
		fault.Store(false)
		expect(10)
		expect(10)
		cancel()
		synctest.Wait()
	})
}

// TestWatchComparesWithWhatWasLoaded changes the file between loading and watching,
// and has others load it meanwhile.
func TestWatchComparesWithWhatWasLoaded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "greenapi.yml")
		file := config.NewFile(path, defaults(), noEnvironment)
		var changes atomic.Int64
		var name atomic.Value // of the account that was loaded
		load := func() {
			c, err := file.Load()
			if err != nil {
				name.Store("")
				return
			}
			name.Store(c.Instances[0].Name)
		}
		expect := func(want string, reloads int64) {
			t.Helper()
			time.Sleep(time.Minute)
			synctest.Wait()
			if got := changes.Swap(0); got != reloads || name.Load() != want {
				t.Errorf("%d reloads, want %d; the name is %q, want %q", got, reloads, name.Load(), want)
			}
		}
		writeFile(t, path, document("a"))
		load()
		writeFile(t, path, document("b"))
		go file.Watch(t.Context(), func() { changes.Add(1); load() })
		expect("b", 1)
		writeFile(t, path, document("c"))
		load() // as after a SIGHUP
		expect("c", 0)
		writeFile(t, path, "nonsense")
		load()
		expect("", 6) // again and again: what it names may come later
		writeFile(t, path, document("c"))
		expect("c", 1)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		load()
		expect("", 0)
		writeFile(t, path, document("c"))
		expect("c", 1)
	})
}
