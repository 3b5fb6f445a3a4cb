package web

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/expfmt"
)

// refreshPage tells what one refresh did.
type refreshPage struct {
	page

	Name, ID   string
	APIHost    string
	Window     string
	Began      moment
	Took       string
	Linked     bool // whether there is a page of the account
	Badge      badge
	Outcome    string
	Remedy     string
	Shared     string // how long before the request the refresh began; empty when it began for it
	Probed     bool   // whether the page was asked for at probePath
	Account    accountCell
	Journals   []journalCell
	Collectors []collectorRow
	Requests   []requestRow
	Lines      []lineRow
	Contact    []string // how the API behaves, a line each
	Metrics    string
	Incomplete bool // whether metrics are missing
}

// collectorRow is what a collector came to.
type collectorRow struct {
	Collector   string
	Failed      bool
	Outcome     string
	Took        string
	LastSuccess string // empty before the first
}

// requestRow is a request to the API.
type requestRow struct {
	Method    string
	Sent      string // after the refresh began
	Status    int    // 0 when no answer came
	FirstByte string // empty when none came
	Took      string
	Bytes     string
	Failed    bool
	Outcome   string
}

// lineRow is a line of the log.
type lineRow struct {
	At    string // after the refresh began
	Level string
	Text  string
}

// debug serves what a refresh did, and its metrics, as a page.
func (s *Server) debug(w http.ResponseWriter, r *http.Request, instance *collector.Instance) {
	asked := time.Now()
	found := s.refresh(r, []*collector.Instance{instance})
	p := s.newRefreshPage(found[0])
	p.Probed = true
	if before := asked.Sub(found[0].Attempted); before > 0 {
		p.Shared = took(before)
	}
	var err error
	if p.Metrics, err = exposition(found); err != nil {
		p.Incomplete = true
		s.opts.Logger.ErrorContext(r.Context(), "exposition incomplete", "err", err)
	}
	s.render(w, r, p.Here, p)
}

// newRefreshPage tells what a snapshot knows of its refresh.
func (s *Server) newRefreshPage(snapshot *collector.Snapshot) refreshPage {
	return refreshPage{
		page: s.newPage("refresh", "Read of "+snapshot.Name),
		Name: snapshot.Name, ID: snapshot.ID, APIHost: snapshot.APIHost, Window: period(snapshot.Window),
		Began: newMoment(snapshot.Attempted, time.Since(snapshot.Attempted)), Took: took(snapshot.Duration),
		Linked: s.known(snapshot.Name), Badge: newBadge(snapshot), Outcome: outcome(snapshot), Remedy: snapshot.Condition().Remedy,
		Account: newAccountCell(snapshot), Journals: journalCells(snapshot),
		Collectors: collectorRows(snapshot), Requests: requestRows(snapshot), Lines: lineRows(snapshot),
		Contact: snapshot.FirstContact(),
	}
}

func collectorRows(s *collector.Snapshot) []collectorRow {
	rows := make([]collectorRow, 0, len(s.Results))
	for _, result := range s.Results {
		row := collectorRow{
			Collector: result.Collector, Failed: result.Err != nil, Outcome: "succeeded", Took: took(result.Duration),
		}
		switch {
		case result.Err != nil:
			row.Outcome = cause(result.Err)
		case result.Unsupported:
			row.Outcome = "not offered for this instance"
		}
		if !result.LastSuccess.IsZero() {
			row.LastSuccess = newMoment(result.LastSuccess, 0).UTC
		}
		rows = append(rows, row)
	}
	return rows
}

// requestRows returns the requests in the order in which they were sent.
func requestRows(s *collector.Snapshot) []requestRow {
	exchanges := slices.SortedStableFunc(slices.Values(s.Exchanges), func(a, b client.Exchange) int {
		return cmp.Or(a.Sent.Compare(b.Sent), cmp.Compare(a.Method, b.Method))
	})
	rows := make([]requestRow, 0, len(exchanges))
	for _, x := range exchanges {
		row := requestRow{
			Method: x.Method, Sent: after(s, x.Sent), Status: x.Status,
			Took: took(x.Duration), Bytes: size(x.Bytes), Outcome: "succeeded",
		}
		if x.Status != 0 {
			row.FirstByte = took(x.FirstByte)
		}
		if x.Err != nil {
			row.Failed, row.Outcome = true, phrase(x.Err)
		}
		rows = append(rows, row)
	}
	return rows
}

func lineRows(s *collector.Snapshot) []lineRow {
	rows := make([]lineRow, 0, len(s.Log))
	for _, line := range s.Log {
		var text strings.Builder
		text.WriteString(line.Message)
		for _, attr := range line.Attrs {
			if attr.Key != "id_instance" { // the page is about one instance
				fmt.Fprintf(&text, " %s=%s", attr.Key, attrText(attr.Value))
			}
		}
		rows = append(rows, lineRow{
			At: after(s, line.At), Level: strings.ToLower(line.Level.String()), Text: text.String(),
		})
	}
	return rows
}

// after says how long after the beginning of a refresh something happened.
func after(s *collector.Snapshot, at time.Time) string {
	return "+" + took(at.Sub(s.Attempted).Truncate(time.Millisecond))
}

// attrText writes a value of a log line, quoted where it holds more than a word.
func attrText(value slog.Value) string {
	text := value.Resolve().String()
	if text == "" || strings.ContainsAny(text, " \"=\n") {
		return strconv.Quote(text)
	}
	return text
}

// exposition returns metrics as text. With an error, some are missing.
func exposition(gatherer prometheus.Gatherer) (string, error) {
	families, err := gatherer.Gather()
	var text strings.Builder
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&text, family); err != nil {
			return text.String(), fmt.Errorf("write metrics as text: %w", err)
		}
	}
	if err != nil {
		return text.String(), fmt.Errorf("gather metrics: %w", err)
	}
	return text.String(), nil
}
