package web

import (
	"cmp"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/collector"
)

// maxRows bounds the landing page: who has more instances looks for trouble, and
// that is on top.
const maxRows = 500

// standing says how much attention an instance needs. The worst comes first.
type standing int

const (
	failed standing = iota
	neverRefreshed
	notReady
	fine
	standings int = iota // how many there are
)

// String returns the words for a standing.
func (s standing) String() string {
	return [standings]string{"failed", "not refreshed", "account not ready", "fine"}[s]
}

// Class returns the name of a standing in the style sheet.
func (s standing) Class() string {
	return [standings]string{"failed", "unknown", "warning", "fine"}[s]
}

// standingOf returns the standing of an instance by its last snapshot, nil when
// there is none.
func standingOf(s *collector.Snapshot) standing {
	switch {
	case s == nil:
		return neverRefreshed
	case !s.Up():
		return failed
	}
	if state := s.Summary().State; state != "" && state != "authorized" {
		return notReady
	}
	return fine
}

// landingPage is the page at /.
type landingPage struct {
	page

	Total     string
	Counts    []standingCount
	Rows      []instanceRow
	Left      string // how many instances are left out; empty for none
	Truncated bool   // whether a row has a truncated journal
}

type standingCount struct {
	Standing standing
	Count    string
}

// instanceRow is an instance on the landing page.
type instanceRow struct {
	Name, ID  string
	Labels    []string
	Standing  standing
	Refreshed bool
	At        moment // the last refresh
	Outcome   string
	Account   accountCell
	Journals  []journalCell
}

// landing serves the page at /. Nothing is refreshed for it.
func (s *Server) landing(w http.ResponseWriter, r *http.Request) {
	ordered := byTrouble(s.opts.Fleet.Roster().Targets)
	p := landingPage{page: s.newPage("landing", "Instances"), Total: thousands(len(ordered))}
	var counts [standings]int
	for _, t := range ordered {
		counts[t.standing]++
	}
	for n, count := range counts {
		if count > 0 {
			p.Counts = append(p.Counts, standingCount{Standing: standing(n), Count: thousands(count)})
		}
	}
	if left := len(ordered) - maxRows; left > 0 {
		p.Left = thousands(left)
		ordered = ordered[:maxRows]
	}
	for _, t := range ordered {
		row := newInstanceRow(t)
		p.Rows = append(p.Rows, row)
		p.Truncated = p.Truncated || slices.ContainsFunc(row.Journals, func(j journalCell) bool { return j.Truncated })
	}
	s.render(w, r, p.Here, p)
}

// ranked is a target with what its place on the page depends on.
type ranked struct {
	collector.Target
	last     *collector.Snapshot // nil before the first
	standing standing
}

// byTrouble orders targets by standing, then by name.
func byTrouble(targets []collector.Target) []ranked {
	all := make([]ranked, len(targets))
	for n, t := range targets {
		last := t.Instance.Last()
		all[n] = ranked{Target: t, last: last, standing: standingOf(last)}
	}
	slices.SortFunc(all, func(a, b ranked) int {
		return cmp.Or(cmp.Compare(a.standing, b.standing), cmp.Compare(a.Name, b.Name))
	})
	return all
}

func newInstanceRow(t ranked) instanceRow {
	row := instanceRow{Name: t.Name, ID: t.Instance.ID, Standing: t.standing}
	for _, name := range slices.Sorted(maps.Keys(t.Labels)) {
		row.Labels = append(row.Labels, name+"="+t.Labels[name])
	}
	if t.last == nil {
		t.last = new(collector.Snapshot) // of which nothing is known
		row.Outcome = "waits for its first scrape"
	} else {
		row.Refreshed = true
		row.At = newMoment(t.last.Attempted, time.Since(t.last.Attempted))
		row.Outcome = outcome(t.last)
	}
	row.Account, row.Journals = newAccountCell(t.last), journalCells(t.last)
	return row
}
