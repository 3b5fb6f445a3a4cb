//go:build e2e

package replay_test

import (
	"flag"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/deploy/prometheus/replay"
)

var (
	full  = flag.Bool("replay.full", false, "replay more days and accounts, and scrape twice as often")
	write = flag.String("replay.write", "", "write the tables into this document")
)

// form is how much is replayed.
type form struct {
	step         time.Duration // between two scrapes, and between two evaluations of the rules
	late         time.Duration // what the step adds to the delays at most
	incidentDays int           // of the worlds with incidents, which begin on the fourth day
	readings     []simulation.Reading
	restartDays  int           // of the world in which the exporter restarts on the third day
	trafficStep  time.Duration // of the worlds of traffic
	seeds        int           // of these
}

func chosenForm() form {
	if *full {
		return form{
			step: 5 * time.Minute, incidentDays: 6, restartDays: 15,
			readings:    []simulation.Reading{simulation.ByLastAction, simulation.BySendingTime},
			trafficStep: 10 * time.Minute, seeds: 2,
		}
	}
	return form{
		step: 10 * time.Minute, late: 10 * time.Minute, incidentDays: 5, restartDays: 3,
		readings:    []simulation.Reading{simulation.ByLastAction},
		trafficStep: 15 * time.Minute, seeds: 1,
	}
}

// TestReplay holds that every incident is told in time, by the right alert alone, and
// that nothing is told when nothing happens.
func TestReplay(t *testing.T) {
	f := chosenForm()
	all := allIncidents()
	rows := make([][]string, len(all)+2)
	var told, quiet [][]string
	t.Run("worlds", func(t *testing.T) {
		t.Run("incidents", func(t *testing.T) {
			t.Parallel()
			copy(rows, f.replayIncidents(t, all))
		})
		t.Run("restarts", func(t *testing.T) {
			t.Parallel()
			rows[len(all)] = f.replayRestarts(t)
		})
		t.Run("outage", func(t *testing.T) {
			t.Parallel()
			rows[len(all)+1] = replayOutage(t)
		})
		t.Run("traffic", func(t *testing.T) {
			t.Parallel()
			told = f.replayTroubles(t)
		})
		t.Run("lives", func(t *testing.T) {
			t.Parallel()
			quiet = f.replayLives(t)
		})
	})
	text := fmt.Sprintf("%d incidents of accounts and of the API were judged every %s. Ways to read `minutes`: %d.\n"+
		"%d incidents of traffic, each at %d volumes, and %d lives were judged every %s for %d days. Seeds: %d.\n\n",
		len(rows), short(f.step), len(f.readings), len(told), len(volumes), len(quiet), short(f.trafficStep), trafficDays, f.seeds) +
		table([]string{"Incident", "Alert", "Delay", "Bound", "Fires, and is muted", "Told as well"}, rows) +
		"\n" + table(trafficColumns(), told) +
		"\n" + table([]string{"Account", "Days", "Rings once, because it cannot know"}, quiet)
	t.Log("\n" + text)
	if *write != "" {
		writeDocument(t, *write, "replay", text)
	}
}

func trafficColumns() []string {
	columns := []string{"Incident of traffic", "Alert"}
	for _, v := range volumes {
		columns = append(columns, fmt.Sprintf("%v messages, %v calls a day", v[0], v[1]))
	}
	return columns
}

// replayIncidents gives each incident an account of its own. It returns a row of the
// report for each.
func (f form) replayIncidents(t *testing.T, incidents []incident) [][]string {
	t.Helper()
	w := world{length: day(f.incidentDays).Sub(start), step: f.step}
	for n, i := range incidents {
		w.accounts = append(w.accounts, i.struck(n))
	}
	mutes := inhibitions(t)
	outcomes := make([][]outcome, len(incidents)) // of each incident, by reading
	for _, w.reading = range f.readings {
		firings := w.fire(t)
		for n, i := range incidents {
			outcomes[n] = append(outcomes[n], f.judge(t, i, w.accounts[n].ID, firings, mutes))
		}
	}
	rows := make([][]string, 0, len(incidents))
	for n, i := range incidents {
		rows = append(rows, i.row(outcomes[n]))
	}
	return rows
}

// replayRestarts lets the exporter be started anew before every scrape, for two hours.
func (f form) replayRestarts(t *testing.T) []string {
	t.Helper()
	const alert, within = "GreenAPIExporterRestarting", 30 * time.Minute
	from := start.AddDate(0, 0, f.restartDays-1)
	w := world{
		length: day(f.restartDays).Sub(start), step: 5 * time.Minute, // the alert looks at 30 of them
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

// replayOutage lets the API fail for two hours, for 200 accounts at once: one alert is
// told, and mutes all others for as long as they fire.
func replayOutage(t *testing.T) []string {
	t.Helper()
	const alert, within, accounts = "GreenAPIManyAccountsFailing", 20 * time.Minute, 200
	from := start.Add(time.Hour)
	w := world{length: 5 * time.Hour, step: 5 * time.Minute}
	for n := range accounts {
		a := account(n)
		a.MessagesPerDay, a.CallsPerDay, a.Rhythm = 5, 2, simulation.RhythmFlat()
		a.Incidents = []simulation.Incident{{Kind: simulation.IncidentServerErrors, From: from, To: from.Add(2 * time.Hour)}}
		w.accounts = append(w.accounts, a)
	}
	mutes := inhibitions(t)
	firings := w.fire(t)
	n := slices.IndexFunc(firings, func(f replay.Firing) bool { return f.Alert == alert })
	if n < 0 {
		t.Fatalf("%s does not fire", alert)
	}
	told := firings[n]
	muted := make(map[string]int)
	for _, f := range slices.Delete(firings, n, n+1) {
		if !mutes.mutes(alert, f.Alert) || f.First.Before(told.First) || f.Last.After(told.Last) {
			t.Errorf("%s of %s is told, from %v to %v; %s fires from %v to %v", f.Alert, f.IDInstance, f.First, f.Last, alert, told.First, told.Last)
		}
		muted[fmt.Sprintf("%s after %s", f.Alert, short(f.First.Sub(from)))]++
	}
	if told.Times != 1 || told.First.Sub(from) > within {
		t.Errorf("%s fires %d times, after %v", alert, told.Times, told.First.Sub(from))
	}
	if len(muted) == 0 {
		t.Error("nothing is muted")
	}
	return []string{
		"API answers 500 to all of 200 accounts, for 2 hours", alert, short(told.First.Sub(from)), short(within),
		strings.Join(slices.Sorted(maps.Keys(muted)), ", "), "",
	}
}
