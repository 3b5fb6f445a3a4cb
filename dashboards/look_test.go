//go:build e2e && look

package dashboards_test

import (
	"os"
	"os/signal"
	"syscall"
	"testing"
)

// TestLook is for a human to look at the dashboards, with the build tag look: it
// starts the world and lets it be until it is interrupted.
func TestLook(t *testing.T) {
	t.Parallel()
	ctx, stop := signal.NotifyContext(t.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	w := newWorld(t, false)
	grafana := w.grafana
	if grafana == "" {
		grafana = "none is installed: import dashboards/*.json into one, with this Prometheus as its data source"
	}
	t.Logf("\nexporter      %s   (its own pages)\nPrometheus    %s\nAlertmanager  %s\nGrafana       %s\nCtrl-C ends all of them",
		w.exporter.URL, w.prometheus.url, w.alertmanager.URL, grafana)
	<-ctx.Done()
}
