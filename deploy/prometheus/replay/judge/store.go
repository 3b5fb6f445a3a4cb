//go:build ignore

package main

import (
	"math"
	"slices"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/util/annotations"
)

// absent stands where a series has no sample: Prometheus marks it as stale then.
var absent = math.Float64frombits(value.StaleNaN)

// store holds series in memory, a value at each step.
type store struct {
	start, step int64 // in milliseconds
	steps       int
	series      map[string][]*series // by name
}

type series struct {
	labels labels.Labels
	values []float64
	every  int // steps from one sample to the next; 0 is 1
	store  *store
}

func newStore(start, step int64) *store {
	return &store{start: start, step: step, series: make(map[string][]*series)}
}

// add adds a series.
func (s *store) add(lset labels.Labels, values []float64) *series {
	added := &series{labels: lset, values: values, store: s}
	s.steps = max(s.steps, len(values))
	name := lset.Get(labels.MetricName)
	s.series[name] = append(s.series[name], added)
	return added
}

// fill says of all series that end early that they do.
func (s *store) fill() {
	for _, named := range s.series {
		for _, one := range named {
			one.fill(s.steps)
		}
	}
}

func (s *store) at(step int) int64 { return s.start + int64(step)*s.step }

// Querier implements storage.Queryable.
func (s *store) Querier(int64, int64) (storage.Querier, error) {
	return &storage.MockQuerier{SelectMockFunction: s.selected}, nil
}

func (s *store) selected(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
	var candidates []*series
	exact := slices.IndexFunc(matchers, func(m *labels.Matcher) bool {
		return m.Name == labels.MetricName && m.Type == labels.MatchEqual
	})
	if exact >= 0 {
		candidates = s.series[matchers[exact].Value]
	} else {
		for _, named := range s.series {
			candidates = append(candidates, named...)
		}
	}
	set := &seriesSet{next: -1}
	for _, c := range candidates {
		if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(c.labels.Get(m.Name)) }) {
			set.series = append(set.series, c)
		}
	}
	return set
}

// seriesSet implements storage.SeriesSet.
type seriesSet struct {
	series []*series
	next   int
}

func (s *seriesSet) Next() bool                        { s.next++; return s.next < len(s.series) }
func (s *seriesSet) At() storage.Series                { return s.series[s.next] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }

func (s *series) Labels() labels.Labels { return s.labels }

func (s *series) Iterator(reuse chunkenc.Iterator) chunkenc.Iterator {
	if it, ok := reuse.(*iterator); ok {
		*it = iterator{series: s, at: -1}
		return it
	}
	return &iterator{series: s, at: -1}
}

// iterator implements chunkenc.Iterator.
type iterator struct {
	*series
	at int
}

func (i *iterator) Next() chunkenc.ValueType {
	i.at++
	return i.found()
}

func (i *iterator) found() chunkenc.ValueType {
	if i.every > 1 {
		i.at = (i.at + i.every - 1) / i.every * i.every
	}
	if i.at >= len(i.values) {
		return chunkenc.ValNone
	}
	return chunkenc.ValFloat
}

func (i *iterator) Seek(t int64) chunkenc.ValueType {
	i.at = max(i.at, 0, int((t-i.store.start+i.store.step-1)/i.store.step))
	return i.found()
}

func (i *iterator) At() (int64, float64) { return i.AtT(), i.values[i.at] }
func (i *iterator) AtT() int64           { return i.store.at(i.at) }
func (i *iterator) AtST() int64          { return 0 }
func (i *iterator) Err() error           { return nil }

func (i *iterator) AtHistogram(*histogram.Histogram) (int64, *histogram.Histogram) { return 0, nil }
func (i *iterator) AtFloatHistogram(*histogram.FloatHistogram) (int64, *histogram.FloatHistogram) {
	return 0, nil
}
