package greenapitest_test

import (
	"bytes"
	"context"
	"io"
	"math/bits"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
)

// startEcho serves connections that send back what they get, until the test ends.
func startEcho(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer func() { _ = conn.Close() }()
				_, _ = io.Copy(conn, conn) // until either side has had enough
			})
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	return listener.Addr().String()
}

func startProxy(t *testing.T, seed uint64, harm greenapitest.Harm) *greenapitest.Proxy {
	t.Helper()
	p := greenapitest.NewProxy(startEcho(t), seed)
	t.Cleanup(p.Close)
	p.SetHarm(harm)
	return p
}

func dial(t *testing.T, p *greenapitest.Proxy) net.Conn {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", p.Address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// exchange sends a message through the proxy, ends its side, and returns what came
// back before the other side ended.
func exchange(t *testing.T, p *greenapitest.Proxy, message []byte) ([]byte, error) {
	t.Helper()
	conn := dial(t, p)
	var sending sync.WaitGroup
	defer sending.Wait()
	sending.Go(func() {
		tcp, isTCP := conn.(*net.TCPConn)
		if _, err := conn.Write(message); err == nil && isTCP {
			_ = tcp.CloseWrite() // it may be reset by now
		}
	})
	return io.ReadAll(conn)
}

// message is larger than what passes before any harm.
var message = bytes.Repeat([]byte("0123456789abcdef"), 16<<10)

func TestProxy(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		harm  greenapitest.Harm
		count string
		whole bool // whether all bytes come back
		turns int  // bits that are turned in them
	}{
		"no harm": {greenapitest.Harm{}, "", true, 0},
		"refuse":  {greenapitest.Harm{Refuse: 1}, greenapitest.ProxyRefused, false, 0},
		"close":   {greenapitest.Harm{Close: 1}, greenapitest.ProxyClosed, false, 0},
		"reset":   {greenapitest.Harm{Reset: 1}, greenapitest.ProxyReset, false, 0},
		"corrupt": {greenapitest.Harm{Corrupt: 1}, greenapitest.ProxyCorrupted, true, 1},
		"delay":   {greenapitest.Harm{Delay: 1, Latency: time.Millisecond}, greenapitest.ProxyDelayed, true, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const connections = 8
			p := startProxy(t, 1, test.harm)
			for range connections {
				got, err := exchange(t, p, message)
				if whole := err == nil && len(got) == len(message); whole != test.whole {
					t.Fatalf("%d of %d bytes came back, error %v", len(got), len(message), err)
				}
				if turned := turnedBits(got); turned != test.turns {
					t.Errorf("%d bits are turned, want %d", turned, test.turns)
				}
			}
			want := map[string]int{greenapitest.ProxyConnections: connections}
			if test.count != "" {
				want[test.count] = connections
			}
			if diff := cmp.Diff(want, p.Counts()); diff != "" {
				t.Errorf("counted (-want +got):\n%s", diff)
			}
		})
	}
}

// turnedBits counts the bits in which a beginning of the message differs from it.
func turnedBits(got []byte) int {
	n := 0
	for i, b := range got {
		n += bits.OnesCount8(b ^ message[i])
	}
	return n
}

// A stalled connection is silent, and there, until the client leaves.
func TestProxyStalls(t *testing.T) {
	t.Parallel()
	p := startProxy(t, 1, greenapitest.Harm{Stall: 1, Within: 1})
	conn := dial(t, p)
	if _, err := conn.Write(message); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for p.Counts()[greenapitest.ProxyStalled] == 0 {
		if ctx.Err() != nil {
			t.Fatal("it does not stall")
		}
		time.Sleep(time.Millisecond)
	}
	if _, err := conn.Write(message); err != nil {
		t.Errorf("a stalled connection is not there: %v", err)
	}
	p.Disconnect()
	if got, _ := io.ReadAll(conn); len(got) > 0 { // it ends, in order or by a reset
		t.Errorf("%d bytes came through", len(got))
	}
	p.SetHarm(greenapitest.Harm{})
	if got, err := exchange(t, p, message); err != nil || !bytes.Equal(got, message) {
		t.Errorf("after the harm %d bytes came back, error %v", len(got), err)
	}
}

// The same seed gives the same fates.
func TestProxyIsSeeded(t *testing.T) {
	t.Parallel()
	harm := greenapitest.Harm{Refuse: 0.2, Close: 0.2, Reset: 0.2, Corrupt: 0.2, Within: 4096}
	run := func(seed uint64) (fates []int) {
		p := startProxy(t, seed, harm)
		for range 40 {
			before := p.Counts()
			// How many bytes arrive of a connection that is reset is left to chance.
			_, _ = exchange(t, p, message)
			fate := 0
			for i, what := range []string{greenapitest.ProxyRefused, greenapitest.ProxyClosed, greenapitest.ProxyReset, greenapitest.ProxyCorrupted} {
				fate += (i + 1) * (p.Counts()[what] - before[what])
			}
			fates = append(fates, fate)
		}
		return fates
	}
	first := run(1)
	if diff := cmp.Diff(first, run(1)); diff != "" {
		t.Errorf("the same seed gives other fates:\n%s", diff)
	}
	if cmp.Equal(first, run(2)) {
		t.Error("another seed gives the same fates")
	}
}

// Close ends what is going on, and nothing is served later.
func TestProxyClose(t *testing.T) {
	t.Parallel()
	p := greenapitest.NewProxy(startEcho(t), 1)
	conn := dial(t, p)
	if _, err := conn.Write([]byte("hello")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 5)); err != nil {
		t.Fatal(err)
	}
	p.Close()
	if n, err := conn.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d bytes from a closed proxy", n)
	}
	var dialer net.Dialer
	if late, err := dialer.DialContext(t.Context(), "tcp", p.Address); err == nil {
		_ = late.Close()
		t.Error("a closed proxy still listens")
	}
	p.Close()
}

// A server that is not there ends the client's connection.
func TestProxyWithoutServer(t *testing.T) {
	t.Parallel()
	p := greenapitest.NewProxy("127.0.0.1:0", 1) // a port that nobody can listen on
	t.Cleanup(p.Close)
	if got, _ := io.ReadAll(dial(t, p)); len(got) > 0 { // by a reset or in order
		t.Errorf("%d bytes from nowhere", len(got))
	}
}
