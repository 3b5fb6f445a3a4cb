// Package trial reads every account once and says how that went, to a person who has
// just written a configuration.
package trial

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
)

// wholeTime bounds a trial of any number of accounts.
const wholeTime = 10 * time.Minute

// accountGrace is how long an account may take beyond the timeout of one request: its
// collectors ask at once, but some ask twice.
const accountGrace = 15 * time.Second

// Result counts accounts by how they fared.
type Result struct {
	Accounts int
	Failed   int  // could not be read, or not whole
	Troubled int  // were read, but cannot send
	Partner  bool // the partner API could not be asked
}

// Run reads every account of the fleet's configuration once, those of the partner's
// account included, and writes a table. Timeout is that of one request. It is over
// after some minutes at the latest.
func Run(ctx context.Context, fleet *collector.Fleet, cfg *config.Config, timeout time.Duration, out io.Writer) Result {
	ctx, cancel := context.WithTimeout(ctx, wholeTime)
	defer cancel()
	var result Result
	if p := cfg.Partner; p != nil {
		fmt.Fprintf(out, "Asking the partner API at %s for its accounts.\n", p.APIURL)
		if err := fleet.DiscoverOnce(ctx); err != nil {
			result.Partner = true
			writePartnerFailure(out, err)
		}
	}
	targets := fleet.Roster().Targets
	result.Accounts = len(targets)
	if len(targets) > 0 {
		fmt.Fprintf(out, "Reading %s, each for %s at most.\n\n", count(len(targets), "account"), timeout+accountGrace)
	}
	snapshots := fleet.ReadOnce(ctx, timeout+accountGrace)
	rows := make([]row, len(targets))
	for n, t := range targets {
		rows[n] = newRow(t, snapshots[n])
		switch rows[n].result {
		case failed:
			result.Failed++
		case troubled:
			result.Troubled++
		}
	}
	writeTable(out, rows)
	writeEnd(out, result, snapshots)
	writeContacts(out, snapshots)
	return result
}

// What an account came to.
const (
	works    = "works"
	remarked = "works, see below"
	troubled = "in trouble"
	failed   = "failed"
)

// row is what the table says of an account.
type row struct {
	cells  [6]string // name, id, state, calls, messages, settings
	result string
	notes  []string // what is wrong, and how to mend it
}

func newRow(t collector.Target, s *collector.Snapshot) row {
	r := row{cells: [6]string{t.Name, t.Instance.ID, "-", "-", "-", "-"}, result: works}
	if s == nil {
		r.result, r.notes = failed, []string{"not read: there was no time left; raise --greenapi.concurrency, or test fewer accounts at a time"}
		return r
	}
	summary := s.Summary()
	if summary.State != "" {
		r.cells[2] = summary.State
	}
	r.cells[3], r.cells[4] = records(summary.Calls.JournalSummary), records(summary.Messages.JournalSummary)
	r.settings(summary.Settings)
	r.failures(s)
	switch condition := s.Condition(); {
	case condition.Failed != nil:
		r.result = failed
	case !s.Up():
		r.result = failed
		r.notes = append(r.notes, "the API offers none of the methods that were asked for", mend("check api_url, its path prefix included"))
	case condition.State != "":
		if r.result = remarked; condition.Severity == collector.Critical {
			r.result = troubled
		}
		r.notes = append(r.notes, "the state is "+condition.State+until(summary.SuspendedUntil), mend(condition.Remedy))
	case len(r.notes) > 0:
		r.result = remarked
	}
	return r
}

func mend(remedy string) string { return "-> " + remedy }

func until(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return " until " + t.UTC().Format("2006-01-02 15:04 UTC")
}

// records is the number of a journal's rows.
func records(j collector.JournalSummary) string {
	switch {
	case !j.Known:
		return "-"
	case j.Truncated:
		return strconv.Itoa(j.Records) + "+"
	default:
		return strconv.Itoa(j.Records)
	}
}

// whatIsMissing says what follows from a setting that is off.
var whatIsMissing = map[string]string{
	"outgoingWebhook":        "the statuses of messages are not recorded, they stay \"sent\" for ever",
	"outgoingMessageWebhook": "messages that are sent from the phone do not appear in the journal",
	"outgoingCallWebhook":    "calls do not appear in the journal",
}

// settings tells which of the settings are off that the journals depend on.
func (r *row) settings(known map[string]bool) {
	var off []string
	for name, on := range known {
		if !on {
			off = append(off, name)
		}
	}
	switch {
	case len(known) == 0:
		return
	case len(off) == 0:
		r.cells[5] = "on"
		return
	}
	r.cells[5] = strconv.Itoa(len(off)) + " off"
	for _, name := range slices.Sorted(slices.Values(off)) {
		r.notes = append(r.notes, name+" is off: "+cmp.Or(whatIsMissing[name], "part of the journals is missing"))
	}
	r.notes = append(r.notes, mend("switch it on in the GREEN-API console (or with setSettings)"))
}

// failures tells which collectors failed, those with one cause together.
func (r *row) failures(s *collector.Snapshot) {
	var unsupported []string
	byCause := make(map[string][]string)
	var causes []*client.Error
	for _, result := range s.Results {
		switch {
		case result.Unsupported:
			unsupported = append(unsupported, result.Collector)
		case result.Err != nil:
			cause := causeOf(result.Err)
			if byCause[cause] == nil {
				causes = append(causes, result.Err)
			}
			byCause[cause] = append(byCause[cause], result.Collector)
		}
	}
	for _, err := range causes {
		r.notes = append(r.notes, fmt.Sprintf("%s: %s: %s (asked %s)",
			strings.Join(byCause[causeOf(err)], ", "), err.Reason, causeOf(err), s.APIHost), mend(err.Remedy()))
	}
	if len(unsupported) > 0 && len(unsupported) < len(s.Results) {
		r.notes = append(r.notes, "not offered by the API for this account: "+strings.Join(unsupported, ", "))
	}
}

// causeOf is what an error says, without the method.
func causeOf(err *client.Error) string { return strings.TrimPrefix(err.Error(), err.Method+": ") }

func writePartnerFailure(out io.Writer, err error) {
	var failure *client.Error
	if !errors.As(err, &failure) {
		fmt.Fprintf(out, "  failed: %v\n", err)
		return
	}
	remedy := failure.Remedy()
	if refused := failure.Reason == client.ReasonUnauthorized || failure.Reason == client.ReasonForbidden; refused && failure.Proxy == "" {
		remedy = "check the token of the partner's account, and that api_url is the partner API's"
	}
	fmt.Fprintf(out, "  failed: %s: %s\n  %s\n", failure.Reason, causeOf(failure), mend(remedy))
}

// widest bounds a column, in characters.
const widest = 40

func writeTable(out io.Writer, rows []row) {
	if len(rows) == 0 {
		return
	}
	header := [6]string{"NAME", "ID", "STATE", "CALLS", "MESSAGES", "SETTINGS"}
	var width [6]int
	for column := range width {
		width[column] = len(header[column])
		for _, r := range rows {
			width[column] = max(width[column], min(widest, utf8.RuneCountInString(r.cells[column])))
		}
	}
	line := func(cells [6]string, result string) {
		for column, text := range cells {
			if runes := []rune(text); len(runes) > widest {
				text = string(runes[:widest-1]) + "…"
			}
			if right := column == 3 || column == 4; right { // numbers
				fmt.Fprintf(out, "%*s  ", width[column], text)
			} else {
				fmt.Fprintf(out, "%-*s  ", width[column], text)
			}
		}
		fmt.Fprintln(out, result)
	}
	line(header, "RESULT")
	for _, r := range rows {
		line(r.cells, r.result)
		for _, note := range r.notes {
			fmt.Fprintln(out, "    "+note)
		}
	}
	fmt.Fprintln(out)
}

// maxContacts is for how many accounts the end of a trial says how the API behaves,
// which seldom differs.
const maxContacts = 3

// writeContacts tells how the API behaves where its documentation is open.
func writeContacts(out io.Writer, snapshots []*collector.Snapshot) {
	written := 0
	for _, s := range snapshots {
		if s == nil || len(s.Exchanges) == 0 {
			continue
		}
		if written == maxContacts {
			break
		}
		if written == 0 {
			fmt.Fprintln(out, "\nHow the API behaves where its documentation is open, for an issue of the project. There is no personal data in these lines.")
		}
		written++
		fmt.Fprintf(out, "  account %d\n", written)
		for _, line := range s.FirstContact() {
			fmt.Fprintln(out, "    "+line)
		}
	}
}

// writeEnd sums up, and says what to do next.
func writeEnd(out io.Writer, result Result, snapshots []*collector.Snapshot) {
	if windows := windowsOf(snapshots); len(windows) == 1 {
		fmt.Fprintf(out, "Calls and messages are those of the last %s.\n", config.ShortDuration(windows[0]))
	} else if len(windows) > 1 {
		fmt.Fprintln(out, "Calls and messages are those of each account's window.")
	}
	working := result.Accounts - result.Failed - result.Troubled
	switch {
	case result.Accounts == 0 && result.Partner:
		fmt.Fprintln(out, "No account is known. Fix that as described after ->, and test again.")
	case result.Accounts == 0:
		fmt.Fprintln(out, "There is no account: the partner API lists none that is selected.")
	case working == result.Accounts && !result.Partner:
		fmt.Fprintln(out, "All accounts work. Start the exporter with the same flags and variables, without --config.test.")
	case working == result.Accounts:
		fmt.Fprintln(out, "The accounts of the configuration file work; those of the partner's account are not known. Fix that as described after ->, and test again.")
	default:
		fmt.Fprintf(out, "%d of %d accounts work. Fix the others as described after ->, and test again.\n", working, result.Accounts)
	}
}

// windowsOf returns the different windows of accounts.
func windowsOf(snapshots []*collector.Snapshot) []time.Duration {
	var windows []time.Duration
	for _, s := range snapshots {
		if s != nil && !slices.Contains(windows, s.Window) {
			windows = append(windows, s.Window)
		}
	}
	return windows
}

func count(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return fmt.Sprint(n, " ", what)
}
