package simulation_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
)

const (
	testID    = "1101000001"
	testToken = "0123456789abcdef"
)

var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) // a Monday

func path(method string) string {
	return "/waInstance" + testID + "/" + method + "/" + testToken
}

// A world is a simulation of one account, and a hand on its clock.
type world struct {
	t   *testing.T
	sim *simulation.Simulation
	srv *greenapitest.Server

	mu  sync.Mutex
	now time.Time
}

func newWorld(t *testing.T, settings simulation.Settings, account simulation.Account) *world {
	t.Helper()
	w := &world{t: t, now: start}
	account.ID, account.Token = testID, testToken
	settings.Clock = func() time.Time {
		w.mu.Lock()
		defer w.mu.Unlock()
		return w.now
	}
	w.sim = simulation.New(settings, account)
	w.srv = greenapitest.NewUnstartedServer()
	w.srv.AddSimulation(w.sim)
	t.Cleanup(w.srv.Close)
	return w
}

// ask asks a method at a time.
func (w *world) ask(at time.Time, method string, minutes int) *httptest.ResponseRecorder {
	w.mu.Lock()
	w.now = at
	w.mu.Unlock()
	recorder := httptest.NewRecorder()
	target := fmt.Sprintf("http://x%s?minutes=%d", path(method), minutes)
	w.srv.ServeHTTP(recorder, httptest.NewRequestWithContext(w.t.Context(), http.MethodGet, target, nil))
	return recorder
}

type seenRow struct {
	IDMessage, ChatID, StatusMessage, TypeMessage, Status string
	Timestamp                                             int64
	Duration                                              int
	IsVideo                                               bool
	SendByAPI                                             *bool
	Participants                                          []struct{ ID, Status string }
}

func (w *world) rows(at time.Time, method string, minutes int) []seenRow {
	w.t.Helper()
	recorder := w.ask(at, method, minutes)
	var rows []seenRow
	if err := json.Unmarshal(recorder.Body.Bytes(), &rows); err != nil || recorder.Code != 200 {
		w.t.Fatalf("%s: status %d, %v", method, recorder.Code, err)
	}
	return rows
}

// unusual is a behaviour with everything in it that is rare.
func unusual() *simulation.Behaviour {
	b := simulation.UsualBehaviour()
	b.NotInGroup, b.Failed, b.NoActiveSession = 0.05, 0.03, 0.03
	b.Edited, b.ReceiptsReset = 0.1, 0.1
	b.Degenerate, b.Offer, b.RepeatedRows = 0.02, 0.1, 0.1
	return &b
}

func TestSameSeedSameRows(t *testing.T) {
	t.Parallel()
	account := simulation.Account{MessagesPerDay: 300, CallsPerDay: 100, Groups: 4, ThumbnailBytes: 500, Behaviour: unusual()}
	one := newWorld(t, simulation.Settings{Seed: 5}, account)
	two := newWorld(t, simulation.Settings{Seed: 5}, account)
	other := newWorld(t, simulation.Settings{Seed: 6}, account)
	// The second one is asked in another order, and after much else.
	two.ask(start.AddDate(0, 1, 0), "lastOutgoingMessages", 10*1440)
	for _, method := range []string{"lastOutgoingMessages", "lastOutgoingCalls"} {
		var texts []string
		for day := range 3 {
			texts = append(texts, one.ask(start.AddDate(0, 0, day), method, 1440).Body.String())
		}
		for day := 2; day >= 0; day-- {
			at := start.AddDate(0, 0, day)
			if two.ask(at, method, 1440).Body.String() != texts[day] {
				t.Errorf("%s of day %d differs between two runs", method, day)
			}
			if other.ask(at, method, 1440).Body.String() == texts[day] {
				t.Errorf("%s of day %d does not depend on the seed", method, day)
			}
		}
	}
}

func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulation.Settings{Seed: 5}, simulation.Account{MessagesPerDay: 300, CallsPerDay: 30})
	want := w.ask(start, "lastOutgoingMessages", 3000).Body.String()
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 5 {
				if got := w.ask(start, "lastOutgoingMessages", 3000).Body.String(); got != want {
					t.Error("another journal")
				}
				w.sim.Truth(testID, start.AddDate(0, 0, -2), start)
			}
		})
	}
	w.sim.AddIncident(testID, simulation.Incident{Kind: simulation.IncidentLogout, From: start.Add(time.Hour)})
	wg.Wait()
}

// The window moves over the journal: rows by their time, ids that stay, the
// newest first.
func TestWindow(t *testing.T) {
	t.Parallel()
	for _, reading := range []simulation.Reading{simulation.ByLastAction, simulation.BySendingTime} {
		w := newWorld(t, simulation.Settings{Seed: 5, Reading: reading}, simulation.Account{MessagesPerDay: 800, CallsPerDay: 50})
		at := start.AddDate(0, 0, 3).Add(15 * time.Hour)
		day := w.rows(at, "lastOutgoingMessages", 1440)
		hour := w.rows(at, "lastOutgoingMessages", 60)
		if len(hour) < 20 || len(day) < 5*len(hour) {
			t.Errorf("reading %d: %d rows in a day, %d in an hour", reading, len(day), len(hour))
		}
		inDay := make(map[string]bool)
		for _, r := range day {
			inDay[r.IDMessage] = true
			if r.Timestamp > at.Unix() || reading == simulation.ByLastAction && r.Timestamp < at.Add(-24*time.Hour).Unix() {
				t.Errorf("reading %d: a row of %d at %d", reading, r.Timestamp, at.Unix())
			}
		}
		older := false
		for _, r := range hour {
			if !inDay[r.IDMessage] {
				t.Errorf("reading %d: a row of the hour is not in the day", reading)
			}
		}
		// Who filters on sending keeps rows out that have moved late.
		for _, r := range day {
			older = older || r.Timestamp >= at.Add(-time.Hour).Unix() && !slices.ContainsFunc(hour, func(h seenRow) bool { return h.IDMessage == r.IDMessage })
		}
		if older != (reading == simulation.BySendingTime) {
			t.Errorf("reading %d: rows that moved late are left out: %v", reading, older)
		}
		if reading == simulation.ByLastAction && !slices.IsSortedFunc(day, func(a, b seenRow) int { return int(b.Timestamp - a.Timestamp) }) {
			t.Error("rows are not sorted")
		}
	}
}

func TestCapDropsTheOldest(t *testing.T) {
	t.Parallel()
	account := simulation.Account{MessagesPerDay: 500}
	whole := newWorld(t, simulation.Settings{Seed: 5}, account).rows(start.Add(15*time.Hour), "lastOutgoingMessages", 4*1440)
	capped := newWorld(t, simulation.Settings{Seed: 5, Cap: 100}, account).rows(start.Add(15*time.Hour), "lastOutgoingMessages", 4*1440)
	if len(capped) != 100 || len(whole) <= 1000 {
		t.Fatalf("%d of %d rows", len(capped), len(whole))
	}
	if diff := cmp.Diff(whole[:100], capped); diff != "" {
		t.Error(diff)
	}
}

// No incident changes what was seen before it began, and each changes
// something once it has.
func TestIncidentsAreCausal(t *testing.T) {
	t.Parallel()
	account := simulation.Account{MessagesPerDay: 600, CallsPerDay: 400, Groups: 5}
	from := start.AddDate(0, 0, 1).Add(11*time.Hour + 17*time.Minute)
	quiet := newWorld(t, simulation.Settings{Seed: 9}, account)
	methods := []string{"lastOutgoingMessages", "lastOutgoingCalls", "getStateInstance", "getSettings", "getWaSettings", "getMessagesCount"}
	story := func(w *world, at time.Time) string {
		var b strings.Builder
		for _, method := range methods {
			recorder := w.ask(at, method, 600)
			fmt.Fprintf(&b, "%d %s %s\n", recorder.Code, recorder.Header().Get("Date"), recorder.Body)
		}
		return b.String()
	}
	for _, kind := range simulation.IncidentKinds() {
		w := newWorld(t, simulation.Settings{Seed: 9}, account)
		// Seen before, and so kept: the incident must get past that.
		story(w, from.Add(3*time.Hour))
		w.sim.AddIncident(testID, simulation.Incident{
			Kind: kind, From: from, To: from.Add(6 * time.Hour), Factor: 3, Skew: time.Hour, State: "sleepMode",
		})
		for _, before := range []time.Duration{time.Second, time.Minute, 5 * time.Hour} {
			if at := from.Add(-before); story(w, at) != story(quiet, at) {
				t.Errorf("%s: changed what was %v before it", kind, before)
			}
		}
		if at := from.Add(3 * time.Hour); story(w, at) == story(quiet, at) {
			t.Errorf("%s: changes nothing in 3 hours", kind)
		}
	}
}

func TestIncidentAnswers(t *testing.T) {
	t.Parallel()
	from := start.Add(9 * time.Hour)
	at, after := from.Add(time.Hour), from.Add(3*time.Hour)
	tests := []struct {
		incident     simulation.Incident
		method, want string
		status       int
	}{
		{simulation.Incident{Kind: simulation.IncidentRestriction}, "getStateInstance", `"suspended"`, 200},
		{simulation.Incident{Kind: simulation.IncidentRestriction}, "getWaSettings", fmt.Sprintf(`"suspendedUntil":%d`, from.Add(2*time.Hour).Unix()), 200},
		{simulation.Incident{Kind: simulation.IncidentLogout}, "getStateInstance", `"notAuthorized"`, 200},
		{simulation.Incident{Kind: simulation.IncidentLogout, JournalsFail: true}, "lastOutgoingCalls", "not authorized", 400},
		{simulation.Incident{Kind: simulation.IncidentLogout, JournalsFail: true}, "getStateInstance", "notAuthorized", 200},
		{simulation.Incident{Kind: simulation.IncidentBlock}, "getStateInstance", `"blocked"`, 200},
		{simulation.Incident{Kind: simulation.IncidentStarting}, "getStateInstance", `"starting"`, 200},
		{simulation.Incident{Kind: simulation.IncidentStarting, JournalsFail: true}, "lastOutgoingMessages", "in starting process", 400},
		{simulation.Incident{Kind: simulation.IncidentExpired}, "getSettings", "expired", 400},
		{simulation.Incident{Kind: simulation.IncidentState, State: "pendingCode"}, "getStateInstance", `"pendingCode"`, 200},
		{simulation.Incident{Kind: simulation.IncidentState}, "getStateInstance", "null", 200},
		{simulation.Incident{Kind: simulation.IncidentServerErrors}, "lastOutgoingCalls", "error", 500},
		{simulation.Incident{Kind: simulation.IncidentServerErrors, Status: 504}, "lastOutgoingCalls", "error", 504},
		{simulation.Incident{Kind: simulation.IncidentRateLimited}, "lastOutgoingCalls", "", 429},
		{simulation.Incident{Kind: simulation.IncidentQuota}, "lastOutgoingCalls", "QUOTE_EXCEEDED", 466},
		{simulation.Incident{Kind: simulation.IncidentTokenRevoked}, "getStateInstance", "", 401},
		{simulation.Incident{Kind: simulation.IncidentWebhooksOff}, "getSettings", `"outgoingWebhook":"no"`, 200},
		{simulation.Incident{Kind: simulation.IncidentWebhooksOff, Settings: []string{"outgoingCallWebhook"}}, "getSettings", `"outgoingCallWebhook":"no"`, 200},
	}
	for _, test := range tests {
		test.incident.From, test.incident.To = from, from.Add(2*time.Hour)
		w := newWorld(t, simulation.Settings{}, simulation.Account{Incidents: []simulation.Incident{test.incident}})
		got := w.ask(at, test.method, 60)
		if got.Code != test.status || !strings.Contains(got.Body.String(), test.want) {
			t.Errorf("%s: %s answers %d %s", test.incident.Kind, test.method, got.Code, got.Body)
		}
		if got := w.ask(after, test.method, 60); got.Code != 200 || test.want != "" && strings.Contains(got.Body.String(), test.want) {
			t.Errorf("%s: %s still answers %d %s", test.incident.Kind, test.method, got.Code, got.Body)
		}
	}
}

// A share of requests fails in an incident with a share.
func TestShareOfRequests(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulation.Settings{}, simulation.Account{Incidents: []simulation.Incident{
		{Kind: simulation.IncidentServerErrors, Share: 0.3},
	}})
	failed := 0
	for minute := range 1000 {
		if w.ask(start.Add(time.Duration(minute)*time.Minute), "getSettings", 60).Code == 500 {
			failed++
		}
	}
	if failed < 255 || failed > 345 {
		t.Errorf("%d of 1000 requests failed, want 300 or so", failed)
	}
}

func TestQueue(t *testing.T) {
	t.Parallel()
	from := start.AddDate(0, 0, 1).Add(9 * time.Hour)
	w := newWorld(t, simulation.Settings{Seed: 2}, simulation.Account{MessagesPerDay: 2000, Incidents: []simulation.Incident{
		{Kind: simulation.IncidentStuckPending, From: from, To: from.Add(time.Hour)},
	}})
	count := func(at time.Time) int {
		var answer struct{ Count int }
		if err := json.Unmarshal(w.ask(at, "getMessagesCount", 60).Body.Bytes(), &answer); err != nil {
			t.Fatal(err)
		}
		return answer.Count
	}
	before, within, after := count(from), count(from.Add(50*time.Minute)), count(from.Add(70*time.Minute))
	if before > 5 || within < 100 || after > 5 {
		t.Errorf("queue %d before, %d within, %d after", before, within, after)
	}
	pending := 0
	for _, r := range w.rows(from.Add(58*time.Minute), "lastOutgoingMessages", 50) {
		if r.StatusMessage == "pending" {
			pending++
		}
	}
	if pending < 80 {
		t.Errorf("%d rows pending", pending)
	}
}

func TestDemo(t *testing.T) {
	t.Parallel()
	at := start.Add(15 * time.Hour)
	sim := simulation.Demo(1, func() time.Time { return at })
	get := func(target string) *httptest.ResponseRecorder {
		recorder := httptest.NewRecorder()
		sim.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
		return recorder
	}
	states := make(map[string]string)
	rows := make(map[string][2]int)
	for _, a := range sim.Accounts() {
		base := "/waInstance" + a.ID + "/"
		var state struct{ StateInstance string }
		if err := json.Unmarshal(get(base+"getStateInstance/"+a.Token).Body.Bytes(), &state); err != nil {
			t.Error(err)
		}
		states[a.Name] = state.StateInstance
		var counts [2]int
		for i, method := range []string{"lastOutgoingMessages", "lastOutgoingCalls"} {
			answer := get(base + method + "/" + a.Token)
			var all []map[string]any
			switch {
			case answer.Code == http.StatusNotFound:
				counts[i] = -1
			case json.Unmarshal(answer.Body.Bytes(), &all) != nil:
				t.Errorf("%s of %s: %.80q", method, a.Name, answer.Body)
			default:
				counts[i] = len(all)
			}
		}
		rows[a.Name] = counts
	}
	wantStates := map[string]string{
		"support": "authorized", "sales-eu": "authorized", "campaigns": "authorized", "restricted": "suspended",
		"logged-out": "notAuthorized", "calls-only": "authorized", "tiny-shop": "authorized", "telegram": "authorized",
	}
	if diff := cmp.Diff(wantStates, states); diff != "" {
		t.Error(diff)
	}
	if rows["campaigns"][0] != simulation.JournalCap {
		t.Errorf("campaigns: %d rows, want a truncated journal", rows["campaigns"][0])
	}
	if rows["calls-only"][0] != 0 || rows["calls-only"][1] < 100 || rows["telegram"][1] != -1 || rows["telegram"][0] < 30 {
		t.Errorf("rows %v", rows)
	}
}

func TestOddAccounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulation.Settings{Seed: 1}, simulation.Account{
		MessagesPerDay: 500, CallsPerDay: 200, Groups: 5, OldSchema: true, OldSpelling: true, NumericChats: true,
		Incidents: []simulation.Incident{{Kind: simulation.IncidentRestriction, Share: 0.5}},
	})
	messages := w.ask(start.Add(15*time.Hour), "lastOutgoingMessages", 1440).Body.Bytes()
	calls := w.ask(start.Add(15*time.Hour), "lastOutgoingCalls", 1440).Body.Bytes()
	for _, unwanted := range []string{`"type":`, "sendByApi", "suspended", "@"} {
		if bytes.Contains(messages, []byte(unwanted)) {
			t.Errorf("messages contain %s", unwanted)
		}
	}
	for _, wanted := range []string{`"yellowCard"`, `"chatId":-`, `"chatId":"-`, `"chatId":9`, `"chatId":"9`} {
		if !bytes.Contains(messages, []byte(wanted)) {
			t.Errorf("messages do not contain %s", wanted)
		}
	}
	if !bytes.Contains(calls, []byte(`"hangUp"`)) || bytes.Contains(calls, []byte("hungUp")) {
		t.Error("calls do not have the old spelling")
	}
	if got := w.ask(start, "getWaSettings", 1).Code; got != 404 {
		t.Errorf("getWaSettings: %d", got)
	}
	if got := w.ask(start, "getAccountSettings", 1).Body.String(); !strings.Contains(got, "suspendedUntil") {
		t.Errorf("getAccountSettings: %s", got)
	}
}

// Before its beginning an account has done nothing.
func TestSince(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulation.Settings{Seed: 1}, simulation.Account{MessagesPerDay: 500, CallsPerDay: 50, Since: start.Add(9 * time.Hour)})
	if rows := w.rows(start.Add(9*time.Hour), "lastOutgoingMessages", 5000); len(rows) != 0 {
		t.Errorf("%d rows before the beginning", len(rows))
	}
	if rows := w.rows(start.Add(15*time.Hour), "lastOutgoingMessages", 5000); len(rows) == 0 {
		t.Error("no rows after the beginning")
	}
}

// TestImpossibleAccounts holds that a scenario with a slip of the pen does not pass for
// one in which nothing happens.
func TestImpossibleAccounts(t *testing.T) {
	t.Parallel()
	for name, account := range map[string]simulation.Account{
		"no id":                        {},
		"a negative number":            {ID: "1", CallsPerDay: -1},
		"an incident of no known kind": {ID: "1", Incidents: []simulation.Incident{{Kind: "rain"}}},
		"a failure of no known reason": {ID: "1", Incidents: []simulation.Incident{{Kind: simulation.IncidentFailingMessages, Reason: "suspended"}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			defer func() {
				if recover() == nil {
					t.Error("there is an account of this kind")
				}
			}()
			simulation.New(simulation.Settings{}, account)
		})
	}
}
