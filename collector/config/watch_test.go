package config_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
)

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
		write("one/greenapi.yml", "a")
		write("two/greenapi.yml", "b")
		point("one")
		ctx, cancel := context.WithCancel(t.Context())
		var changes atomic.Int64
		var fault atomic.Bool
		go config.Watch(ctx, filepath.Join(folder, "data", "greenapi.yml"), func() error {
			changes.Add(1)
			if fault.Load() {
				return errors.New("a token file is missing")
			}
			return nil
		})
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
		write("two/greenapi.yml", "c")
		expect(2)
		write("two/greenapi.yml", "c") // the same again
		expect(2)
		if err := os.Remove(filepath.Join(folder, "two/greenapi.yml")); err != nil {
			t.Fatal(err)
		}
		expect(2)
		write("two/greenapi.yml", "d")
		expect(3)
		fault.Store(true)
		write("two/greenapi.yml", "e")
		expect(9) // tried again every 10 s
		fault.Store(false)
		expect(10)
		expect(10)
		cancel()
		synctest.Wait()
	})
}
