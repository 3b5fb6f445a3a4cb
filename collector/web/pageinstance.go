package web

import (
	"cmp"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/collector"
)

// instancePage shows one account.
type instancePage struct {
	page

	Name, ID string
	APIHost  string
	Labels   []string
	Badge    badge
	Lasting  string
	Outcome  string
	Remedy   string
	Read     bool
	Last     moment
	Period   string
	Account  accountCell
	Settings []settingRow
	Queue    string // empty when it is not known
	Messages messagePart
	Calls    callPart
	Graphs   []graph
	Strip    strip
}

// settingRow is a setting that the journals depend on.
type settingRow struct {
	Name string
	On   bool
}

// messagePart is what became of an account's messages.
type messagePart struct {
	Absent    string // why nothing is known; empty when it is
	Truncated bool
	Funnel    []barRow
	Statuses  []barRow
	Failures  []barRow
	Ratios    []ratioRow
}

// callPart is what became of an account's calls.
type callPart struct {
	Absent    string // why nothing is known; empty when it is
	Truncated bool
	Total     string
	Mean      string // of answered calls; empty without any
	Outcomes  []barRow
	Durations []barRow
	Ratios    []ratioRow
}

// barRow is a count with a bar.
type barRow struct {
	Label, Count, Share string
	Width               int // of the bar, of 100
	Class               string
}

// ratioRow is a ratio, and what is divided by what.
type ratioRow struct{ Name, Value, Formula string }

// instance serves the page of one account. Nothing is read for it.
func (s *Server) instance(w http.ResponseWriter, r *http.Request) {
	instance := s.target(w, r, instancePath)
	if instance == nil {
		return
	}
	for _, target := range s.opts.Fleet.Roster().Targets {
		if target.Instance == instance {
			s.render(w, r, "instance", s.newInstancePage(target, time.Now()))
			return
		}
	}
	noSuchTarget(w) // it has just left
}

// target returns the account that the parameter target of a request names. Without
// one it answers, says how to find the names, and returns nil.
func (s *Server) target(w http.ResponseWriter, r *http.Request, path string) *collector.Instance {
	names := r.URL.Query()["target"]
	if len(names) != 1 || names[0] == "" {
		say(w, http.StatusBadRequest,
			"The parameter target is missing or given twice: ask for "+path+"?target=NAME with one NAME; "+sdPath+" lists them.")
		return nil
	}
	instance := s.opts.Fleet.Roster().Lookup(names[0])
	if instance == nil {
		noSuchTarget(w)
	}
	return instance
}

func noSuchTarget(w http.ResponseWriter) {
	say(w, http.StatusNotFound, "There is no target of this name in the configuration; "+sdPath+" lists them.")
}

func (s *Server) newInstancePage(t collector.Target, now time.Time) instancePage {
	last := t.Instance.Last()
	p := instancePage{
		page: s.newPage("instance", t.Name), Name: t.Name, ID: t.Instance.ID,
		Badge: newBadge(last), Outcome: "waits for its first read",
	}
	p.Reload = true
	for _, name := range slices.Sorted(maps.Keys(t.Labels)) {
		p.Labels = append(p.Labels, name+"="+t.Labels[name])
	}
	points := t.Instance.Trend(now, largeParts)
	p.Graphs, p.Strip = []graph{messageGraph(points, largeHeight), callGraph(points, largeHeight)}, newStrip(points)
	if last == nil {
		last = new(collector.Snapshot) // of which nothing is known
	} else {
		p.Read, p.Last, p.APIHost = true, newMoment(last.Attempted, now.Sub(last.Attempted)), last.APIHost
		p.Period, p.Outcome, p.Remedy = period(last.Window), outcome(last), last.Condition().Remedy
		p.Lasting = lasting(last, now)
	}
	summary := last.Summary()
	p.Account = newAccountCell(last)
	for _, name := range slices.Sorted(maps.Keys(summary.Settings)) {
		p.Settings = append(p.Settings, settingRow{name, summary.Settings[name]})
	}
	if summary.QueueKnown {
		p.Queue = thousands(summary.Queue)
	}
	p.Messages, p.Calls = newMessagePart(last), newCallPart(last)
	return p
}

func newMessagePart(s *collector.Snapshot) messagePart {
	m := s.Summary().Messages
	if !m.Known {
		return messagePart{Absent: absent(s, "messages")}
	}
	all := m.Total()
	part := messagePart{
		Truncated: m.Truncated,
		Funnel: []barRow{
			bar("all", "observed", m.Total(), all), bar("sent", "sent", m.Sent(), all),
			bar("delivered", "delivered", m.Delivered(), all), bar("read", "read", m.Read(), all),
		},
		Statuses: bars(m.ByStatus, all),
		Failures: bars(m.Failures(), all),
		Ratios: []ratioRow{
			{"Delivery ratio", percent(m.Delivered(), m.Sent()), "delivered / sent"},
			{"Read ratio", percent(m.Read(), m.Delivered()), "read / delivered"},
			{"Failure ratio", percent(m.Failed(), all-m.Pending()), "failed / (observed − pending)"},
		},
	}
	return part
}

func newCallPart(s *collector.Snapshot) callPart {
	c := s.Summary().Calls
	if !c.Known {
		return callPart{Absent: absent(s, "calls")}
	}
	part := callPart{Truncated: c.Truncated, Total: thousands(c.Total()), Outcomes: bars(c.ByStatus, c.Total())}
	part.Ratios = []ratioRow{{"Answer ratio", percent(c.Answered(), c.Seized()), "pickUp / (pickUp + hungUp + declined)"}}
	if c.Answered() == 0 {
		return part
	}
	part.Mean = lasted(c.Mean())
	var from time.Duration
	for _, bucket := range c.Durations {
		label := "up to " + period(bucket.AtMost)
		switch {
		case bucket.AtMost == 0:
			label = "over " + period(from)
		case from > 0:
			label = period(from) + " to " + period(bucket.AtMost)
		}
		part.Durations = append(part.Durations, bar("answered", label, bucket.Calls, c.Answered()))
		from = bucket.AtMost
	}
	return part
}

// bars are the counts above 0, the largest first.
func bars(counts map[string]int, all int) (rows []barRow) {
	for _, label := range slices.SortedFunc(maps.Keys(counts), func(a, b string) int {
		return cmp.Or(cmp.Compare(counts[b], counts[a]), cmp.Compare(a, b))
	}) {
		if counts[label] > 0 {
			rows = append(rows, bar("all", label, counts[label], all))
		}
	}
	return rows
}

func bar(class, label string, n, all int) barRow {
	row := barRow{Label: label, Count: thousands(n), Share: percent(n, all), Class: class}
	if all > 0 {
		row.Width = (n*100 + all - 1) / all
	}
	return row
}

// percent writes a part of a whole.
func percent(part, whole int) string {
	if whole == 0 {
		return "–"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole))
}
