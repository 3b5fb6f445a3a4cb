package main

import (
	"bytes"
	"context"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	kitlog "github.com/go-kit/log"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
	"github.com/prometheus/client_golang/prometheus"
)

// formatJSON is the format of the log that is not logfmt.
const formatJSON = "json"

// newLogger returns a logger whose backend is go-kit/log.
func newLogger(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	var backend kitlog.Logger
	if format == formatJSON {
		backend = kitlog.NewJSONLogger(kitlog.NewSyncWriter(w))
	} else {
		backend = kitlog.NewLogfmtLogger(kitlog.NewSyncWriter(w))
	}
	return slog.New(&kitHandler{backend: backend, level: level})
}

const (
	// logQueue is how many lines of the log may wait for whoever reads it.
	logQueue = 1024
	// logGrace is how long the end of the program waits for that reader.
	logGrace = time.Second
)

// backgroundWriter writes the log from a goroutine of its own, so that a reader that
// hangs, or has gone, holds up no scrape. Lines that find no room, or cannot be
// written, are lost and counted.
type backgroundWriter struct {
	out   io.Writer
	lost  atomic.Uint64
	ended chan struct{}

	mu     sync.Mutex
	lines  chan []byte
	closed bool
}

// newBackgroundWriter returns a writer to out, of lines in that format. It must be
// closed.
func newBackgroundWriter(out io.Writer, format string) *backgroundWriter {
	w := &backgroundWriter{out: out, lines: make(chan []byte, logQueue), ended: make(chan struct{})}
	go w.run(newLogger(out, format, slog.LevelInfo))
	return w
}

// logLostMetric shows how many lines of the log were lost.
func logLostMetric(lost *atomic.Uint64) prometheus.Collector {
	return prometheus.NewCounterFunc(prometheus.CounterOpts{
		Name: "greenapi_log_lost_lines_total",
		Help: "Number of log lines that were lost because their reader was too slow or had gone.",
	}, func() float64 { return float64(lost.Load()) })
}

// run writes the lines until the writer is closed. That some were lost, it says as
// soon as one comes through again.
func (w *backgroundWriter) run(log *slog.Logger) {
	defer close(w.ended)
	said := uint64(0)
	for line := range w.lines {
		if _, err := w.out.Write(line); err != nil {
			w.lost.Add(1)
			continue
		}
		if lost := w.lost.Load(); lost > said {
			log.Warn("lines of the log were lost: whoever reads it did not keep up, or had gone", "lines", lost-said, "total", lost)
			said = lost
		}
	}
}

// Write implements io.Writer. It never waits, and never fails.
func (w *backgroundWriter) Write(line []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.closed {
		select {
		case w.lines <- bytes.Clone(line):
			return len(line), nil
		default:
		}
	}
	w.lost.Add(1)
	return len(line), nil
}

// Close waits until the lines are written that were accepted, for logGrace at most.
func (w *backgroundWriter) Close() {
	w.mu.Lock()
	if !w.closed {
		w.closed = true
		close(w.lines)
	}
	w.mu.Unlock()
	select {
	case <-w.ended:
	case <-time.After(logGrace):
	}
}

// notices says what there is to say before the log begins: on plain lines, or as JSON
// where the log is to be JSON, for those who read it by machine.
type notices struct {
	w   io.Writer
	log *slog.Logger // nil for plain lines
}

func newNotices(w io.Writer, format string) notices {
	if format == formatJSON {
		return notices{w, newLogger(w, format, slog.LevelInfo)}
	}
	return notices{w: w}
}

// warn writes each warning.
func (n notices) warn(warnings []config.Warning) {
	for _, warning := range warnings {
		if n.log != nil {
			n.log.Warn("configuration", "warning", warning.String())
		} else {
			fmt.Fprintln(n.w, "warning:", warning)
		}
	}
}

// fail writes each line of an error.
func (n notices) fail(err error) {
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimRight(line, "\n"); n.log != nil {
			n.log.Error("not started", "err", line)
		} else {
			fmt.Fprintln(n.w, line)
		}
	}
}

// hint writes what helps people, and no machine.
func (n notices) hint(text string) {
	if n.log == nil {
		fmt.Fprintln(n.w, text)
	}
}

// logFormat finds the format of the log where the flags could not be read.
func logFormat(args []string) string {
	format := os.Getenv(envPrefix + "LOG_FORMAT")
	for n, arg := range args {
		if value, ok := strings.CutPrefix(arg, "--log.format="); ok {
			format = value
		} else if arg == "--log.format" && n+1 < len(args) {
			format = args[n+1]
		}
	}
	return format
}

// redactingWriter takes what libraries print through Go's global logger, and logs only
// that there was something: net/http prints there what a server sends out of turn,
// which may hold the request's path, and so the token.
type redactingWriter struct{ log *slog.Logger }

// Write implements io.Writer.
func (w redactingWriter) Write(text []byte) (int, error) {
	w.log.Warn("a library printed something that is not shown, for it may hold a token: most likely the API, or a proxy before it, sent something that nobody asked for", "bytes", len(text))
	return len(text), nil
}

// kitHandler is a slog.Handler over a go-kit logger. Values keep their types, so
// that numbers stay numbers in JSON. Groups become prefixes of keys.
type kitHandler struct {
	backend kitlog.Logger
	level   slog.Leveler
	prefix  string // of the open groups, with its dot
	keyvals []any  // of the attributes so far
}

// Enabled implements slog.Handler.
func (h *kitHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.level.Level()
}

// Handle implements slog.Handler.
func (h *kitHandler) Handle(_ context.Context, r slog.Record) error {
	keyvals := make([]any, 0, 6+len(h.keyvals)+2*r.NumAttrs())
	if !r.Time.IsZero() {
		keyvals = append(keyvals, "ts", r.Time.UTC())
	}
	keyvals = append(keyvals, "level", levelName(r.Level), "msg", r.Message)
	keyvals = append(keyvals, h.keyvals...)
	r.Attrs(func(a slog.Attr) bool {
		keyvals = appendAttr(keyvals, h.prefix, a)
		return true
	})
	if err := h.backend.Log(keyvals...); err != nil {
		return fmt.Errorf("write a log line: %w", err)
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (h *kitHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	next := *h
	next.keyvals = slices.Clone(h.keyvals)
	for _, a := range attrs {
		next.keyvals = appendAttr(next.keyvals, h.prefix, a)
	}
	return &next
}

// WithGroup implements slog.Handler.
func (h *kitHandler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	next := *h
	next.prefix += name + "."
	return &next
}

func appendAttr(keyvals []any, prefix string, a slog.Attr) []any {
	value := a.Value.Resolve()
	if value.Kind() == slog.KindGroup {
		if a.Key != "" {
			prefix += a.Key + "."
		}
		for _, member := range value.Group() {
			keyvals = appendAttr(keyvals, prefix, member)
		}
		return keyvals
	}
	if a.Key == "" && value.Any() == nil {
		return keyvals // the zero Attr
	}
	return append(keyvals, prefix+a.Key, plain(value))
}

// plain returns a value that both formats of go-kit can write.
func plain(value slog.Value) any {
	switch v := value.Any().(type) {
	case nil, error, fmt.Stringer, json.Marshaler, encoding.TextMarshaler,
		string, bool, int64, uint64, float64:
		return v
	default:
		return fmt.Sprintf("%+v", v)
	}
}

// levelName returns the name of a level in the lower case that logs of Prometheus
// have.
func levelName(level slog.Level) string {
	switch {
	case level < slog.LevelInfo:
		return "debug"
	case level < slog.LevelWarn:
		return "info"
	case level < slog.LevelError:
		return "warn"
	default:
		return "error"
	}
}
