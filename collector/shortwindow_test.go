package collector_test

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
)

// performance is the document that says what a short window costs.
const performance = "../deploy/performance.md"

const (
	beginWindows = "<!-- window:begin -->\n"
	endWindows   = "<!-- window:end -->"
)

// windowRun is what one window came to over some days.
type windowRun struct {
	records         int // read in all
	counted, events map[string]int
}

// TestShortWindow reads the same accounts with a window of a day and of an hour,
// under both readings of the API's parameter, and holds what performance.md says of
// it. The counters must not depend on the window where rows are listed by their last
// action; where they are listed by their sending, statuses that come late are lost.
func TestShortWindow(t *testing.T) {
	t.Parallel()
	table := "| the API lists rows by | window | records read | calls counted | messages sent | delivered | read |\n|---|---|--:|--:|--:|--:|--:|\n"
	for reading, name := range []string{"their last action", "their sending"} {
		day := runWindow(t, simulation.Reading(reading), 24*time.Hour)
		hour := runWindow(t, simulation.Reading(reading), time.Hour)
		if diff := cmp.Diff(day.events, day.counted); diff != "" {
			t.Errorf("by %s, a window of a day (-happened +counted):\n%s", name, diff)
		}
		lost := cmp.Diff(hour.events, hour.counted)
		if simulation.Reading(reading) == simulation.ByLastAction && lost != "" {
			t.Errorf("by %s, a window of an hour (-happened +counted):\n%s", name, lost)
		}
		table += day.row(name, "24h", day) + hour.row(name, "1h", day)
	}
	document, err := os.ReadFile(performance)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, _ := bytes.Cut(document, []byte(beginWindows))
	written, tail, found := bytes.Cut(rest, []byte(endWindows))
	if !found {
		t.Fatalf("%s has no table of windows", performance)
	}
	if diff := cmp.Diff(string(written), table); diff != "" {
		if !*update {
			t.Errorf("%s is no longer true (-says +is); go test ./collector -update writes it anew:\n%s", performance, diff)
			return
		}
		text := bytes.Join([][]byte{head, []byte(beginWindows + table + endWindows), tail}, nil)
		if err := os.WriteFile(performance, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// runWindow scrapes an account for a day, and for two more which count.
func runWindow(t *testing.T, reading simulation.Reading, window time.Duration) windowRun {
	t.Helper()
	run := windowRun{counted: map[string]int{}, events: map[string]int{}}
	synctest.Test(t, func(t *testing.T) {
		const id = "1101000001"
		s := newSimulated(t, simulation.Settings{Seed: 5, Reading: reading},
			simulation.Account{ID: id, Token: "a", MessagesPerDay: 150, CallsPerDay: 60, Groups: 5})
		for n := range s.cfg.Instances {
			s.cfg.Instances[n].Window = window
		}
		time.Sleep(48 * time.Hour)
		s.start(t, nil)
		defer s.Close()
		// On the first day, a message of the time before that is read or edited seems
		// to be a new one.
		for range 24 * 4 {
			s.refresh(t)
			time.Sleep(15 * time.Minute)
		}
		families := s.scrape(t)
		before := counted(families, id)
		from := time.Now()
		for range 2 * 24 * 4 {
			time.Sleep(15 * time.Minute)
			families = s.scrape(t)
			for _, journal := range []string{"calls", "messages"} {
				n, _ := value(families, "greenapi_window_records", "journal="+journal)
				run.records += int(n)
			}
		}
		run.counted = counted(families, id)
		run.events = truth(s.sim, id, from, time.Now())
		for key, n := range before {
			add(run.counted, key, -n)
			if run.counted[key] == 0 {
				delete(run.counted, key)
			}
		}
	})
	return run
}

// row says what was read and counted, of what a window of a day reads and of what
// happened.
func (r windowRun) row(name, window string, day windowRun) string {
	share := func(counter string) string {
		counted, happened := 0, 0
		for key, n := range r.counted {
			if strings.HasPrefix(key, counter+" ") {
				counted += n
			}
		}
		for key, n := range r.events {
			if strings.HasPrefix(key, counter+" ") {
				happened += n
			}
		}
		return fmt.Sprintf("%.1f %%", 100*float64(counted)/float64(happened))
	}
	return fmt.Sprintf("| %s | %s | 1/%.0f | %s | %s | %s | %s |\n", name, window, float64(day.records)/float64(r.records),
		share("calls_total"), share("messages_sent_total"), share("messages_delivered_total"), share("messages_read_total"))
}
