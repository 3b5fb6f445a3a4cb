package greenapitest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// A Fault bends an answer. The zero Fault changes nothing; fields combine.
type Fault struct {
	// Status replaces the status and, unless Body or BodyFunc gives another,
	// empties the body. 0 leaves both.
	Status int
	// Header is set over the usual headers. With a Content-Encoding in it the
	// body is sent as it is given.
	Header http.Header
	// Body replaces the body.
	Body []byte
	// BodyFunc replaces the body by a streamed one. It should end when ctx
	// does, or when a write fails because the client has left.
	BodyFunc func(ctx context.Context, w io.Writer) error
	// EchoPath puts the request's path, token included, in place of the text
	// "{path}" in Body.
	EchoPath bool
	// Encoding replaces the server's.
	Encoding Encoding

	// Delay is how long to wait before anything is sent.
	Delay time.Duration
	// ChunkBytes and Pause make the body slow: a pause before each chunk of so
	// many bytes (4096 when ChunkBytes is 0).
	ChunkBytes int
	Pause      time.Duration

	// Break ends the conversation after BreakAfter bytes of the body as they
	// go over the wire, or at the end of a shorter body. The header has then
	// promised more by Content-Length or, with Chunked, the last chunk is
	// missing. With BeforeHeader nothing is answered at all.
	Break        Break
	BreakAfter   int
	BeforeHeader bool
	// Chunked sends the body without Content-Length.
	Chunked bool

	// Raw sends the body to the connection in place of an HTTP answer, header
	// and all, and closes it, or with BreakStall keeps it open.
	Raw bool
}

// Break is how a conversation ends too early.
type Break int

const (
	// BreakClose closes the connection in order (FIN).
	BreakClose Break = iota + 1
	// BreakReset resets it (RST, by SO_LINGER 0). Where there is no TCP, it is
	// closed.
	BreakReset
	// BreakStall keeps it open in silence until the client leaves or the
	// server is closed.
	BreakStall
)

// errBrokenOff is what a body's writer gets when a fault breaks it off.
var errBrokenOff = errors.New("broken off by a fault")

// breakOff ends the conversation. It does not return, but after a reset.
func breakOff(ctx context.Context, w http.ResponseWriter, how Break) {
	switch how {
	case BreakStall:
		<-ctx.Done()
	case BreakReset:
		conn := hijack(w)
		if err := reset(conn); err == nil {
			return
		}
	case BreakClose:
	}
	panic(http.ErrAbortHandler)
}

// reset closes a connection so that the other side sees a reset, where the
// kind of connection knows such a thing.
func reset(conn net.Conn) error {
	inner := conn
	if t, ok := conn.(interface{ NetConn() net.Conn }); ok {
		inner = t.NetConn()
	}
	if tcp, ok := inner.(*net.TCPConn); ok {
		if err := tcp.SetLinger(0); err != nil {
			return fmt.Errorf("set linger: %w", err)
		}
	}
	// Not the TLS connection: it would say goodbye first.
	if err := inner.Close(); err != nil {
		return fmt.Errorf("reset: %w", err)
	}
	return nil
}

// hijack takes the connection over; where that cannot be, it aborts the answer.
func hijack(w http.ResponseWriter) net.Conn {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return conn
}

// flush sends what is buffered. A writer that cannot has nothing buffered.
func flush(w io.Writer) {
	if rw, ok := w.(http.ResponseWriter); ok {
		_ = http.NewResponseController(rw).Flush()
	}
}

// pause waits, and tells whether it waited to the end.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// defaultChunk is how many bytes of a slow body come at a time.
const defaultChunk = 4096

// A slowWriter writes in chunks, with a pause before each, and stops after a
// number of bytes.
type slowWriter struct {
	ctx   context.Context
	w     io.Writer
	chunk int
	pause time.Duration
	left  int // negative: no end
}

// Write implements io.Writer.
func (p *slowWriter) Write(b []byte) (int, error) {
	written := 0
	for len(b) > 0 {
		part := b
		if p.pause > 0 || p.chunk > 0 {
			size := p.chunk
			if size == 0 {
				size = defaultChunk
			}
			part = b[:min(size, len(b))]
			if p.pause > 0 {
				flush(p.w) // the header, too, does not wait for the first chunk
			}
			if !pause(p.ctx, p.pause) {
				return written, fmt.Errorf("write the body: %w", context.Cause(p.ctx))
			}
		}
		if p.left >= 0 {
			part = part[:min(p.left, len(part))]
		}
		n, err := p.w.Write(part)
		written += n
		if err != nil {
			return written, fmt.Errorf("write the body: %w", err)
		}
		b = b[n:]
		if p.left >= 0 {
			if p.left -= n; p.left == 0 {
				return written, errBrokenOff
			}
		}
	}
	return written, nil
}
