package web

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/collector"
)

// maxRows bounds the landing page. Accounts in trouble come first: they are the last to
// be left out.
const maxRows = 500

// landingPage is the page at /.
type landingPage struct {
	page

	Total     string
	Counts    []badge
	Period    string // which the numbers cover, where a row does not say otherwise; empty before the first read
	Age       string // how old they are
	Rows      []instanceRow
	Left      string // how many accounts are left out; empty for none
	Truncated bool   // whether a number has a plus
}

// instanceRow is an account on the landing page.
type instanceRow struct {
	Name, ID string
	Labels   []string
	Badge    badge
	Lasting  string // for how long it has been in trouble
	Trouble  string
	Remedy   string
	Until    string // end of a suspension
	Numbers  []numberCell
	Strip    strip
	Read     bool
	At       moment // the last read
}

// numberCell is a number on the landing page.
type numberCell struct {
	Label, Text string
	Truncated   bool   // Text ends in a plus
	Absent      bool   // Text says why there is no number
	Period      string // which it covers, where that is not the page's
	Graph       *graph // nil when there is nothing to show
}

// landing serves the page at /. Nothing is read for it.
func (s *Server) landing(w http.ResponseWriter, r *http.Request) {
	now := time.Now()
	ordered := byTrouble(s.opts.Fleet.Roster().Targets)
	p := landingPage{page: s.newPage("landing", "Accounts"), Total: thousands(len(ordered)), Age: age(ordered, now)}
	p.Reload = true
	p.Counts = severityCounts(ordered)
	window := usualWindow(ordered)
	if window > 0 {
		p.Period = period(window)
	}
	if left := len(ordered) - maxRows; left > 0 {
		p.Left = thousands(left)
		ordered = ordered[:maxRows]
	}
	for _, t := range ordered {
		row := newInstanceRow(t, now)
		if t.last != nil && t.last.Window != window {
			row.Numbers[0].Period, row.Numbers[4].Period = period(t.last.Window), period(t.last.Window)
		}
		p.Truncated = p.Truncated || slices.ContainsFunc(row.Numbers, func(n numberCell) bool { return n.Truncated })
		p.Rows = append(p.Rows, row)
	}
	s.render(w, r, p.Here, p)
}

// severityCounts says how many accounts are of each severity, the gravest first.
func severityCounts(targets []ranked) (counts []badge) {
	words := map[collector.Severity]string{
		collector.Critical: "need action", collector.Warning: "with a warning",
		collector.Unknown: "not read yet", collector.Fine: "fine",
	}
	var n [collector.Critical + 1]int
	for _, t := range targets {
		n[t.severity]++
	}
	for severity := collector.Critical; severity >= collector.Fine; severity-- {
		if n[severity] > 0 {
			b := look(severity)
			b.Text = thousands(n[severity]) + " " + words[severity]
			counts = append(counts, b)
		}
	}
	return counts
}

// ranked is a target with what its place on the page depends on.
type ranked struct {
	collector.Target
	last     *collector.Snapshot // nil before the first
	severity collector.Severity
}

// byTrouble orders targets by severity, the gravest first, then by name.
func byTrouble(targets []collector.Target) []ranked {
	all := make([]ranked, len(targets))
	for n, t := range targets {
		last := t.Instance.Last()
		all[n] = ranked{Target: t, last: last, severity: last.Condition().Severity}
	}
	slices.SortFunc(all, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(b.severity, a.severity), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// usualWindow is the window that most accounts have.
func usualWindow(targets []ranked) (usual time.Duration) {
	counts := make(map[time.Duration]int)
	for _, t := range targets {
		if t.last != nil {
			counts[t.last.Window]++
		}
	}
	for window, n := range counts {
		if n > counts[usual] || n == counts[usual] && window > usual {
			usual = window
		}
	}
	return usual
}

// age says how old the numbers are.
func age(targets []ranked, now time.Time) string {
	var newest, oldest time.Time
	for _, t := range targets {
		if t.last == nil {
			continue
		}
		if at := t.last.Attempted; newest.IsZero() {
			newest, oldest = at, at
		} else if at.After(newest) {
			newest = at
		} else if at.Before(oldest) {
			oldest = at
		}
	}
	switch last, first := sinceThen(now.Sub(newest)), sinceThen(now.Sub(oldest)); {
	case newest.IsZero():
		return "No account was read yet."
	case last == first:
		return "The accounts were read " + last + "."
	default:
		return "The accounts were last read between " + first + " and " + last + "."
	}
}

func newInstanceRow(t ranked, now time.Time) instanceRow {
	row := instanceRow{Name: t.Name, ID: t.Instance.ID, Badge: newBadge(t.last)}
	for _, name := range slices.Sorted(maps.Keys(t.Labels)) {
		row.Labels = append(row.Labels, name+"="+t.Labels[name])
	}
	last := t.last
	if last == nil {
		last = new(collector.Snapshot) // of which nothing is known
	} else {
		row.Read, row.At = true, newMoment(last.Attempted, now.Sub(last.Attempted))
		row.Trouble, row.Remedy, row.Lasting = trouble(last), last.Condition().Remedy, lasting(last, now)
		if condition := last.Condition(); condition.Failed == nil {
			row.Trouble = "" // the badge says it
			row.Until = newAccountCell(last).Until
		}
	}
	row.Numbers = numbers(last)
	points := t.Instance.Trend(now, smallParts)
	if g := messageGraph(points, smallHeight); !g.Empty {
		row.Numbers[0].Graph = &g
	}
	if g := callGraph(points, smallHeight); !g.Empty {
		row.Numbers[4].Graph = &g
	}
	row.Strip = newStrip(points)
	return row
}

// numbers are those of both journals. Why one is not known stands in its first cell.
func numbers(s *collector.Snapshot) []numberCell {
	summary := s.Summary()
	m, c := summary.Messages, summary.Calls
	cells := []numberCell{
		{Label: "Messages", Text: capped(m.Total(), m.JournalSummary), Truncated: m.Truncated},
		{Label: "Delivered", Text: thousands(m.Delivered())},
		{Label: "Read", Text: thousands(m.Read())},
		{Label: "Failed", Text: thousands(m.Failed())},
		{Label: "Calls", Text: capped(c.Total(), c.JournalSummary), Truncated: c.Truncated},
		{Label: "Answered", Text: thousands(c.Answered())},
		{Label: "Mean", Text: lasted(c.Mean())},
	}
	if c.Known && c.Answered() == 0 {
		cells[6] = numberCell{Label: cells[6].Label, Text: "–", Absent: true}
	}
	blank := func(cells []numberCell, why string) {
		for n := range cells {
			cells[n].Text, cells[n].Absent = "–", true
		}
		cells[0].Text = why
	}
	if !m.Known {
		blank(cells[:4], absent(s, "messages"))
	}
	if !c.Known {
		blank(cells[4:], absent(s, "calls"))
	}
	return cells
}
