package web

import (
	"fmt"
	"html/template"
	"net/http"

	"github.com/prometheus/common/version"
	"github.com/prometheus/exporter-toolkit/web"
)

// landingPage returns the page at /.
func (s *Server) landingPage() (http.Handler, error) {
	page, err := web.NewLandingPage(web.LandingConfig{
		Name:        "GREEN-API Exporter",
		Description: "Prometheus exporter for WhatsApp messages and calls sent through GREEN-API",
		Version:     template.HTMLEscapeString(version.Info()),
		Profiling:   "false",
		Links: []web.LandingLinks{
			{Address: template.HTMLEscapeString(s.opts.TelemetryPath), Text: "Metrics", Description: "the exporter's own and those of the instances"},
			{Address: sdPath, Text: "Targets", Description: "for HTTP service discovery; each is served at " + probePath + "?target=NAME"},
			{Address: readyPath, Text: "Readiness"},
		},
	})
	if err != nil {
		return nil, fmt.Errorf("make the landing page: %w", err)
	}
	return page, nil
}
