package web

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"
)

// Own is the exporter's own metrics.
type Own struct {
	*prometheus.Registry

	reloadSuccess, reloadTime prometheus.Gauge
}

// NewOwn returns the exporter's own metrics, those of Go and of the process, and
// more.
func NewOwn(more ...prometheus.Collector) *Own {
	own := &Own{
		Registry: prometheus.NewRegistry(),
		reloadSuccess: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "greenapi_config_last_reload_successful",
			Help: "Whether the last attempt to load the configuration succeeded.",
		}),
		reloadTime: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "greenapi_config_last_reload_success_timestamp_seconds",
			Help: "When the configuration was last loaded.",
		}),
	}
	own.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		versioncollector.NewCollector("greenapi_exporter"),
		own.reloadSuccess, own.reloadTime,
	)
	own.MustRegister(more...)
	return own
}

// Reloaded notes how an attempt to load the configuration ended.
func (o *Own) Reloaded(err error) {
	if err != nil {
		o.reloadSuccess.Set(0)
		return
	}
	o.reloadSuccess.Set(1)
	o.reloadTime.Set(float64(time.Now().UnixMilli()) / 1e3)
}
