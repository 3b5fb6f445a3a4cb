package greenapitest

import (
	"context"
	"crypto/x509"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
)

// Server is a GREEN-API server. Its zero value is of no use: take one of the
// New functions. All its methods may be called while it serves.
type Server struct {
	// URL is what a client takes as api_url: scheme, host and the path prefix
	// of WithPathPrefix, without a trailing slash.
	URL string

	clock  func() time.Time
	prefix string

	mu         sync.Mutex
	instances  map[string]*Instance
	partners   map[string]*Partner
	encoding   Encoding
	limited    bool
	violations []string
	closed     bool

	active      sync.WaitGroup
	stop        context.CancelFunc
	http        *http.Server
	served      chan struct{}
	dial        func(context.Context, string, string) (net.Conn, error)
	certificate *x509.Certificate
}

// An Option changes a Server before it starts.
type Option func(*Server)

// WithClock sets the clock behind the Date header, the rate limit and the
// times in Requests. By default, it is time.Now.
func WithClock(clock func() time.Time) Option {
	return func(s *Server) { s.clock = clock }
}

// WithPathPrefix makes the server answer below a path only, as GREEN-API does
// for MAX with "/v3". By default, there is no prefix.
func WithPathPrefix(prefix string) Option {
	return func(s *Server) { s.prefix = "/" + strings.Trim(prefix, "/") }
}

// NewUnstartedServer returns a server without a socket: an http.Handler whose
// Client calls it directly. Its URL names a host that does not exist.
func NewUnstartedServer(options ...Option) *Server {
	s := &Server{
		clock:     time.Now,
		instances: make(map[string]*Instance),
		partners:  make(map[string]*Partner),
		encoding:  EncodingAsked,
	}
	for _, option := range options {
		option(s)
	}
	s.URL = "http://greenapi.invalid" + s.prefix
	return s
}

// NewServer starts a server on a port of the loopback interface that the
// system chooses. It panics when it cannot listen. Close stops it.
func NewServer(options ...Option) *Server {
	s := NewUnstartedServer(options...)
	s.start(listenLoopback(), "http")
	return s
}

// NewTLSServer is NewServer behind TLS, with a certificate made for this run:
// see CertificatePEM. It speaks HTTP/1.1 only.
func NewTLSServer(options ...Option) *Server {
	s := NewUnstartedServer(options...)
	listener, certificate := listenTLS(listenLoopback())
	s.certificate = certificate
	s.start(listener, "https")
	return s
}

// NewPipeServer starts a server on connections in memory (net.Pipe), so that
// it can live in the bubble of testing/synctest: a real HTTP conversation
// without a socket. Connect through DialContext or Client.
func NewPipeServer(options ...Option) *Server {
	s := NewUnstartedServer(options...)
	listener := newPipeListener()
	url := s.URL
	s.dial = listener.dial
	s.start(listener, "http")
	s.URL = url
	return s
}

// NewSimulationServer is NewServer with the simulation's clock and accounts.
func NewSimulationServer(sim *simulation.Simulation, options ...Option) *Server {
	s := NewServer(append([]Option{WithClock(sim.Now)}, options...)...)
	s.AddSimulation(sim)
	return s
}

// AddInstance adds an instance that answers as scripted: authorized, with
// empty journals, until told otherwise. An instance of the same id is replaced.
func (s *Server) AddInstance(id, token string) *Instance {
	in := newInstance(id, token, s.clock, keptRequests)
	in.backend = &in.scripted
	s.addInstance(in)
	return in
}

// AddSimulation adds every account of sim, in place of instances of the same
// id. They answer by the simulation's clock; the Instance of an account takes
// faults and raw bodies as any other.
func (s *Server) AddSimulation(sim *simulation.Simulation) {
	for _, a := range sim.Accounts() {
		in := newInstance(a.ID, a.Token, sim.Now, keptRequestsSimulated)
		in.backend = simulated{sim: sim, id: a.ID}
		in.SetUnsupported(a.Unsupported...)
		s.addInstance(in)
	}
}

func (s *Server) addInstance(in *Instance) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.instances[in.id] = in
}

// Instance returns the instance with this id, nil when there is none.
func (s *Server) Instance(id string) *Instance {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.instances[id]
}

// RemoveInstance forgets an instance: requests for it then answer 403.
func (s *Server) RemoveInstance(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.instances, id)
}

// EnforceRateLimit turns GREEN-API's limit on or off: 1 request a second for
// each method of each instance, by the injected clock. What comes sooner gets
// a 429 with an empty body and no Retry-After. By default, it is off.
func (s *Server) EnforceRateLimit(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.limited = on
}

// SetEncoding sets how bodies are encoded. By default, it is EncodingAsked.
func (s *Server) SetEncoding(e Encoding) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.encoding = e
}

// Violations lists the requests that an exporter must never make: anything but
// GET, and methods that change an instance or eat its notifications. Each
// element names the HTTP method, the API method and the instance.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.violations)
}

// Close stops the server: it lets go of requests that hang, closes every
// connection and returns when no request is being served any more.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	if s.http != nil {
		s.stop()
		// The connections are being thrown away: there is nothing to save.
		_ = s.http.Close()
		<-s.served
	}
	s.active.Wait()
}

// enter counts a request in, unless the server is closed.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.active.Add(1)
	return true
}
