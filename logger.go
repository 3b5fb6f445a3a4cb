package main

import (
	"context"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"slices"

	kitlog "github.com/go-kit/log"
)

// newLogger returns a logger whose backend is go-kit/log.
func newLogger(w io.Writer, format string, level slog.Leveler) *slog.Logger {
	var backend kitlog.Logger
	if format == "json" {
		backend = kitlog.NewJSONLogger(kitlog.NewSyncWriter(w))
	} else {
		backend = kitlog.NewLogfmtLogger(kitlog.NewSyncWriter(w))
	}
	return slog.New(&kitHandler{backend: backend, level: level})
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
