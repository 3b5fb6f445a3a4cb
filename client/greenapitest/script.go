package greenapitest

import (
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"
)

// How many requests a method's log keeps, the newest. A fleet of a thousand
// simulated accounts must be able to run for days.
const (
	keptRequests          = 1000
	keptRequestsSimulated = 16
)

// A script holds what a test has arranged for the methods of one instance or
// partner, and what was asked of them.
type script struct {
	owner string
	keep  int

	mu        sync.Mutex
	endpoints map[string]*endpoint
}

type endpoint struct {
	body        func(io.Writer) error
	unsupported bool
	faults      []*plannedFault
	log         []*Request
	count       int
	admitted    time.Time
}

type plannedFault struct {
	Fault
	left int // negative: until cleared
}

// endpoint returns the method's, made when missing. The caller holds mu.
func (s *script) endpoint(method string) *endpoint {
	if s.endpoints == nil {
		s.endpoints = make(map[string]*endpoint)
	}
	e := s.endpoints[method]
	if e == nil {
		e = &endpoint{}
		s.endpoints[method] = e
	}
	return e
}

// SetBody makes a method answer 200 with these bytes, whatever the method.
// A nil body takes that back.
func (s *script) SetBody(method string, body []byte) {
	if body == nil {
		s.SetBodyFunc(method, nil)
		return
	}
	s.SetBodyFunc(method, func(w io.Writer) error {
		if _, err := w.Write(body); err != nil {
			return fmt.Errorf("write a body: %w", err)
		}
		return nil
	})
}

// SetBodyFunc makes a method answer 200 with what write writes, streamed, so
// that the body may be larger than memory. It is called once a request, maybe
// concurrently. A nil write takes that back.
func (s *script) SetBodyFunc(method string, write func(io.Writer) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endpoint(method).body = write
}

// SetUnsupported makes methods answer 404, as those do that a messenger lacks.
func (s *script) SetUnsupported(methods ...string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, method := range methods {
		s.endpoint(method).unsupported = true
	}
}

// Fault makes the next requests of a method, or of AnyMethod, fail: times of
// them, or all until ClearFaults when times is 0 or less. Faults of a method
// take their turns in the order in which they came, before those of AnyMethod.
// Requests refused for their token or for the rate limit use up no fault.
func (s *script) Fault(method string, fault Fault, times int) {
	if times <= 0 {
		times = -1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.endpoint(method)
	e.faults = append(e.faults, &plannedFault{Fault: fault, left: times})
}

// ClearFaults forgets the faults of every method.
func (s *script) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.endpoints {
		e.faults = nil
	}
}

// Count is how many requests a method, or AnyMethod together, got, also those
// that were refused. Mind that net/http repeats a GET by itself when a kept
// connection breaks before the first byte of the answer.
func (s *script) Count(method string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if method != AnyMethod {
		return s.endpoint(method).count
	}
	n := 0
	for _, e := range s.endpoints {
		n += e.count
	}
	return n
}

// Requests returns the requests that a method got, oldest first: the last
// thousand of a scripted instance, the last few of a simulated account.
func (s *script) Requests(method string) []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	var requests []Request
	for _, r := range s.endpoint(method).log {
		requests = append(requests, *r)
	}
	return requests
}

func (s *script) begin(method string, minutes int, now time.Time, r *http.Request) *Request {
	request := &Request{
		Instance:       s.owner,
		Method:         method,
		HTTPMethod:     r.Method,
		Minutes:        minutes,
		Query:          r.URL.RawQuery,
		Time:           now,
		AcceptEncoding: r.Header.Get("Accept-Encoding"),
		UserAgent:      r.Header.Get("User-Agent"),
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.endpoint(method)
	e.count++
	if len(e.log) == s.keep {
		copy(e.log, e.log[1:])
		e.log = e.log[:s.keep-1]
	}
	e.log = append(e.log, request)
	return request
}

func (s *script) end(request *Request, status int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	request.Status = status
}

// admit applies the rate limit: one request a second of this method.
func (s *script) admit(method string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.endpoint(method)
	if !e.admitted.IsZero() && now.Sub(e.admitted) < time.Second {
		return false
	}
	e.admitted = now
	return true
}

// nextFault takes the fault whose turn it is; the zero Fault is none.
func (s *script) nextFault(method string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range []string{method, AnyMethod} {
		e := s.endpoint(name)
		for _, f := range e.faults {
			if f.left == 0 {
				continue
			}
			if f.left > 0 {
				f.left--
			}
			return f.Fault
		}
	}
	return Fault{}
}

// arranged returns the body arranged for a method, and whether the method is
// arranged to be unsupported.
func (s *script) arranged(method string) (func(io.Writer) error, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.endpoint(method)
	return e.body, e.unsupported
}
