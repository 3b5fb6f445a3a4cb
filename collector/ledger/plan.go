package ledger

import (
	"time"
)

// A read asks for the whole window, or for its recent part: what has changed since
// the last read, with a margin. What follows says when it does which.
const (
	// recentMargin is how much further back than to the last read a recent read goes:
	// a row may take 2 minutes to show, and clocks differ.
	recentMargin = 10 * time.Minute
	// longestRecent is the longest time since the last read that a recent read spans.
	longestRecent = time.Hour
	// smallBody is the size of a whole answer up to which there is nothing to be saved.
	smallBody = 256 << 10
)

// PlanCalls returns how far back the journal of calls is to be read next: 0 for the
// whole window. A whole read is due every interval; with 0, every read is one.
func (l *Ledger) PlanCalls(window, interval time.Duration) (recent time.Duration) {
	return l.plan(&l.calls, window, interval)
}

// PlanMessages is PlanCalls for the journal of messages.
func (l *Ledger) PlanMessages(window, interval time.Duration) (recent time.Duration) {
	return l.plan(&l.messages, window, interval)
}

func (l *Ledger) plan(j *journal, window, interval time.Duration) (recent time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return j.meta.plan(clock(l.options.Now()), window, interval)
}

func (m *meta) plan(now uint32, window, interval time.Duration) (recent time.Duration) {
	// What the API shows by the time of sending, only a whole read shows before it
	// leaves the window.
	interval = min(interval, window/2)
	since := func(then uint32) time.Duration { return time.Duration(int64(now)-int64(then)) * time.Second }
	switch {
	case interval <= 0, !m.baselined, window != m.window, m.wholeBytes <= smallBody:
		return 0
	case m.wholeRead == 0, since(m.wholeRead) < 0, since(m.wholeRead) >= interval:
		return 0
	case m.lastRead == 0, since(m.lastRead) < 0, since(m.lastRead) > longestRecent:
		return 0
	}
	recent = (since(m.lastRead) + time.Minute - 1).Truncate(time.Minute) + recentMargin
	if recent >= window {
		return 0
	}
	return recent
}

// Filter is what the API goes by when it is asked for the rows of the last minutes.
type Filter uint8

// The API does not say what it goes by. It is found out from what it shows.
const (
	// FilterUnknown is that of a journal that has not shown it yet.
	FilterUnknown Filter = iota
	// FilterByLastAction shows every row that has changed: recent reads see all.
	FilterByLastAction
	// FilterBySending shows rows that were sent: what becomes of older ones is seen by
	// the next whole read.
	FilterBySending
)

// String returns words for people.
func (f Filter) String() string {
	switch f {
	case FilterByLastAction:
		return "by last action"
	case FilterBySending:
		return "by sending"
	default:
		return "not known yet"
	}
}

// filter judges what was seen. Times of rows are now and then overwritten by the
// API, so one row against the others decides nothing.
func (m *meta) filter() Filter {
	const clearly = 4
	switch {
	case m.byAction > clearly*m.bySending:
		return FilterByLastAction
	case m.bySending > clearly*m.byAction:
		return FilterBySending
	default:
		return FilterUnknown
	}
}

// noteFilter looks at a known message that has changed. first is when it was first
// seen, at is the time of its last action.
func (m *meta) noteFilter(read Read, first, at uint32) {
	const enough = 1 << 20
	switch date := toUnix(read.Date); {
	case date == 0 || first == 0 || m.byAction > enough || m.bySending > enough:
	case !read.whole():
		if int64(first) < date-int64((read.Recent+lateness)/time.Second) {
			m.byAction++
		}
	case m.late(at) && int64(first) < m.lastDate-int64((m.lastSpan+lateness)/time.Second):
		m.bySending++
	}
}

// late reports whether a change that a whole read shows is one that the recent reads
// before it should have shown, if the API went by the last action.
func (m *meta) late(at uint32) bool {
	afterRecent := m.lastSpan > 0 && m.lastSpan < m.window && m.lastDate != 0 && m.wholeDate != 0
	return afterRecent && at != 0 &&
		int64(at) >= m.wholeDate-int64(recentMargin/time.Second) &&
		int64(at) <= m.lastDate-int64(lateness/time.Second)
}
