package collector

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"
)

// Collector exposes snapshots of different instances. It implements
// prometheus.Collector and prometheus.Gatherer. Both give the same series: Gather does
// without the checks of a registry, which take most of the time of an exposition, and
// a test holds that a registry has nothing to object.
type Collector []*Snapshot

// Describe implements prometheus.Collector.
func (Collector) Describe(ch chan<- *prometheus.Desc) {
	for _, f := range Families() {
		ch <- f.desc
	}
}

// Collect implements prometheus.Collector.
func (c Collector) Collect(ch chan<- prometheus.Metric) {
	for _, s := range c {
		s.collect(newEmitter(s.ID, func(s *series) { ch <- s }))
	}
}

// Gather implements prometheus.Gatherer.
func (c Collector) Gather() ([]*dto.MetricFamily, error) {
	return c.GatherUntil(context.Background()), nil
}

// GatherUntil is Gather that leaves out the instances that are left when the context
// ends.
func (c Collector) GatherUntil(ctx context.Context) []*dto.MetricFamily {
	byFamily := make(map[*Family]*dto.MetricFamily)
	for _, s := range c {
		if ctx.Err() != nil {
			break
		}
		s.collect(newEmitter(s.ID, func(s *series) {
			f := byFamily[s.family]
			if f == nil {
				f = &dto.MetricFamily{Name: &s.family.Name, Help: &s.family.Help, Type: s.family.kind}
				byFamily[s.family] = f
			}
			f.Metric = append(f.Metric, &s.metric)
		}))
	}
	all := make([]*dto.MetricFamily, 0, len(byFamily))
	for _, f := range byFamily {
		slices.SortFunc(f.Metric, compareLabels)
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b *dto.MetricFamily) int { return cmp.Compare(a.GetName(), b.GetName()) })
	return all
}

// compareLabels orders the series of a family as a registry does.
func compareLabels(a, b *dto.Metric) int {
	for n, pair := range a.Label {
		if order := strings.Compare(*pair.Value, *b.Label[n].Value); order != 0 {
			return order
		}
	}
	return 0
}

// emitter sends the series of one instance.
type emitter struct {
	send func(*series)

	// What series share.
	id      *dto.LabelPair
	created time.Time
	stamp   *timestamppb.Timestamp // of created
}

func newEmitter(id string, send func(*series)) *emitter {
	return &emitter{send: send, id: &dto.LabelPair{Name: proto.String(idLabel), Value: &id}}
}

// maxLabels is how many labels a family has, id_instance apart.
const maxLabels = 3

// series is one series of a family, with its value: a prometheus.Metric in one piece
// of memory. Those of client_golang check and sort what the catalogue knows.
type series struct {
	family *Family
	metric dto.Metric

	// What metric points to.
	gauge   dto.Gauge
	counter dto.Counter
	value   float64
	values  [maxLabels]string
	pairs   [maxLabels]dto.LabelPair
	labels  [1 + maxLabels]*dto.LabelPair
}

// newSeries returns a series without a value.
func (e *emitter) newSeries(f *Family, labels []string) *series {
	if 1+len(labels) != len(f.Labels) {
		panic("collector: the labels of " + f.Name + " are others")
	}
	s := &series{family: f}
	copy(s.values[:], labels)
	for n, label := range f.sorted {
		if label == 0 {
			s.labels[n] = e.id
			continue
		}
		pair := &s.pairs[label-1]
		pair.Name, pair.Value = &f.Labels[label], &s.values[label-1]
		s.labels[n] = pair
	}
	s.metric.Label = s.labels[:len(f.Labels):len(f.Labels)]
	return s
}

// Desc implements prometheus.Metric.
func (s *series) Desc() *prometheus.Desc { return s.family.desc }

// Write implements prometheus.Metric.
func (s *series) Write(to *dto.Metric) error {
	to.Label, to.Gauge, to.Counter, to.Histogram = s.metric.Label, s.metric.Gauge, s.metric.Counter, s.metric.Histogram
	return nil
}

func (e *emitter) gauge(f *Family, value float64, labels ...string) {
	s := e.newSeries(f, labels)
	s.value = value
	s.gauge.Value, s.metric.Gauge = &s.value, &s.gauge
	e.send(s)
}

// timestamp sends a gauge of Unix seconds; nothing for the zero time, which stands
// for not known.
func (e *emitter) timestamp(f *Family, at time.Time, labels ...string) {
	if !at.IsZero() {
		e.gauge(f, float64(at.UnixMilli())/1e3, labels...)
	}
}

// counter sends a counter. Where created is known, it tells since when the counter
// counts.
func (e *emitter) counter(f *Family, value float64, created time.Time, labels ...string) {
	s := e.newSeries(f, labels)
	s.value = value
	s.counter.Value, s.counter.CreatedTimestamp, s.metric.Counter = &s.value, e.stamped(created), &s.counter
	e.send(s)
}

// histogram sends a histogram, whose bounds are constant.
func (e *emitter) histogram(f *Family, h ledger.Histogram, bounds []float64, created time.Time, labels ...string) {
	s := e.newSeries(f, labels)
	s.value = float64(h.Sum)
	counts := append([]uint64{h.Count}, h.Buckets[:len(bounds)]...)
	buckets := make([]dto.Bucket, len(bounds))
	s.metric.Histogram = &dto.Histogram{
		SampleCount: &counts[0], SampleSum: &s.value, CreatedTimestamp: e.stamped(created), Bucket: make([]*dto.Bucket, len(bounds)),
	}
	for n := range bounds {
		buckets[n].UpperBound, buckets[n].CumulativeCount = &bounds[n], &counts[1+n]
		s.metric.Histogram.Bucket[n] = &buckets[n]
	}
	e.send(s)
}

// stamped is when a series was created; nil when nobody knows. Most series of an
// instance share it.
func (e *emitter) stamped(created time.Time) *timestamppb.Timestamp {
	if created.IsZero() {
		return nil
	}
	if e.stamp == nil || !e.created.Equal(created) {
		e.created, e.stamp = created, timestamppb.New(created)
	}
	return e.stamp
}

func boolValue(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
