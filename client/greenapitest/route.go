package greenapitest

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
)

// Names of the methods that the server knows. AnyMethod stands for all of them
// where a fault is scripted.
const (
	MethodLastOutgoingCalls    = simulation.MethodLastOutgoingCalls
	MethodLastOutgoingMessages = simulation.MethodLastOutgoingMessages
	MethodLastIncomingCalls    = simulation.MethodLastIncomingCalls
	MethodLastIncomingMessages = simulation.MethodLastIncomingMessages
	MethodGetStateInstance     = simulation.MethodGetStateInstance
	MethodGetSettings          = simulation.MethodGetSettings
	MethodGetWaSettings        = simulation.MethodGetWaSettings
	MethodGetAccountSettings   = simulation.MethodGetAccountSettings
	MethodGetMessagesCount     = simulation.MethodGetMessagesCount
	MethodGetInstances         = "getInstances"
	AnyMethod                  = "*"
)

// defaultMinutes is what a journal covers when the request does not say.
const defaultMinutes = 1440

// A target is what a request's path names.
type target struct {
	script *script // nil: no such instance
	method string
	token  string // as the path has it
	known  bool   // the path has the shape of a GREEN-API request
}

// route finds what the path {prefix}/waInstance{id}/{method}/{token} or
// {prefix}/partner/getInstances/{token} names.
func (s *Server) route(path string) (target, *Instance, *Partner) {
	rest, ok := strings.CutPrefix(path, s.prefix+"/")
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 3 {
		return target{}, nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := target{method: parts[1], token: parts[2], known: true}
	if id, ok := strings.CutPrefix(parts[0], "waInstance"); ok {
		in := s.instances[id]
		if in != nil {
			t.script = &in.script
		}
		return t, in, nil
	}
	if parts[0] == "partner" && parts[1] == MethodGetInstances {
		// A wrong partner token is answered like no token at all.
		p := s.partners[parts[2]]
		if p != nil {
			t.script = &p.script
		}
		return t, nil, p
	}
	return target{}, nil, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.enter() {
		panic(http.ErrAbortHandler)
	}
	defer s.active.Done()
	t, in, partner := s.route(r.URL.Path)
	s.watch(r, t)

	clock := s.clock
	if in != nil {
		clock = in.clock
	}
	now := clock()
	a := answer{date: now, encoding: s.encodingNow()}
	minutes, minutesErr := parseMinutes(r.URL.Query())
	var logged *Request
	if t.script != nil {
		logged = t.script.begin(t.method, minutes, now, r)
	}
	switch {
	case in == nil && partner == nil:
		a.refuse(t, r)
	case in != nil && t.token != in.token:
		a.status = http.StatusUnauthorized
	case s.rateLimited() && !t.script.admit(t.method, now):
		a.status = http.StatusTooManyRequests
	case r.Method != http.MethodGet:
		a.status = http.StatusMethodNotAllowed
	default:
		a.fault = t.script.nextFault(t.method)
		if minutesErr != nil && isJournal(t.method) {
			a.json(http.StatusBadRequest, map[string]any{"statusCode": 400, "message": "Validation failed. Details: 'minutes' must be a positive number"})
		} else if partner != nil {
			partner.answer(&a)
		} else {
			in.answer(&a, t.method, minutes, r)
		}
	}
	if logged != nil {
		t.script.end(logged, a.finalStatus())
	}
	a.send(w, r)
}

// refuse answers for an unknown instance, partner or path.
func (a *answer) refuse(t target, r *http.Request) {
	switch {
	case !t.known:
		a.notFound(r)
	case t.method == MethodGetInstances:
		a.json(http.StatusOK, map[string]any{"code": 401, "description": "Unauthorized"})
	default:
		a.status = http.StatusForbidden
	}
}

func (s *Server) encodingNow() Encoding {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.encoding
}

func (s *Server) rateLimited() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.limited
}

// watch notes a request that an exporter must not make. The path stays out of
// the note, because of the token in it.
func (s *Server) watch(r *http.Request, t target) {
	if r.Method == http.MethodGet && !changesAccount(t.method) {
		return
	}
	note := r.Method + " " + t.method
	if t.script != nil {
		note += " " + t.script.owner
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.violations = append(s.violations, note)
}

// changesAccount tells whether a method changes the instance, or eats the
// notifications that its owner waits for.
func changesAccount(method string) bool {
	return strings.HasPrefix(method, "clear") || strings.HasPrefix(method, "send") ||
		slices.Contains([]string{"setSettings", "reboot", "logout", "receiveNotification", "deleteNotification"}, method)
}

func isJournal(method string) bool {
	return strings.HasPrefix(method, "last")
}

// parseMinutes reads the parameter minutes: a positive whole number, given at
// most once.
func parseMinutes(query url.Values) (int, error) {
	values := query["minutes"]
	if len(values) == 0 {
		return defaultMinutes, nil
	}
	minutes, err := strconv.ParseInt(values[0], 10, 32)
	if err != nil || minutes <= 0 || len(values) > 1 {
		return 0, strconv.ErrSyntax
	}
	return int(minutes), nil
}

// A Request is one that the server got for an instance, also when it refused it.
type Request struct {
	Instance       string // its id; empty for the partner API
	Method         string // of the API
	HTTPMethod     string
	Minutes        int    // of the query, or 1440; 0 when malformed
	Query          string // raw
	Time           time.Time
	AcceptEncoding string
	UserAgent      string
	Status         int // answered; 0 while it is worked on and where no HTTP came back
}
