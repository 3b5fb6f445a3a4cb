//go:build ignore

package main

import (
	"context"
	"fmt"
	"strconv"
	"syscall"
	"time"

	"github.com/prometheus/prometheus/model/labels"
)

// cost is what one evaluation of a rule takes.
type cost struct {
	Group, Rule string
	Interval    float64 // in seconds, between two evaluations
	Samples     int64   // that it reads
	Seconds     float64 // of processor time
}

// costs evaluates each rule once, at the last step.
func (j *judge) costs(ctx context.Context, rules []*rule) ([]cost, error) {
	at := time.UnixMilli(j.store.at(j.store.steps - 1))
	var all []cost
	for _, r := range rules {
		q, err := j.engine.NewInstantQuery(ctx, j.store, nil, r.Expr, at)
		if err != nil {
			return nil, fmt.Errorf("%s%s: %w", r.Record, r.Alert, err)
		}
		before, err := processorTime()
		if err != nil {
			return nil, err
		}
		if result := q.Exec(ctx); result.Err != nil {
			return nil, fmt.Errorf("%s%s: %w", r.Record, r.Alert, result.Err)
		}
		after, err := processorTime()
		if err != nil {
			return nil, err
		}
		all = append(all, cost{
			Group: r.group, Rule: r.Record + r.Alert, Interval: r.interval.Seconds(),
			Samples: q.Stats().Samples.TotalSamples, Seconds: (after - before).Seconds(),
		})
		q.Close()
	}
	return all, nil
}

// processorTime is what this process has used.
func processorTime() (time.Duration, error) {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		return 0, fmt.Errorf("ask for the processor time: %w", err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()), nil
}

// multiplied returns what would be stored of so many times the accounts, had each rule
// been evaluated at its interval. The values are not copied.
func (s *store) multiplied(times int, rules []*rule) *store {
	every := make(map[string]int)
	for _, r := range rules {
		every[r.Record] = int(r.interval.Milliseconds() / s.step)
	}
	all := newStore(s.start, s.step)
	for name, named := range s.series {
		for _, one := range named {
			id := one.labels.Get("id_instance")
			all.add(one.labels, one.values).every = every[name]
			for n := 1; n < times && id != ""; n++ {
				all.add(labels.NewBuilder(one.labels).Set("id_instance", id+strconv.Itoa(n)).Labels(), one.values).every = every[name]
			}
		}
	}
	return all
}
