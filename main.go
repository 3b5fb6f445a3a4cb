// Command greenapi_exporter is a Prometheus exporter for the WhatsApp messages and
// calls that go out through GREEN-API.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
	"github.com/greenapi-exporter/greenapi_exporter/collector/trial"
)

// defaultPort is not registered anywhere.
const defaultPort = "10174"

func main() {
	ctx, end := context.WithCancel(context.Background())
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGTERM, os.Interrupt)
	go func() {
		<-signals
		signal.Stop(signals) // so that a second one ends the program at once
		end()
	}()
	signal.Ignore(syscall.SIGPIPE) // the exporter goes on when the reader of its log has gone
	hangUps := make(chan os.Signal, 1)
	signal.Notify(hangUps, syscall.SIGHUP)
	code := run(ctx, os.Args[1:], os.LookupEnv, hangUps, os.Stdout, os.Stderr)
	end()
	os.Exit(code)
}

// run is the program: it serves until the context ends, loads its configuration
// again when something comes from hangUps, and returns the exit code.
func run(ctx context.Context, args []string, lookup func(string) (string, bool), hangUps <-chan os.Signal, stdout, stderr io.Writer) int {
	flags, code, done := parseFlags(args, stdout, stderr)
	if done {
		return code
	}
	notices := newNotices(stderr, flags.logFormat)
	logWriter := newBackgroundWriter(stderr, flags.logFormat)
	defer logWriter.Close()
	log := newLogger(logWriter, flags.logFormat, flags.level())
	stdlog.SetOutput(redactingWriter{log})
	file, load := flags.configuration(lookup)
	var prepare func(*collector.Fleet)
	if flags.demo {
		sim := newDemo(time.Now())
		api, err := sim.Listen(ctx)
		if err != nil {
			notices.fail(err)
			return 1
		}
		defer func() { _ = api.Close() }() // nothing is lost with it
		prepare = func(fleet *collector.Fleet) { setPast(fleet, sim, time.Now()) }
		load = func() (*config.Config, error) { return flags.demoConfig(sim.Configuration(api.URL), lookup) }
	}
	cfg, err := load()
	warnings, filesErr := flags.checkFiles()
	if err = errors.Join(err, filesErr); err != nil {
		notices.warn(warnings)
		notices.fail(err)
		return 1
	}
	cfg.Warnings = append(warnings, cfg.Warnings...)
	if flags.configCheck {
		notices.warn(cfg.Warnings)
		report(stdout, cfg)
		return 0
	}
	e := &exporter{flags: flags, file: file, load: load, log: log, logLost: &logWriter.lost, stdout: stdout, prepare: prepare, scrapesGrace: scrapesGrace, shutdownGrace: shutdownGrace}
	if flags.configTest {
		notices.warn(cfg.Warnings)
		return e.test(ctx, cfg, notices)
	}
	if err := e.serve(ctx, cfg, hangUps); err != nil {
		log.ErrorContext(ctx, "stopped", "err", err)
		return 1
	}
	log.InfoContext(ctx, "stopped")
	return 0
}

// test reads every account once, prints how that went, and returns the exit code: 1
// when an account cannot be read or cannot send. Those of the demo are in trouble on
// purpose.
func (e *exporter) test(ctx context.Context, cfg *config.Config, notices notices) int {
	if e.flags.logLevel != "debug" {
		e.log = newLogger(notices.w, e.flags.logFormat, slog.LevelWarn) // the table says the rest
	}
	fleet := collector.NewFleet(e.fleetOptions())
	defer fleet.Close()
	if err := fleet.Apply(cfg); err != nil {
		notices.fail(err)
		return 1
	}
	result := trial.Run(ctx, fleet, cfg, e.flags.timeout, e.stdout)
	if result.Partner || result.Accounts == 0 || result.Failed > 0 || result.Troubled > 0 && !e.flags.demo {
		return 1
	}
	return 0
}

// report prints what the configuration makes of the exporter.
func report(stdout io.Writer, cfg *config.Config) {
	fmt.Fprintf(stdout, "The configuration is valid. Accounts: %d.\n", len(cfg.Instances))
	for _, i := range cfg.Instances {
		fmt.Fprintf(stdout, "  %s (%s) at %s: %s of the last %s\n", i.Name, i.ID, i.APIURL, strings.Join(i.Collectors, ", "), config.ShortDuration(i.Window))
	}
	if p := cfg.Partner; p != nil {
		fmt.Fprintf(stdout, "And those that the partner API at %s lists, asked every %s: %s of the last %s\n",
			p.APIURL, config.ShortDuration(p.RefreshInterval), strings.Join(p.Collectors, ", "), config.ShortDuration(p.Window))
		if len(p.Include) > 0 {
			fmt.Fprintf(stdout, "  only %s\n", strings.Join(p.Include, ", "))
		}
		if len(p.Exclude) > 0 {
			fmt.Fprintf(stdout, "  but not %s\n", strings.Join(p.Exclude, ", "))
		}
	}
	fmt.Fprintln(stdout, "Run with --config.test to check whether the accounts can be read.")
}
