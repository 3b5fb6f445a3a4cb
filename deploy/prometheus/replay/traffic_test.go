//go:build e2e

package replay_test

import (
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/deploy/prometheus/replay"
)

// fireCounted lets accounts live for days, and returns when which alert about their
// traffic fired. What the exporter would expose comes from the simulation's truth. No
// rule on traffic reads more than one account, so they are judged in parts.
func fireCounted(t *testing.T, step time.Duration, days int, seed uint64, accounts []simulation.Account) []replay.Firing {
	t.Helper()
	needed := rules(t).Without("greenapi-exporter", "greenapi-accounts").Needed()
	began := time.Now()
	parts := slices.Collect(slices.Chunk(accounts, 12))
	fired := make([][]replay.Firing, len(parts))
	var all sync.WaitGroup
	turns := make(chan struct{}, runtime.GOMAXPROCS(0))
	for n, part := range parts {
		all.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			sim := simulation.New(simulation.Settings{Seed: seed}, part...)
			recording := replay.Count(sim, start, step, day(days).Sub(start), needed.Reads())
			fired[n] = evaluate(t, needed, recording)
		})
	}
	all.Wait()
	t.Logf("%d days of %d accounts: judged in %v", days, len(accounts), time.Since(began).Round(time.Second))
	return slices.Concat(fired...)
}

// trafficDays are four weeks and a day.
const trafficDays = 29

// replayTroubles gives each kind of incident an account of each volume, and returns a
// row of the report for each kind: the time from its beginning to the alert.
func (f form) replayTroubles(t *testing.T) [][]string {
	t.Helper()
	all := troubles()
	var accounts []simulation.Account
	for _, k := range all {
		for _, volume := range volumes {
			a := k.account(volume)
			a.ID = strconv.Itoa(1101000001 + len(accounts))
			accounts = append(accounts, a)
		}
	}
	mutes := inhibitions(t)
	outcomes := make([][]string, len(accounts)) // of each account, by seed
	for seed := range f.seeds {
		firings := fireCounted(t, f.trafficStep, trafficDays, uint64(20260102+seed), accounts)
		for n, a := range accounts {
			outcomes[n] = append(outcomes[n], all[n/len(volumes)].judge(t, volumes[n%len(volumes)], a.ID, firings, mutes))
		}
	}
	rows := make([][]string, 0, len(all))
	for n, k := range all {
		row, told := []string{k.name, k.alert}, false
		for v := range volumes {
			of := outcomes[len(volumes)*n+v]
			told = told || slices.ContainsFunc(of, func(text string) bool { return text != notTold })
			row = append(row, strings.Join(slices.Compact(of), "; or "))
		}
		if !told {
			t.Errorf("%s: %s does not fire at any volume", k.name, k.alert)
		}
		rows = append(rows, row)
	}
	return rows
}

const notTold = "not told"

// judge returns how long it took to tell of an incident, and by what if it was another
// alert than the expected one.
func (k trouble) judge(t *testing.T, volume [2]float64, id string, firings []replay.Firing, mutes muter) string {
	t.Helper()
	byName := make(map[string]replay.Firing)
	for _, firing := range firings {
		if firing.IDInstance == id {
			byName[firing.Alert] = firing
		}
	}
	begin := struck
	if len(k.campaigns) == 1 {
		begin = k.campaigns[0].At
	}
	what := fmt.Sprintf("%s, %v messages and %v calls a day", k.name, volume[0], volume[1])
	var first, others []string
	for _, name := range sortedNames(byName) {
		firing := byName[name]
		delay := short(firing.First.Sub(begin))
		switch {
		case firing.First.Before(begin):
			t.Errorf("%s: %s fires before it begins, at %v", what, name, firing.First)
		case mutes.during(name, firing, byName) != "":
		case firing.Times > 1:
			t.Errorf("%s: %s is told %d times", what, name, firing.Times)
		case name == k.alert:
			first = append(first, delay)
		case slices.Contains(k.also, name):
			others = append(others, fmt.Sprintf("%s (%s)", delay, strings.TrimPrefix(name, "GreenAPI")))
		default:
			t.Errorf("%s: %s is told as well, after %s", what, name, delay)
		}
	}
	told := append(first, others...)
	if len(told) == 0 {
		return notTold
	}
	return strings.Join(told, ", ")
}

func sortedNames(firings map[string]replay.Firing) []string {
	var names []string
	for name := range firings {
		names = append(names, name)
	}
	return sorted(names)
}

// replayLives lets accounts be used in ordinary and odd ways, and returns a row of the
// report for each.
func (f form) replayLives(t *testing.T) [][]string {
	t.Helper()
	all := lives(trafficDays)
	severities := rules(t).Severities()
	alarms := make(map[string][]string) // by name of the life
	for seed := range f.seeds {
		var accounts []simulation.Account
		for n, l := range all {
			l.account.ID = strconv.Itoa(1101000001 + n)
			accounts = append(accounts, l.account)
		}
		for _, firing := range fireCounted(t, f.trafficStep, trafficDays, uint64(seed+1), accounts) {
			for n, l := range all {
				if firing.IDInstance != accounts[n].ID || severities[firing.Alert] == "info" {
					continue
				}
				alarms[l.account.Name] = append(alarms[l.account.Name], firing.Alert)
				if !slices.Contains(l.rings, firing.Alert) || firing.Times > 1 {
					t.Errorf("false alarm about %s: %s, %d times from %v to %v", l.account.Name, firing.Alert, firing.Times, firing.First, firing.Last)
				}
			}
		}
	}
	rows := make([][]string, 0, len(all))
	for _, l := range all {
		names := slices.Compact(sorted(alarms[l.account.Name]))
		rows = append(rows, []string{l.account.Name, fmt.Sprint(trafficDays * f.seeds), strings.Join(names, ", ")})
	}
	return rows
}
