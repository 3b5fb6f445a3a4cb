// Command greenapi_exporter is a Prometheus exporter for the WhatsApp messages and
// calls that go out through GREEN-API.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
	"github.com/greenapi-exporter/greenapi_exporter/collector/web"
	"github.com/prometheus/common/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"
)

// defaultPort is not registered anywhere.
const defaultPort = "10174"

// After SIGTERM, scrapes may go on for scrapesGrace. Then they answer with what they
// have, for which there is time until shutdownGrace, within the 30 s that Kubernetes
// gives.
const (
	scrapesGrace  = 15 * time.Second
	shutdownGrace = 20 * time.Second
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	hangUps := make(chan os.Signal, 1)
	signal.Notify(hangUps, syscall.SIGHUP)
	code := run(ctx, os.Args[1:], os.LookupEnv, hangUps, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program: it serves until the context ends, loads its configuration
// again when something comes from hangUps, and returns the exit code.
func run(ctx context.Context, args []string, lookup func(string) (string, bool), hangUps <-chan os.Signal, stdout, stderr io.Writer) int {
	flags, code, done := parseFlags(args, stdout, stderr)
	if done {
		return code
	}
	log := newLogger(stderr, flags.logFormat, flags.level())
	stdlog.SetOutput(hush{log})
	load := func() (*config.Config, error) { return flags.config(lookup) }
	if flags.demo {
		sim := greenapitest.Demo(uint64(time.Now().UTC().YearDay()), time.Now) //nolint:gosec // A day of the year is positive.
		api := greenapitest.NewSimulationServer(sim)
		defer api.Close()
		load = func() (*config.Config, error) { return flags.demoConfig(sim.Configuration(api.URL)) }
	}
	cfg, err := load()
	warnings, webErr := flags.checkWebConfig()
	if err = errors.Join(err, webErr); err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	cfg.Warnings = append(cfg.Warnings, warnings...)
	if flags.configCheck {
		report(stdout, stderr, cfg)
		return 0
	}
	if flags.demo {
		fmt.Fprint(stdout, flags.whereToLook(cfg))
	}
	e := &exporter{flags: flags, load: load, log: log, scrapesGrace: scrapesGrace}
	if err := e.serve(ctx, cfg, hangUps); err != nil {
		log.ErrorContext(ctx, "stopped", "err", err)
		return 1
	}
	log.InfoContext(ctx, "stopped")
	return 0
}

// report prints what the configuration makes of the exporter.
func report(stdout, stderr io.Writer, cfg *config.Config) {
	for _, warning := range cfg.Warnings {
		fmt.Fprintln(stderr, "warning:", warning)
	}
	fmt.Fprintf(stdout, "The configuration is valid: %d instances.\n", len(cfg.Instances))
	for _, i := range cfg.Instances {
		fmt.Fprintf(stdout, "  %s (%s) at %s: %v over %s\n", i.Name, i.ID, i.APIURL, i.Collectors, i.Window)
	}
	if p := cfg.Partner; p != nil {
		fmt.Fprintf(stdout, "And those that the partner API at %s lists, asked every %s: %v over %s\n", p.APIURL, p.RefreshInterval, p.Collectors, p.Window)
		if len(p.Include) > 0 {
			fmt.Fprintf(stdout, "  only %s\n", strings.Join(p.Include, ", "))
		}
		if len(p.Exclude) > 0 {
			fmt.Fprintf(stdout, "  but not %s\n", strings.Join(p.Exclude, ", "))
		}
	}
}

// exporter is the program once its command line is understood.
type exporter struct {
	flags *flags
	load  func() (*config.Config, error)
	log   *slog.Logger
	fault atomic.Value // text of what keeps the configuration from being loaded; "" when nothing does

	scrapesGrace time.Duration
}

// serve runs the server until the context ends, and stops it gracefully.
func (e *exporter) serve(ctx context.Context, cfg *config.Config, hangUps <-chan os.Signal) error {
	opts := e.fleetOptions()
	if e.flags.ledgerPath != "" {
		dir, err := ledger.OpenDir(e.flags.ledgerPath)
		if err != nil {
			return fmt.Errorf("--ledger.path: %w", err)
		}
		defer dir.Close()
		opts.Ledgers = dir
	}
	fleet := collector.NewFleet(opts)
	defer fleet.Close()
	own := web.NewOwn(fleet.Metrics()...)
	if err := e.apply(ctx, fleet, own, cfg, nil); err != nil {
		return err
	}
	reloader := web.NewReloader(func() error {
		cfg, err := e.load()
		return e.apply(ctx, fleet, own, cfg, err)
	})
	handler, err := web.NewServer(web.Options{
		Fleet: fleet, Own: own, TelemetryPath: e.flags.telemetryPath,
		InstancesOnMetrics: e.flags.instancesOnMetrics, MaxRequests: e.flags.maxRequests,
		Reload: reloader.Reload, Logger: e.log,
	})
	if err != nil {
		return err //nolint:wrapcheck // it says what is wrong and how to mend it
	}
	e.log.InfoContext(ctx, "starting", "version", version.Info(), "build", version.BuildContext(),
		"instances", len(cfg.Instances))

	// What goes on beside the server ends before the fleet is closed.
	background, cancel := context.WithCancel(ctx)
	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel()
	beside.Go(func() { fleet.Discover(background) })
	beside.Go(func() { e.reloadOn(background, hangUps, reloader) })
	return e.listen(ctx, handler)
}

func (e *exporter) fleetOptions() collector.Options {
	return collector.Options{
		Concurrency:  e.flags.concurrency,
		Timeout:      e.flags.timeout,
		MinInterval:  e.flags.minInterval,
		MaxBodyBytes: int64(e.flags.maxBodyBytes),
		UserAgent:    "greenapi_exporter/" + cmp.Or(version.Version, "dev"),
		Logger:       e.log,
		Ledger: ledger.Options{
			Retention: e.flags.ledgerRetention, MaxEntries: e.flags.ledgerMaxEntries, Logger: e.log,
			MaxRows: max(e.flags.ledgerMaxEntries, client.JournalCap), // a full journal counts in any case
		},
	}
}

// apply makes a configuration the present one, unless it could not be loaded, and
// says how that went.
func (e *exporter) apply(ctx context.Context, fleet *collector.Fleet, own *web.Own, cfg *config.Config, err error) error {
	if err == nil {
		err = fleet.Apply(cfg)
	}
	own.Reloaded(err)
	if err != nil {
		if text := err.Error(); e.fault.Swap(text) != any(text) {
			e.log.ErrorContext(ctx, "configuration not loaded", "err", err)
		}
		return err //nolint:wrapcheck // it says what it did
	}
	e.fault.Store("")
	for _, warning := range cfg.Warnings {
		e.log.WarnContext(ctx, "configuration", "warning", warning.String())
	}
	e.log.InfoContext(ctx, "configuration loaded", "instances", len(cfg.Instances), "partner", cfg.Partner != nil)
	return nil
}

// reloadOn loads the configuration again on SIGHUP, and when its file changes,
// until the context ends. How it went is logged where it happens; the same fault
// once, until somebody asks.
func (e *exporter) reloadOn(ctx context.Context, hangUps <-chan os.Signal, reloader *web.Reloader) {
	var watching sync.WaitGroup
	defer watching.Wait()
	if e.flags.configFile != "" {
		watching.Go(func() { config.Watch(ctx, e.flags.configFile, reloader.Reload) })
	}
	for {
		select {
		case <-hangUps:
			e.fault.Store("")
			_ = reloader.Reload()
		case <-ctx.Done():
			return
		}
	}
}

// listen serves until the context ends.
func (e *exporter) listen(ctx context.Context, handler *web.Server) error {
	scrapes, hurry := context.WithCancelCause(context.WithoutCancel(ctx))
	defer hurry(nil)
	server := &http.Server{
		Handler:           handler,
		BaseContext:       func(net.Listener) context.Context { return scrapes },
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      3 * time.Minute, // longer than the longest scrape
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(e.log.Handler(), slog.LevelDebug),
	}
	ended := make(chan error, 1)
	go func() { ended <- toolkit.ListenAndServe(server, e.flags.toolkit, e.log) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	handler.Drain()
	e.log.Info("stopping, scrapes under way may end", "grace", e.scrapesGrace.String())
	defer time.AfterFunc(e.scrapesGrace, func() { hurry(context.DeadlineExceeded) }).Stop()
	// Not derived from ctx: that one has ended already.
	grace, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil { //nolint:contextcheck // see above
		_ = server.Close() // scrapes that are not over yet are broken off
		return fmt.Errorf("scrapes did not end within %s: %w", shutdownGrace, err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}
