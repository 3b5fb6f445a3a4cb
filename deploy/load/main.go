// Load measures the exporter as a whole: the program as it is installed, in a
// process of its own, against a GREEN-API server in another, over loopback.
// Processor time and peak memory are the operating system's figures.
//
//	go run ./deploy/load -exporter bin/greenapi_exporter
//
// With -benchmarks the medians of Go's own benchmarks follow in a second table.
//
// What a scrape costs is compared with what a third process needs to read the
// same bodies and throw them away, in turns, so that the ratios hold on other
// machines too. With -against a second build of the exporter takes its turns
// as well. The table goes to standard output and, with -write, into a document
// between the lines <!-- bench:begin --> and <!-- bench:end -->.
//
// It starts itself as the server (load api) and as the reader (load read).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

// run is the program in each of its roles.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case roleAPI:
			return serveAPI(ctx, args[1:], stderr)
		case roleReader:
			return serveReader(ctx, stderr)
		}
	}
	return measure(ctx, args, stdout, stderr)
}

// settings are the command line.
type settings struct {
	exporter, against string // paths of binaries; against may be empty
	rounds            int
	rows              int // of a full journal
	fleet             int // accounts of the largest fleet
	only              *regexp.Regexp
	document          string
	rival             string // path of json_exporter; may be empty
	benchmarks        string // path of what go test -bench printed; may be empty
}

func parse(args []string, stderr io.Writer) (settings, time.Duration, error) {
	var s settings
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&s.exporter, "exporter", "bin/greenapi_exporter", "the exporter's `binary`")
	flags.StringVar(&s.against, "against", "", "another `binary` to compare with, in turns")
	flags.IntVar(&s.rounds, "rounds", 7, "turns of each process; their median counts")
	flags.IntVar(&s.rows, "rows", 10_000, "records of a full journal")
	flags.IntVar(&s.fleet, "fleet", 1_000, "accounts of the largest fleet")
	only := flags.String("run", ".", "scenarios to run, as a regular `expression`: scrape, prefixes, recent, flight, million, thumbnails, fleet, hour, rival")
	flags.StringVar(&s.document, "write", "", "`document` whose part between the two markers is rewritten")
	flags.StringVar(&s.rival, "json-exporter", "", "json_exporter's `binary`, to compare with as well")
	flags.StringVar(&s.benchmarks, "benchmarks", "", "`file` with what go test -bench printed, shown as a second table")
	limit := flags.Duration("timeout", 25*time.Minute, "when to give up")
	if err := flags.Parse(args); err != nil {
		return s, 0, err
	}
	if flags.NArg() > 0 {
		return s, 0, errors.New("there are flags only, and no arguments: see -help")
	}
	if s.rounds < 1 || s.rows < 1 || s.fleet < 1 {
		return s, 0, errors.New("-rounds, -rows and -fleet must be at least 1")
	}
	var err error
	if s.only, err = regexp.Compile(*only); err != nil {
		return s, 0, fmt.Errorf("-run: %w", err)
	}
	return s, *limit, nil
}

// measure runs the scenarios and writes their table.
func measure(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	s, limit, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if s.document != "" { // before minutes are spent on a table that has no place
		if err := rewriteDocument(s.document, nil); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var results []result
	var built build
	for _, scenario := range scenarios() {
		if !s.only.MatchString(scenario.name) || scenario.name == rivalScenario && s.rival == "" {
			continue
		}
		fmt.Fprintf(stderr, "load: %s\n", scenario.name)
		more, by, err := scenario.run(ctx, s)
		if err != nil {
			return fmt.Errorf("%s: %w", scenario.name, err)
		}
		results, built = append(results, more...), by
	}
	if len(results) == 0 {
		return errors.New("-run matches no scenario: see -help")
	}
	table := markdown(results, machine(), built, s)
	if s.benchmarks != "" {
		more, err := readBenchmarks(s.benchmarks)
		if err != nil {
			return err
		}
		table += "\n" + more
	}
	if _, err := io.WriteString(stdout, table); err != nil {
		return fmt.Errorf("print the table: %w", err)
	}
	if s.document != "" {
		return rewriteDocument(s.document, []byte(table))
	}
	return nil
}

func readBenchmarks(path string) (_ string, err error) {
	file, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read the benchmarks: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	return benchmarksOf(file)
}
