//go:build e2e

package dashboards_test

import (
	"bufio"
	"cmp"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	dto "github.com/prometheus/client_model/go"
)

const (
	// replayed is how long the accounts are watched: a ghost line needs a week, and a
	// day before it.
	replayed = 14 * 24 * time.Hour
	// interval between scrapes. A coarse one keeps the replay short; Prometheus is told
	// to look back a little further than that.
	interval = 10 * time.Minute

	replayJob      = "greenapi"
	replayInstance = "127.0.0.1:10174"
	watchedAccount = "1101000001" // whose dashboard is looked at
)

// replayedAccounts are in such a state at the end that each panel has something to
// show.
func replayedAccounts(end time.Time) []simulation.Account {
	last := func(kind simulation.IncidentKind, d time.Duration, share float64) simulation.Incident {
		return simulation.Incident{Kind: kind, From: end.Add(-d), Share: share}
	}
	return []simulation.Account{
		{
			ID: watchedAccount, Name: "support", Token: "a", MessagesPerDay: 260, CallsPerDay: 90, Groups: 6,
			Incidents: []simulation.Incident{
				last(simulation.IncidentRestriction, 8*time.Hour, 0.3),
				last(simulation.IncidentStuckPending, 4*time.Hour, 1),
			},
		},
		{
			ID: "1101000002", Name: "sales", Token: "b", MessagesPerDay: 120, CallsPerDay: 60, Groups: 3,
			Incidents: []simulation.Incident{last(simulation.IncidentServerErrors, 3*time.Hour, 1)},
		},
		{
			ID: "1101000003", Name: "logged-out", Token: "c", MessagesPerDay: 60, CallsPerDay: 20,
			Incidents: []simulation.Incident{last(simulation.IncidentLogout, 20*time.Hour, 1), last(simulation.IncidentWebhooksOff, 20*time.Hour, 1)},
		},
	}
}

// scenario is what is replayed.
type scenario struct {
	from     time.Time     // of the first scrape; by default, where the clock of a bubble begins
	last     time.Duration // by default, that of replayed
	accounts func(end time.Time) []simulation.Account
	alert    bool                             // whether an alert fires at the end
	progress func(format string, args ...any) // told of each step; nil for no one
}

// replay scrapes the accounts through the simulated time and writes what Prometheus
// would store of the metrics that are wanted. It returns the time of the first and
// the last scrape.
func replay(t *testing.T, file string, wanted map[string]bool, s scenario) (from, to time.Time) {
	t.Helper()
	ledgers := memoryDir(t)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(s.from))
		from = time.Now()
		to = from.Add(cmp.Or(s.last, replayed))
		out := newSampleWriter(t, file, wanted)
		e := newExporter(t, ledgers, s.accounts(to)...)
		day := 0
		for !time.Now().After(to) {
			at := time.Now()
			out.scrape(e.scrape(t.Context(), t), at)
			// What Prometheus adds to a scrape, and makes of alerts.
			out.sample("up", nil, 1, at)
			out.sample("scrape_duration_seconds", nil, 0.2, at)
			out.sample("scrape_timeout_seconds", nil, 30, at)
			if since := to.Add(-8 * time.Hour); s.alert && at.After(since) {
				const alert = `alertname="GreenAPIAccountSuspended",severity="critical",id_instance="` + watchedAccount + `"`
				out.line(`ALERTS{alertstate="firing",`+alert+"}", 1, at)
				out.line(`ALERTS_FOR_STATE{`+alert+"}", float64(since.Unix()), at)
			}
			if d := int(at.Sub(from).Hours() / 24); d > day && s.progress != nil {
				day = d
				s.progress("  day %d of %.0f", d, to.Sub(from).Hours()/24)
			}
			time.Sleep(interval - time.Since(at))
		}
		out.close()
	})
	return from, to
}

// memoryDir is a temporary folder, in memory where the system has one for that: state
// files are synced at each scrape, which disks take their time for.
func memoryDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "greenapi-replay-") //nolint:usetesting // t.TempDir is on a disk
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// sampleWriter writes OpenMetrics text with times.
type sampleWriter struct {
	t      *testing.T
	file   *os.File
	text   *bufio.Writer
	wanted map[string]bool
}

func newSampleWriter(t *testing.T, path string, wanted map[string]bool) *sampleWriter {
	t.Helper()
	file, err := os.Create(filepath.Clean(path))
	if err != nil {
		t.Fatal(err)
	}
	return &sampleWriter{t: t, file: file, text: bufio.NewWriterSize(file, 1<<20), wanted: wanted}
}

func (w *sampleWriter) close() {
	w.t.Helper()
	if _, err := w.text.WriteString("# EOF\n"); err != nil {
		w.t.Fatal(err)
	}
	if err := w.text.Flush(); err != nil {
		w.t.Fatal(err)
	}
	if err := w.file.Close(); err != nil {
		w.t.Fatal(err)
	}
}

func (w *sampleWriter) scrape(families []*dto.MetricFamily, at time.Time) {
	w.t.Helper()
	for _, family := range families {
		name := family.GetName()
		for _, m := range family.GetMetric() {
			if h := m.GetHistogram(); h != nil {
				w.histogram(name, m.GetLabel(), h, at)
				continue
			}
			// Of these, a metric has one.
			value := m.GetGauge().GetValue() + m.GetCounter().GetValue() + m.GetUntyped().GetValue()
			w.sample(name, m.GetLabel(), value, at)
		}
	}
}

// histogram writes the bounds of buckets as Prometheus 3 stores them.
func (w *sampleWriter) histogram(name string, labels []*dto.LabelPair, h *dto.Histogram, at time.Time) {
	w.t.Helper()
	bucket := func(le string, count uint64) {
		pair := &dto.LabelPair{Name: new("le"), Value: new(le)}
		w.sample(name+"_bucket", append(append([]*dto.LabelPair{}, labels...), pair), float64(count), at)
	}
	for _, b := range h.GetBucket() {
		le := strconv.FormatFloat(b.GetUpperBound(), 'g', -1, 64)
		if b.GetUpperBound() == math.Trunc(b.GetUpperBound()) {
			le += ".0"
		}
		bucket(le, b.GetCumulativeCount())
	}
	bucket("+Inf", h.GetSampleCount())
	w.sample(name+"_sum", labels, h.GetSampleSum(), at)
	w.sample(name+"_count", labels, float64(h.GetSampleCount()), at)
}

func (w *sampleWriter) sample(name string, labels []*dto.LabelPair, value float64, at time.Time) {
	w.t.Helper()
	if !w.wanted[name] {
		return
	}
	series := fmt.Sprintf("%s{job=%q,instance=%q", name, replayJob, replayInstance)
	for _, pair := range labels {
		series += fmt.Sprintf(",%s=%q", pair.GetName(), pair.GetValue())
	}
	w.line(series+"}", value, at)
}

func (w *sampleWriter) line(series string, value float64, at time.Time) {
	w.t.Helper()
	if _, err := fmt.Fprintf(w.text, "%s %s %d\n", series, strconv.FormatFloat(value, 'g', -1, 64), at.Unix()); err != nil {
		w.t.Fatal(err)
	}
}
