//go:build unix

package config_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
)

// TestOddFiles puts what is no regular file, or never ends, where files are read: all
// are refused at once, and none is opened. Who opened the pipe would wait for ever.
func TestOddFiles(t *testing.T) {
	t.Parallel()
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	endless := filepath.Join(t.TempDir(), "endless")
	writeFile(t, endless, "")
	if err := os.Truncate(endless, 1<<40); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		pipe:        "is a pipe: it must be a regular file",
		"/dev/zero": "is a device: it must be a regular file",
		endless:     "is larger than",
	} {
		for _, reader := range []string{
			"instances: [{id: '1101000001', token_file: %q}]",
			"partner: {token_file: %q}",
			"{instances: [{id: '1101000001', token: good}], http_client: {tls_config: {ca_file: %q}}}",
			"{instances: [{id: '1101000001', token: good}], http_client: {basic_auth: {username: a, password_file: %q}}}",
		} {
			c, err := config.Parse("file.yml", fmt.Appendf(nil, reader, path), defaults())
			if faults := asFaults(t, c, err); !strings.Contains(faults[0].Message, want) {
				t.Errorf("%s at %s: %v", path, reader, err)
			}
		}
		c, err := load(path)
		if faults := asFaults(t, c, err); !strings.Contains(faults[0].Message, want) {
			t.Errorf("%s as configuration: %v", path, err)
		}
	}
}

// TestWatchSurvivesPipes has a pipe take the place of the file.
func TestWatchSurvivesPipes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "greenapi.yml")
		writeFile(t, path, document("a"))
		file := config.NewFile(path, defaults(), noEnvironment)
		var last atomic.Value
		load := func() {
			_, err := file.Load()
			last.Store(fmt.Sprint(err))
		}
		load()
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		go file.Watch(ctx, load)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if diff := gocmp.Diff(path+": is a pipe: it must be a regular file", last.Load()); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	})
}
