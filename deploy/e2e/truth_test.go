//go:build e2e

package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/deploy/e2e"
)

// settleLimit bounds how long the exporter may take to read all journals anew. It
// is longer than an account is left alone after timeouts.
const settleLimit = 2 * time.Minute

// counterNames are the series that count what happened on an account.
var counterNames = []string{
	"greenapi_calls_total", "greenapi_call_participants_total",
	"greenapi_call_duration_seconds_bucket", "greenapi_call_duration_seconds_sum", "greenapi_call_duration_seconds_count", "greenapi_call_talk_seconds_total",
	"greenapi_messages_observed_total", "greenapi_messages_sent_total", "greenapi_messages_delivered_total",
	"greenapi_messages_read_total", "greenapi_messages_failed_total",
}

// clock is a simulation's: it stands still, or runs so many times as fast as
// real time. While it stands still nothing happens on any account.
type clock struct {
	mu    sync.Mutex
	from  time.Time // simulated
	since time.Time // real; zero while it stands still
	speed float64
}

func newClock(at time.Time) *clock { return &clock{from: at} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.since.IsZero() {
		return c.from
	}
	return c.from.Add(time.Duration(float64(time.Since(c.since)) * c.speed))
}

func (c *clock) run(speed float64) {
	at := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.from, c.since, c.speed = at, time.Now(), speed
}

func (c *clock) stop() time.Time {
	at := c.now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.from, c.since = at, time.Time{}
	return at
}

// happened are the counters that a simulation's truth amounts to, those that are
// not 0, for what became visible after one time and up to another.
func happened(sim *simulation.Simulation, after, upTo time.Time) e2e.Samples {
	counts := e2e.Samples{}
	for _, account := range sim.Accounts() {
		addTruth(counts, account.ID, sim.Truth(account.ID, after.Add(1), upTo.Add(1)))
	}
	return counts
}

func addTruth(counts e2e.Samples, id string, t simulation.Truth) {
	add := func(n int, name string, labels model.Metric) {
		labels["__name__"], labels["id_instance"] = model.LabelValue("greenapi_"+name), model.LabelValue(id)
		counts[labels.String()] += float64(n)
	}
	metric := func(pairs ...string) model.Metric {
		labels := model.Metric{}
		for pair := range slices.Chunk(pairs, 2) {
			labels[model.LabelName(pair[0])] = model.LabelValue(pair[1])
		}
		return labels
	}
	for l, n := range t.Calls {
		add(n, "calls_total", metric("status", l.Status, "media", l.Media, "chat_type", l.ChatType))
	}
	for l, n := range t.Participants {
		add(n, "call_participants_total", metric("status", l.Status, "media", l.Media, "chat_type", l.ChatType))
	}
	for l, durations := range t.Durations {
		for _, seconds := range durations {
			add(seconds, "call_duration_seconds_sum", metric("media", l.Media, "chat_type", l.ChatType))
			add(seconds, "call_talk_seconds_total", metric("media", l.Media, "chat_type", l.ChatType))
			add(1, "call_duration_seconds_count", metric("media", l.Media, "chat_type", l.ChatType))
			for _, bound := range []int{3, 6, 10, 30, 60, 120, 300, 600, 1800, 3600} {
				if seconds <= bound {
					add(1, "call_duration_seconds_bucket", metric("media", l.Media, "chat_type", l.ChatType, "le", fmt.Sprintf("%d.0", bound)))
				}
			}
			add(1, "call_duration_seconds_bucket", metric("media", l.Media, "chat_type", l.ChatType, "le", "+Inf"))
		}
	}
	for l, n := range t.Observed {
		add(n, "messages_observed_total", metric("message_type", l.MessageType, "chat_type", l.ChatType, "origin", l.Origin))
	}
	for name, stage := range map[string]map[string]int{"sent": t.Sent, "delivered": t.Delivered, "read": t.Read} {
		for chatType, n := range stage {
			add(n, "messages_"+name+"_total", metric("chat_type", chatType))
		}
	}
	for l, n := range t.Failed {
		add(n, "messages_failed_total", metric("reason", l.Reason, "chat_type", l.ChatType))
	}
}

// counters are the samples of counterNames that are not 0.
func counters(samples e2e.Samples) e2e.Samples {
	counted := e2e.Samples{}
	for series, value := range samples {
		name, _, _ := strings.Cut(series, "{")
		if value != 0 && slices.Contains(counterNames, name) {
			counted[series] = value
		}
	}
	return counted
}

// total adds up the series of a name.
func total(samples e2e.Samples, name string) float64 {
	sum := 0.0
	for series, value := range samples {
		if strings.HasPrefix(series, name+"{") {
			sum += value
		}
	}
	return sum
}

// exposition asks the exporter for its metrics now, with all the time it wants.
func exposition(t *testing.T, exporter *e2e.Exporter) e2e.Samples {
	t.Helper()
	answer := e2e.Get(t, exporter.URL+"/metrics")
	samples, err := e2e.ParseSamples(answer.Header, answer.Body, nil)
	if err != nil {
		t.Fatal(err)
	}
	return samples
}

// settle asks for the metrics until both journals of every account were read
// from beginning to end after this time, and returns what was shown then.
func settle(t *testing.T, exporter *e2e.Exporter, sim *simulation.Simulation, after time.Time) e2e.Samples {
	t.Helper()
	deadline := time.Now().Add(settleLimit)
	for {
		samples := exposition(t, exporter)
		unread := slices.DeleteFunc(sim.Accounts(), func(a simulation.Account) bool {
			return readSince(samples, a.ID, "calls", after) && readSince(samples, a.ID, "messages", after)
		})
		if len(unread) == 0 {
			return samples
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v the journals of %d accounts are not read", settleLimit, len(unread))
		}
	}
}

// readSince tells whether the last reading of a journal was good, and began
// after a time.
func readSince(samples e2e.Samples, id, collector string, after time.Time) bool {
	value := func(name string) float64 {
		return samples[fmt.Sprintf("%s{collector=%q, id_instance=%q}", name, collector, id)]
	}
	began := value("greenapi_last_success_timestamp_seconds") - value("greenapi_scrape_collector_duration_seconds")
	return value("greenapi_scrape_collector_success") == 1 && began > float64(after.UnixMicro())/1e6
}

// history is what a server has stored of one counter.
type history struct {
	id      model.LabelValue // of the account
	samples []model.SamplePair
}

// histories are the stored samples of a job's counters, by series as the
// exporter shows it.
func histories(t *testing.T, prometheus *e2e.Prometheus, job string) map[string]history {
	t.Helper()
	matrix, ok := prometheus.Query(t, fmt.Sprintf(`{job=%q,__name__=~%q}[1h]`, job, strings.Join(counterNames, "|"))).(model.Matrix)
	if !ok || len(matrix) == 0 {
		t.Fatalf("nothing is stored of job %s", job)
	}
	stored := map[string]history{}
	for _, series := range matrix {
		for _, name := range []model.LabelName{"job", "instance", "target"} {
			delete(series.Metric, name)
		}
		stored[series.Metric.String()] = history{series.Metric["id_instance"], series.Values}
	}
	return stored
}

// checkHistories checks what a server has stored of counters that were at 0 in
// its first scrape of an account: none ever fell, and what they rose by from the
// first sample to the last is what happened.
func checkHistories(t *testing.T, stored map[string]history, want e2e.Samples) {
	t.Helper()
	first := map[model.LabelValue]model.Time{}
	for _, h := range stored {
		if at, ok := first[h.id]; !ok || h.samples[0].Timestamp < at {
			first[h.id] = h.samples[0].Timestamp
		}
	}
	increases, late := e2e.Samples{}, 0
	for series, h := range stored {
		before := model.SampleValue(0)
		if h.samples[0].Timestamp > first[h.id] {
			late++ // Labels in a combination that was not known: it counts from 0, where it stood.
		} else if before = h.samples[0].Value; before != 0 {
			t.Errorf("%s is %v in the first scrape, want 0", series, before)
		}
		for _, sample := range h.samples {
			if sample.Value < before {
				t.Errorf("%s fell from %v to %v at %v", series, before, sample.Value, sample.Timestamp.Time())
				before = 0 // as increase() takes it
			}
			increases[series] += float64(sample.Value - before)
			before = sample.Value
		}
	}
	if diff := cmp.Diff(want, counters(increases)); diff != "" {
		t.Errorf("what happened (-) and what the stored samples rose by (+) differ:\n%s", diff)
	}
	t.Logf("%d series, %d of them appeared later", len(stored), late)
}
