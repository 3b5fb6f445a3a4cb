//go:build e2e

package replay_test

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
)

var (
	full  = flag.Bool("replay.full", false, "replay more days and accounts, and scrape twice as often")
	write = flag.String("replay.write", "", "write the tables into this document")
)

// form is how much is replayed.
type form struct {
	step         time.Duration // between two scrapes, and between two evaluations of the rules
	late         time.Duration // what the step adds to the delays at most
	incidentDays int           // of the worlds with incidents, which begin on the 11th day
	restartDays  int           // of the world in which the exporter restarts on the third day
	quietDays    int
	quietPerDay  []float64 // messages of the quiet accounts
}

func chosenForm() form {
	if *full {
		return form{
			step: 5 * time.Minute, incidentDays: 15, restartDays: 15,
			quietDays: 28, quietPerDay: []float64{20, 300, 2000},
		}
	}
	return form{
		step: 10 * time.Minute, late: 10 * time.Minute, incidentDays: 12, restartDays: 3,
		quietDays: 15, quietPerDay: []float64{20, 300},
	}
}

// TestReplay holds that every incident is told in time, by the right alert alone, and
// that nothing is told when nothing happens.
func TestReplay(t *testing.T) {
	f := chosenForm()
	all := allIncidents()
	half := (len(all) + 1) / 2
	rows := make([][]string, len(all)+1)
	var quiet [][]string
	t.Run("worlds", func(t *testing.T) {
		t.Run("incidents 1", func(t *testing.T) {
			t.Parallel()
			copy(rows, f.replayIncidents(t, all[:half]))
		})
		t.Run("incidents 2", func(t *testing.T) {
			t.Parallel()
			copy(rows[half:], f.replayIncidents(t, all[half:]))
		})
		t.Run("restarts", func(t *testing.T) {
			t.Parallel()
			rows[len(all)] = f.replayRestarts(t)
		})
		t.Run("quiet", func(t *testing.T) {
			t.Parallel()
			quiet = f.replayQuiet(t)
		})
	})
	text := table([]string{"Incident", "Alert", "Delay", "Bound", "Fires, and is muted", "Told as well"}, rows) +
		"\n" + table([]string{"Account", "Quiet days", "False alarms"}, quiet)
	t.Logf("\n%s", text)
	if *write != "" {
		writeDocument(t, *write, text)
	}
}

// replayIncidents gives each incident an account of its own. It returns a row of the
// report for each.
func (f form) replayIncidents(t *testing.T, incidents []incident) [][]string {
	t.Helper()
	w := world{days: f.incidentDays, step: f.step}
	for n, i := range incidents {
		w.accounts = append(w.accounts, account(n, i.incident))
	}
	firings := w.fire(t)
	mutes := inhibitions(t)
	rows := make([][]string, 0, len(incidents))
	for n, i := range incidents {
		rows = append(rows, f.judge(t, i, w.accounts[n].ID, firings, mutes))
	}
	return rows
}

// replayRestarts lets the exporter be started anew before every scrape, for two hours.
func (f form) replayRestarts(t *testing.T) []string {
	t.Helper()
	const alert, within = "GreenAPIExporterRestarting", 30 * time.Minute
	from := start.AddDate(0, 0, f.restartDays-1)
	w := world{
		days: f.restartDays, step: 5 * time.Minute, // the alert looks at 30 of them
		accounts: []simulation.Account{account(0)},
		restarts: func(now time.Time) bool { return !now.Before(from) && now.Before(from.Add(2*time.Hour)) },
	}
	firings := w.fire(t)
	if len(firings) != 1 || firings[0].Alert != alert || firings[0].First.Before(from) {
		t.Fatalf("%s alone is expected to fire, after %v: %v", alert, from, firings)
	}
	delay := firings[0].First.Sub(from)
	if delay > within {
		t.Errorf("%s fires after %v", alert, delay)
	}
	return []string{"exporter restarts again and again", alert, short(delay), short(within), "", ""}
}

// replayQuiet lets nothing happen, and returns a row of the report for each account.
func (f form) replayQuiet(t *testing.T) [][]string {
	t.Helper()
	w := world{days: f.quietDays, step: f.step}
	for _, perDay := range f.quietPerDay {
		office, shop := account(len(w.accounts)), account(len(w.accounts)+1)
		office.Name, office.Rhythm = "in office hours", simulation.RhythmBusiness()
		shop.Name, shop.Rhythm = "in shop hours", simulation.RhythmShop()
		for _, a := range []simulation.Account{office, shop} {
			a.Name = fmt.Sprintf("%v messages and %v calls a day, %s", perDay, perDay/8, a.Name)
			a.MessagesPerDay, a.CallsPerDay = perDay, perDay/8
			w.accounts = append(w.accounts, a)
		}
	}
	groups, behaviour := account(len(w.accounts)), simulation.UsualBehaviour()
	behaviour.GroupMessages = 1
	groups.Name, groups.CallsPerDay = "300 messages a day, all to groups of 20", 0
	groups.Behaviour, groups.GroupMembers = &behaviour, 20
	w.accounts = append(w.accounts, groups)
	firings := w.fire(t)
	var rows [][]string
	for _, a := range w.accounts {
		alarms := 0
		for _, firing := range firings {
			if firing.IDInstance == a.ID || firing.IDInstance == "" {
				alarms++
				t.Errorf("false alarm about %s: %s, from %v to %v", a.Name, firing.Alert, firing.First, firing.Last)
			}
		}
		rows = append(rows, []string{a.Name, fmt.Sprint(f.quietDays), fmt.Sprint(alarms)})
	}
	return rows
}
