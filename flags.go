package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strconv"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
	"github.com/greenapi-exporter/greenapi_exporter/collector/web"
	"github.com/prometheus/common/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"
	"github.com/prometheus/exporter-toolkit/web/kingpinflag"
)

// flags is the command line.
type flags struct {
	toolkit *toolkit.FlagConfig

	configFile  string
	configCheck bool
	configTest  bool
	demo        bool

	window            time.Duration
	wholeReadInterval time.Duration
	numberPrefixes    []string
	timeout           time.Duration
	minInterval       time.Duration
	concurrency       int
	maxBodyBytes      int64
	maxClockSkew      time.Duration
	maxPartner        int
	collectors        []collectorFlag

	ledgerPath       string
	ledgerRetention  time.Duration
	ledgerMaxEntries int

	telemetryPath      string
	instancesOnMetrics bool
	maxRequests        int
	firstRead          bool

	logLevel, logFormat string

	warnings []config.Warning // about what is set, and does not do what it seems to
}

type collectorFlag struct {
	name    string
	enabled *bool
}

// newApplication declares the flags. Each one has an environment variable
// GREENAPI_EXPORTER_<FLAG> too.
func newApplication() (*kingpin.Application, *flags) {
	app := kingpin.New("greenapi_exporter",
		"Prometheus exporter for WhatsApp messages and calls sent through GREEN-API.").DefaultEnvars()
	app.HelpFlag.Short('h')
	app.Version(version.Print("greenapi_exporter"))
	f := &flags{toolkit: kingpinflag.AddFlags(app, ":"+defaultPort)}
	app.GetFlag("web.listen-address").SetValue(addressesValue(f.toolkit.WebListenAddresses))
	if socket := app.GetFlag("web.systemd-socket"); socket != nil { // Linux only
		socket.SetValue(boolValue(f.toolkit.WebSystemdSocket))
	}
	// Versions and help are asked for, not set: GREENAPI_EXPORTER_VERSION is what a
	// build of an image has.
	for _, name := range []string{"help", "help-long", "help-man", "version", "completion-bash", "completion-script-bash", "completion-script-zsh"} {
		app.GetFlag(name).NoEnvar()
	}

	app.Flag("config.file", "Configuration file (YAML). Without one, a single instance comes from GREENAPI_ID_INSTANCE, GREENAPI_API_TOKEN_INSTANCE and GREENAPI_API_URL.").StringVar(&f.configFile)
	app.Flag("config.check", "Check the configuration and the web configuration, print every error with its place, and exit with 0 (valid) or 1.").SetValue(boolValue(&f.configCheck))
	app.Flag("config.test", "Read every account once and print a table: name, state, calls, messages, settings that are off, what failed and how to fix it. Exit with 0 if all accounts work, else 1. Run this first with a new configuration.").SetValue(boolValue(&f.configTest))
	app.Flag("demo", "Serve simulated accounts; needs no configuration and no network.").SetValue(boolValue(&f.demo))

	app.Flag("greenapi.window", "Length of the window: how far back the journals are read, in whole minutes. The configuration file can set it per instance.").Default("24h").SetValue(
		durationValue(&f.window, ", in whole minutes, from 1m to 365d", "24h", func(d time.Duration) bool { return config.CheckWindow(d) == nil }))
	app.Flag("greenapi.whole-read-interval", "How often the whole window is read. Scrapes in between read only the records since the last read. 0: every scrape reads the whole window. The configuration file can set it per instance.").Default("15m").SetValue(
		durationValue(&f.wholeReadInterval, ", or 0 to read the whole window at every scrape", "15m", func(d time.Duration) bool { return config.CheckWholeReadInterval(d) == nil }))
	app.Flag("greenapi.number-prefixes", "Count messages and calls by destination: prefixes of phone numbers, separated by commas, such as 7,49,972. At most 20, each of 1 to 6 digits; the longest match wins. The configuration file can set them per instance.").SetValue(
		prefixesValue(&f.numberPrefixes))
	app.Flag("greenapi.timeout", "Timeout of one request to the API. The deadline of the scrape applies too.").Default("30s").SetValue(
		durationValue(&f.timeout, ", more than 0", "30s", isPositive))
	app.Flag("greenapi.min-interval", "A scrape within this time after the last attempt gets its result. Set it a little below the scrape interval (55s for 60s): several Prometheus servers then cause the API requests of one. 0 turns it off.").Default("10s").SetValue(
		durationValue(&f.minInterval, ", or 0", "10s", func(d time.Duration) bool { return d >= 0 }))
	app.Flag("greenapi.concurrency", "How many API responses are read at the same time.").Default("64").SetValue(numberValue(&f.concurrency, 1, "64"))
	app.Flag("greenapi.max-body-bytes", "Largest API response, after decompression. A larger one fails with reason too_large.").Default("256MiB").SetValue(sizeValue(&f.maxBodyBytes, "256MiB"))

	app.Flag("greenapi.max-clock-skew", "If the Date header of an API response differs from the exporter's clock by more than this, it is not used for counting. 0 for no limit.").Default("24h").SetValue(
		durationValue(&f.maxClockSkew, ", or 0", "24h", func(d time.Duration) bool { return d >= 0 }))
	app.Flag("partner.max-instances", "How many instances are taken from the partner API's list. greenapi_discovery_left_out_instances counts the rest, which is not scraped.").Default("10000").SetValue(numberValue(&f.maxPartner, 1, "10000"))

	for _, c := range vocabulary.Collectors() {
		enabled := new(bool)
		app.Flag("collector."+c.Label, c.Meaning).Default(strconv.FormatBool(c.On)).SetValue(boolValue(enabled))
		f.collectors = append(f.collectors, collectorFlag{c.Label, enabled})
	}

	app.Flag("ledger.path", "Folder that keeps counters across restarts, one file per instance. Without it, counters start at 0 after each restart.").StringVar(&f.ledgerPath)
	app.Flag("ledger.retention", "How long a record is remembered after it was last seen, so that it is not counted twice.").Default("168h").SetValue(
		durationValue(&f.ledgerRetention, ", more than 0", "168h", isPositive))
	app.Flag("ledger.max-entries", "How many records are remembered per journal and instance. The records of the last read of the whole window are kept even above this number, up to 10,000; a longer response fails with reason too_large.").Default("200000").SetValue(numberValue(&f.ledgerMaxEntries, 1, "200000"))

	app.Flag("web.telemetry-path", "URL path of the metrics.").Default("/metrics").SetValue(pathValue(&f.telemetryPath))
	app.Flag("web.instances-on-metrics", "Expose the metrics of all instances at the telemetry path. Turn it off if they are scraped through /probe.").Default("true").SetValue(boolValue(&f.instancesOnMetrics))
	app.Flag("web.max-requests", "How many scrapes are served at the same time; others get 503. From 22, one client address cannot take the last eleventh of these places. 0 for no limit.").Default("40").SetValue(numberValue(&f.maxRequests, 0, "40"))

	app.Flag("web.first-read", "Read all accounts once at the start, before the first scrape. The web pages then show data at once, and the log says which accounts fail and how to fix it.").Default("true").SetValue(boolValue(&f.firstRead))

	app.Flag("log.level", "Lowest level that is logged: debug, info, warn or error.").Default("info").SetValue(choiceValue(&f.logLevel, "debug", "info", "warn", "error"))
	app.Flag("log.format", "Format of the log: logfmt or json.").Default("logfmt").SetValue(choiceValue(&f.logFormat, "logfmt", formatJSON))
	return app, f
}

func isPositive(d time.Duration) bool { return d > 0 }

// parseFlags reads the command line. When done, the program is over with the code.
func parseFlags(args []string, stdout, stderr io.Writer) (f *flags, code int, done bool) {
	app, f := newApplication()
	app.UsageWriter(stdout)
	app.ErrorWriter(io.Discard) // what is wrong is said below
	app.Terminate(func(status int) { code, done = status, true })
	_, _ = app.ParseContext(nil) // which names the flags' variables
	all := app.Model().Flags
	given, err := readArguments(all, args)
	if err != nil {
		err = errors.Join(err, unfitValues(all, given))
	} else if _, err = app.Parse(args); err != nil {
		err = cmp.Or(unfitValues(all, given), err) // kingpin does not say of which flag
	}
	if done {
		return nil, code, true // --help and --version have said what they say
	}
	if err == nil {
		err = f.check()
	}
	f.warnings = append(f.warnings, unknownVariables(all, os.Environ())...)
	if err != nil {
		notices := newNotices(stderr, logFormat(args))
		notices.warn(f.warnings)
		notices.fail(err)
		notices.hint("Try --help.")
		return nil, 1, true
	}
	return f, 0, false
}

// check finds values that parse, but make no sense together; all of them. What makes
// little sense is a warning.
func (f *flags) check() error {
	if f.timeout < time.Second {
		f.warnings = append(f.warnings, config.Warning{
			Path:    "--greenapi.timeout",
			Message: "is less than a second: the API seldom answers as fast; 30s is the default",
		})
	}
	if f.demo && f.configFile != "" {
		return errors.New("--demo serves simulated accounts and takes no --config.file: leave one of them out")
	}
	return nil
}

// checkFiles finds what is wrong with the files and folders that flags name, but for
// the configuration. Its warnings are those about flags, too.
func (f *flags) checkFiles() ([]config.Warning, error) {
	var faults []error
	warnings, err := web.CheckConfig(*f.toolkit.WebConfigFile)
	if err != nil {
		faults = append(faults, fmt.Errorf("--web.config.file=%w", err))
	}
	if f.ledgerPath != "" {
		if err := ledger.CheckDir(f.ledgerPath); err != nil {
			faults = append(faults, fmt.Errorf("--ledger.path: %w", err))
		}
	}
	return append(f.warnings, warnings...), errors.Join(faults...)
}

func (f *flags) level() slog.Level {
	var level slog.Level
	// The flag takes only names that slog knows; the zero value is info.
	_ = level.UnmarshalText([]byte(f.logLevel))
	return level
}

// defaults returns what the flags say where the configuration is silent.
func (f *flags) defaults() config.Defaults {
	d := config.Defaults{Window: f.window, WholeReadInterval: f.wholeReadInterval, NumberPrefixes: f.numberPrefixes}
	for _, c := range f.collectors {
		if *c.enabled {
			d.Collectors = append(d.Collectors, c.name)
		}
	}
	return d
}

// configuration returns the configuration file, nil without one, and how to load the
// configuration: from that, or from the environment.
func (f *flags) configuration(lookup func(string) (string, bool)) (*config.File, func() (*config.Config, error)) {
	if f.configFile == "" {
		return nil, func() (*config.Config, error) { return f.environment(lookup) }
	}
	file := config.NewFile(f.configFile, f.defaults(), lookup)
	return file, file.Load
}

// environment reads the configuration from the environment.
func (f *flags) environment(lookup func(string) (string, bool)) (*config.Config, error) {
	cfg, err := config.FromEnvironment(lookup, f.defaults())
	if err != nil {
		f.warnings = append(f.warnings, misnamedAccount(os.Environ())...)
	}
	if errors.Is(err, config.ErrNoInstances) {
		return nil, fmt.Errorf("%w; or give a configuration file with --config.file, or look at simulated accounts with --demo", err)
	}
	return cfg, err //nolint:wrapcheck // faults say their place
}

// demoConfig reads the configuration of the demo.
func (f *flags) demoConfig(text []byte, lookup func(string) (string, bool)) (*config.Config, error) {
	cfg, err := config.Parse("demo", text, f.defaults())
	if err != nil {
		return nil, fmt.Errorf("the demo's own configuration: %w", err)
	}
	// Those that it has are about tokens that open nothing.
	cfg.Warnings = config.UnusedAccount(lookup, "--demo", nil)
	return cfg, nil
}
