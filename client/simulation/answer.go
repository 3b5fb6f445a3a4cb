package simulation

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"
)

// An Answer is what an account's method answers.
type Answer struct {
	Status int // 0: the account does not know the method
	Body   []byte
	Stream func(io.Writer) error // writes the body in place of Body, when set
	Date   time.Time             // of the header
}

const statusQuota = 466

// BodyQuota is the body of an answer with status 466.
const BodyQuota = `{"invokeStatus":{"method":"lastOutgoingMessages","used":200,"total":200,"status":"QUOTE_EXCEEDED","description":"Monthly quota has been exceeded"}}`

// Answer is what a method of an account answers now. It panics when there is no such
// account. Methods in Unsupported are answered like the others: a server refuses them.
func (s *Simulation) Answer(id, method string, minutes int) Answer {
	a, now := s.account(id), s.clock()
	ans := Answer{Date: now}
	for _, inc := range a.underway(now) {
		if inc.Kind == IncidentClockSkew {
			ans.Date = ans.Date.Add(inc.Skew)
		}
	}
	if a.refuses(&ans, method, now) {
		return ans
	}
	if method == a.settingsMethod() {
		ans.json(a.accountSettings(now))
		return ans
	}
	switch method {
	case MethodLastOutgoingCalls, MethodLastOutgoingMessages:
		ans.Status = http.StatusOK
		ans.Stream = a.journal(method, minutes, now)
	case MethodLastIncomingCalls, MethodLastIncomingMessages:
		ans.json([]any{})
	case MethodGetStateInstance:
		if state := a.stateAt(now); state != "" {
			ans.json(map[string]any{"stateInstance": state})
		} else {
			ans.json(nil)
		}
	case MethodGetSettings:
		ans.json(a.settings(now))
	case MethodGetMessagesCount:
		count, _ := a.pending(now)
		ans.json(map[string]any{"count": count})
	}
	return ans
}

func (ans *Answer) json(v any) {
	text, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("simulation: %v", err)) // of maps and texts of ours
	}
	ans.Status, ans.Body = http.StatusOK, text
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
func (a *account) refuses(ans *Answer, method string, now time.Time) bool {
	for _, inc := range a.underway(now) {
		status, body := inc.refusal()
		if status == 0 || len(inc.Methods) > 0 && !slices.Contains(inc.Methods, method) {
			continue
		}
		gentle := inc.offline() && inc.Kind != IncidentExpired
		if gentle && !(inc.JournalsFail && strings.HasPrefix(method, "last")) {
			continue
		}
		if inc.hits(hash(saltRequest, hashString(method), uint64(now.UnixNano()))) {
			ans.Status, ans.Body = status, []byte(body)
			return true
		}
	}
	return false
}

// refusal is the failure that an incident causes: its status, 0 for none, and the body.
func (inc *incident) refusal() (int, string) {
	switch inc.Kind {
	case IncidentTokenRevoked:
		return http.StatusUnauthorized, ""
	case IncidentExpired:
		return http.StatusBadRequest, "Instance account is expired"
	case IncidentQuota:
		return statusQuota, BodyQuota
	case IncidentRateLimited:
		return http.StatusTooManyRequests, ""
	case IncidentServerErrors:
		return cmp.Or(inc.Status, http.StatusInternalServerError), `{"statusCode":500,"message":"Internal server error"}`
	case IncidentStarting:
		return http.StatusBadRequest, "instance in starting process"
	case IncidentLogout, IncidentBlock:
		return http.StatusBadRequest, "instance is starting or not authorized"
	}
	return 0, ""
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
	settings := UsualSettings()
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
	settings := UsualWaSettings()
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
