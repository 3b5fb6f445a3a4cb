package collector_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

// crowd is a log that keeps whoever writes to it until so many do at the same time.
type crowd struct {
	slog.Handler
	inside atomic.Int64
	wanted int64
	all    chan struct{}
}

func (c *crowd) Enabled(context.Context, slog.Level) bool { return true }

func (c *crowd) Handle(context.Context, slog.Record) error {
	if c.inside.Add(1) == c.wanted {
		close(c.all)
	}
	<-c.all
	return nil
}

// TestLedgersAreClosedAtOnce has each ledger say something while it is closed, to a
// log that takes it when all are being closed. One after the other, they would wait
// for ever, which synctest notices.
func TestLedgersAreClosedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const accounts = 64
		path := t.TempDir()
		log := &crowd{Handler: slog.DiscardHandler, wanted: accounts, all: make(chan struct{})}

		b := newBench(t, func(o *collector.Options) {
			o.Ledgers, o.Ledger = folder(t, path), ledger.Options{Logger: slog.New(log)}
			o.Concurrency = accounts
		}, "")
		var yaml strings.Builder
		yaml.WriteString("instances:\n")
		for n := range accounts {
			id := fmt.Sprint(1102000000 + n)
			b.srv.AddInstance(id, token)
			fmt.Fprintf(&yaml, "- {id: %q, token: %s, api_url: %s, collectors: [calls]}\n", id, token, b.srv.URL)
		}
		b.apply(t, yaml.String())
		for range 2 {
			b.refresh(t)
			time.Sleep(time.Minute)
		}
		files, err := filepath.Glob(filepath.Join(path, "11020*.ledger"))
		if err != nil || len(files) != accounts {
			t.Fatalf("%d state files, %v", len(files), err)
		}
		for _, file := range files { // Which is worth a line in the log.
			if err := os.Remove(file); err != nil {
				t.Fatal(err)
			}
		}
		b.Close()
		if got := log.inside.Load(); got != accounts {
			t.Errorf("%d lines in the log, want %d", got, accounts)
		}
	})
}

// BenchmarkCloseLedgers closes 3,000 accounts whose files want writing.
func BenchmarkCloseLedgers(b *testing.B) {
	const accounts = 3000
	for b.Loop() {
		b.StopTimer()
		dir, err := ledger.OpenDir(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		srv := greenapitest.NewPipeServer()
		fleet := collector.NewFleet(collector.Options{
			Concurrency: 64, Timeout: 30 * time.Second, Dial: srv.DialContext, Logger: slog.New(slog.DiscardHandler), Ledgers: dir,
		})
		cfg := &config.Config{}
		for n := range accounts {
			id := fmt.Sprint(1102000000 + n)
			srv.AddInstance(id, token)
			cfg.Instances = append(cfg.Instances, config.Instance{
				ID: id, Name: id, APIURL: srv.URL, Token: client.NewToken(token), Window: 24 * time.Hour, Collectors: []string{"calls"},
			})
		}
		if err := fleet.Apply(cfg); err != nil {
			b.Fatal(err)
		}
		for range 2 {
			for _, s := range collector.Refresh(b.Context(), fleet.Roster().Instances()) {
				if !s.Up() {
					b.Fatal("an account cannot be read")
				}
			}
			time.Sleep(1100 * time.Millisecond) // The API's limit.
		}
		b.StartTimer()
		fleet.Close()
		b.StopTimer()
		srv.Close()
		if err := dir.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}

func TestLeftoversAreRemoved(t *testing.T) {
	t.Parallel()
	for name, partner := range map[string]bool{"configured": false, "a partner's account that has not answered": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				path := t.TempDir()
				yaml := ""
				if partner {
					yaml = "partner: {token: " + token + ", api_url: https://api.green-api.com}"
				}
				b := newBench(t, func(o *collector.Options) { o.Ledgers = folder(t, path) }, yaml)
				old := time.Now().Add(-31 * 24 * time.Hour)
				left := filepath.Join(path, "1109000000.ledger")
				configured := filepath.Join(path, id+".ledger")
				for _, file := range []string{left, configured} {
					if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Chtimes(file, old, old)); err != nil {
						t.Fatal(err)
					}
				}
				ctx, cancel := context.WithCancel(t.Context())
				done := make(chan struct{})
				go func() {
					defer close(done)
					b.RemoveLeftovers(ctx)
				}()
				time.Sleep(59 * time.Minute)
				if _, err := os.Stat(left); err != nil {
					t.Errorf("within an hour: %v", err)
				}
				time.Sleep(2 * time.Minute)
				if _, err := os.Stat(left); errors.Is(err, fs.ErrNotExist) == partner {
					t.Errorf("after an hour: %v", err)
				}
				time.Sleep(100 * 24 * time.Hour)
				if _, err := os.Stat(configured); err != nil && !partner {
					t.Errorf("the file of an instance of the configuration: %v", err)
				}
				cancel()
				<-done
			})
		})
	}
}

// TestLeftoversOfANewPartner applies the configuration of another partner, whose
// instances are not known before its API lists them: their files stay until then.
func TestLeftoversOfANewPartner(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := t.TempDir()
		b := newBench(t, func(o *collector.Options) { o.Ledgers = folder(t, path) }, "")
		b.srv.AddPartner("first")
		next := b.srv.AddPartner("next")
		partner := func(token string) string {
			return fmt.Sprintf("partner: {token: %s, api_url: %s}", token, b.srv.URL)
		}
		b.apply(t, partner("first"))
		theirs := filepath.Join(path, "2202000001.ledger")
		old := time.Now().Add(-31 * 24 * time.Hour)
		if err := errors.Join(os.WriteFile(theirs, nil, 0o600), os.Chtimes(theirs, old, old)); err != nil {
			t.Fatal(err)
		}
		var running sync.WaitGroup
		ctx, cancel := context.WithCancel(t.Context())
		running.Go(func() { b.Discover(ctx) })
		running.Go(func() { b.RemoveLeftovers(ctx) })
		time.Sleep(59 * time.Minute)
		next.Fault(greenapitest.MethodGetInstances, greenapitest.FaultStatus(500, ""), 0)
		b.apply(t, partner("next"))
		time.Sleep(25 * time.Hour)
		if _, err := os.Stat(theirs); err != nil {
			t.Errorf("before the partner API has listed the instances: %v", err)
		}
		next.ClearFaults()
		time.Sleep(25 * time.Hour)
		if _, err := os.Stat(theirs); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("after the partner API has listed others: %v", err)
		}
		cancel()
		running.Wait()
	})
}
