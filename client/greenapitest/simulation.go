package greenapitest

import (
	"fmt"
	"net/http"
	"slices"
	"time"
)

// Reading is how journals understand their parameter minutes. GREEN-API's
// documentation does not say.
type Reading int

const (
	// ByLastAction: rows whose timestamp lies in the window.
	ByLastAction Reading = iota
	// BySendingTime: rows of messages sent, and calls begun, in the window.
	BySendingTime
)

// JournalCap is how many rows a journal has at most; the oldest go first.
const JournalCap = 10000

// Settings of a Simulation.
type Settings struct {
	Seed    uint64
	Clock   func() time.Time // time.Now when nil
	Reading Reading
	Cap     int // rows of a journal at most, JournalCap when zero
}

// A Simulation is a set of accounts with all their past and future. It
// computes what it is asked for and remembers nothing but the hours it made
// last: no goroutine runs, and the clock may go anywhere, also back. All its
// methods may be called concurrently.
type Simulation struct {
	seed     uint64
	clock    func() time.Time
	reading  Reading
	cap      int
	accounts []*account
	bulk     string   // fake base64, of which thumbnails are slices
	phrases  []string // of which texts are made
}

// NewSimulation returns a simulation of accounts. It panics when an account
// has no id or that of another, a negative number, or an incident of no known
// kind.
func NewSimulation(settings Settings, accounts ...Account) *Simulation {
	s := &Simulation{
		seed:    settings.Seed,
		clock:   settings.Clock,
		reading: settings.Reading,
		cap:     settings.Cap,
		bulk:    fakeBase64(hash(settings.Seed, saltPayload), 1<<16),
		phrases: makePhrases(hash(settings.Seed, saltText)),
	}
	if s.clock == nil {
		s.clock = time.Now
	}
	if s.cap == 0 {
		s.cap = JournalCap
	}
	seen := make(map[string]bool, len(accounts))
	for _, account := range accounts {
		if seen[account.ID] {
			panic(fmt.Sprintf("greenapitest: two accounts with the id %s", account.ID))
		}
		seen[account.ID] = true
		s.accounts = append(s.accounts, newAccount(s, account))
	}
	return s
}

// Accounts returns the accounts as they were given, with what was left zero
// filled in.
func (s *Simulation) Accounts() []Account {
	accounts := make([]Account, len(s.accounts))
	for i, a := range s.accounts {
		accounts[i] = a.Account
	}
	return accounts
}

// AddIncident lets an incident befall an account while the simulation runs.
// One that begins in the past would change what has been seen already. It
// panics when there is no such account or kind.
func (s *Simulation) AddIncident(id string, incident Incident) {
	s.account(id).addIncident(incident)
}

// State is what getStateInstance says of an account at t; empty for null.
func (s *Simulation) State(id string, t time.Time) string {
	return s.account(id).stateAt(t)
}

func (s *Simulation) account(id string) *account {
	i := slices.IndexFunc(s.accounts, func(a *account) bool { return a.ID == id })
	if i < 0 {
		panic(fmt.Sprintf("greenapitest: no account has the id %s", id))
	}
	return s.accounts[i]
}

// answer implements backend.
func (a *account) answer(ans *answer, method string, minutes int) {
	now := a.sim.clock()
	ans.date = now
	for _, inc := range a.underway(now) {
		if inc.Kind == IncidentClockSkew {
			ans.date = ans.date.Add(inc.Skew)
		}
	}
	if a.refuses(ans, method, now) {
		return
	}
	if method == a.settingsMethod() {
		ans.json(http.StatusOK, a.accountSettings(now))
		return
	}
	switch method {
	case MethodLastOutgoingCalls, MethodLastOutgoingMessages:
		ans.status = http.StatusOK
		ans.stream(a.journal(method, minutes, now))
	case MethodLastIncomingCalls, MethodLastIncomingMessages:
		ans.json(http.StatusOK, []any{})
	case MethodGetStateInstance:
		if state := a.stateAt(now); state != "" {
			ans.json(http.StatusOK, map[string]any{"stateInstance": state})
		} else {
			ans.json(http.StatusOK, nil)
		}
	case MethodGetSettings:
		ans.json(http.StatusOK, a.settings(now))
	case MethodGetMessagesCount:
		ans.json(http.StatusOK, map[string]any{"count": a.pending(now)})
	}
}

// underway returns the incidents that go on at t.
func (a *account) underway(t time.Time) []incident {
	var current []incident
	for _, inc := range *a.incidents.Load() {
		if inc.covers(t.Unix()) {
			current = append(current, inc)
		}
	}
	return current
}

// refuses answers with the failure that an incident causes, if any does.
func (a *account) refuses(ans *answer, method string, now time.Time) bool {
	for _, inc := range a.underway(now) {
		var f Fault
		switch inc.Kind {
		case IncidentTokenRevoked:
			f = FaultStatus(http.StatusUnauthorized, "")
		case IncidentExpired:
			f = FaultStatus(http.StatusBadRequest, "Instance account is expired")
		case IncidentQuota:
			f = FaultStatus(466, bodyQuota)
		case IncidentRateLimited:
			f = FaultStatus(http.StatusTooManyRequests, "")
		case IncidentServerErrors:
			f = FaultStatus(http.StatusInternalServerError, `{"statusCode":500,"message":"Internal server error"}`)
			if inc.Status != 0 {
				f.Status = inc.Status
			}
		case IncidentStarting:
			f = FaultStatus(http.StatusBadRequest, "instance in starting process")
		case IncidentLogout, IncidentBlock:
			f = FaultStatus(http.StatusBadRequest, "instance is starting or not authorized")
		default:
			continue
		}
		gentle := inc.offline() && inc.Kind != IncidentExpired
		if gentle && !(inc.JournalsFail && isJournal(method)) {
			continue
		}
		if inc.hits(hash(saltRequest, hashString(method), uint64(now.UnixNano()))) {
			ans.status, ans.body = f.Status, f.Body
			return true
		}
	}
	return false
}

// stateAt returns the state that is reported at t: what an incident says of
// it, else the gravest that one causes.
func (a *account) stateAt(t time.Time) string {
	current := a.underway(t)
	for _, inc := range current {
		if inc.Kind == IncidentState {
			return inc.State
		}
	}
	for _, grave := range []struct {
		kind  IncidentKind
		state string
	}{
		{IncidentBlock, "blocked"},
		{IncidentLogout, "notAuthorized"},
		{IncidentStarting, "starting"},
		{IncidentRestriction, a.spell(statusSuspended)},
	} {
		if slices.ContainsFunc(current, func(inc incident) bool { return inc.Kind == grave.kind }) {
			return grave.state
		}
	}
	return a.State
}

func (a *account) settings(t time.Time) map[string]any {
	settings := defaultSettings()
	for _, inc := range a.underway(t) {
		if inc.Kind == IncidentWebhooksOff {
			for _, name := range inc.Settings {
				settings[name] = "no"
			}
		}
	}
	return settings
}

// settingsMethod is what tells of suspensions: named otherwise on Telegram and
// MAX.
func (a *account) settingsMethod() string {
	if a.NumericChats {
		return MethodGetAccountSettings
	}
	return MethodGetWaSettings
}

func (a *account) accountSettings(t time.Time) map[string]any {
	settings := defaultWaSettings()
	settings["stateInstance"] = a.stateAt(t)
	for _, inc := range a.underway(t) {
		if inc.Kind != IncidentRestriction {
			continue
		}
		until := inc.To
		if until.IsZero() {
			until = t.Truncate(24 * time.Hour).Add(48 * time.Hour)
		}
		settings["suspendedUntil"] = until.Unix()
	}
	return settings
}
