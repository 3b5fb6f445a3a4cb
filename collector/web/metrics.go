package web

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics serves the exporter's own metrics and, unless turned off, every instance.
func (s *Server) metrics(w http.ResponseWriter, r *http.Request) {
	if !s.opts.InstancesOnMetrics {
		s.expose(w, r, s.opts.Own)
		return
	}
	ctx, cancel := gatherContext(r)
	defer cancel()
	found := s.refresh(r, s.opts.Fleet.Roster().Instances())
	if errors.Is(ctx.Err(), context.Canceled) {
		return // nobody is there any more
	}
	err := s.expositions.serve(ctx, w, clientOf(r), formatOf(r), found, func(ctx context.Context, w http.ResponseWriter) { //nolint:contextcheck // it is the request's, but for what ends it
		s.expose(w, r, prometheus.Gatherers{s.opts.Own, inTime{found, ctx}})
	})
	var unsent *unsentError
	switch {
	case err == nil:
	case errors.As(err, &unsent):
		errorLog{r.Context(), s.opts.Logger}.Println(err)
	default:
		s.opts.Logger.WarnContext(r.Context(), "scrape of all instances not answered: scrape them through /probe, or fewer of them here",
			"instances", len(found), "err", err)
		w.Header().Set("Retry-After", "1")
		say(w, http.StatusServiceUnavailable, fmt.Sprintf(
			"%d instances are too many for one scrape in its time, or for all that ask at once: scrape them through %s?target=NAME, which %s lists, and turn them off here with --no-web.instances-on-metrics.",
			len(found), probePath, sdPath))
	}
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
	s.expose(w, r, s.refresh(r, []*collector.Instance{instance}))
}

// refresh refreshes instances within the scrape's deadline.
func (s *Server) refresh(r *http.Request, instances []*collector.Instance) collector.Collector {
	ctx, cancel := context.WithTimeout(r.Context(), scrapeTimeout(r.Header))
	defer cancel()
	return collector.Refresh(ctx, instances)
}

// gatherContext bounds a scrape as a whole. It ends when the client leaves, and not
// when the exporter is about to stop: scrapes are then answered with what they have.
func gatherContext(r *http.Request) (context.Context, context.CancelFunc) {
	asked := r.Context()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(asked), gatherTimeout(r.Header))
	stop := context.AfterFunc(asked, func() {
		if !errors.Is(context.Cause(asked), context.DeadlineExceeded) {
			cancel()
		}
	})
	return ctx, func() {
		stop()
		cancel()
	}
}

func (s *Server) expose(w http.ResponseWriter, r *http.Request, gatherer prometheus.Gatherer) {
	r, coding := negotiated(r)
	compressed := s.compressions.writer(w, coding)
	defer compressed.close()
	promhttp.HandlerFor(withoutCreated(gatherer, r), promhttp.HandlerOpts{
		ErrorLog:            errorLog{r.Context(), s.opts.Logger},
		ErrorHandling:       promhttp.ContinueOnError, // one broken series hides nothing else
		AcceptedFormats:     offeredFormats(),
		OfferedCompressions: []promhttp.Compression{promhttp.Identity}, // see compressions
	}).ServeHTTP(compressed, r)
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
