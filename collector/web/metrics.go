package web

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics serves the exporter's own metrics and, unless turned off, every instance.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	gatherers := prometheus.Gatherers{s.opts.Own}
	if s.opts.InstancesOnMetrics {
		gatherers = append(gatherers, registryOf(s.refresh(r, s.opts.Fleet.Roster().Instances())))
	}
	s.expose(w, r, gatherers)
}

// probe serves one instance. Its name comes from the configuration, a closed set:
// nobody can aim the exporter elsewhere.
func (s *Server) probe(w http.ResponseWriter, r *http.Request) {
	instance := s.target(w, r, probePath)
	if instance == nil {
		return
	}
	if r.URL.Query().Get("debug") == "true" {
		s.debug(w, r, instance)
		return
	}
	s.expose(w, r, registryOf(s.refresh(r, []*collector.Instance{instance})))
}

// refresh refreshes instances within the scrape's deadline.
func (s *Server) refresh(r *http.Request, instances []*collector.Instance) collector.Collector {
	ctx, cancel := context.WithTimeout(r.Context(), scrapeTimeout(r.Header))
	defer cancel()
	return collector.Refresh(ctx, instances)
}

// registryOf returns a registry of a request's own with what was found for it.
func registryOf(found collector.Collector) *prometheus.Registry {
	registry := prometheus.NewRegistry()
	registry.MustRegister(found)
	return registry
}

func (s *Server) expose(w http.ResponseWriter, r *http.Request, gatherer prometheus.Gatherer) {
	r, encoding := negotiated(r)
	if encoding == promhttp.Zstd {
		compressed := s.zstd.writer(w)
		defer compressed.close()
		w = compressed
	}
	promhttp.HandlerFor(withoutCreated(gatherer, r), promhttp.HandlerOpts{
		ErrorLog:            errorLog{r.Context(), s.opts.Logger},
		ErrorHandling:       promhttp.ContinueOnError, // one broken series hides nothing else
		AcceptedFormats:     offeredFormats(),
		OfferedCompressions: []promhttp.Compression{promhttp.Identity, promhttp.Gzip},
	}).ServeHTTP(w, r)
}

// errorLog implements promhttp.Logger for one request.
type errorLog struct {
	ctx context.Context
	log *slog.Logger
}

// Println logs what went wrong. Once the client has left, every family fails to be
// written, and that is no fault of the exposition.
func (l errorLog) Println(v ...any) {
	level := slog.LevelError
	if l.ctx.Err() != nil {
		level = slog.LevelDebug
	}
	l.log.Log(l.ctx, level, "exposition incomplete", "err", fmt.Sprint(v...))
}
