package web

import (
	"slices"

	"github.com/greenapi-exporter/greenapi_exporter/collector"
)

// accountCell is the state of an account on a page.
type accountCell struct {
	State  string // empty when it is not known
	Until  string // end of a suspension; empty when it is not known
	Absent string // why there is no state
}

// journalCell is a journal on a page.
type journalCell struct {
	Name      string
	Records   string // empty when the journal was not read
	Truncated bool
	Absent    string // why there are no records
}

func newAccountCell(s *collector.Snapshot) accountCell {
	summary := s.Summary()
	cell := accountCell{State: summary.State, Absent: absent(s, "state")}
	if !summary.SuspendedUntil.IsZero() {
		cell.Until = newMoment(summary.SuspendedUntil, 0).UTC
	}
	return cell
}

func journalCells(s *collector.Snapshot) []journalCell {
	cell := func(name string, j collector.JournalSummary, collector string) journalCell {
		if !j.Known {
			return journalCell{Name: name, Absent: absent(s, collector)}
		}
		return journalCell{Name: name, Records: thousands(j.Records), Truncated: j.Truncated}
	}
	summary := s.Summary()
	return []journalCell{cell("Calls", summary.Calls, "calls"), cell("Messages", summary.Messages, "messages")}
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
