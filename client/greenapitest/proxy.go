package greenapitest

import (
	"context"
	"errors"
	"io"
	"maps"
	"math"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Harm says what befalls the connections of a Proxy: of each kind a share from
// 0 to 1, together at most 1. The zero Harm does none.
type Harm struct {
	// Refuse closes a connection before a byte has passed.
	Refuse float64
	// Close ends it in order (FIN), Reset with a reset (RST), and Stall lets
	// all that comes later vanish, until the client leaves.
	Close, Reset, Stall float64
	// Corrupt turns one bit. Nothing in plain HTTP tells the result from the
	// truth; TLS and gzip do.
	Corrupt float64
	// Delay has every piece wait, in both directions.
	Delay float64

	// Within is how many bytes have passed in one direction, drawn between 0
	// and this, when it happens: few rather than many. 64 KiB when zero.
	Within int
	// Latency is the longest delay of a piece, 100 ms when zero.
	Latency time.Duration
}

// What Proxy.Counts counts.
const (
	ProxyConnections = "connections"
	ProxyRefused     = "refused"
	ProxyClosed      = "closed"
	ProxyReset       = "reset"
	ProxyStalled     = "stalled"
	ProxyCorrupted   = "corrupted"
	ProxyDelayed     = "delayed"
)

const (
	defaultWithin  = 64 << 10
	defaultLatency = 100 * time.Millisecond
	// proxyPiece is how much a proxy passes on at a time.
	proxyPiece = 16 << 10
)

// A Proxy passes TCP connections on to a server and harms some of them. What
// befalls a connection is derived from the seed and its number, so that a run
// can be repeated as far as its connections come in the same order. Its zero
// value is of no use; its methods may be called while it works.
type Proxy struct {
	// Address is where it listens, as host:port.
	Address string

	target   string
	seed     uint64
	listener net.Listener
	stop     context.CancelFunc
	active   sync.WaitGroup

	mu     sync.Mutex
	harm   Harm
	counts map[string]int
	conns  map[net.Conn]bool
	closed bool
}

// NewProxy starts a proxy before the server that listens on target (host:port),
// on a port of the loopback interface that the system chooses. It does no harm
// before SetHarm. It panics when it cannot listen. Close stops it.
func NewProxy(target string, seed uint64) *Proxy {
	listener := listenLoopback()
	ctx, cancel := context.WithCancel(context.Background())
	p := &Proxy{
		Address: listener.Addr().String(), target: target, seed: seed, listener: listener, stop: cancel,
		counts: make(map[string]int), conns: make(map[net.Conn]bool),
	}
	p.active.Go(func() { p.accept(ctx) })
	return p
}

// SetHarm sets what befalls new connections. Those that are there keep their
// fate: see Disconnect.
func (p *Proxy) SetHarm(harm Harm) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.harm = harm
}

// Disconnect closes all connections.
func (p *Proxy) Disconnect() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.conns {
		_ = conn.Close() // whoever passes something on notices
	}
}

// Counts is how many connections came, and what has happened to them so far. A
// connection that ended before its time came is not harmed.
func (p *Proxy) Counts() map[string]int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.counts)
}

// Close closes all connections and returns when none is served any more.
func (p *Proxy) Close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.stop()
	_ = p.listener.Close() // which ends accept
	p.Disconnect()
	p.active.Wait()
}

func (p *Proxy) accept(ctx context.Context) {
	for n := uint64(0); ; n++ {
		client, err := p.listener.Accept()
		if err != nil {
			return // closed
		}
		if !p.keep(client) {
			continue
		}
		p.count(ProxyConnections)
		l := &link{proxy: p, client: client, fate: p.draw(n)}
		p.active.Go(func() { l.serve(ctx) })
	}
}

// keep notes a connection, unless the proxy is closed: then it is closed, too.
func (p *Proxy) keep(conn net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = conn.Close() // nothing has passed
		return false
	}
	p.conns[conn] = true
	return true
}

func (p *Proxy) drop(conn net.Conn) {
	_ = conn.Close() // it may be closed already
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.conns, conn)
}

func (p *Proxy) count(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.counts[what]++
}

// fate is what befalls a connection.
type fate struct {
	what     string        // as Counts names it, empty for nothing
	upstream bool          // whether it is what the client sends that decides when
	after    int64         // bytes in that direction
	bit      byte          // that is turned
	latency  time.Duration // of every piece
}

// draw decides the fate of connection n.
func (p *Proxy) draw(n uint64) fate {
	p.mu.Lock()
	harm := p.harm
	p.mu.Unlock()
	if harm.Within == 0 {
		harm.Within = defaultWithin
	}
	if harm.Latency == 0 {
		harm.Latency = defaultLatency
	}
	d := rand.New(rand.NewPCG(p.seed, n)) //nolint:gosec // a fault must be the same on every run
	f := fate{
		upstream: d.Float64() < 0.25,
		after:    int64(math.Pow(float64(harm.Within), d.Float64())) - 1,
		bit:      1 << d.IntN(8),
	}
	latency := time.Duration(d.Float64() * float64(harm.Latency))
	at := d.Float64()
	for _, kind := range []struct {
		what  string
		share float64
	}{
		{ProxyRefused, harm.Refuse},
		{ProxyClosed, harm.Close},
		{ProxyReset, harm.Reset},
		{ProxyStalled, harm.Stall},
		{ProxyCorrupted, harm.Corrupt},
		{ProxyDelayed, harm.Delay},
	} {
		if at < kind.share {
			f.what = kind.what
			break
		}
		at -= kind.share
	}
	if f.what == ProxyDelayed {
		f.latency = latency
	}
	return f
}

// link is a connection of a client and the one to the server that belongs to it.
type link struct {
	proxy          *Proxy
	client, server net.Conn
	fate           fate
	stalled        atomic.Bool
}

func (l *link) serve(ctx context.Context) {
	defer l.proxy.drop(l.client)
	switch l.fate.what {
	case ProxyRefused:
		l.proxy.count(ProxyRefused)
		return
	case ProxyDelayed:
		l.proxy.count(ProxyDelayed)
	}
	var dialer net.Dialer
	server, err := dialer.DialContext(ctx, "tcp", l.proxy.target)
	if err != nil || !l.proxy.keep(server) {
		return
	}
	defer l.proxy.drop(server)
	l.server = server
	var upstream sync.WaitGroup
	upstream.Go(func() { l.pass(ctx, server, l.client, l.fate.upstream) })
	l.pass(ctx, l.client, server, !l.fate.upstream)
	upstream.Wait()
}

// pass passes on what comes from one side to the other, until it ends. Harmed says
// whether this is the direction in which the link's fate waits.
func (l *link) pass(ctx context.Context, to, from net.Conn, harmed bool) {
	buffer := make([]byte, proxyPiece)
	left := l.fate.after
	for {
		n, err := from.Read(buffer)
		piece := buffer[:n]
		if n > 0 && !pause(ctx, l.fate.latency) {
			l.cut()
			return
		}
		if harmed && n > 0 && left >= 0 {
			if int64(n) > left {
				if piece = l.strike(piece, int(left)); piece == nil {
					return
				}
			}
			left -= int64(n) // negative once it has happened
		}
		if len(piece) > 0 && !l.stalled.Load() {
			if _, err := to.Write(piece); err != nil {
				l.cut()
				return
			}
		}
		if err != nil {
			l.end(to, from, err)
			return
		}
	}
}

// strike does what the fate has in store, at a byte of a piece, and returns what of
// the piece goes on; nil when the link is over.
func (l *link) strike(piece []byte, at int) []byte {
	switch l.fate.what {
	case ProxyClosed, ProxyReset:
		l.proxy.count(l.fate.what)
		if l.fate.what == ProxyReset {
			for _, conn := range []net.Conn{l.client, l.server} {
				_ = reset(conn) // it may be over already
			}
		}
		l.cut()
		return nil
	case ProxyStalled:
		l.proxy.count(ProxyStalled)
		l.stalled.Store(true)
	case ProxyCorrupted:
		l.proxy.count(ProxyCorrupted)
		piece[at] ^= l.fate.bit
	}
	return piece
}

// end passes on that one side has ended. In a stalled link only the client's end
// does: it is the other side that has gone silent.
func (l *link) end(to, from net.Conn, err error) {
	if l.stalled.Load() {
		if from == l.client {
			l.cut()
		}
		return
	}
	half, ok := to.(interface{ CloseWrite() error })
	if !ok || !errors.Is(err, io.EOF) || half.CloseWrite() != nil {
		l.cut()
	}
}

// cut ends both connections, which ends both directions.
func (l *link) cut() {
	_, _ = l.client.Close(), l.server.Close() // either may be closed already
}
