package collector

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// maxLines bounds the lines that are kept of one refresh.
const maxLines = 200

// Line is a line of the log of one refresh, whatever the level of the log.
type Line struct {
	At      time.Time
	Level   slog.Level
	Message string
	Attrs   []slog.Attr
}

// scrapeLog keeps what is logged during one refresh, and passes it on.
type scrapeLog struct {
	next slog.Handler
	with []slog.Attr
	log  *sharedLines
}

// sharedLines is what the handlers derived from one scrapeLog share.
type sharedLines struct {
	mu    sync.Mutex
	lines []Line
}

func newScrapeLog(next slog.Handler) *scrapeLog { return &scrapeLog{next: next, log: new(sharedLines)} }

// Enabled implements slog.Handler.
func (*scrapeLog) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (s *scrapeLog) Handle(ctx context.Context, r slog.Record) error {
	line := Line{At: r.Time, Level: r.Level, Message: r.Message, Attrs: append([]slog.Attr(nil), s.with...)}
	r.Attrs(func(a slog.Attr) bool {
		line.Attrs = append(line.Attrs, a)
		return true
	})
	s.log.mu.Lock()
	if len(s.log.lines) < maxLines {
		s.log.lines = append(s.log.lines, line)
	}
	s.log.mu.Unlock()
	if !s.next.Enabled(ctx, r.Level) {
		return nil
	}
	return s.next.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (s *scrapeLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &scrapeLog{next: s.next.WithAttrs(attrs), with: append(append([]slog.Attr(nil), s.with...), attrs...), log: s.log}
}

// WithGroup implements slog.Handler. No refresh logs in groups; their names are not
// kept.
func (s *scrapeLog) WithGroup(name string) slog.Handler {
	return &scrapeLog{next: s.next.WithGroup(name), with: s.with, log: s.log}
}

// lines returns what was logged so far.
func (s *scrapeLog) lines() []Line {
	s.log.mu.Lock()
	defer s.log.mu.Unlock()
	return append([]Line(nil), s.log.lines...)
}
