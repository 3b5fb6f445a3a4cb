package collector

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

// benchRecords is how many records a full journal holds.
const benchRecords = 10_000

// recorded answers each request with the same journal, without a network.
type recorded []byte

// Do implements client.HTTPClient.
func (r recorded) Do(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(r))}, nil
}

// recordedClient returns a client to whom the journal is a payload.
func recordedClient(tb testing.TB, write func(simulation.Payload, io.Writer) error, rows int) *client.Client {
	tb.Helper()
	var body bytes.Buffer
	if err := write(simulation.Payload{Rows: rows, Seed: 1}, &body); err != nil {
		tb.Fatal(err)
	}
	c, err := client.New(client.Options{
		APIURL: "http://greenapi.invalid", IDInstance: "1101000001", Token: client.NewToken("token"),
		HTTPClient: recorded(body.Bytes()),
	})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

// recordedCalls returns the calls of a payload.
func recordedCalls(tb testing.TB, rows int) []client.Call {
	tb.Helper()
	journal, err := recordedClient(tb, simulation.Payload.Calls, rows).LastOutgoingCalls(tb.Context(), 24*time.Hour)
	if err != nil {
		tb.Fatal(err)
	}
	defer journal.Close()
	var all []client.Call
	for call := range journal.Records() {
		kept := *call
		kept.ID, kept.ChatID = bytes.Clone(call.ID), bytes.Clone(call.ChatID)
		kept.Participants = append([]string(nil), call.Participants...)
		all = append(all, kept)
	}
	if err := journal.Err(); err != nil || len(all) != rows {
		tb.Fatalf("%d calls, %v", len(all), err)
	}
	return all
}

// recordedMessages returns the messages of a payload.
func recordedMessages(tb testing.TB, rows int) []client.Message {
	tb.Helper()
	journal, err := recordedClient(tb, simulation.Payload.Texts, rows).LastOutgoingMessages(tb.Context(), 24*time.Hour)
	if err != nil {
		tb.Fatal(err)
	}
	defer journal.Close()
	var all []client.Message
	for message := range journal.Records() {
		kept := *message
		kept.ID, kept.ChatID = bytes.Clone(message.ID), bytes.Clone(message.ChatID)
		all = append(all, kept)
	}
	if err := journal.Err(); err != nil || len(all) != rows {
		tb.Fatalf("%d messages, %v", len(all), err)
	}
	return all
}

// countCalls counts calls as a scrape does. What add returns may share memory with
// the call, so that each time takes a copy.
func countCalls(all []client.Call) *callWindow {
	window := newCallWindow()
	var participants []string
	for n := range all {
		call := all[n]
		participants = append(participants[:0], call.Participants...)
		call.Participants = participants
		window.add(&call)
	}
	window.end(len(all), 0)
	return window
}

func countMessages(all []client.Message) *messageWindow {
	window := newMessageWindow()
	for n := range all {
		window.add(&all[n])
	}
	window.end(len(all), 0)
	return window
}

// BenchmarkWindow counts the records of a full journal that are decoded already.
func BenchmarkWindow(b *testing.B) {
	b.Run("calls", func(b *testing.B) {
		all := recordedCalls(b, benchRecords)
		b.ReportAllocs()
		for b.Loop() {
			countCalls(all)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRecords, "ns/record")
	})
	b.Run("messages", func(b *testing.B) {
		all := recordedMessages(b, benchRecords)
		b.ReportAllocs()
		for b.Loop() {
			countMessages(all)
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchRecords, "ns/record")
	})
}

// benchFleet is a fleet of so many accounts whose journals are payloads of that many
// rows. A method without a payload is not asked.
func benchFleet(b *testing.B, accounts, rows int, payloads map[string]func(simulation.Payload, io.Writer) error) *Fleet {
	b.Helper()
	srv := greenapitest.NewPipeServer()
	b.Cleanup(srv.Close)
	srv.SetEncoding(greenapitest.EncodingPlain)
	collectors := map[string]string{greenapitest.MethodLastOutgoingCalls: calls, greenapitest.MethodLastOutgoingMessages: messages}
	var asked []string
	answers := map[string]greenapitest.Fault{}
	for method, write := range payloads {
		var body bytes.Buffer
		if err := write(simulation.Payload{Rows: rows, Seed: 1}, &body); err != nil {
			b.Fatal(err)
		}
		asked, answers[method] = append(asked, collectors[method]), greenapitest.Fault{Body: body.Bytes()}
	}
	var yaml strings.Builder
	yaml.WriteString("instances:\n")
	for n := range accounts {
		instance := srv.AddInstance(fmt.Sprint(1101000000+n), "token")
		for method, answer := range answers {
			instance.Fault(method, answer, 0)
		}
		fmt.Fprintf(&yaml, "- {id: %q, token: token, api_url: %q}\n", instance.ID(), srv.URL)
	}
	cfg, err := config.Parse("bench.yml", []byte(yaml.String()), config.Defaults{Window: 24 * time.Hour, Collectors: asked})
	if err != nil {
		b.Fatal(err)
	}
	fleet := NewFleet(Options{
		Concurrency: 16, Timeout: time.Minute, Dial: srv.DialContext, Logger: slog.New(slog.DiscardHandler),
	})
	b.Cleanup(fleet.Close)
	if err := fleet.Apply(cfg); err != nil {
		b.Fatal(err)
	}
	return fleet
}

// refreshed refreshes instances, all of which must be up.
func refreshed(b *testing.B, instances []*Instance) Collector {
	b.Helper()
	snapshots := Refresh(b.Context(), instances)
	for _, s := range snapshots {
		if !s.Up() {
			b.Fatalf("instance %s is not up: %+v", s.ID, s.Results)
		}
	}
	return snapshots
}

// BenchmarkScrape is a whole scrape of one account with one full journal, as it is
// when nothing is new: asked for, decoded, counted, kept in the ledger, and exposed.
// The server shares the process, without a network. What to profile:
//
//	go test -run '^$' -bench Scrape/calls -cpuprofile cpu.out ./collector
func BenchmarkScrape(b *testing.B) {
	// Accounts take turns, for each may be asked only once a second.
	const accounts = 128
	for _, payload := range []struct {
		name, method string
		write        func(simulation.Payload, io.Writer) error
	}{
		{"calls", greenapitest.MethodLastOutgoingCalls, simulation.Payload.Calls},
		{"texts", greenapitest.MethodLastOutgoingMessages, simulation.Payload.Texts},
	} {
		b.Run(payload.name, func(b *testing.B) {
			fleet := benchFleet(b, accounts, benchRecords, map[string]func(simulation.Payload, io.Writer) error{payload.method: payload.write})
			instances := fleet.Roster().Instances()
			for n := range instances {
				refreshed(b, instances[n:n+1])
			}
			b.ReportAllocs()
			for n := 0; b.Loop(); n++ {
				one := instances[n%accounts:][:1]
				expose(b, refreshed(b, one))
			}
		})
	}
}

// BenchmarkExposition collects snapshots in a registry of the request's own and
// writes them as text, as a scrape does once everything is fetched.
func BenchmarkExposition(b *testing.B) {
	for _, accounts := range []int{1, 100, 1000} {
		b.Run(fmt.Sprintf("%d_accounts", accounts), func(b *testing.B) {
			snapshots := refreshed(b, benchFleet(b, accounts, 50, map[string]func(simulation.Payload, io.Writer) error{
				greenapitest.MethodLastOutgoingCalls:    simulation.Payload.Calls,
				greenapitest.MethodLastOutgoingMessages: simulation.Payload.Texts,
			}).Roster().Instances())
			series, size := 0, 0
			b.ReportAllocs()
			for b.Loop() {
				series, size = expose(b, snapshots)
			}
			b.ReportMetric(float64(series)/float64(accounts), "series/account")
			b.ReportMetric(float64(size)/float64(accounts), "bytes/account")
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(series), "ns/series")
		})
	}
}

func expose(b *testing.B, snapshots Collector) (series, size int) {
	b.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(snapshots)
	families, err := registry.Gather()
	if err != nil {
		b.Fatal(err)
	}
	for _, family := range families {
		n, err := expfmt.MetricFamilyToText(io.Discard, family)
		if err != nil {
			b.Fatal(err)
		}
		size += n
		series += len(family.GetMetric())
	}
	return series, size
}

// TestMemoryOfWindows holds the windows to their promise: what they keep, and how
// often they allocate, depends on the label sets and the chats, not on how many
// records there are.
//
//nolint:paralleltest // it measures the memory of the whole process
func TestMemoryOfWindows(t *testing.T) {
	const (
		few, many   = 1000, 100_000
		moreObjects = 64       // label sets and chats that only many records have
		moreBytes   = 64 << 10 // the same
	)
	for _, test := range []struct {
		name  string
		count func(times int) any // counts the same thousand records that often
	}{
		{"calls", windowOf(recordedCalls(t, few), countCalls)},
		{"messages", windowOf(recordedMessages(t, few), countMessages)},
	} {
		fewObjects, fewLive := memoryOf(func() any { return test.count(1) })
		manyObjects, manyLive := memoryOf(func() any { return test.count(many / few) })
		t.Logf("%s: %d records: %d objects, %d bytes live; %d records: %d objects, %d bytes live",
			test.name, few, fewObjects, fewLive, many, manyObjects, manyLive)
		if manyObjects > fewObjects+moreObjects {
			t.Errorf("%s: %d records allocate %d objects, %d records %d", test.name, few, fewObjects, many, manyObjects)
		}
		if manyLive > fewLive+moreBytes {
			t.Errorf("%s: %d records hold %d bytes, %d records %d", test.name, few, fewLive, many, manyLive)
		}
	}
}

// windowOf counts records several times over into one window.
func windowOf[R, W any](records []R, count func([]R) W) func(times int) any {
	return func(times int) any {
		all := make([]R, 0, len(records)*times)
		for range times {
			all = append(all, records...)
		}
		return count(all)
	}
}

// memoryOf returns how many objects a function allocates, and how many bytes its
// result holds.
func memoryOf(count func() any) (objects, live int64) {
	var before, after, end runtime.MemStats
	runtime.GC() // twice: what pools hold survives once
	runtime.GC()
	runtime.ReadMemStats(&before)
	window := count()
	runtime.ReadMemStats(&after)
	runtime.GC()
	runtime.ReadMemStats(&end)
	runtime.KeepAlive(window)
	return int64(after.Mallocs - before.Mallocs), int64(end.HeapAlloc) - int64(before.HeapAlloc)
}
