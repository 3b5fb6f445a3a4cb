package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/alecthomas/kingpin/v2"
	"github.com/alecthomas/units"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
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
	demo        bool

	window       time.Duration
	timeout      time.Duration
	minInterval  time.Duration
	concurrency  int
	maxBodyBytes units.Base2Bytes
	collectors   []collectorFlag

	ledgerPath       string
	ledgerRetention  time.Duration
	ledgerMaxEntries int

	telemetryPath      string
	instancesOnMetrics bool
	maxRequests        int
	firstRead          bool

	logLevel, logFormat string
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

	app.Flag("config.file", "Configuration file (YAML). Without one, a single instance comes from GREENAPI_ID_INSTANCE, GREENAPI_API_TOKEN_INSTANCE and GREENAPI_API_URL.").StringVar(&f.configFile)
	app.Flag("config.check", "Check the configuration and the web configuration, print every fault with its place, and exit with 0 or 1.").BoolVar(&f.configCheck)
	app.Flag("demo", "Serve simulated accounts; needs no configuration and no network.").BoolVar(&f.demo)

	app.Flag("greenapi.window", "How far back the journals are asked for, in whole minutes; the file can say otherwise for an instance.").Default("24h").DurationVar(&f.window)
	app.Flag("greenapi.timeout", "Longest time for one request to the API, within the scrape's own deadline.").Default("30s").DurationVar(&f.timeout)
	app.Flag("greenapi.min-interval", "Scrapes closer than this to the last attempt share its result; just under the scrape interval, several Prometheus servers cost what one costs. 0 turns it off.").Default("10s").DurationVar(&f.minInterval)
	app.Flag("greenapi.concurrency", "How many answers of the API are read at a time.").Default("64").IntVar(&f.concurrency)
	app.Flag("greenapi.max-body-bytes", "Largest answer of the API, inflated.").Default("256MiB").BytesVar(&f.maxBodyBytes)

	for _, c := range []struct{ name, help, on string }{
		{"calls", "Read the journal of outgoing calls.", "true"},
		{"messages", "Read the journal of outgoing messages.", "true"},
		{"state", "Ask for the state of the instance.", "true"},
		{"settings", "Ask once an hour for the settings that the journals depend on.", "true"},
		{"queue", "Ask for the depth of the queue of outgoing messages.", "false"},
	} {
		enabled := app.Flag("collector."+c.name, c.help).Default(c.on).Bool()
		f.collectors = append(f.collectors, collectorFlag{c.name, enabled})
	}

	app.Flag("ledger.path", "Folder of the files that keep the counters and what they have counted over restarts, one an instance. Without it, counters begin at 0 with each start.").StringVar(&f.ledgerPath)
	app.Flag("ledger.retention", "How long a record is remembered after it was last seen, so as not to count it again.").Default("168h").DurationVar(&f.ledgerRetention)
	app.Flag("ledger.max-entries", "How many records are remembered of each journal of an instance; those of the last whole one always are.").Default("200000").IntVar(&f.ledgerMaxEntries)

	app.Flag("web.telemetry-path", "Path of the metrics.").Default("/metrics").StringVar(&f.telemetryPath)
	app.Flag("web.instances-on-metrics", "Show the instances at the telemetry path; turn it off when they are scraped through /probe.").Default("true").BoolVar(&f.instancesOnMetrics)
	app.Flag("web.max-requests", "How many scrapes are served at once; others get 503. 0 for no limit.").Default("40").IntVar(&f.maxRequests)

	app.Flag("web.first-read", "Read all accounts once at the start, before the first scrape: the pages show them at once, and the log says which accounts fail, and how to mend it.").Default("true").BoolVar(&f.firstRead)

	app.Flag("log.level", "Least severe lines that are logged: debug, info, warn or error.").Default("info").EnumVar(&f.logLevel, "debug", "info", "warn", "error")
	app.Flag("log.format", "Format of the log: logfmt or json.").Default("logfmt").EnumVar(&f.logFormat, "logfmt", "json")
	return app, f
}

// parseFlags reads the command line. When done, the program is over with the code.
func parseFlags(args []string, stdout, stderr io.Writer) (f *flags, code int, done bool) {
	app, f := newApplication()
	app.UsageWriter(stdout)
	app.ErrorWriter(stderr)
	app.Terminate(func(status int) { code, done = status, true })
	_, err := app.Parse(args)
	if done {
		return nil, code, true // --help and --version have said what they say
	}
	switch {
	case err == nil:
		err = f.check()
	case strings.HasPrefix(err.Error(), "unexpected "):
		err = errors.New("there are flags only, and no arguments") // kingpin quotes it, and it may be a token
	default:
		if unfit := unfitValues(app, args); unfit != nil {
			err = unfit // kingpin does not say of which flag
		}
	}
	if err != nil {
		fmt.Fprintf(stderr, "greenapi_exporter: %v\nTry --help.\n", err)
		return nil, 1, true
	}
	return f, 0, false
}

// quoted is what messages quote: of a value that somebody has put in the wrong
// place, it may be a secret.
var quoted = regexp.MustCompile("`[^`]*`|\"[^\"]*\"|'[^']*'")

// unfitValues finds values that do not parse, by flag or environment variable; all
// of them. It sets the flags anew: what repeats is doubled.
func unfitValues(app *kingpin.Application, args []string) error {
	given := make(map[string][]string)
	if command, err := app.ParseContext(args); err == nil {
		for _, element := range command.Elements {
			if flag, ok := element.Clause.(*kingpin.FlagClause); ok && element.Value != nil {
				given[flag.Model().Name] = append(given[flag.Model().Name], *element.Value)
			}
		}
	}
	var faults []error
	for _, flag := range app.Model().Flags {
		source, values := "--"+flag.Name, given[flag.Name]
		if value := os.Getenv(flag.Envar); values == nil && flag.Envar != "" && value != "" {
			source, values = flag.Envar, []string{value}
		}
		for _, value := range values {
			if err := flag.Value.Set(value); err != nil {
				faults = append(faults, fmt.Errorf("%s: %s", source, quoted.ReplaceAllString(err.Error(), "…")))
			}
		}
	}
	return errors.Join(faults...)
}

// check finds values that parse, but make no sense; all of them.
func (f *flags) check() error {
	var faults []error
	if err := config.CheckWindow(f.window); err != nil {
		faults = append(faults, fmt.Errorf("--greenapi.window: %w", err))
	}
	if f.timeout <= 0 {
		faults = append(faults, errors.New("--greenapi.timeout must be more than 0"))
	}
	if f.minInterval < 0 {
		faults = append(faults, errors.New("--greenapi.min-interval must not be less than 0"))
	}
	if f.concurrency < 1 {
		faults = append(faults, errors.New("--greenapi.concurrency must be at least 1"))
	}
	if f.maxBodyBytes < 1 {
		faults = append(faults, errors.New("--greenapi.max-body-bytes must be at least 1B"))
	}
	if f.ledgerRetention <= 0 {
		faults = append(faults, errors.New("--ledger.retention must be more than 0"))
	}
	if f.ledgerMaxEntries < 1 {
		faults = append(faults, errors.New("--ledger.max-entries must be at least 1"))
	}
	if f.demo && f.configFile != "" {
		faults = append(faults, errors.New("--demo serves simulated accounts and takes no --config.file: leave one of them out"))
	}
	if f.maxRequests < 0 {
		faults = append(faults, errors.New("--web.max-requests must not be less than 0"))
	}
	if err := web.CheckTelemetryPath(f.telemetryPath); err != nil {
		faults = append(faults, fmt.Errorf("--web.telemetry-path: %w", err))
	}
	return errors.Join(faults...)
}

// checkWebConfig finds what is wrong with the web configuration.
func (f *flags) checkWebConfig() ([]config.Warning, error) {
	path := *f.toolkit.WebConfigFile
	if err := toolkit.Validate(path); err != nil {
		return nil, fmt.Errorf("--web.config.file=%s: %s", path, quoted.ReplaceAllString(err.Error(), "…"))
	}
	return config.CheckFile(path, "the web configuration"), nil
}

func (f *flags) level() slog.Level {
	var level slog.Level
	// The flag takes only names that slog knows; the zero value is info.
	_ = level.UnmarshalText([]byte(f.logLevel))
	return level
}

// defaults returns what the flags say where the configuration is silent.
func (f *flags) defaults() config.Defaults {
	d := config.Defaults{Window: f.window}
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
