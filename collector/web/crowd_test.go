package web_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/collector/web"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// from asks for a path as a client with an address.
func (f *face) from(t *testing.T, address, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
	r.RemoteAddr = address
	for n := 0; n < len(header); n += 2 {
		r.Header.Set(header[n], header[n+1])
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

// TestOneClientLeavesPlaces has one client ask for more than there are places: another
// one is served all the same, and so are pages and health checks.
func TestOneClientLeavesPlaces(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		greedy, other string
		served        bool
	}{
		"another address":         {"192.0.2.1:%d", "192.0.2.2:1", true},
		"the same address":        {"192.0.2.1:%d", "192.0.2.1:1", false},
		"another network of IPv6": {"[2001:db8:0:1::%x]:1", "[2001:db8:0:2::1]:1", true},
		"the same network":        {"[2001:db8:0:1::%x]:1", "[2001:db8:0:1:ffff::1]:1", false},
		"IPv4 in IPv6":            {"[::ffff:192.0.2.1]:%d", "192.0.2.1:1", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				const places = 40
				f := newFace(t, func(o *web.Options) { o.MaxRequests = places })
				f.support.Fault(greenapitest.AnyMethod, greenapitest.FaultHang(), 0)
				var served atomic.Int64
				var all sync.WaitGroup
				for n := range 2 * places {
					all.Go(func() {
						if w := f.from(t, fmt.Sprintf(test.greedy, n+1), "/probe?target=support"); w.Code == http.StatusOK {
							served.Add(1)
						}
					})
				}
				synctest.Wait()
				want := http.StatusServiceUnavailable
				if test.served {
					want = http.StatusOK
				}
				for range 3 {
					if w := f.from(t, test.other, "/probe?target=1101000002"); w.Code != want {
						t.Errorf("the other client got %d, want %d", w.Code, want)
					}
				}
				for _, path := range []string{"/", "/sd", "/history", "/-/healthy", "/-/ready"} {
					if w := f.from(t, test.other, path); w.Code != http.StatusOK {
						t.Errorf("%s: %d", path, w.Code)
					}
				}
				all.Wait()
				if n := served.Load(); n != places-places/11 {
					t.Errorf("%d scrapes of the greedy client were served, want %d", n, places-places/11)
				}
			})
		})
	}
}

// pipes is a listener on connections in memory, which hold nothing that is not read.
type pipes struct {
	conns chan net.Conn
	ended chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.conns:
		return conn, nil
	case <-p.ended:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { return nil }
func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }

// TestSlowReadersHoldNoPlace has clients that ask, and read nothing or hardly anything:
// their places are free again before long.
func TestSlowReadersHoldNoPlace(t *testing.T) {
	t.Parallel()
	for name, read := range map[string]func(net.Conn){
		"nothing": func(net.Conn) {},
		"a byte a second": func(conn net.Conn) {
			for {
				if _, err := conn.Read(make([]byte, 1)); err != nil {
					return
				}
				time.Sleep(time.Second)
			}
		},
	} {
		for _, path := range []string{"/metrics", "/probe?target=support", "/", "/history", "/sd"} {
			t.Run(name+path, func(t *testing.T) {
				t.Parallel()
				inBubble(t, func(t *testing.T) {
					f := newFace(t, nil)
					listener := &pipes{conns: make(chan net.Conn), ended: make(chan struct{})}
					server := &http.Server{Handler: f, ReadHeaderTimeout: time.Second}
					var serving sync.WaitGroup
					serving.Go(func() { _ = server.Serve(listener) })
					const clients = 40
					var conns []net.Conn
					for range clients {
						near, far := net.Pipe()
						listener.conns <- far
						conns = append(conns, near)
						// Pipelined: the next one is asked for before the first is answered.
						serving.Go(func() {
							for range 5 {
								if _, err := fmt.Fprintf(near, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path); err != nil {
									return
								}
							}
						})
						serving.Go(func() { read(near) })
					}
					time.Sleep(12 * time.Second)
					if w := f.from(t, "192.0.2.2:1", path); w.Code != http.StatusOK {
						t.Errorf("after 12 s, another client got %d", w.Code)
					}
					for _, conn := range conns {
						_ = conn.Close()
					}
					close(listener.ended)
					_ = server.Close()
					serving.Wait()
				})
			})
		}
	}
}

// slowGatherer takes its time.
type slowGatherer struct {
	prometheus.Gatherer

	takes time.Duration
	times atomic.Int64
}

func (g *slowGatherer) Gather() ([]*dto.MetricFamily, error) {
	g.times.Add(1)
	time.Sleep(g.takes)
	return g.Gatherer.Gather()
}

// TestOverlappingScrapesShareAnExposition gathers once for scrapes that found the same
// and want the same format.
func TestOverlappingScrapesShareAnExposition(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		slow := &slowGatherer{takes: 5 * time.Second}
		f := newFace(t, func(o *web.Options) {
			o.MaxRequests = 0
			slow.Gatherer, o.Own = o.Own, slow
		})
		bodies := make([]string, 20)
		var all sync.WaitGroup
		for n := range bodies {
			all.Go(func() { bodies[n] = f.get(t, "/metrics").Body.String() })
		}
		all.Wait()
		for _, body := range bodies {
			if body != bodies[0] || !strings.Contains(body, `greenapi_up{id_instance="1101000001"} 1`) {
				t.Fatal("an exposition differs, or has no accounts")
			}
		}
		if n := slow.times.Load(); n != 1 {
			t.Errorf("gathered %d times for %d scrapes, want once", n, len(bodies))
		}
		f.get(t, "/metrics")
		if n := slow.times.Load(); n != 2 {
			t.Error("an exposition outlives those who read it")
		}
		// Another format is another exposition.
		all.Go(func() { f.get(t, "/metrics") })
		all.Go(func() { f.get(t, "/metrics", "Accept-Encoding", "gzip") })
		all.Go(func() { f.get(t, "/metrics", "Accept", "application/openmetrics-text") })
		// So is one of some families.
		all.Go(func() {
			if body := f.get(t, "/metrics?name[]=greenapi_up").Body.String(); !strings.Contains(body, "greenapi_up") || strings.Contains(body, "go_goroutines") {
				t.Errorf("not the family that was asked for:\n%s", body)
			}
		})
		all.Wait()
		if n := slow.times.Load(); n != 6 {
			t.Errorf("gathered %d times, want 6", n)
		}
	})
}

// TestGatheringHasADeadline takes longer to gather than the scrape has.
func TestGatheringHasADeadline(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		slow := &slowGatherer{takes: time.Minute}
		f := newFace(t, func(o *web.Options) {
			o.MaxRequests = 0
			slow.Gatherer, o.Own = o.Own, slow
		})
		start := time.Now()
		w := f.get(t, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", "10")
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("answered after %v", took)
		}
		if body := w.Body.String(); w.Code != http.StatusServiceUnavailable || !strings.Contains(body, "/probe") || !strings.Contains(body, "--no-web.instances-on-metrics") {
			t.Errorf("%d %s", w.Code, body)
		}
		time.Sleep(slow.takes)
	})
}

// TestOneWhoLeavesTakesNobodyAlong has the scrape that gathers for others leave.
func TestOneWhoLeavesTakesNobodyAlong(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		slow := &slowGatherer{takes: 5 * time.Second}
		f := newFace(t, func(o *web.Options) {
			o.MaxRequests = 0
			slow.Gatherer, o.Own = o.Own, slow
		})
		leaving, leave := context.WithCancel(t.Context())
		var all sync.WaitGroup
		all.Go(func() {
			f.ServeHTTP(httptest.NewRecorder(), httptest.NewRequestWithContext(leaving, http.MethodGet, "/metrics", nil))
		})
		for range 5 {
			all.Go(func() {
				time.Sleep(time.Second)
				if w := f.get(t, "/metrics"); w.Code != http.StatusOK {
					t.Errorf("got %d %s", w.Code, w.Body)
				}
			})
		}
		time.Sleep(2 * time.Second)
		leave()
		all.Wait()
		time.Sleep(slow.takes)
	})
}

// TestExpositionsAreBounded holds a few expositions that differ, which nobody reads:
// the next one waits until its deadline, and says what to do.
func TestExpositionsAreBounded(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		slow := &slowGatherer{takes: 20 * time.Second}
		f := newFace(t, func(o *web.Options) {
			o.MaxRequests = 0
			slow.Gatherer, o.Own = o.Own, slow
		})
		var all sync.WaitGroup
		for _, accept := range []string{"text/plain", "application/openmetrics-text", "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"} {
			all.Go(func() { f.from(t, "192.0.2.1:1", "/metrics", "Accept", accept) })
		}
		synctest.Wait()
		if w := f.from(t, "192.0.2.1:1", "/metrics", "Accept-Encoding", "gzip", "X-Prometheus-Scrape-Timeout-Seconds", "10"); w.Code != http.StatusServiceUnavailable {
			t.Errorf("a client has more than its share: %d", w.Code)
		}
		if w := f.from(t, "192.0.2.2:1", "/metrics", "Accept-Encoding", "gzip"); w.Code != http.StatusOK {
			t.Errorf("another client got %d", w.Code)
		}
		all.Wait()
	})
}

// TestAPanicIsAnswered has a gatherer that panics: the scrape is answered, and the
// exporter lives.
func TestAPanicIsAnswered(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		f := newFace(t, func(o *web.Options) {
			o.Own = prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) { panic("broken") })
		})
		for range 10 { // more than there are places for expositions
			if w := f.get(t, "/metrics"); w.Code != http.StatusServiceUnavailable {
				t.Errorf("got %d", w.Code)
			}
		}
	})
}

func TestServiceDiscoveryIsNotStored(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		if got := newFace(t, nil).get(t, "/sd").Header().Get("Cache-Control"); got != "no-store" {
			t.Errorf("Cache-Control is %q", got)
		}
	})
}
