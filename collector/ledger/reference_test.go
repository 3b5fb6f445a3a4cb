package ledger_test

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

// reference is the ledger as one would write it with no eye on speed, size or
// crashes: what the reads so far have shown, by the plain words of the design. The
// model test holds the ledger against it.
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
	view              map[string]*refRow // The rows in the window, by chat and identifier,
	past              map[string]*refRow // and those that have left it.
	loose             []refRow           // Rows that only the view has.
	lastDate          int64              // Of the last read.
	lastSpan          time.Duration      // How far back it went.
	lastRead          int64              // The same by the exporter's clock.
	wholeDate         int64              // Of the last whole read.
	covered           int64
	byAction          int
	bySending         int

	lastAt time.Time // Of the last read, by the true time.

	// After a crash, lastDate may be this much too early or too late.
	early, late int64
}

// refRow is a row of either journal.
type refRow struct {
	key, id  string
	order    uint64 // Who goes first among those last seen at the same time.
	chatType string
	time     int64
	looks    string // Time and status: what makes a row changed.

	call    *ledger.Call
	message *ledger.Message
	stage   int
	failed  map[string]bool

	first         int64 // Its time when it was first seen.
	beyond, stale bool
	lastSeen      int64 // Of the past, by the exporter's clock.
}

func newReference(o ledger.Options) *reference {
	journal := func() refJournal {
		return refJournal{view: map[string]*refRow{}, past: map[string]*refRow{}}
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
	t.DestinationMessages, t.DestinationCalls = maps.Clone(t.DestinationMessages), maps.Clone(t.DestinationCalls)
	c.totals = &t
	c.calls, c.messages = r.calls.clone(), r.messages.clone()
	return &c
}

func (j *refJournal) clone() refJournal {
	c := *j
	c.view, c.past = cloned(j.view), cloned(j.past)
	return c
}

func cloned(rows map[string]*refRow) map[string]*refRow {
	c := map[string]*refRow{}
	for key, e := range rows {
		copied := *e
		copied.failed = maps.Clone(e.failed)
		c[key] = &copied
	}
	return c
}

// restart is what a new process knows that has read the state file: the rows in the
// window pass for seen now.
func (r *reference) restart(now time.Time) {
	for j, totals := range map[*refJournal]*ledger.JournalTotals{&r.calls: &r.totals.CallJournal, &r.messages: &r.totals.MessageJournal} {
		j.lastRead = now.Unix()
		r.forget(j, now)
		totals.Entries = j.entries()
	}
}

func (j *refJournal) entries() int { return len(j.view) + len(j.past) }

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

// reading is one read of a journal.
type reading struct {
	ledger.Read
	now      time.Time // By the exporter's clock.
	at       time.Time // In truth.
	calls    []ledger.Call
	messages []ledger.Message
}

func (w *reading) whole() bool { return w.Recent == 0 }

func (w *reading) span() time.Duration {
	if w.whole() {
		return w.Window
	}
	return w.Recent
}

// begins is when the window begins.
func (w *reading) begins() int64 {
	if w.Date.IsZero() {
		return math.MinInt64
	}
	return w.Date.Add(-w.Window).Unix()
}

func (r *reference) readCalls(w reading, order func(ledger.Call, uint32) uint64) []*reference {
	var rows, loose []refRow
	repeats := map[string]uint32{}
	for _, c := range w.calls {
		row := refRow{time: c.Time, call: &c, chatType: vocabulary.ChatTypeOf(c.ChatID).Label()}
		if len(c.ID) == 0 || c.Status.Open() {
			loose = append(loose, row)
			continue
		}
		id := fmt.Sprintf("%q %d %s", c.ID, c.Time, c.Status.Label())
		repeats[string(c.ChatID)+id]++
		n := repeats[string(c.ChatID)+id]
		row.id = fmt.Sprintf("%s #%d", id, n)
		row.key, row.order = fmt.Sprintf("%q %s", c.ChatID, row.id), order(c, n)
		rows = append(rows, row)
	}
	return r.read(w, &r.calls, &r.totals.CallJournal, rows, loose)
}

func (r *reference) readMessages(w reading, order func(id []byte) uint64) []*reference {
	var rows, loose []refRow
	for _, m := range w.messages {
		row := refRow{
			id: fmt.Sprintf("%q", m.ID), key: fmt.Sprintf("%q %q", m.ChatID, m.ID), order: order(m.ID),
			chatType: vocabulary.ChatTypeOf(m.ChatID).Label(),
			time:     m.Time, looks: fmt.Sprintf("%012d %02d", m.Time, m.Status),
			message: &m, failed: map[string]bool{}, first: m.Time,
		}
		if !m.Type.Protocol() {
			row.stage = int(m.Status.Stage())
			if m.Status.Failed() {
				row.failed[m.Status.Label()] = true
			}
		}
		if len(m.ID) == 0 {
			loose = append(loose, row)
			continue
		}
		at := slices.IndexFunc(rows, func(o refRow) bool { return o.key == row.key })
		if at < 0 {
			rows = append(rows, row)
			continue
		}
		// Several rows of a message are one, and the view has them all.
		same := &rows[at]
		stage, failed, first := max(same.stage, row.stage), row.failed, min(same.first, row.first)
		maps.Copy(failed, same.failed)
		if row.looks > same.looks {
			*same, row = row, *same
		}
		same.stage, same.failed, same.first = stage, failed, first
		loose = append(loose, row)
	}
	return r.read(w, &r.messages, &r.totals.MessageJournal, rows, loose)
}

// read takes in an answer. It returns the reference, and another one when it cannot
// say for certain whether there was a gap.
func (r *reference) read(w reading, j *refJournal, totals *ledger.JournalTotals, rows, loose []refRow) []*reference {
	if len(rows)+len(loose) > r.maxRows {
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
	r.leave(w, j, rows, loose)
	counts := func(row *refRow) bool {
		return !isBaseline && (row.time == 0 || j.baseline == 0 || row.time >= j.baseline-600)
	}
	// Those whose own past is known take it first.
	var others []refRow
	for _, row := range rows {
		if was := j.known(row.key); was != nil {
			r.moved(w, j, totals, was, row)
		} else {
			others = append(others, row)
		}
	}
	for _, row := range others {
		if was := j.renamed(row, rows); was != nil {
			r.moved(w, j, totals, was, row)
			continue
		}
		if w.whole() && j.isLate(row.time) && counts(&row) {
			totals.LateChanges++
		}
		row.stale = w.whole() && row.time != 0 && row.time < w.begins()
		r.take(j, row, counts(&row))
	}
	if w.whole() {
		j.loose = loose
	}
	j.cover(w, rows, loose, gap || isBaseline)
	r.forget(j, w.now)
	r.makeRoom(j, totals)

	if !j.baselined {
		j.created = date
	}
	if date != 0 && (isBaseline || j.baseline == 0) {
		j.baseline = date
	}
	j.baselined, j.window = true, w.Window
	// A recent read that was too short leaves the judgement of a gap to the next whole one.
	if tooShort := !w.whole() && date != 0 && j.lastDate != 0 && date-j.lastDate > int64((w.span()-2*time.Minute)/time.Second); !tooShort {
		j.lastDate = date
	}
	j.lastRead, j.lastSpan = w.now.Unix(), w.span()
	if w.whole() {
		j.wholeDate = date
	}
	j.early, j.late, j.lastAt = 0, 0, w.at
	totals.Entries = j.entries()
	totals.Baseline, totals.Created = fromUnix(j.baseline), fromUnix(j.created)
	totals.Filter = j.filter()
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

func (j *refJournal) gap(w reading, rows []refRow, date int64) (certain, unsure bool) {
	unchanged := slices.ContainsFunc(rows, func(row refRow) bool {
		was, in := j.view[row.key]
		return in && was.looks == row.looks
	})
	if w.Truncated && !unchanged {
		return true, false
	}
	if date == 0 || j.lastDate == 0 || !w.whole() {
		return false, false
	}
	tooLong := func(last int64) bool {
		return time.Duration(date-last)*time.Second > w.span()-2*time.Minute
	}
	certain = tooLong(j.lastDate + j.late)
	return certain, !certain && tooLong(j.lastDate-j.early)
}

// leave takes the rows out of the view that have left the window.
func (r *reference) leave(w reading, j *refJournal, rows, loose []refRow) {
	oldest := int64(math.MaxInt64)
	in := map[string]bool{}
	for _, row := range slices.Concat(rows, loose) {
		in[row.key] = true
		if row.time != 0 {
			oldest = min(oldest, row.time)
		}
	}
	for key, row := range j.view {
		old := row.time != 0 && row.time < w.begins()
		beyond := row.time != 0 && oldest != math.MaxInt64 && (row.time < oldest || row.message != nil && row.first != 0 && row.first < oldest)
		switch {
		case in[key]:
			row.beyond = false
		case !w.whole() && (!old || row.stale):
		case w.whole() && w.Truncated && !old && beyond:
			row.beyond, row.stale = true, false
		default:
			delete(j.view, key)
			row.lastSeen, row.beyond = j.lastRead, false
			j.past[key] = row
		}
	}
}

// known returns a row that is remembered, and takes it out of the past.
func (j *refJournal) known(key string) *refRow {
	if was, in := j.view[key]; in {
		return was
	}
	was := j.past[key]
	delete(j.past, key)
	return was
}

// renamed returns the row that this one was before its chat had another id, and takes
// it out of where it was.
func (j *refJournal) renamed(row refRow, rows []refRow) *refRow {
	for _, from := range []map[string]*refRow{j.view, j.past} {
		for key, was := range from {
			stillThere := slices.ContainsFunc(rows, func(o refRow) bool { return o.key == key })
			if was.id == row.id && was.chatType == row.chatType && !stillThere {
				delete(from, key)
				return was
			}
		}
	}
	return nil
}

// moved counts what a row shows that was there before.
func (r *reference) moved(w reading, j *refJournal, totals *ledger.JournalTotals, was *refRow, row refRow) {
	inView := j.view[row.key] == was
	if m := row.message; m != nil {
		if inView && was.looks != row.looks {
			j.note(w, was.first, row.time)
			if w.whole() && j.isLate(row.time) {
				totals.LateChanges++
			}
		}
		if !m.Type.Protocol() {
			r.reach(was.chatType, was.stage, row.stage, 1)
		}
		for reason := range row.failed {
			if !was.failed[reason] {
				r.totals.Failed[ledger.FailureLabels{Reason: reason, ChatType: was.chatType}]++
			}
		}
		if !m.Type.Protocol() {
			row.stage = max(row.stage, was.stage)
			maps.Copy(row.failed, was.failed)
		}
		if was.lastSeen == 0 {
			row.first = was.first
		}
	}
	row.stale = inView && was.stale && was.looks == row.looks
	if w.whole() {
		row.stale = row.time != 0 && row.time < w.begins()
	}
	j.view[row.key] = &row
}

// take counts what a row shows that was never there.
func (r *reference) take(j *refJournal, row refRow, counts bool) {
	n := uint64(0)
	if counts {
		n = 1
	}
	j.view[row.key] = &row
	t := r.totals
	if c := row.call; c != nil {
		media := c.Media.Label()
		t.Calls[ledger.CallLabels{Status: c.Status.Label(), Media: media, ChatType: row.chatType}] += n
		for _, status := range c.Participants {
			t.Participants[ledger.CallLabels{Status: status.Label(), Media: media, ChatType: row.chatType}] += n
		}
		if c.Status.Label() == "pickUp" {
			labels := ledger.DurationLabels{Media: media, ChatType: row.chatType}
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
	t.Observed[ledger.ObservedLabels{Type: m.Type.Label(), ChatType: row.chatType, Origin: m.Origin.Label()}] += n
	if m.Type.Protocol() {
		return
	}
	r.reach(row.chatType, 0, row.stage, n)
	for reason := range row.failed {
		t.Failed[ledger.FailureLabels{Reason: reason, ChatType: row.chatType}] += n
	}
}

func (r *reference) reach(chatType string, after, upTo int, n uint64) {
	for stage, counter := range map[int]map[string]uint64{1: r.totals.Sent, 2: r.totals.Delivered, 3: r.totals.Read} {
		counter[chatType] += 0
		if after < stage && stage <= upTo {
			counter[chatType] += n
		}
	}
}

// isLate tells whether recent reads should have shown a change of this time.
func (j *refJournal) isLate(at int64) bool {
	return j.lastSpan != 0 && j.lastSpan < j.window && j.lastDate != 0 && j.wholeDate != 0 && at != 0 &&
		at >= j.wholeDate-600 && at <= j.lastDate-120
}

// note collects evidence of what the API goes by.
func (j *refJournal) note(w reading, first, at int64) {
	switch {
	case w.Date.IsZero() || first == 0:
	case !w.whole():
		if first < w.Date.Unix()-int64(w.Recent/time.Second)-120 {
			j.byAction++
		}
	case j.isLate(at) && first < j.lastDate-int64(j.lastSpan/time.Second)-120:
		j.bySending++
	}
}

func (j *refJournal) filter() ledger.Filter {
	switch {
	case j.byAction > 4*j.bySending:
		return ledger.FilterByLastAction
	case j.bySending > 4*j.byAction:
		return ledger.FilterBySending
	}
	return ledger.FilterUnknown
}

// cover says since when the view has all rows.
func (j *refJournal) cover(w reading, rows, loose []refRow, broken bool) {
	oldest := int64(math.MaxInt64)
	for _, row := range slices.Concat(rows, loose) {
		if row.time != 0 {
			oldest = min(oldest, row.time)
		}
	}
	switch {
	case w.whole() && !w.Truncated:
		j.covered = 0
	case w.Truncated && broken:
		j.covered = oldest
	case j.covered <= w.begins():
		j.covered = 0
	}
}

// forget drops the rows whose retention is over.
func (r *reference) forget(j *refJournal, now time.Time) {
	for key, row := range j.past {
		if now.Unix()-row.lastSeen > int64(r.retention/time.Second) {
			delete(j.past, key)
		}
	}
}

// makeRoom forgets what was not seen for the longest time, and then the oldest of what
// lies beyond the cap.
func (r *reference) makeRoom(j *refJournal, totals *ledger.JournalTotals) {
	forget := func(from map[string]*refRow, may func(*refRow) bool, age func(*refRow) int64) {
		var gone []string
		for key, row := range from {
			if may(row) {
				gone = append(gone, key)
			}
		}
		slices.SortFunc(gone, func(a, b string) int {
			x, y := from[a], from[b]
			return cmp.Or(cmp.Compare(age(x), age(y)), cmp.Compare(x.order, y.order))
		})
		for _, key := range gone {
			if j.entries() <= r.maxEntries {
				return
			}
			if row := from[key]; row.beyond {
				j.covered = max(j.covered, row.time+1)
			}
			delete(from, key)
			totals.Evictions++
		}
	}
	forget(j.past, func(*refRow) bool { return true }, func(row *refRow) int64 { return row.lastSeen })
	forget(j.view, func(row *refRow) bool { return row.beyond }, func(row *refRow) int64 { return row.time })
}

// shown is what the view shows, in the plainest way.
type shown struct {
	Records   int
	Truncated bool
	Rows      map[string]int
	Chats     int
}

func (j *refJournal) shown() shown {
	s := shown{Records: len(j.view) + len(j.loose), Truncated: j.covered != 0, Rows: map[string]int{}}
	chats := map[string]bool{}
	add := func(row *refRow) {
		if c := row.call; c != nil {
			s.Rows[c.Status.Label()+" "+c.Media.Label()+" "+row.chatType]++
			chats[string(c.ChatID)] = true
		} else {
			m := row.message
			s.Rows[m.Status.Label()+" "+m.Type.Label()+" "+row.chatType]++
			chats[string(m.ChatID)] = true
		}
	}
	for _, row := range j.view {
		add(row)
	}
	for i := range j.loose {
		add(&j.loose[i])
	}
	s.Chats = len(chats)
	return s
}

func shownCalls(w *ledger.CallWindow) shown {
	s := shown{Records: w.Records, Truncated: w.Truncated, Rows: map[string]int{}}
	for _, c := range w.Calls {
		s.Rows[c.Status.Label()+" "+c.Media.Label()+" "+c.ChatType.Label()] = c.N
	}
	for _, n := range w.Chats {
		s.Chats += n
	}
	return s
}

func shownMessages(w *ledger.MessageWindow) shown {
	s := shown{Records: w.Records, Truncated: w.Truncated, Rows: map[string]int{}}
	for _, c := range w.Messages {
		s.Rows[c.Status.Label()+" "+c.Type.Label()+" "+c.ChatType.Label()] = c.N
	}
	for _, n := range w.Chats {
		s.Chats += n
	}
	return s
}
