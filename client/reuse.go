package client

import (
	"context"
	"net"
	"net/http"
	"net/http/httptrace"
	"runtime"
	"sync/atomic"

	promconfig "github.com/prometheus/common/config"
)

// net/http keeps a connection for the next request, perhaps of another account, once an
// answer has been read to its end. What a server sends after that end, if it is there
// already, is found a moment later, and may by then be taken for the answer to the next
// request. So a connection that is used again has to be quiet first: nothing of what
// came is left, and net/http waits for more.
const (
	quietYields = 20   // to the other goroutines, during which nothing may happen
	quietTries  = 1000 // until a connection is given up
)

// quietConn knows whether something waits for what comes next. In a TLS connection it
// is the one below: that is read when nothing of what came is left above.
type quietConn struct {
	net.Conn

	reads atomic.Uint64 // begun and ended: odd while one is under way
}

// Read implements net.Conn.
func (c *quietConn) Read(p []byte) (int, error) {
	c.reads.Add(1)
	n, err := c.Conn.Read(p)
	c.reads.Add(1)
	return n, err
}

// quiet waits until a read is under way that finds nothing. A connection that does not
// become quiet holds bytes that no request asked for.
func (c *quietConn) quiet() bool {
	for range quietTries {
		before := c.reads.Load()
		for range quietYields {
			runtime.Gosched()
		}
		if after := c.reads.Load(); after == before && after%2 == 1 {
			return true
		}
	}
	return false
}

// quietDial makes connections that know whether they are quiet.
func quietDial(dial promconfig.DialContextFunc) promconfig.DialContextFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &quietConn{Conn: conn}, nil
	}
}

// reuseQuiet lets a transport use only quiet connections again. One that is closed
// before the request is sent makes net/http take another one.
type reuseQuiet struct{ *http.Transport }

// RoundTrip implements http.RoundTripper.
func (t reuseQuiet) RoundTrip(req *http.Request) (*http.Response, error) {
	trace := &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		conn := info.Conn
		if above, ok := conn.(interface{ NetConn() net.Conn }); ok {
			conn = above.NetConn()
		}
		if below, ok := conn.(*quietConn); ok && info.Reused && !below.quiet() {
			_ = info.Conn.Close() // it is of no use any more
		}
	}}
	return t.Transport.RoundTrip(req.WithContext(httptrace.WithClientTrace(req.Context(), trace)))
}
