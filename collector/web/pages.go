package web

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"embed"
	"fmt"
	"html/template"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/common/version"
)

// Paths of the pages other than / and the debug page at probePath.
const (
	historyPath  = "/history"
	instancePath = "/instance"
	stylePath    = "/static/style.css"
)

// DocumentationURL is where the documentation is.
const DocumentationURL = "https://github.com/greenapi-exporter/greenapi_exporter/blob/main/README.md"

//go:embed templates
var templates embed.FS

// addPages adds the pages to the endpoints.
func (s *Server) addPages() error {
	var err error
	if s.pages, err = template.ParseFS(templates, "templates/*.html"); err != nil {
		return fmt.Errorf("read the templates of the pages: %w", err)
	}
	style, err := styleHandler()
	if err != nil {
		return err
	}
	s.mux.Handle("GET "+stylePath, style)
	s.mux.HandleFunc("GET "+historyPath, s.history)
	s.mux.HandleFunc("GET "+instancePath, s.instance)
	if s.opts.TelemetryPath != "/" {
		s.mux.HandleFunc("GET /{$}", s.landing)
	}
	return nil
}

// page is what all pages show. Their links are relative, so that they work under
// the prefix of a reverse proxy.
type page struct {
	Title         string
	Here          string // the template's name
	Version       string
	MetricsLink   string
	Landing       bool // whether there is a landing page
	Reload        bool // whether it loads itself again
	Documentation string
	At            moment
}

func (s *Server) newPage(name, title string) page {
	return page{
		Title: title, Here: name, Version: cmp.Or(version.Version, "dev"),
		MetricsLink: "." + s.opts.TelemetryPath, Landing: s.opts.TelemetryPath != "/", Documentation: DocumentationURL,
		At: newMoment(time.Now(), 0),
	}
}

// render answers with a page, made whole before the first byte is sent.
func (s *Server) render(w http.ResponseWriter, r *http.Request, name string, data any) {
	var body bytes.Buffer
	if err := s.pages.ExecuteTemplate(&body, name, data); err != nil {
		s.opts.Logger.ErrorContext(r.Context(), "page not made", "page", name, "err", err)
		say(w, http.StatusInternalServerError, "The page could not be made; the exporter's log says why.")
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	if _, err := w.Write(body.Bytes()); err != nil {
		s.opts.Logger.DebugContext(r.Context(), "page not sent", "page", name, "err", err)
	}
}

// styleHandler serves the style sheet. It is a file of its own, and not in the
// pages, so that these may forbid style of any other origin.
func styleHandler() (http.Handler, error) {
	style, err := templates.ReadFile("templates/style.css")
	if err != nil {
		return nil, fmt.Errorf("read the style of the pages: %w", err)
	}
	tag := fmt.Sprintf(`"%x"`, sha256.Sum256(style))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/css; charset=utf-8")
		w.Header().Set("Cache-Control", "no-cache") // asked for again, but not sent again
		w.Header().Set("ETag", tag)
		http.ServeContent(w, r, "style.css", time.Time{}, strings.NewReader(string(style)))
	}), nil
}
