package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"regexp"
	"time"
)

// result is a row of the table.
type result struct {
	scenario string
	cpu      time.Duration // of one scrape
	ratio    float64       // of cpu to that of another process
	to       string        // which one
	peak     int64         // resident memory, in bytes
	over     int64         // the same less that of an exporter of empty journals; 0 when not compared
	goal     string        // what perf demands; empty when it does not
	met      bool
}

// build is what the exporter says of itself.
type build struct{ revision, goVersion string }

// scenario is one thing to measure.
type scenario struct {
	name string
	run  func(ctx context.Context, s settings) ([]result, build, error)
}

func scenarios() []scenario {
	return []scenario{
		{"scrape", measureScrapes},
		{"prefixes", measurePrefixes},
		{"recent", measureRecent},
		{"flight", measureFlight},
		{"million", measureMillion},
		{"thumbnails", measureThumbnails},
		{"fleet", measureFleet},
		{"hour", measureHour},
		{rivalScenario, measureRival},
	}
}

// Goals, each a bound that is kept.
const (
	goalDiscard     = 15       // times the processor time of reading the body
	goalConcurrent  = 64 << 20 // bytes of memory
	goalFleetCores  = 1
	fleetInterval   = time.Minute
	fleetInFlight   = 4
	fleetLinear     = 1.25 // times as much an account in a fleet of ten times the size
	accountsInTurns = 8
	hourFlat        = 1.1 // times the memory after a quarter of an hour
)

// stage is the processes of one comparison. Close ends them.
type stage struct {
	api                       *process
	exporter, against, reader *subject
	build                     build
}

// newStage starts an API, the exporter and a reader, and the other exporter if
// there is one.
func newStage(ctx context.Context, s settings, what serving, args ...string) (_ *stage, err error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("find this program: %w", err)
	}
	st := new(stage)
	defer func() {
		if err != nil {
			err = errors.Join(err, st.Close())
		}
	}()
	if st.api, err = start(ctx, self, what.args()...); err != nil {
		return nil, err
	}
	if st.exporter, err = startExporter(ctx, s.exporter, st.api.url, what, args...); err != nil {
		return nil, err
	}
	if st.build, err = buildOf(ctx, st.exporter); err != nil {
		return nil, err
	}
	if s.against != "" {
		if st.against, err = startExporter(ctx, s.against, st.api.url, what, args...); err != nil {
			return nil, err
		}
	}
	st.reader, err = startReader(ctx, self, st.api.url, what)
	return st, err
}

// subjects are those that take turns.
func (st *stage) subjects() []*subject {
	var all []*subject
	for _, subject := range []*subject{st.exporter, st.against, st.reader} {
		if subject != nil {
			all = append(all, subject)
		}
	}
	return all
}

// Close ends all processes.
func (st *stage) Close() error {
	var errs []error
	for _, subject := range st.subjects() {
		errs = append(errs, subject.stop())
	}
	if st.api != nil {
		errs = append(errs, st.api.stop())
	}
	return errors.Join(errs...)
}

// takeTurns lets each process read every account, once unmeasured and then in
// turns. The first read of a journal is not the usual one: its rows are new.
func (st *stage) takeTurns(ctx context.Context, rounds, inFlight int) error {
	for round := range rounds + 1 {
		if err := st.takeTurn(ctx, inFlight); err != nil {
			return err
		}
		if round > 0 {
			continue
		}
		for _, subject := range st.subjects() {
			subject.turns = nil
		}
	}
	return nil
}

// takeTurn lets each process read every account once.
func (st *stage) takeTurn(ctx context.Context, inFlight int) error {
	for _, subject := range st.subjects() {
		if err := subject.turn(ctx, inFlight); err != nil {
			return err
		}
	}
	return nil
}

var buildSample = regexp.MustCompile(`(?m)^greenapi_exporter_build_info\{.*goversion="([^"]*)".*revision="([^"]*)"`)

// buildOf asks an exporter what it was built from.
func buildOf(ctx context.Context, exporter *subject) (build, error) {
	var b build
	asking := *exporter
	asking.check = func(text string) error {
		match := buildSample.FindStringSubmatch(text)
		if match == nil {
			return errors.New("the exporter does not say what it was built from")
		}
		b = build{goVersion: match[1], revision: match[2]}
		return nil
	}
	_, err := asking.get(ctx, exporter.url+"/metrics")
	return b, err
}

// results are the exporter against the reader and, if there is one, against the
// other exporter.
func (st *stage) results(name string) ([]result, error) {
	var all []result
	peak, err := st.exporter.peak()
	if err != nil {
		return nil, err
	}
	all = append(all, result{
		scenario: name, cpu: median(st.exporter.turns), peak: peak,
		ratio: median(ratios(st.exporter.turns, st.reader.turns)), to: "reading the body",
	})
	if st.against != nil {
		if peak, err = st.against.peak(); err != nil {
			return nil, err
		}
		all = append(all, result{
			scenario: name + ", the other build", cpu: median(st.against.turns), peak: peak,
			ratio: median(ratios(st.against.turns, st.exporter.turns)), to: "this build",
		})
	}
	return all, nil
}

// measureOnce stages one comparison from beginning to end.
func measureOnce(ctx context.Context, s settings, name string, what serving, rounds, inFlight int, args ...string) (_ []result, _ build, err error) {
	st, err := newStage(ctx, s, what, args...)
	if err != nil {
		return nil, build{}, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	if err := st.takeTurns(ctx, rounds, inFlight); err != nil {
		return nil, build{}, err
	}
	results, err := st.results(name)
	return results, st.build, err
}

// measureScrapes measures one scrape at a time of one journal, by its payload.
func measureScrapes(ctx context.Context, s settings) ([]result, build, error) {
	all, built, err := measureOnce(ctx, s, "an empty journal", serving{payload: "calls", accounts: accountsInTurns}, s.rounds, 1)
	if err != nil {
		return nil, build{}, err
	}
	empty := all[0].peak
	var plain result
	for _, what := range []serving{
		{payload: "calls"}, {payload: "calls", gzip: true}, {payload: "texts"}, {payload: "thumbnails"}, {payload: "escaped thumbnails"},
	} {
		what.rows, what.accounts = s.rows, accountsInTurns
		name := fmt.Sprintf("%s %s", count(s.rows), what.payload)
		if what.gzip {
			name += ", gzip"
		}
		more, _, err := measureOnce(ctx, s, name, what, s.rounds, 1)
		if err != nil {
			return nil, build{}, err
		}
		more[0].over = more[0].peak - empty
		switch {
		case what.gzip: // a reader that does not inflate is no measure
			more[0].ratio, more[0].to = float64(more[0].cpu)/float64(plain.cpu), plain.scenario
		case what.payload == "calls":
			plain = more[0]
			more[0].goal, more[0].met = fmt.Sprintf("at most %d×", goalDiscard), more[0].ratio <= goalDiscard
		}
		all = append(all, more...)
	}
	return all, built, nil
}

// measureFlight measures what it costs when scrapes overlap.
func measureFlight(ctx context.Context, s settings) (_ []result, _ build, err error) {
	levels := []int{1, 16, 128}
	stages := make([]*stage, 0, len(levels))
	defer func() {
		for _, st := range stages {
			err = errors.Join(err, st.Close())
		}
	}()
	s.against = ""
	for range levels {
		st, err := newStage(ctx, s, serving{payload: "calls", rows: s.rows, accounts: levels[len(levels)-1]})
		if err != nil {
			return nil, build{}, err
		}
		stages = append(stages, st)
	}
	for round := range s.rounds/2 + 1 {
		for n, st := range stages {
			if err := st.exporter.turn(ctx, levels[n]); err != nil {
				return nil, build{}, err
			}
			if round == 0 {
				st.exporter.turns = nil
			}
		}
	}
	var all []result
	for n, st := range stages {
		peak, err := st.exporter.peak()
		if err != nil {
			return nil, build{}, err
		}
		all = append(all, result{
			scenario: fmt.Sprintf("%s calls, %d accounts, %d in flight", count(s.rows), len(st.exporter.urls), levels[n]),
			cpu:      median(st.exporter.turns), peak: peak,
			ratio: median(ratios(st.exporter.turns, stages[0].exporter.turns)), to: "one at a time",
		})
	}
	return all, stages[0].build, nil
}

// measureMillion measures a journal a hundred times as long as the API's cap, with a
// memory that holds it.
func measureMillion(ctx context.Context, s settings) ([]result, build, error) {
	million := serving{payload: "calls", rows: 100 * s.rows, accounts: 1}
	args := []string{"--greenapi.max-body-bytes=4GiB", fmt.Sprintf("--ledger.max-entries=%d", 2*million.rows)}
	empty, built, err := measureOnce(ctx, s, "", serving{payload: "calls", accounts: 1}, 1, 1, args...)
	if err != nil {
		return nil, build{}, err
	}
	all, _, err := measureOnce(ctx, s, count(million.rows)+" calls", million, 1, 1, args...)
	if err != nil {
		return nil, build{}, err
	}
	all[0].over = all[0].peak - empty[0].peak
	return all, built, nil
}

// measureThumbnails measures the memory of large journals read at once.
func measureThumbnails(ctx context.Context, s settings) ([]result, build, error) {
	const journals = 16
	all, built, err := measureOnce(ctx, s, fmt.Sprintf("%d journals of %s thumbnails at once", journals, count(s.rows)),
		serving{payload: "thumbnails", rows: s.rows, accounts: journals}, 2, journals)
	if err != nil {
		return nil, build{}, err
	}
	all[0].goal, all[0].met = fmt.Sprintf("under %d MB", goalConcurrent>>20), all[0].peak < goalConcurrent
	return all, built, nil
}

// measureFleet measures accounts with two full journals each, a few at a time,
// and what part of a processor they take when each is scraped once a minute. A
// fleet of a tenth of the size tells whether the cost is linear.
func measureFleet(ctx context.Context, s settings) ([]result, build, error) {
	s.against = ""
	var all []result
	var built build
	for _, accounts := range []int{max(1, s.fleet/10), s.fleet} {
		what := serving{payload: "both", rows: s.rows, accounts: accounts}
		more, by, err := measureOnce(ctx, s, "", what, 1, fleetInFlight)
		if err != nil {
			return nil, build{}, err
		}
		cores := float64(more[0].cpu) * float64(accounts) / float64(fleetInterval)
		more[0].scenario = fmt.Sprintf("%s accounts, both journals full, a minute: %.2f processors", count(accounts), cores)
		if len(all) > 0 {
			more[0].ratio, more[0].to = float64(more[0].cpu)/float64(all[0].cpu), "an account of the smaller fleet"
			more[0].goal = fmt.Sprintf("at most %d processor; linear", goalFleetCores)
			more[0].met = cores <= goalFleetCores && more[0].ratio <= fleetLinear
		}
		all, built = append(all, more...), by
	}
	return all, built, nil
}
