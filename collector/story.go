package collector

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// maxStory bounds the lines that are kept of one refresh.
const maxStory = 200

// Line is a line of the log of one refresh, whatever the level of the log.
type Line struct {
	At      time.Time
	Level   slog.Level
	Message string
	Attrs   []slog.Attr
}

// story keeps what is logged during one refresh, and passes it on.
type story struct {
	next slog.Handler
	with []slog.Attr
	page *page
}

// page is what the handlers of one story share.
type page struct {
	mu    sync.Mutex
	lines []Line
}

func newStory(next slog.Handler) *story { return &story{next: next, page: new(page)} }

// Enabled implements slog.Handler.
func (*story) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (s *story) Handle(ctx context.Context, r slog.Record) error {
	line := Line{At: r.Time, Level: r.Level, Message: r.Message, Attrs: append([]slog.Attr(nil), s.with...)}
	r.Attrs(func(a slog.Attr) bool {
		line.Attrs = append(line.Attrs, a)
		return true
	})
	s.page.mu.Lock()
	if len(s.page.lines) < maxStory {
		s.page.lines = append(s.page.lines, line)
	}
	s.page.mu.Unlock()
	if !s.next.Enabled(ctx, r.Level) {
		return nil
	}
	return s.next.Handle(ctx, r) //nolint:wrapcheck // a handler among handlers
}

// WithAttrs implements slog.Handler.
func (s *story) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &story{next: s.next.WithAttrs(attrs), with: append(append([]slog.Attr(nil), s.with...), attrs...), page: s.page}
}

// WithGroup implements slog.Handler. No refresh logs in groups; their names are not
// kept.
func (s *story) WithGroup(name string) slog.Handler {
	return &story{next: s.next.WithGroup(name), with: s.with, page: s.page}
}

// told returns what was logged so far.
func (s *story) told() []Line {
	s.page.mu.Lock()
	defer s.page.mu.Unlock()
	return append([]Line(nil), s.page.lines...)
}
