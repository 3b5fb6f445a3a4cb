package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
	"github.com/greenapi-exporter/greenapi_exporter/collector/web"
	"github.com/prometheus/common/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"
)

// After SIGTERM, scrapes may go on for scrapesGrace. Then they answer with what they
// have, for which there is time until shutdownGrace. Then state files and log are
// written. All of it takes less than the 30 s after which the manifests in deploy/
// have the process killed.
const (
	scrapesGrace  = 15 * time.Second
	shutdownGrace = 20 * time.Second
)

// exporter is the program once its command line is understood.
type exporter struct {
	flags   *flags
	file    *config.File // nil without one
	load    func() (*config.Config, error)
	log     *slog.Logger
	logLost *atomic.Uint64 // lines of the log
	stdout  io.Writer
	prepare func(*collector.Fleet) // done once before anything is read; nil for nothing
	loaded  bool                   // a configuration was applied; the reloader lets one load at a time
	fault   atomic.Value           // text of what keeps the configuration from being loaded; "" when nothing does

	scrapesGrace, shutdownGrace time.Duration
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
	own := web.NewOwn(append(fleet.Metrics(), logLostMetric(e.logLost))...)
	if err := e.apply(ctx, fleet, own, cfg, nil); err != nil {
		return err
	}
	if e.prepare != nil {
		e.prepare(fleet)
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

	// What runs in the background ends before the fleet is closed.
	backgroundCtx, cancel := context.WithCancel(ctx)
	var background sync.WaitGroup
	defer background.Wait()
	defer cancel()
	if _, set := os.LookupEnv("GOGC"); !set { // else the runtime does what it says
		background.Go(func() { limitGarbage(backgroundCtx) })
	}
	background.Go(func() { fleet.Discover(backgroundCtx) })
	background.Go(func() { fleet.RemoveLeftovers(backgroundCtx) })
	background.Go(func() { e.reloadOn(backgroundCtx, hangUps, reloader) })
	if path := *e.flags.toolkit.WebConfigFile; path != "" {
		background.Go(func() { web.WatchConfig(backgroundCtx, path, e.log) })
	}
	bound := newAnnouncement(e, cfg)
	background.Go(func() { e.firstRead(backgroundCtx, fleet, bound.done) })
	return e.listen(ctx, handler, bound)
}

func (e *exporter) fleetOptions() collector.Options {
	return collector.Options{
		Concurrency:  e.flags.concurrency,
		Timeout:      e.flags.timeout,
		MaxClockSkew: e.flags.maxClockSkew,
		MaxPartner:   e.flags.maxPartner,
		MinInterval:  e.flags.minInterval,
		MaxBodyBytes: e.flags.maxBodyBytes,
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
	changed := !e.loaded || e.file != nil && e.file.Changed()
	own.Reloaded(changed, err)
	if err != nil {
		if e.file != nil {
			e.file.Reject()
		}
		if text := err.Error(); e.fault.Swap(text) != any(text) {
			e.log.ErrorContext(ctx, "configuration not loaded", "err", err)
		}
		return err //nolint:wrapcheck // it says what it did
	}
	e.fault.Store("")
	e.loaded = true
	if !changed { // reloads that anybody can ask for must not fill the log
		e.log.DebugContext(ctx, "configuration loaded, nothing has changed")
		return nil
	}
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
	if e.file != nil {
		watching.Go(func() { e.file.Watch(ctx, func() { _ = reloader.Reload() }) })
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
func (e *exporter) listen(ctx context.Context, handler *web.Server, bound *announcement) error {
	scrapes, cancelScrapes := context.WithCancelCause(context.WithoutCancel(ctx))
	defer cancelScrapes(nil)
	server := &http.Server{
		Handler:           web.WarnOfShortIntervals(handler, e.flags.minInterval, e.log),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      3 * time.Minute, // longer than the longest scrape
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(e.log.Handler(), slog.LevelDebug),
	}
	// The toolkit binds the listeners. It serves none of them before all are bound.
	server.BaseContext = func(l net.Listener) context.Context {
		bound.listening(l.Addr(), server.TLSConfig != nil && server.TLSConfig.GetConfigForClient != nil)
		return scrapes
	}
	ended := make(chan error, 1)
	go func() { ended <- toolkit.ListenAndServe(server, e.flags.toolkit, e.log) }()
	select {
	case err := <-ended:
		return listenFault(err)
	case <-ctx.Done():
	}

	e.log.Info("stopping, scrapes under way may end", "grace", e.scrapesGrace.String())
	defer time.AfterFunc(e.scrapesGrace, func() { cancelScrapes(context.DeadlineExceeded) }).Stop()
	// Not derived from ctx: that one has ended already.
	grace, cancel := context.WithTimeout(context.Background(), e.shutdownGrace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil { //nolint:contextcheck // see above
		_ = server.Close() // scrapes that are not over yet are broken off
		return fmt.Errorf("scrapes did not end within %s: %w", e.shutdownGrace, err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// listenFault says which flag to change when the exporter cannot listen.
func listenFault(err error) error {
	var op *net.OpError
	if !errors.As(err, &op) || op.Op != "listen" {
		return fmt.Errorf("serve: %w", err)
	}
	mend := "give an address of this machine, such as --web.listen-address=:" + defaultPort
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		mend = "another process listens there: stop it, or choose another port, such as --web.listen-address=:10175"
	case errors.Is(err, fs.ErrPermission):
		mend = "ports below 1024 are for privileged processes: choose another, such as --web.listen-address=:" + defaultPort
	}
	return fmt.Errorf("--web.listen-address: %w: %s", err, mend)
}
