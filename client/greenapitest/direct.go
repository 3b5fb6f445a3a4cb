package greenapitest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
)

// direct is a RoundTripper that calls a handler in the caller's goroutine:
// the cheapest way to replay weeks. A handler that aborts gives the error that
// a broken connection would; the body is held in memory.
type direct struct {
	handler http.Handler
}

var errAborted = errors.New("the server aborted the answer")

// RoundTrip implements http.RoundTripper.
func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := &memoryWriter{header: make(http.Header)}
	aborted := w.serve(d.handler, r.Clone(r.Context()))
	if err := r.Context().Err(); err != nil {
		return nil, fmt.Errorf("request in memory: %w", err)
	}
	if aborted && w.status == 0 {
		return nil, errAborted
	}
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	body := io.Reader(&w.body)
	if aborted {
		body = io.MultiReader(body, failingReader{})
	}
	return &http.Response{
		Status:        http.StatusText(w.status),
		StatusCode:    w.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        w.sent,
		Body:          io.NopCloser(body),
		ContentLength: -1,
		Request:       r,
	}, nil
}

type memoryWriter struct {
	header, sent http.Header
	status       int
	body         bytes.Buffer
}

func (w *memoryWriter) serve(h http.Handler, r *http.Request) (aborted bool) {
	defer func() {
		if p := recover(); p != nil {
			if err, ok := p.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				panic(p)
			}
			aborted = true
		}
	}()
	h.ServeHTTP(w, r)
	return false
}

// Header implements http.ResponseWriter.
func (w *memoryWriter) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *memoryWriter) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
		w.sent = w.header.Clone()
	}
}

// Write implements http.ResponseWriter.
func (w *memoryWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	n, err := w.body.Write(p)
	if err != nil {
		return n, fmt.Errorf("answer in memory: %w", err)
	}
	return n, nil
}

type failingReader struct{}

func (failingReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
