package main

import (
	"context"
	"errors"
)

// twentyPrefixes are as many as the exporter takes; some fit numbers of the journals.
const twentyPrefixes = "--greenapi.number-prefixes=1,7,20,27,30,33,34,39,44,49,55,61,77,81,86,90,91,380,971,972"

// goalPrefixes is how much dearer number prefixes may make a scrape.
const goalPrefixes = 1.05

// measurePrefixes measures an exporter that tells destinations apart, in turns with
// one that does not.
func measurePrefixes(ctx context.Context, s settings) (_ []result, _ build, err error) {
	s.against = ""
	what := serving{payload: "both", rows: s.rows, accounts: accountsInTurns}
	st, err := newStage(ctx, s, what, twentyPrefixes)
	if err != nil {
		return nil, build{}, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	if st.against, err = startExporter(ctx, s.exporter, st.api.url, what); err != nil {
		return nil, build{}, err
	}
	if err := st.takeTurns(ctx, s.rounds, 1); err != nil {
		return nil, build{}, err
	}
	peak, err := st.exporter.peak()
	if err != nil {
		return nil, build{}, err
	}
	r := result{
		scenario: count(s.rows) + " calls and texts, with 20 number prefixes", cpu: median(st.exporter.turns), peak: peak,
		ratio: median(ratios(st.exporter.turns, st.against.turns)), to: "without prefixes", goal: "at most 1.05×",
	}
	r.met = r.ratio <= goalPrefixes
	return []result{r}, st.build, nil
}
