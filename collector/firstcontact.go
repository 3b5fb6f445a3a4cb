package collector

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

// FirstContact tells what the read has shown of how the API behaves where its
// documentation is open: lines of words of ours and numbers, that can be pasted into
// an issue. There is no personal data in them, and no text of the API's.
func (s *Snapshot) FirstContact() []string {
	var lines []string
	exchanges := slices.SortedStableFunc(slices.Values(s.Exchanges), func(a, b client.Exchange) int { return cmp.Compare(a.Method, b.Method) })
	for _, x := range exchanges {
		lines = append(lines, x.Method+": "+answerFacts(x))
		if x.Rows != nil {
			lines = append(lines, rowFacts(x.Rows, s.filter(x.Method))...)
		}
	}
	for _, r := range s.Results {
		if r.Unsupported {
			lines = append(lines, "not offered: "+r.Collector)
		}
	}
	return lines
}

func answerFacts(x client.Exchange) string {
	if x.Status == 0 {
		return "no answer"
	}
	clock := "clock not known"
	if !x.Date.IsZero() {
		clock = fmt.Sprintf("clock %+d s", int(math.Round(x.Date.Sub(x.Sent.Add(x.FirstByte).Truncate(time.Second)).Seconds())))
	}
	return fmt.Sprintf("status %d, %s, %s, %s", x.Status, x.Protocol, x.Encoding, clock)
}

func rowFacts(rows *client.RowFacts, filter ledger.Filter) []string {
	lines := []string{fmt.Sprintf("  rows %d, order %s, largest %d bytes, without id %d, @lid %d, repeated ids %d of %d",
		rows.Rows, rows.Order, rows.LargestBytes, rows.WithoutID, rows.LIDs, rows.RepeatedIDs, rows.Watched)}
	if rows.Reads > 1 {
		lines = append(lines, fmt.Sprintf("  over %d reads of the whole window: vanished %d, status went back %d, minutes go by %s",
			rows.Reads, rows.Vanished, rows.Regressed, minutesBy(rows, filter)))
	}
	return lines
}

// filter is what the ledger has found out about what a journal goes by.
func (s *Snapshot) filter(method string) ledger.Filter {
	for _, c := range s.counters {
		switch c := c.(type) {
		case callCounters:
			if method == client.MethodLastOutgoingCalls {
				return c.ledger.Totals().CallJournal.Filter
			}
		case messageCounters:
			if method == client.MethodLastOutgoingMessages {
				return c.ledger.Totals().MessageJournal.Filter
			}
		}
	}
	return ledger.FilterUnknown
}

// minutesBy names what the window of a journal goes by, as far as that has shown: by rows
// that were watched until they left it, or by the ledger, which compares recent reads with
// whole ones.
func minutesBy(rows *client.RowFacts, filter ledger.Filter) string {
	sending := rows.BySending > 0 || filter == ledger.FilterBySending
	lastAction := rows.ByLastAction > 0 || filter == ledger.FilterByLastAction
	switch {
	case sending && lastAction:
		return "both"
	case sending:
		return "sending"
	case lastAction:
		return "the last action"
	default:
		return "something that is not known yet"
	}
}
