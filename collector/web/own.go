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
	reloads                   *prometheus.CounterVec
}

// Results of an attempt to load the configuration.
const (
	reloadChanged   = "changed"
	reloadUnchanged = "unchanged"
	reloadFailed    = "failed"
)

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
			Help: "Time when the configuration was last loaded successfully.",
		}),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "greenapi_config_reloads_total",
			Help: "Number of attempts to load the configuration, including the first one, by result: changed, unchanged or failed.",
		}, []string{"result"}),
	}
	for _, result := range []string{reloadChanged, reloadUnchanged, reloadFailed} {
		own.reloads.WithLabelValues(result)
	}
	own.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		versioncollector.NewCollector("greenapi_exporter"),
		own.reloadSuccess, own.reloadTime, own.reloads,
	)
	own.MustRegister(more...)
	return own
}

// Reloaded notes how an attempt to load the configuration ended, and whether that
// changed something.
func (o *Own) Reloaded(changed bool, err error) {
	switch {
	case err != nil:
		o.reloads.WithLabelValues(reloadFailed).Inc()
		o.reloadSuccess.Set(0)
		return
	case changed:
		o.reloads.WithLabelValues(reloadChanged).Inc()
	default:
		o.reloads.WithLabelValues(reloadUnchanged).Inc()
	}
	o.reloadSuccess.Set(1)
	o.reloadTime.Set(float64(time.Now().UnixMilli()) / 1e3)
}
