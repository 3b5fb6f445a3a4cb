package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/slogtest"
	"testing/synctest"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
)

// TestHandler runs the tests of the standard library for handlers.
func TestHandler(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := slogtest.TestHandler(newLogger(&out, "json", slog.LevelDebug).Handler(), func() []map[string]any {
		var records []map[string]any
		for line := range strings.Lines(out.String()) {
			var flat map[string]any
			if err := json.Unmarshal([]byte(line), &flat); err != nil {
				t.Fatal(err)
			}
			records = append(records, nested(flat))
		}
		return records
	})
	if err != nil {
		t.Error(err)
	}
}

// nested makes groups of prefixes, and gives the time the key that slogtest knows.
func nested(flat map[string]any) map[string]any {
	record := make(map[string]any)
	for key, value := range flat {
		if key == "ts" {
			key = slog.TimeKey
		}
		group := record
		parts := strings.Split(key, ".")
		for _, part := range parts[:len(parts)-1] {
			if group[part] == nil {
				group[part] = make(map[string]any)
			}
			group, _ = group[part].(map[string]any)
		}
		group[parts[len(parts)-1]] = value
	}
	return record
}

func TestValuesKeepTheirTypes(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := newLogger(&out, "json", slog.LevelDebug)
	log.Warn("text", "int", 1, "float", 1.5, "bool", true, "string", "a b", "duration", time.Second,
		"error", errors.New("no"), "nil", nil, "list", []int{1}, "token", client.NewToken("secret"))
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]any{
		"int": 1.0, "float": 1.5, "bool": true, "string": "a b", "duration": "1s", "error": "no", "nil": nil, "list": "[1]",
		"token": "<secret>", "level": "warn", "msg": "text",
	} {
		if got[key] != want {
			t.Errorf("%s is %#v, want %#v", key, got[key], want)
		}
	}
}

func TestLogfmt(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := newLogger(&out, "logfmt", slog.LevelInfo)
	log.Debug("not shown")
	log.With("a", 1).WithGroup("g").Info("two words", "b", "x=y", "list", []string{"p", "q"}, slog.Group("h", "c", true))
	_, got, _ := strings.Cut(strings.TrimSpace(out.String()), " ")
	if want := `level=info msg="two words" a=1 g.b="x=y" g.list="[p q]" g.h.c=true`; got != want {
		t.Errorf("line %s, want %s", got, want)
	}
}

// reader is what reads the log: it hangs until it is released, or has gone.
type reader struct {
	release chan struct{}
	gone    atomic.Bool

	mu   sync.Mutex
	text bytes.Buffer
}

// Write implements io.Writer.
func (r *reader) Write(line []byte) (int, error) {
	<-r.release
	if r.gone.Load() {
		return 0, syscall.EPIPE
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(line)
}

// TestLogReaderHangs has whoever reads the log hang, and come back: nobody waits, and
// what was lost is said.
func TestLogReaderHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := &reader{release: make(chan struct{})}
		w := newBackgroundWriter(out, "logfmt")
		log := newLogger(w, "logfmt", slog.LevelInfo)
		log.Info("before")
		synctest.Wait() // one line is on its way, and finds nobody
		const lines = 5000
		for n := range lines {
			log.Info("line", "n", n)
		}
		if lost := w.lost.Load(); lost != lines-logQueue {
			t.Errorf("%d lines were lost, want %d", lost, lines-logQueue)
		}
		close(out.release)
		synctest.Wait()
		if text := out.text.String(); strings.Count(text, "msg=line ") != logQueue ||
			!strings.Contains(text, fmt.Sprintf(`level=warn msg="lines of the log were lost: whoever reads it did not keep up, or had gone" lines=%[1]d total=%[1]d`, lines-logQueue)) {
			t.Errorf("the log says %d lines:\n%.2000s", strings.Count(text, "\n"), text)
		}
		w.Close()
		log.Info("after the end")
		if strings.Contains(out.text.String(), "after") {
			t.Error("it writes after its end")
		}
	})
}

// TestLogReaderGoes has whoever reads the log go.
func TestLogReaderGoes(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := &reader{release: make(chan struct{})}
		close(out.release)
		out.gone.Store(true)
		w := newBackgroundWriter(out, "json")
		log := newLogger(w, "json", slog.LevelInfo)
		for range 3 {
			log.Info("nobody reads this")
			synctest.Wait()
		}
		if lost := w.lost.Load(); lost != 3 {
			t.Errorf("%d lines were lost, want 3", lost)
		}
		out.gone.Store(false)
		log.Info("somebody does")
		w.Close()
		if text := out.text.String(); strings.Count(text, "\n") != 2 || !strings.Contains(text, `"lines":3`) {
			t.Errorf("the log says:\n%s", text)
		}
	})
}

// TestLogEndsWithAReaderThatHangs bounds the end of the program.
func TestLogEndsWithAReaderThatHangs(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		out := &reader{release: make(chan struct{})}
		w := newBackgroundWriter(out, "logfmt")
		newLogger(w, "logfmt", slog.LevelInfo).Info("line")
		started := time.Now()
		w.Close()
		if took := time.Since(started); took > 2*logGrace {
			t.Errorf("it waited for %v", took)
		}
		close(out.release)
	})
}
