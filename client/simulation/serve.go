package simulation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// defaultMinutes is what a journal covers when the request does not say.
	defaultMinutes = 1440
	// readHeaderTimeout bounds a client that never finishes its request.
	readHeaderTimeout = time.Minute
)

// ServeHTTP implements http.Handler: the accounts as GREEN-API serves them, below
// /waInstance{id}/{method}/{token}. Bodies are not compressed.
func (s *Simulation) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/waInstance"), "/")
	if len(parts) != 3 {
		http.NotFound(w, r)
		return
	}
	id, method, token := parts[0], parts[1], parts[2]
	a := s.byID[id]
	minutes, err := parseMinutes(r.URL.Query().Get("minutes"))
	switch {
	case a == nil:
		w.WriteHeader(http.StatusForbidden)
	case token != a.Token:
		w.WriteHeader(http.StatusUnauthorized)
	case r.Method != http.MethodGet:
		w.WriteHeader(http.StatusMethodNotAllowed)
	case err != nil:
		w.WriteHeader(http.StatusBadRequest)
	case slices.Contains(a.Unsupported, method):
		w.WriteHeader(http.StatusNotFound)
	default:
		s.Answer(id, method, minutes).send(w)
	}
}

func (ans Answer) send(w http.ResponseWriter) {
	w.Header().Set("Date", ans.Date.UTC().Format(http.TimeFormat))
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	if ans.Status == 0 {
		ans.Status = http.StatusNotFound
	}
	w.WriteHeader(ans.Status)
	var err error
	if ans.Stream != nil {
		err = ans.Stream(w)
	} else {
		_, err = w.Write(ans.Body)
	}
	if err != nil {
		panic(http.ErrAbortHandler) // the client has left
	}
}

func parseMinutes(text string) (int, error) {
	if text == "" {
		return defaultMinutes, nil
	}
	minutes, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return 0, fmt.Errorf("minutes: %w", err)
	}
	return int(minutes), nil
}

// A Listener serves a simulation on a port of the loopback interface.
type Listener struct {
	URL string // what a client takes as api_url

	server *http.Server
	served chan error
}

// Listen serves the simulation on a free port of loopback, until Close.
func (s *Simulation) Listen(ctx context.Context) (*Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("serve the simulated accounts: %w", err)
	}
	l := &Listener{
		URL: "http://" + listener.Addr().String(),
		server: &http.Server{
			Handler:           s,
			ReadHeaderTimeout: readHeaderTimeout,
			ErrorLog:          log.New(io.Discard, "", 0), // clients that leave early
		},
		served: make(chan error, 1),
	}
	go func() { l.served <- l.server.Serve(listener) }()
	return l, nil
}

// Close stops serving at once.
func (l *Listener) Close() error {
	err := l.server.Close()
	if served := <-l.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	if err != nil {
		return fmt.Errorf("stop serving the simulated accounts: %w", err)
	}
	return nil
}
