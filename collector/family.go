package collector

import (
	"cmp"
	"slices"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

const (
	namespace = "greenapi"
	idLabel   = "id_instance" // of everything about an instance
)

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

	desc   *prometheus.Desc
	sorted []int           // positions in Labels in the order of their names, which is that of series
	kind   *dto.MetricType // as the exposition has it
}

// types are the kinds as the exposition has them.
var types = map[Kind]*dto.MetricType{
	Gauge: dto.MetricType_GAUGE.Enum(), Counter: dto.MetricType_COUNTER.Enum(), Histogram: dto.MetricType_HISTOGRAM.Enum(),
}

// newFamily makes a family about an instance: its first label is idLabel.
func newFamily(kind Kind, name, help string, labels ...string) *Family {
	f := &Family{
		Name:   prometheus.BuildFQName(namespace, "", name),
		Help:   help,
		Kind:   kind,
		Labels: append([]string{idLabel}, labels...),
	}
	f.desc, f.kind = prometheus.NewDesc(f.Name, f.Help, f.Labels, nil), types[kind]
	for n := range f.Labels {
		f.sorted = append(f.sorted, n)
	}
	slices.SortFunc(f.sorted, func(a, b int) int { return cmp.Compare(f.Labels[a], f.Labels[b]) })
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
