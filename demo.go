package main

import (
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
)

// newDemo returns the simulation of --demo. Some hours ago the API of one account
// failed for a while, so that the pages show what that looks like.
func newDemo(now time.Time) *simulation.Simulation {
	sim := simulation.Demo(uint64(now.UTC().YearDay()), time.Now)
	sim.AddIncident(sim.Accounts()[1].ID, simulation.Incident{
		Kind: simulation.IncidentServerErrors, From: now.Add(-5 * time.Hour), To: now.Add(-280 * time.Minute),
	})
	return sim
}

// setPast gives the accounts of the demo the trend that reads each five minutes would
// have left, so that the graphs of the pages are full at once. The simulation knows
// its past; the counters begin with the exporter, as they always do.
func setPast(fleet *collector.Fleet, sim *simulation.Simulation, now time.Time) {
	until := now.Truncate(collector.TrendStep)
	for _, target := range fleet.Roster().Targets {
		past := sim.Past(target.Instance.ID, until, collector.TrendStep, int(collector.TrendLength/collector.TrendStep)-1)
		points := make([]collector.TrendPoint, len(past))
		missed := collector.TrendPoint{} // while the API failed: the next read that works sees it
		for n, m := range past {
			p := collector.TrendPoint{
				Messages: m.Messages + missed.Messages, Delivered: m.Delivered + missed.Delivered,
				Read: m.Read + missed.Read, Failed: m.Failed + missed.Failed,
				Calls: m.Calls + missed.Calls, Answered: m.Answered + missed.Answered, Talk: m.Talk + missed.Talk,
			}
			missed = collector.TrendPoint{}
			if m.Refused {
				missed, p = p, collector.TrendPoint{Failures: 1, Severity: collector.Critical}
			} else {
				p.Severity = collector.StateSeverity(m.State)
			}
			p.Reads = 1
			points[n] = p
		}
		target.Instance.SetPast(until, points)
	}
}
