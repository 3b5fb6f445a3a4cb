package greenapitest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Encoding is how a server encodes bodies.
type Encoding int

const (
	// EncodingInherit, in a Fault, is whatever the server does.
	EncodingInherit Encoding = iota
	// EncodingAsked is gzip for clients that accept it.
	EncodingAsked
	// EncodingPlain is never gzip.
	EncodingPlain
	// EncodingGzip is gzip whether asked or not.
	EncodingGzip
	// EncodingClaimed lies: the header says gzip, the body is plain.
	EncodingClaimed
)

// An answer is what the server will say, before any fault bends it.
type answer struct {
	status      int
	contentType string
	body        []byte                // when streamed is nil
	streamed    func(io.Writer) error // the body
	date        time.Time
	encoding    Encoding
	fault       Fault
}

func (a *answer) json(status int, v any) {
	a.status = status
	a.body = mustJSON(v)
}

func (a *answer) stream(write func(io.Writer) error) {
	a.streamed = write
}

// notFound answers as the framework behind GREEN-API does: with the path in
// the body, and so with the token.
func (a *answer) notFound(r *http.Request) {
	a.json(http.StatusNotFound, map[string]any{
		"statusCode": 404,
		"timestamp":  a.date.UTC().Format(time.RFC3339),
		"path":       r.URL.Path,
		"message":    "Cannot " + r.Method + " " + r.URL.Path,
	})
}

// finalStatus is the status that goes over the wire; 0 when no HTTP does.
func (a *answer) finalStatus() int {
	switch {
	case a.fault.Raw || a.fault.BeforeHeader:
		return 0
	case a.fault.Status != 0:
		return a.fault.Status
	}
	return a.status
}

// send writes the answer, bent by its fault.
func (a *answer) send(w http.ResponseWriter, r *http.Request) {
	ctx := r.Context()
	f := a.fault
	if !pause(ctx, f.Delay) {
		panic(http.ErrAbortHandler)
	}
	a.bend(ctx, r.URL.Path)
	switch {
	case f.BeforeHeader:
		breakOff(ctx, w, f.Break)
	case f.Raw:
		a.sendRaw(ctx, w)
	case f.Break != 0 && !f.Chunked:
		a.sendPromised(ctx, w, r)
	default:
		a.sendStreamed(ctx, w, r)
	}
}

// bend puts in what the fault says in place of the answer itself.
func (a *answer) bend(ctx context.Context, path string) {
	f := a.fault
	if f.Status != 0 {
		a.status = f.Status
		a.body, a.streamed = nil, nil
	}
	if f.Body != nil {
		a.body, a.streamed = f.Body, nil
	}
	if f.BodyFunc != nil {
		a.streamed = func(w io.Writer) error { return f.BodyFunc(ctx, w) }
	}
	if f.EchoPath {
		a.body = bytes.ReplaceAll(a.body, []byte("{path}"), []byte(path))
	}
	if f.Encoding != EncodingInherit {
		a.encoding = f.Encoding
	}
}

// sendStreamed writes the body as it comes, breaking off inside it when the
// fault says so.
func (a *answer) sendStreamed(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	zip := a.writeHeaders(w, r)
	f := a.fault
	if a.streamed == nil && !zip && !f.Chunked && bodyAllowed(a.status) {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	out := &slowWriter{ctx: ctx, w: w, chunk: f.ChunkBytes, pause: f.Pause, left: -1}
	if f.Break != 0 {
		out.left = f.BreakAfter
		flush(w) // so that there is no Content-Length
	}
	// A write fails when the client has left or the body was broken off; there
	// is nobody to tell but the connection.
	err := a.writeBody(out, zip)
	if f.Break != 0 {
		flush(w)
		breakOff(ctx, w, f.Break)
	} else if err != nil {
		panic(http.ErrAbortHandler)
	}
}

// sendPromised writes less than its Content-Length promises: the beginning of
// the body, or all of it and a promise of more.
func (a *answer) sendPromised(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	zip := a.writeHeaders(w, r)
	var whole bytes.Buffer
	if err := a.writeBody(&whole, zip); err != nil {
		panic(http.ErrAbortHandler)
	}
	f := a.fault
	n := min(f.BreakAfter, whole.Len())
	w.Header().Set("Content-Length", strconv.Itoa(max(whole.Len(), f.BreakAfter+1)))
	w.WriteHeader(a.status)
	out := &slowWriter{ctx: ctx, w: w, chunk: f.ChunkBytes, pause: f.Pause, left: -1}
	if _, err := out.Write(whole.Bytes()[:n]); err != nil {
		panic(http.ErrAbortHandler)
	}
	flush(w)
	breakOff(ctx, w, f.Break)
}

// sendRaw writes bytes to the connection in place of an HTTP answer.
func (a *answer) sendRaw(ctx context.Context, w http.ResponseWriter) {
	conn := hijack(w)
	// What can fail here is what the fault is about.
	defer func() { _ = conn.Close() }()
	out := &slowWriter{ctx: ctx, w: conn, chunk: a.fault.ChunkBytes, pause: a.fault.Pause, left: -1}
	_ = a.writeBody(out, false)
	if a.fault.Break == BreakStall {
		// No longer a matter of net/http: the context does not end when the client leaves.
		stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
		defer stop()
		_, _ = io.Copy(io.Discard, conn)
	}
}

// writeHeaders sets the headers and tells whether the body is to be zipped.
func (a *answer) writeHeaders(w http.ResponseWriter, r *http.Request) (zip bool) {
	h := w.Header()
	h.Set("Date", a.date.UTC().Format(http.TimeFormat))
	switch {
	case a.contentType != "":
		h.Set("Content-Type", a.contentType)
	case a.body != nil || a.streamed != nil:
		h.Set("Content-Type", "application/json; charset=utf-8")
	}
	zip = a.encoding == EncodingGzip ||
		a.encoding == EncodingAsked && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
	zip = zip && (a.body != nil || a.streamed != nil)
	if zip || a.encoding == EncodingClaimed {
		h.Set("Content-Encoding", "gzip")
	}
	for name, values := range a.fault.Header {
		h[name] = values
		if name == "Content-Encoding" {
			zip = false // the body is encoded already, or claims to be
		}
	}
	return zip
}

func (a *answer) writeBody(w io.Writer, zip bool) error {
	if !zip {
		return a.writePlain(w)
	}
	z := gzipWriters.get()
	defer gzipWriters.put(z)
	z.Reset(w)
	if err := a.writePlain(z); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return fmt.Errorf("compress the body: %w", err)
	}
	return nil
}

func (a *answer) writePlain(w io.Writer) error {
	if a.streamed != nil {
		return a.streamed(w)
	}
	if _, err := w.Write(a.body); err != nil {
		return fmt.Errorf("write the body: %w", err)
	}
	return nil
}

func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
