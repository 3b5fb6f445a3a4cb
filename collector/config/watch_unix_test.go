//go:build unix

package config_test

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
)

// TestWatchLeavesPipesAlone has somebody wait with a pipe until it is read.
func TestWatchLeavesPipesAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	var opened, watched atomic.Bool
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for !watched.Load() {
			pipe, err := os.OpenFile(path, os.O_WRONLY, 0)
			if err != nil {
				t.Error(err)
				return
			}
			opened.Store(true)
			pipe.Close()
		}
	}()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		config.Watch(ctx, path, func() error { return nil })
	})
	if opened.Load() {
		t.Error("the pipe was opened")
	}
	watched.Store(true)
	reader, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	<-ended
	reader.Close()
}
