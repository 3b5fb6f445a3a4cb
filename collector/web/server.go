package web

import (
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"path"
	"strings"

	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/prometheus/client_golang/prometheus"
)

// Paths of the endpoints whose place is fixed.
const (
	probePath   = "/probe"
	sdPath      = "/sd"
	healthyPath = "/-/healthy"
	readyPath   = "/-/ready"
	reloadPath  = "/-/reload"
)

// Options say how the server answers.
type Options struct {
	Fleet              *collector.Fleet
	Own                prometheus.Gatherer // the exporter's own metrics
	TelemetryPath      string              // e.g. /metrics
	InstancesOnMetrics bool                // whether the telemetry path shows the instances too
	MaxRequests        int                 // scrapes served at once; 0 for no limit
	Reload             func() error        // loads the configuration again
	Logger             *slog.Logger
}

// Server is the exporter's http.Handler.
type Server struct {
	opts         Options
	mux          *http.ServeMux
	pages        *template.Template
	scrapes      *places // for those that may be served at once; nil for no limit
	looks        *places // for pages and service discovery
	expositions  *expositions
	compressions *compressions
}

// maxLooks is how many pages, and answers of service discovery, are served at once.
const maxLooks = 16

// NewServer returns the handler of all endpoints. It fails when the telemetry path
// is not one, or is taken.
func NewServer(opts Options) (*Server, error) {
	s := &Server{opts: opts, mux: http.NewServeMux(), looks: newPlaces(maxLooks), expositions: newExpositions(), compressions: newCompressions()}
	if opts.MaxRequests > 0 {
		s.scrapes = newPlaces(opts.MaxRequests)
	}
	if err := CheckTelemetryPath(opts.TelemetryPath); err != nil {
		return nil, err
	}
	telemetry := opts.TelemetryPath
	if telemetry == "/" {
		telemetry = "/{$}" // that path, and not all that begin with it
	}
	s.mux.Handle("GET "+telemetry, s.scrape(s.metrics))
	s.mux.Handle("GET "+probePath, s.scrape(s.probe))
	s.mux.HandleFunc("GET "+sdPath, s.sd)
	s.mux.HandleFunc("GET "+healthyPath, func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "Healthy.") })
	s.mux.HandleFunc("GET "+readyPath, func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "Ready.") })
	s.mux.Handle("POST "+reloadPath, http.NewCrossOriginProtection().Handler(http.HandlerFunc(s.reload)))
	if err := s.addPages(); err != nil {
		return nil, err
	}
	return s, nil
}

// CheckTelemetryPath says what is wrong with a path for the metrics, nil when
// nothing is.
func CheckTelemetryPath(telemetry string) error {
	const mend = "give a path such as /metrics"
	if !strings.HasPrefix(telemetry, "/") || strings.ContainsAny(telemetry, "{} \t?#%") || path.Clean(telemetry) != telemetry {
		return errors.New("no plain path that begins with /: " + mend)
	}
	if telemetry == probePath || telemetry == sdPath || telemetry == historyPath || telemetry == instancePath || telemetry == stylePath || strings.HasPrefix(telemetry, "/-/") {
		return fmt.Errorf("%s is taken by another endpoint: %s", telemetry, mend)
	}
	return nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy",
		"default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
	w = newMinRateWriter(w)
	switch path := r.URL.Path; {
	case path == s.opts.TelemetryPath, path == probePath: // which have their own bound
		s.mux.ServeHTTP(w, r)
	case path == stylePath, strings.HasPrefix(path, "/-/"): // small
		s.mux.ServeHTTP(w, r)
	default:
		s.looks.serve(w, r, s.mux, "Too many pages at once: ask again.")
	}
}

// scrape bounds how many scrapes are served at once.
func (s *Server) scrape(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.scrapes.serve(w, r, next, "Too many scrapes at once, of this client or of all: see --web.max-requests.")
	})
}

// say answers with a line of text.
func say(w http.ResponseWriter, status int, text string) { http.Error(w, text, status) }
