package main

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// measureHour scrapes a fleet of simulated accounts for an hour of theirs, again
// and again, and compares the memory of the last quarter with that of the second:
// in the first, the fleet is met for the first time.
func measureHour(ctx context.Context, s settings) (_ []result, _ build, err error) {
	s.against = ""
	st, err := newStage(ctx, s, serving{payload: "simulated", accounts: s.fleet})
	if err != nil {
		return nil, build{}, err
	}
	defer func() { err = errors.Join(err, st.Close()) }()
	const quarters = 4
	quarter := time.Hour / simulatedSpeed / quarters
	residents := make([]int64, quarters)
	for n := range quarters {
		rounds := make([]int64, 0, 100)
		for started := time.Now(); time.Since(started) < quarter || len(rounds) == 0; {
			if err := st.exporter.turn(ctx, fleetInFlight); err != nil {
				return nil, build{}, err
			}
			resident, err := st.exporter.resident()
			if err != nil {
				return nil, build{}, err
			}
			rounds = append(rounds, resident)
		}
		residents[n] = median(rounds)
	}
	peak, err := st.exporter.peak()
	if err != nil {
		return nil, build{}, err
	}
	r := result{
		scenario: fmt.Sprintf("%s simulated accounts for an hour of theirs, %d times; memory compared", count(s.fleet), len(st.exporter.turns)),
		cpu:      median(st.exporter.turns), peak: peak,
		ratio: float64(residents[quarters-1]) / float64(residents[1]), to: "the second quarter of an hour",
		goal: fmt.Sprintf("at most %.1f×", hourFlat),
	}
	r.met = r.ratio <= hourFlat
	return []result{r}, st.build, nil
}
