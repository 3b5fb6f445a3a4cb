package collector

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
	"github.com/prometheus/common/expfmt"
)

// benchRecords is how many records a full journal holds.
const benchRecords = 10_000

// benchFleet is a fleet of so many accounts whose journals are payloads of that many
// rows. A method without a payload is not asked.
func benchFleet(b *testing.B, accounts, rows int, payloads map[string]func(simulation.Payload, io.Writer) error) *Fleet {
	b.Helper()
	srv := greenapitest.NewPipeServer()
	b.Cleanup(srv.Close)
	srv.SetEncoding(greenapitest.EncodingPlain)
	collectors := map[string]string{greenapitest.MethodLastOutgoingCalls: "calls", greenapitest.MethodLastOutgoingMessages: "messages"}
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

// BenchmarkExposition gathers snapshots and writes them as text, as a scrape does once
// everything is fetched.
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
	families, err := snapshots.Gather()
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
