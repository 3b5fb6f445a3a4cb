package replay

import (
	"fmt"
	"io"
	"sort"
	"strconv"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// Recording is what a Prometheus server would have scraped, a sample of each series
// every Step.
type Recording struct {
	Start time.Time
	Step  time.Duration
	// Wanted tells whether a series, metric{label="value",…}, is kept.
	Wanted func(series string) bool

	scrapes int
	series  map[string]*track // nil for those that are not wanted
}

// track is the samples of a series in promtool's notation, as far as they are done.
type track struct {
	done   strings.Builder
	next   int // number of the scrape that comes next
	last   string
	repeat int // how often last came again
}

// Scrape is the samples of one scrape, by series.
type Scrape map[string]float64

// Set sets a sample of a metric without further labels.
func (s Scrape) Set(metric string, value float64) { s.put(metric, "", nil, value) }

// put sets a sample under the labels of the scraped target.
func (s Scrape) put(metric, extra string, labels []*dto.LabelPair, value float64) {
	var name strings.Builder
	name.WriteString(metric + `{job="greenapi",instance="exporter:10174"`)
	for _, l := range labels {
		name.WriteString("," + l.GetName() + "=" + strconv.Quote(l.GetValue()))
	}
	s[name.String()+extra+"}"] = value
}

// Add adds gathered families, histograms as Prometheus stores them.
func (s Scrape) Add(families []*dto.MetricFamily) {
	for _, family := range families {
		name := family.GetName()
		for _, m := range family.GetMetric() {
			switch h := m.GetHistogram(); {
			case h != nil:
				s.put(name+"_count", "", m.GetLabel(), float64(h.GetSampleCount()))
				s.put(name+"_sum", "", m.GetLabel(), h.GetSampleSum())
				for _, b := range h.GetBucket() {
					bound := strconv.FormatFloat(b.GetUpperBound(), 'f', 1, 64)
					s.put(name+"_bucket", `,le="`+bound+`"`, m.GetLabel(), float64(b.GetCumulativeCount()))
				}
			case m.GetCounter() != nil:
				s.put(name, "", m.GetLabel(), m.GetCounter().GetValue())
			default:
				s.put(name, "", m.GetLabel(), m.GetGauge().GetValue())
			}
		}
	}
}

// Record takes a scrape down.
func (r *Recording) Record(s Scrape) {
	if r.series == nil {
		r.series = make(map[string]*track)
	}
	for name, value := range s {
		t, known := r.series[name]
		if !known {
			if r.Wanted(name) {
				t = new(track)
			}
			r.series[name] = t
		}
		if t == nil {
			continue
		}
		t.add(r.scrapes, strconv.FormatFloat(value, 'f', -1, 64))
	}
	r.scrapes++
}

func (t *track) add(scrape int, value string) {
	if missing := scrape - t.next; missing > 0 {
		t.flush()
		fmt.Fprintf(&t.done, "_x%d ", missing)
	}
	t.next = scrape + 1
	if value == t.last {
		t.repeat++
		return
	}
	t.flush()
	t.last, t.repeat = value, 0
}

func (t *track) flush() {
	switch {
	case t.last == "":
	case t.repeat == 0:
		t.done.WriteString(t.last + " ")
	default:
		fmt.Fprintf(&t.done, "%sx%d ", t.last, t.repeat)
	}
	t.last = ""
}

// WriteSeries writes the series as a promtool test's input_series.
func (r *Recording) WriteSeries(w io.Writer) error {
	names := make([]string, 0, len(r.series))
	for name, t := range r.series {
		if t != nil {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		t := r.series[name]
		t.flush()
		if _, err := fmt.Fprintf(w, "      - series: '%s'\n        values: '%s'\n", name, t.done.String()); err != nil {
			return fmt.Errorf("write the series: %w", err)
		}
	}
	return nil
}

// WriteLines writes a line for each series: its name, a tab, and its values.
func (r *Recording) WriteLines(w io.Writer) error {
	for name, t := range r.series {
		if t == nil {
			continue
		}
		t.flush()
		if _, err := fmt.Fprintf(w, "%s\t%s\n", name, t.done.String()); err != nil {
			return fmt.Errorf("write the series: %w", err)
		}
	}
	return nil
}

// Length is the time that was recorded.
func (r *Recording) Length() time.Duration { return time.Duration(r.scrapes-1) * r.Step }
