package collector

import (
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
	"github.com/prometheus/client_golang/prometheus"
)

const namespace = "greenapi"

// Kind is the type of a metric family, in the words of the exposition format.
type Kind string

// The kinds in use.
const (
	Gauge     Kind = "gauge"
	Counter   Kind = "counter"
	Histogram Kind = "histogram"
)

// Family is one metric family of the catalogue.
type Family struct {
	Name   string // whole, e.g. greenapi_up
	Help   string
	Kind   Kind
	Labels []string // id_instance first

	desc *prometheus.Desc
}

// newFamily makes a family about an instance: its first label is id_instance.
func newFamily(kind Kind, name, help string, labels ...string) *Family {
	f := &Family{
		Name:   prometheus.BuildFQName(namespace, "", name),
		Help:   help,
		Kind:   kind,
		Labels: append([]string{"id_instance"}, labels...),
	}
	f.desc = prometheus.NewDesc(f.Name, f.Help, f.Labels, nil)
	return f
}

// Families returns the catalogue of what is exposed about instances. The
// documentation, the rules and the dashboards are checked against it.
func Families() []*Family {
	var all []*Family
	for _, group := range [][]*Family{healthFamilies, requestFamilies, journalFamilies, ledgerFamilies, expirationFamilies} {
		all = append(all, group...)
	}
	kinds := kinds()
	for _, c := range vocabulary.Collectors() {
		all = append(all, kinds[c.Label].families...)
	}
	return all
}

// emitter sends the metrics of one instance.
type emitter struct {
	ch chan<- prometheus.Metric
	id string
}

func (e emitter) values(labels []string) []string {
	return append(append(make([]string, 0, 1+len(labels)), e.id), labels...)
}

func (e emitter) gauge(f *Family, value float64, labels ...string) {
	e.ch <- prometheus.MustNewConstMetric(f.desc, prometheus.GaugeValue, value, e.values(labels)...)
}

// timestamp sends a gauge of Unix seconds; nothing for the zero time, which stands
// for not known.
func (e emitter) timestamp(f *Family, at time.Time, labels ...string) {
	if !at.IsZero() {
		e.gauge(f, float64(at.UnixMilli())/1e3, labels...)
	}
}

// counter sends a counter. Where created is known, it tells since when the counter
// counts.
func (e emitter) counter(f *Family, value float64, created time.Time, labels ...string) {
	if created.IsZero() {
		e.ch <- prometheus.MustNewConstMetric(f.desc, prometheus.CounterValue, value, e.values(labels)...)
		return
	}
	e.ch <- prometheus.MustNewConstMetricWithCreatedTimestamp(
		f.desc, prometheus.CounterValue, value, created, e.values(labels)...)
}

func (e emitter) histogram(f *Family, h ledger.Histogram, bounds []float64, created time.Time, labels ...string) {
	buckets := make(map[float64]uint64, len(bounds))
	for i, bound := range bounds {
		buckets[bound] = h.Buckets[i]
	}
	if created.IsZero() {
		e.ch <- prometheus.MustNewConstHistogram(f.desc, h.Count, float64(h.Sum), buckets, e.values(labels)...)
		return
	}
	e.ch <- prometheus.MustNewConstHistogramWithCreatedTimestamp(
		f.desc, h.Count, float64(h.Sum), buckets, created, e.values(labels)...)
}

func boolValue(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
