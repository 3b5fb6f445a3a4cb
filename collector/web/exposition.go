package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"

	"github.com/greenapi-exporter/greenapi_exporter/collector"
	dto "github.com/prometheus/client_model/go"
)

// Bounds of what the answers of /metrics hold in memory while they are made and read.
const (
	maxExpositions     = 4         // that differ, at once
	maxExpositionBytes = 256 << 20 // of one, as it is sent
)

// expositions shares what was gathered for the whole fleet between the scrapes that
// overlap: those that found the same get the same bytes.
type expositions struct {
	places *places

	mu   sync.Mutex
	live []*shared
}

func newExpositions() *expositions {
	return &expositions{places: &places{
		all: maxExpositions, each: maxExpositions - 1, held: make(map[string]int), freed: make(chan struct{}),
	}}
}

// shared is an answer of /metrics while somebody makes or reads it.
type shared struct {
	found  collector.Collector
	format string // content type and coding

	readers int           // guarded by the mutex of expositions
	done    chan struct{} // closed when what follows is there
	answer  recorder
	err     error
}

// Why an exposition was not made.
var (
	errNoTime     = errors.New("no time left")
	errNoPlace    = errors.New("no place to make it in")
	errExposition = errors.New("too large")
)

// serve answers with an exposition, which make writes if nobody else does.
func (e *expositions) serve(ctx context.Context, w http.ResponseWriter, client, format string, found collector.Collector, write func(context.Context, http.ResponseWriter)) error {
	for {
		x, mine := e.join(format, found)
		if mine {
			go e.make(ctx, x, client, write)
		}
		select {
		case <-x.done:
		case <-ctx.Done():
		}
		err := errNoTime
		select {
		case <-x.done:
			err = x.err
		default:
		}
		if err == nil {
			err = x.answer.send(w)
			e.leave(x)
			return err
		}
		e.leave(x)
		if mine || ctx.Err() != nil {
			return err
		}
	}
}

// join returns the exposition of what was found, and whether the caller is to make it.
func (e *expositions) join(format string, found collector.Collector) (x *shared, mine bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, x := range e.live {
		if x.format == format && slices.Equal(x.found, found) {
			x.readers++
			return x, false
		}
	}
	x = &shared{found: found, format: format, readers: 2, done: make(chan struct{})} // who makes it holds it too
	e.live = append(e.live, x)
	return x, true
}

// make makes an exposition.
func (e *expositions) make(ctx context.Context, x *shared, client string, write func(context.Context, http.ResponseWriter)) {
	defer e.leave(x)
	defer close(x.done)
	if !e.places.wait(ctx, client) {
		x.err = errNoPlace
		e.mu.Lock()
		defer e.mu.Unlock()
		e.remove(x)
		return
	}
	x.answer.release = func() { e.places.give(client) }
	x.answer.header = make(http.Header)
	switch err := recovered(func() { write(ctx, &x.answer) }); {
	case err != nil:
		x.err = err
	case x.answer.full:
		x.err = errExposition
	case ctx.Err() != nil:
		x.err = errNoTime
	}
	if x.err != nil {
		x.answer.parts = nil
		e.mu.Lock()
		e.remove(x) // nobody else is to join it
		e.mu.Unlock()
	}
}

// recovered turns a panic into an error, as net/http does where a handler works in a
// goroutine of its own.
func recovered(do func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	do()
	return nil
}

func (e *expositions) remove(x *shared) {
	e.live = slices.DeleteFunc(e.live, func(other *shared) bool { return other == x })
}

// leave takes a reader off an exposition, which ends with the last one.
func (e *expositions) leave(x *shared) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if x.readers--; x.readers > 0 {
		return
	}
	e.live = slices.DeleteFunc(e.live, func(other *shared) bool { return other == x })
	if x.answer.release != nil {
		x.answer.release()
	}
}

// recorder is an http.ResponseWriter that keeps an answer, up to a bound.
type recorder struct {
	header  http.Header
	status  int
	parts   [][]byte
	size    int
	full    bool
	release func() // of its place
}

// partBytes is how much the recorder keeps together.
const partBytes = 256 << 10

// Header implements http.ResponseWriter.
func (r *recorder) Header() http.Header { return r.header }

// WriteHeader implements http.ResponseWriter.
func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
}

// Write implements http.ResponseWriter.
func (r *recorder) Write(p []byte) (int, error) {
	r.WriteHeader(http.StatusOK)
	if r.size += len(p); r.size > maxExpositionBytes {
		r.full = true
		return 0, errExposition
	}
	for left := p; len(left) > 0; {
		last := len(r.parts) - 1
		if last < 0 || len(r.parts[last]) == partBytes {
			r.parts = append(r.parts, make([]byte, 0, min(partBytes, max(len(left), 4<<10))))
			last++
		}
		n := min(len(left), partBytes-len(r.parts[last]))
		r.parts[last] = append(r.parts[last], left[:n]...)
		left = left[n:]
	}
	return len(p), nil
}

// send sends the answer.
func (r *recorder) send(w http.ResponseWriter) error {
	for name, values := range r.header {
		w.Header()[name] = values
	}
	if r.status != 0 { // else nothing was written, which is an answer without a body
		w.WriteHeader(r.status)
	}
	for _, part := range r.parts {
		if _, err := w.Write(part); err != nil {
			return &unsentError{err}
		}
	}
	return nil
}

// unsentError is an answer that could not be sent.
type unsentError struct{ error }

func (e *unsentError) Unwrap() error { return e.error }

// inTime gathers what was found until the context ends: nothing else stops it, whoever
// waits.
type inTime struct {
	collector.Collector

	ctx context.Context // of the scrape; Gather takes none
}

// Gather implements prometheus.Gatherer.
func (g inTime) Gather() ([]*dto.MetricFamily, error) { return g.GatherUntil(g.ctx), nil }
