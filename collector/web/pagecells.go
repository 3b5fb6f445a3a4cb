package web

import (
	"fmt"
	"slices"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/collector"
)

// badge is how an account is, the same on every page: a colour, a symbol for people who
// do not see colours, and a word.
type badge struct {
	Class, Symbol, Text string
}

// look is how a severity looks.
func look(s collector.Severity) badge {
	switch s {
	case collector.Critical:
		return badge{Class: "critical", Symbol: "✖"}
	case collector.Warning:
		return badge{Class: "warning", Symbol: "▲"}
	case collector.Unknown:
		return badge{Class: "unknown", Symbol: "○", Text: "not read yet"}
	default:
		return badge{Class: "fine", Symbol: "✔", Text: "fine"}
	}
}

// newBadge returns the badge of an account by a snapshot, nil when it was never read.
// The words for states are those of GREEN-API.
func newBadge(s *collector.Snapshot) badge {
	condition := s.Condition()
	b := look(condition.Severity)
	switch {
	case s == nil:
	case condition.Failed != nil:
		b.Text = "read failed"
	case condition.Setting != "":
		b.Text = condition.Setting + " off"
	case condition.State != "":
		b.Text = condition.State
	case condition.Severity == collector.Critical:
		b.Text = "nothing read"
	case condition.Reported != "":
		b.Text = condition.Reported
	}
	return b
}

// lasting says for how long an account has been in trouble; empty when it is not.
func lasting(s *collector.Snapshot, now time.Time) string {
	if s == nil || s.Since.IsZero() || s.Condition().Severity == collector.Fine {
		return ""
	}
	words := "for "
	if s.SinceAtLeast {
		words += "at least "
	}
	return words + span(now.Sub(s.Since))
}

// accountCell is the state of an account on a page.
type accountCell struct {
	State  string // empty when it is not known
	Until  string // end of a suspension; empty when it is not known
	Absent string // why there is no state
}

// journalCell is a journal on a page.
type journalCell struct {
	Name    string
	Records string // empty when the journal was not read
	Absent  string // why there are no records
}

func newAccountCell(s *collector.Snapshot) accountCell {
	summary := s.Summary()
	cell := accountCell{State: summary.State, Absent: absent(s, "state")}
	if !summary.SuspendedUntil.IsZero() {
		cell.Until = summary.SuspendedUntil.UTC().Format("2006-01-02 15:04 UTC")
	}
	return cell
}

func journalCells(s *collector.Snapshot) []journalCell {
	cell := func(name string, j collector.JournalSummary, collector string) journalCell {
		if !j.Known {
			return journalCell{Name: name, Absent: absent(s, collector)}
		}
		return journalCell{Name: name, Records: capped(j.Records, j)}
	}
	summary := s.Summary()
	return []journalCell{cell("Calls", summary.Calls.JournalSummary, "calls"), cell("Messages", summary.Messages.JournalSummary, "messages")}
}

// capped writes a count of a journal, with a plus when the API has left out rows.
func capped(n int, j collector.JournalSummary) string {
	if j.Truncated {
		return thousands(n) + "+"
	}
	return thousands(n)
}

// absent says why a snapshot knows nothing from a collector.
func absent(s *collector.Snapshot, name string) string {
	at := slices.IndexFunc(s.Results, func(r collector.Result) bool { return r.Collector == name })
	switch {
	case len(s.Results) > 0 && at < 0:
		return "not asked for"
	case at >= 0 && s.Results[at].Unsupported:
		return "not offered"
	default:
		return "not known"
	}
}

// lasted writes how long a call lasted.
func lasted(d time.Duration) string {
	switch d = d.Round(time.Second); {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d:%02d min", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%d:%02d h", int(d.Hours()), int(d.Minutes())%60)
	}
}
