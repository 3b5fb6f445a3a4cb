// Command greenapi_exporter is a Prometheus exporter for the WhatsApp messages and
// calls that go out through GREEN-API.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/config"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/greenapi-exporter/greenapi_exporter/collector/web"
	"github.com/prometheus/common/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"
)

// defaultPort is not registered anywhere.
const defaultPort = "10174"

// shutdownGrace is how long scrapes may take to end after SIGTERM, within the 30 s
// that Kubernetes gives.
const shutdownGrace = 20 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	code := run(ctx, os.Args[1:], os.LookupEnv, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// run is the program: it serves until the context ends, and returns the exit code.
func run(ctx context.Context, args []string, lookup func(string) (string, bool), stdout, stderr io.Writer) int {
	flags, code, done := parseFlags(args, stdout, stderr)
	if done {
		return code
	}
	log := newLogger(stderr, flags.logFormat, flags.level())
	load := func() (*config.Config, error) { return flags.config(lookup) }
	if flags.demo {
		demo, err := startDemo(flags)
		if err != nil {
			log.ErrorContext(ctx, "demo not started", "err", err)
			return 1
		}
		defer demo.Close()
		load = demo.config
		if addresses := *flags.web.WebListenAddresses; len(addresses) > 0 && !flags.configCheck {
			fmt.Fprint(stdout, demo.whereToLook(addresses[0]))
		}
	}
	cfg, err := load()
	if flags.configCheck {
		return report(stdout, stderr, cfg, errors.Join(err, toolkit.Validate(*flags.web.WebConfigFile)))
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	for _, warning := range cfg.Warnings {
		log.WarnContext(ctx, "configuration", "warning", warning.String())
	}
	if err := serve(ctx, flags, cfg, log); err != nil {
		log.ErrorContext(ctx, "stopped", "err", err)
		return 1
	}
	log.InfoContext(ctx, "stopped")
	return 0
}

// serve runs the server until the context ends, and stops it gracefully.
func serve(ctx context.Context, flags *flags, cfg *config.Config, log *slog.Logger) error {
	fleet := collector.NewFleet(collector.Options{
		Concurrency:  flags.concurrency,
		Timeout:      flags.timeout,
		MinInterval:  flags.minInterval,
		MaxBodyBytes: int64(flags.maxBodyBytes),
		UserAgent:    "greenapi_exporter/" + cmp.Or(version.Version, "dev"),
		Logger:       log,
	})
	defer fleet.Close()
	own := web.NewOwn(fleet.Metrics())
	err := fleet.Apply(cfg)
	own.Reloaded(err)
	if err != nil {
		return err //nolint:wrapcheck // it says what it did
	}
	handler, err := web.NewServer(web.Options{
		Fleet: fleet, Own: own, TelemetryPath: flags.telemetryPath,
		InstancesOnMetrics: flags.instancesOnMetrics, MaxRequests: flags.maxRequests, Logger: log,
	})
	if err != nil {
		return err //nolint:wrapcheck // it says what is wrong and how to mend it
	}
	server := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       10 * time.Second,
		WriteTimeout:      3 * time.Minute, // longer than the longest scrape
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	log.InfoContext(ctx, "starting", "version", version.Info(), "build", version.BuildContext(),
		"instances", len(cfg.Instances))

	ended := make(chan error, 1)
	go func() { ended <- toolkit.ListenAndServe(server, flags.web, log) }()
	select {
	case err := <-ended:
		return fmt.Errorf("serve: %w", err)
	case <-ctx.Done():
	}
	handler.Drain()
	log.Info("stopping, scrapes under way may end", "grace", shutdownGrace.String())
	// Not derived from ctx: that one has ended already.
	grace, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	if err := server.Shutdown(grace); err != nil {
		_ = server.Close() // scrapes that are not over yet are broken off
		return fmt.Errorf("scrapes did not end within %s: %w", shutdownGrace, err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// report prints what --config.check found, and returns the exit code.
func report(stdout, stderr io.Writer, cfg *config.Config, err error) int {
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	for _, warning := range cfg.Warnings {
		fmt.Fprintln(stderr, "warning:", warning)
	}
	fmt.Fprintf(stdout, "The configuration is valid: %d instances.\n", len(cfg.Instances))
	for _, i := range cfg.Instances {
		fmt.Fprintf(stdout, "  %s (%s) at %s: %v over %s\n", i.Name, i.ID, i.APIURL, i.Collectors, i.Window)
	}
	return 0
}
