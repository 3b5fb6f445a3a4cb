package collector

import (
	"math"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

// The documentation says how much memory an account's trend takes.
func TestSizeOfATrend(t *testing.T) {
	t.Parallel()
	if size := unsafe.Sizeof(slot{}); size != 20 {
		t.Errorf("a slot takes %d bytes", size)
	}
	if size := unsafe.Sizeof(trend{}); size > 6000 {
		t.Errorf("a trend takes %d bytes", size)
	}
}

// read is a snapshot of an account at a time, with what has been counted.
func read(at time.Time, state string, counted *ledger.Ledger) *Snapshot {
	return &Snapshot{
		Attempted: at,
		Results:   []Result{{Collector: "state", finding: accountState{state: state}}},
		counters:  []finding{callCounters{ledger: counted}, messageCounters{ledger: counted}},
	}
}

// add lets the ledger see a message that was delivered and a call that was answered
// of each id.
func add(t *testing.T, l *ledger.Ledger, at time.Time, ids ...string) {
	t.Helper()
	const sent = 946684800
	delivered, _ := vocabulary.MessageStatusLabelled("delivered")
	text, _ := vocabulary.MessageTypeLabelled("textMessage")
	pickUp, _ := vocabulary.CallStatusLabelled("pickUp")
	messages := l.BeginMessages()
	for _, id := range ids {
		messages.Add(ledger.Message{ChatID: []byte("1@c.us"), ID: []byte(id), Time: sent, Status: delivered, Type: text, Origin: vocabulary.OriginAPI})
	}
	calls := l.BeginCalls()
	for _, id := range ids {
		calls.Add(ledger.Call{ChatID: []byte("1@c.us"), ID: []byte(id), Time: sent, Duration: 60, Status: pickUp})
	}
	if _, err := messages.Commit(ledger.Read{Date: at, Window: 24 * time.Hour}); err != nil {
		t.Fatal(err)
	}
	if _, err := calls.Commit(ledger.Read{Date: at, Window: 24 * time.Hour}); err != nil {
		t.Fatal(err)
	}
}

func TestTrend(t *testing.T) {
	t.Parallel()
	counted := ledger.New(ledger.Options{})
	start := time.Unix(946684800, 0)
	i := new(Instance)
	add(t, counted, start, "before")
	i.trend.note(read(start, authorized, counted))
	add(t, counted, start.Add(time.Minute), "before", "a", "b")
	i.trend.note(read(start.Add(time.Minute), authorized, counted))
	add(t, counted, start.Add(7*time.Minute), "before", "a", "b", "c")
	i.trend.note(read(start.Add(7*time.Minute), "notAuthorized", counted))
	failed := read(start.Add(8*time.Minute), authorized, counted)
	failed.Results[0] = Result{Collector: "state", Err: &client.Error{Reason: client.ReasonTimeout}}
	i.trend.note(failed)

	got := i.Trend(start.Add(18*time.Minute), trendSlots)[trendSlots-4:]
	want := []TrendPoint{
		{Messages: 2, Delivered: 2, Calls: 2, Answered: 2, Talk: 2 * time.Minute, Reads: 2},
		{Messages: 1, Delivered: 1, Calls: 1, Answered: 1, Talk: time.Minute, Reads: 2, Failures: 1, Severity: Critical},
		{},
		{},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("steps (-want +got):\n%s", diff)
	}
	half := i.Trend(start.Add(18*time.Minute), 48)
	if sum := half[47]; sum.Messages != 3 || sum.Reads != 4 || sum.Talk != 3*time.Minute || sum.Severity != Critical {
		t.Errorf("the last half hour: %+v", sum)
	}
	// A day later it is forgotten, whether somebody reads or not.
	for _, p := range i.Trend(start.Add(25*time.Hour), trendSlots) {
		if p != (TrendPoint{}) {
			t.Errorf("a day later: %+v", p)
		}
	}
	i.trend.note(read(start.Add(25*time.Hour), authorized, counted))
	for n, p := range i.Trend(start.Add(25*time.Hour), trendSlots)[:trendSlots-1] {
		if p != (TrendPoint{}) {
			t.Errorf("step %d a day later: %+v", n, p)
		}
	}
	// A clock that is set back adds to the newest step.
	i.trend.note(read(start.Add(24*time.Hour), authorized, counted))
	if newest := i.Trend(start.Add(25*time.Hour), trendSlots)[trendSlots-1]; newest.Reads != 2 {
		t.Errorf("after the clock was set back: %+v", newest)
	}
	// One that was days ahead does not hide what is seen once it is right.
	for _, right := range []time.Time{start, time.Unix(60, 0), time.Unix(-60, 0)} {
		i.trend.note(read(right.Add(100*24*time.Hour), authorized, counted))
		i.trend.note(read(right, authorized, counted))
		got := i.Trend(right, trendSlots)
		if newest := got[trendSlots-1]; newest.Reads != 1 {
			t.Errorf("%s, after the clock was days ahead: %+v", right.UTC(), newest)
		}
		for n, p := range got[:trendSlots-1] {
			if p != (TrendPoint{}) {
				t.Errorf("%s, step %d: %+v", right.UTC(), n, p)
			}
		}
	}
}

func TestSlotsSaturate(t *testing.T) {
	t.Parallel()
	var s slot
	for range 3 {
		s.add(TrendPoint{Messages: 60_000, Delivered: 1, Talk: math.MaxUint32 * time.Second, Reads: 200, Severity: Warning})
	}
	want := slot{talk: math.MaxUint32, messages: math.MaxUint16, delivered: 3, reads: math.MaxUint8, severity: uint8(Warning)}
	if s != want {
		t.Errorf("%+v", s)
	}
}

// An account's condition has a beginning; that of the first read may lie before it.
func TestSince(t *testing.T) {
	t.Parallel()
	counted := ledger.New(ledger.Options{})
	start := time.Unix(946684800, 0)
	var tr trend
	for _, test := range []struct {
		minutes int
		state   string
		since   int
		atLeast bool
	}{
		{0, "blocked", 0, true},
		{1, "blocked", 0, true},
		{2, authorized, 2, false},
		{3, "starting", 3, false},
		{9, "starting", 3, false},
		{10, "blocked", 10, false},
	} {
		s := read(start.Add(time.Duration(test.minutes)*time.Minute), test.state, counted)
		tr.note(s)
		if want := start.Add(time.Duration(test.since) * time.Minute); !s.Since.Equal(want) || s.SinceAtLeast != test.atLeast {
			t.Errorf("minute %d: since %v (at least: %v), want %v", test.minutes, s.Since, s.SinceAtLeast, want)
		}
	}
}

// A past that is known tells since when an account is as it is.
func TestPast(t *testing.T) {
	t.Parallel()
	counted := ledger.New(ledger.Options{})
	now := time.Unix(946684800, 0)
	i := new(Instance)
	points := []TrendPoint{{Messages: 5, Reads: 1}, {Messages: 7, Reads: 1, Severity: Critical}, {Reads: 1, Severity: Critical}}
	i.SetPast(now, points)
	s := read(now.Add(time.Minute), "blocked", counted)
	i.trend.note(s)
	if want := now.Add(-10 * time.Minute); !s.Since.Equal(want) || s.SinceAtLeast {
		t.Errorf("since %v, want %v", s.Since, want)
	}
	want := append(points, TrendPoint{Reads: 1, Severity: Critical})
	if diff := cmp.Diff(want, i.Trend(now, trendSlots)[trendSlots-4:]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	i.SetPast(now, points)
	if sum := i.Trend(now, 48)[47]; sum.Messages != 12 {
		t.Errorf("a past was added to an account that had been read: %+v", sum)
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	failed := Result{Collector: "calls", Err: &client.Error{Reason: client.ReasonUnauthorized}}
	inState := func(state string) Result {
		return Result{Collector: "state", finding: accountState{state: state}}
	}
	setting := func(name string) Result {
		return Result{Collector: "settings", finding: enabledSettings{name: false}}
	}
	for name, test := range map[string]struct {
		results []Result
		want    Severity
	}{
		"fine":                {[]Result{inState(authorized)}, Fine},
		"state not asked for": {[]Result{{Collector: "messages"}}, Fine},
		"failed":              {[]Result{inState(authorized), failed}, Critical},
		"failed and sleeping": {[]Result{inState("sleepMode"), failed}, Critical},
		"blocked":             {[]Result{inState("blocked")}, Critical},
		"sleeping":            {[]Result{inState("sleepMode")}, Warning},
		"other":               {[]Result{inState(vocabulary.Other)}, Warning},
		"no receipts":         {[]Result{inState(authorized), setting("outgoingWebhook")}, Warning},
		"no calls wanted":     {[]Result{inState(authorized), setting("outgoingCallWebhook")}, Fine},
		"nothing offered":     {[]Result{{Collector: "calls", Unsupported: true}}, Critical},
		"nothing turned on":   {nil, Critical},
	} {
		s := &Snapshot{Results: test.results}
		condition := s.Condition()
		if condition.Severity != test.want {
			t.Errorf("%s: %v, want %v", name, condition.Severity, test.want)
		}
		if up := s.Up(); !up && condition.Severity != Critical {
			t.Errorf("%s: not up, and yet %v", name, condition.Severity)
		}
		if (condition.Remedy == "") != (condition.Severity == Fine) {
			t.Errorf("%s: remedy %q", name, condition.Remedy)
		}
	}
	if got := (*Snapshot)(nil).Condition().Severity; got != Unknown {
		t.Errorf("never read: %v", got)
	}
	if StateSeverity("yellowCard") != Critical || StateSeverity("") != Warning || StateSeverity("authorized") != Fine {
		t.Error("states as the API spells them")
	}
}
