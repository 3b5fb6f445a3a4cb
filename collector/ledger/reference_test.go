package ledger_test

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

// reference is the ledger as one would write it with no eye on speed, size or
// crashes: what the whole journals read so far have shown, by the plain words of
// the design. The model test holds the ledger against it.
type reference struct {
	retention  time.Duration
	maxEntries int
	maxRows    int
	totals     *ledger.Totals

	calls, messages refJournal
}

// refJournal is what a reference knows about one journal.
type refJournal struct {
	baselined         bool
	baseline, created int64
	window            time.Duration
	last              map[string]string // Of the last whole read: what each row looked like.
	lastDate          int64             // Of the same.
	lastRead          int64             // The same by the exporter's clock.
	known             map[string]*refEntry

	lastAt time.Time // The same by the true time.

	// After a crash, lastDate may be this much too early or too late.
	early, late int64
}

// refEntry is what is known of one call or message.
type refEntry struct {
	lastSeen int64
	order    uint64 // Who goes first among those last seen at the same time.
	stage    int
	failed   map[string]bool
	chatType string
}

func newReference(o ledger.Options) *reference {
	journal := func() refJournal {
		return refJournal{last: map[string]string{}, known: map[string]*refEntry{}}
	}
	return &reference{
		retention: o.Retention, maxEntries: o.MaxEntries, maxRows: o.MaxRows,
		totals: ledger.New(ledger.Options{}).Totals(),
		calls:  journal(), messages: journal(),
	}
}

func (r *reference) clone() *reference {
	c := *r
	t := *r.totals
	t.Calls, t.Participants = maps.Clone(t.Calls), maps.Clone(t.Participants)
	t.Durations, t.Observed = maps.Clone(t.Durations), maps.Clone(t.Observed)
	t.Sent, t.Delivered, t.Read = maps.Clone(t.Sent), maps.Clone(t.Delivered), maps.Clone(t.Read)
	t.Failed = maps.Clone(t.Failed)
	c.totals = &t
	c.calls, c.messages = r.calls.clone(), r.messages.clone()
	return &c
}

func (j *refJournal) clone() refJournal {
	c := *j
	c.last, c.known = maps.Clone(j.last), map[string]*refEntry{}
	for key, e := range j.known {
		copied := *e
		copied.failed = maps.Clone(e.failed)
		c.known[key] = &copied
	}
	return c
}

// restart is what a new process knows that has read the state file: keys of the
// last journal pass for seen now.
func (r *reference) restart(now time.Time) {
	r.calls.lastRead, r.messages.lastRead = now.Unix(), now.Unix()
	r.forget(&r.calls, now)
	r.forget(&r.messages, now)
	r.totals.CallJournal.Entries, r.totals.MessageJournal.Entries = len(r.calls.known), len(r.messages.known)
}

// crashed makes the reference as unsure of the last Date as the state file is.
func (r *reference) crashed(dateGoesBack bool) {
	for _, j := range []*refJournal{&r.calls, &r.messages} {
		slack := int64(min(15*time.Minute, j.window/16) / time.Second)
		j.early = slack
		if dateGoesBack {
			j.late = slack
		}
	}
}

// refRow is a row of either journal, told apart from the others by its key.
type refRow struct {
	key   string
	order uint64
	time  int64
	looks string // Time and status: what makes a row changed.

	call    *ledger.Call
	message *ledger.Message
	stage   int
	failed  map[string]bool
}

// read is one whole journal.
type wholeRead struct {
	ledger.Read
	now      time.Time // By the exporter's clock.
	at       time.Time // In truth.
	calls    []ledger.Call
	messages []ledger.Message
}

func (r *reference) readCalls(w wholeRead, order func(ledger.Call, uint32) uint64) []*reference {
	var rows []refRow
	repeats := map[string]uint32{}
	for _, c := range w.calls {
		if len(c.ID) == 0 || c.Status == "unknown" || c.Status == "offer" {
			continue
		}
		same := fmt.Sprintf("%q %q %d %s", c.ChatID, c.ID, c.Time, c.Status)
		repeats[same]++
		rows = append(rows, refRow{
			key: fmt.Sprintf("%s #%d", same, repeats[same]), order: order(c, repeats[same]),
			time: c.Time, call: &c,
		})
	}
	return r.read(w, &r.calls, &r.totals.CallJournal, rows)
}

var stageOf = map[string]int{"sent": 1, "delivered": 2, "read": 3}

var failureReasons = []string{"noAccount", "notInGroup", "failed", "suspended", "noActiveSession"}

// statusRank says whose look a message has of whose rows several have the same time.
var statusRank = []string{
	"other", "pending", "sent", "delivered", "read",
	"noAccount", "notInGroup", "failed", "suspended", "noActiveSession", "unknown",
}

func (r *reference) readMessages(w wholeRead, order func(chatID, id []byte) uint64) []*reference {
	var rows []refRow
	for _, m := range w.messages {
		if len(m.ID) == 0 {
			continue
		}
		row := refRow{
			key: fmt.Sprintf("%q %q", m.ChatID, m.ID), order: order(m.ChatID, m.ID),
			time: m.Time, looks: fmt.Sprintf("%012d %02d", m.Time, slices.Index(statusRank, m.Status)),
			message: &m, stage: stageOf[m.Status], failed: map[string]bool{},
		}
		if slices.Contains(failureReasons, m.Status) {
			row.failed[m.Status] = true
		}
		at := slices.IndexFunc(rows, func(o refRow) bool { return o.key == row.key })
		if at < 0 {
			rows = append(rows, row)
			continue
		}
		same := &rows[at]
		same.time, same.looks, same.stage = max(same.time, row.time), max(same.looks, row.looks), max(same.stage, row.stage)
		maps.Copy(same.failed, row.failed)
	}
	return r.read(w, &r.messages, &r.totals.MessageJournal, rows)
}

// read takes in a whole journal. It returns the reference, and another one when
// it cannot say for certain whether there was a gap.
func (r *reference) read(w wholeRead, j *refJournal, totals *ledger.JournalTotals, rows []refRow) []*reference {
	if len(rows) > r.maxRows {
		totals.Gaps++
		return []*reference{r}
	}
	r.forget(j, w.now)
	var date int64
	if !w.Date.IsZero() {
		date = w.Date.Unix()
		if j.baseline != 0 {
			j.baseline = min(j.baseline, date)
		}
		if j.created != 0 {
			j.created = min(j.created, date)
		}
	}
	isBaseline := !j.baselined || w.Window > j.window
	gap, unsure := j.gap(w, rows, date)
	for _, row := range rows {
		r.take(j, row, !isBaseline && (row.time == 0 || j.baseline == 0 || row.time >= j.baseline-600))
	}
	j.leave(rows)
	r.forget(j, w.now)
	r.makeRoom(j, totals)

	if !j.baselined {
		j.created = date
	}
	if date != 0 && (isBaseline || j.baseline == 0) {
		j.baseline = date
	}
	j.baselined, j.window, j.lastDate, j.lastRead = true, w.Window, date, w.now.Unix()
	j.early, j.late, j.lastAt = 0, 0, w.at
	totals.Entries = len(j.known)
	totals.Baseline, totals.Created = fromUnix(j.baseline), fromUnix(j.created)
	if isBaseline {
		return []*reference{r}
	}
	all := []*reference{r}
	if unsure {
		all = append(all, r.clone())
	}
	if gap || unsure {
		totals.Gaps++
	}
	return all
}

func fromUnix(seconds int64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(seconds, 0).UTC()
}

func (j *refJournal) gap(w wholeRead, rows []refRow, date int64) (certain, unsure bool) {
	unchanged := slices.ContainsFunc(rows, func(row refRow) bool {
		looked, in := j.last[row.key]
		return in && looked == row.looks
	})
	if w.Truncated && !unchanged {
		return true, false
	}
	if date == 0 || j.lastDate == 0 {
		return false, false
	}
	tooLong := func(last int64) bool {
		return time.Duration(date-last)*time.Second > w.Window-2*time.Minute
	}
	certain = tooLong(j.lastDate + j.late)
	return certain, !certain && tooLong(j.lastDate-j.early)
}

// take counts what a row shows for the first time.
func (r *reference) take(j *refJournal, row refRow, counts bool) {
	n := uint64(0)
	if counts {
		n = 1
	}
	e, known := j.known[row.key]
	if !known {
		e = &refEntry{order: row.order, failed: map[string]bool{}}
		j.known[row.key] = e
	}
	t := r.totals
	if c := row.call; c != nil {
		if known {
			return
		}
		t.Calls[ledger.CallLabels{Status: c.Status, Media: c.Media, ChatType: c.ChatType}] += n
		for _, status := range c.Participants {
			t.Participants[ledger.CallLabels{Status: status, Media: c.Media, ChatType: c.ChatType}] += n
		}
		if c.Status == "pickUp" {
			labels := ledger.DurationLabels{Media: c.Media, ChatType: c.ChatType}
			h := t.Durations[labels]
			h.Count += n
			h.Sum += int64(n) * c.Duration
			for i, bound := range ledger.DurationBuckets {
				if float64(c.Duration) <= bound {
					h.Buckets[i] += n
				}
			}
			t.Durations[labels] = h
		}
		return
	}
	m := row.message
	if !known {
		e.chatType = m.ChatType
		t.Observed[ledger.ObservedLabels{Type: m.Type, ChatType: m.ChatType, Origin: m.Origin}] += n
	} else {
		n = 1
	}
	for stage, counter := range map[int]map[string]uint64{1: t.Sent, 2: t.Delivered, 3: t.Read} {
		counter[e.chatType] += 0
		if e.stage < stage && stage <= row.stage {
			counter[e.chatType] += n
		}
	}
	e.stage = max(e.stage, row.stage)
	for reason := range row.failed {
		if !e.failed[reason] {
			t.Failed[ledger.FailureLabels{Reason: reason, ChatType: e.chatType}] += n
			e.failed[reason] = true
		}
	}
}

// forget drops the keys whose retention is over.
func (r *reference) forget(j *refJournal, now time.Time) {
	for key, e := range j.known {
		if _, in := j.last[key]; !in && now.Unix()-e.lastSeen > int64(r.retention/time.Second) {
			delete(j.known, key)
		}
	}
}

// leave makes rows the last whole journal.
func (j *refJournal) leave(rows []refRow) {
	for key := range j.last {
		j.known[key].lastSeen = j.lastRead
	}
	j.last = map[string]string{}
	for _, row := range rows {
		j.last[row.key] = row.looks
	}
}

// makeRoom forgets what was not seen for the longest time.
func (r *reference) makeRoom(j *refJournal, totals *ledger.JournalTotals) {
	var gone []string
	for key := range j.known {
		if _, in := j.last[key]; !in {
			gone = append(gone, key)
		}
	}
	slices.SortFunc(gone, func(a, b string) int {
		x, y := j.known[a], j.known[b]
		return cmp.Or(cmp.Compare(x.lastSeen, y.lastSeen), cmp.Compare(x.order, y.order))
	})
	for len(j.known) > r.maxEntries && len(gone) > 0 {
		delete(j.known, gone[0])
		gone = gone[1:]
		totals.Evictions++
	}
}
