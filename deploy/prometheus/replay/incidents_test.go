//go:build e2e

package replay_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/deploy/prometheus/replay"
)

// begin is a Tuesday morning, end a day later.
var (
	begin = time.Date(2000, time.January, 4, 10, 0, 0, 0, time.UTC)
	end   = begin.AddDate(0, 0, 1)
)

// incident is an incident of an account or of the API, and what is expected to tell of it.
type incident struct {
	name     string
	incident simulation.Incident
	alert    string
	within   time.Duration // of its beginning, scraped every 5 minutes
	// muted are alerts that are expected to fire as well, and to be inhibited.
	muted []string
	// also are alerts that may be told as well: further truths about the incident. A
	// journal that is read after a day without has a gap, and failures make data stale.
	also []string
}

func kind(k simulation.IncidentKind, share float64) simulation.Incident {
	return simulation.Incident{Kind: k, Share: share, From: begin, To: end}
}

func allIncidents() []incident {
	skew := kind(simulation.IncidentClockSkew, 0)
	skew.From, skew.To, skew.Skew = start, start.Add(2*time.Hour), 2*time.Hour
	status := func(code int) simulation.Incident {
		i := kind(simulation.IncidentServerErrors, 0)
		i.Status = code
		return i
	}
	once, refused := status(404), status(403)
	once.To = once.From.Add(time.Minute)
	refused.Methods = []string{simulation.MethodLastOutgoingCalls}
	flapping := kind(simulation.IncidentTokenRevoked, 0.5)
	flapping.Period = 20 * time.Minute
	const stale, gap = "GreenAPIDataStale", "GreenAPIJournalGap"
	return []incident{
		{name: "restriction, the API answers 200", incident: kind(simulation.IncidentRestriction, 0.9), alert: "GreenAPIAccountSuspended", within: 15 * time.Minute, muted: []string{"GreenAPIMessagesSuspended"}},
		{name: "logged out", incident: kind(simulation.IncidentLogout, 0), alert: "GreenAPIAccountNotAuthorized", within: 15 * time.Minute, muted: []string{"GreenAPIMessagesStuckPending"}},
		{name: "blocked", incident: kind(simulation.IncidentBlock, 0), alert: "GreenAPIAccountBlocked", within: 15 * time.Minute, muted: []string{"GreenAPIMessagesStuckPending"}},
		{name: "stuck in starting", incident: kind(simulation.IncidentStarting, 0), alert: "GreenAPIAccountStuckStarting", within: 25 * time.Minute, muted: []string{"GreenAPIMessagesStuckPending"}},
		{name: "status webhook off", incident: kind(simulation.IncidentWebhooksOff, 0), alert: "GreenAPIStatusWebhookOff", within: 90 * time.Minute},
		{name: "API answers 500", incident: kind(simulation.IncidentServerErrors, 0), alert: "GreenAPICollectorFailing", within: 30 * time.Minute, also: []string{stale, gap}},
		{name: "API answers 500 to 7 of 10", incident: kind(simulation.IncidentServerErrors, 0.7), alert: "GreenAPICollectorFailing", within: time.Hour, also: []string{stale}},
		{name: "API answers 500 to 2 of 5", incident: kind(simulation.IncidentServerErrors, 0.4), alert: "GreenAPICollectorFailing", within: 2 * time.Hour, also: []string{stale}},
		{name: "one 404 to everything", incident: once, within: 0},
		{name: "404 to everything", incident: status(404), alert: "GreenAPICollectorFailing", within: 30 * time.Minute, also: []string{stale, gap}},
		{name: "429 storm", incident: kind(simulation.IncidentRateLimited, 0.9), alert: "GreenAPIRateLimited", within: 30 * time.Minute, also: []string{stale}},
		{name: "quota used up", incident: kind(simulation.IncidentQuota, 0), alert: "GreenAPIQuotaUsedUp", within: 20 * time.Minute, muted: []string{stale}, also: []string{gap}},
		{name: "token revoked", incident: kind(simulation.IncidentTokenRevoked, 0), alert: "GreenAPITokenRejected", within: 20 * time.Minute, muted: []string{stale}, also: []string{gap}},
		{name: "token refused every other time", incident: flapping, alert: "GreenAPITokenRejected", within: 90 * time.Minute, also: []string{"GreenAPICollectorFailing", stale}},
		{name: "403 to one method", incident: refused, alert: "GreenAPIMethodForbidden", within: 40 * time.Minute, also: []string{stale, gap}},
		{name: "account expired", incident: kind(simulation.IncidentExpired, 0), alert: "GreenAPIAccountExpired", within: 20 * time.Minute, muted: []string{stale}, also: []string{gap}},
		{name: "API's clock 2 h ahead at the start", incident: skew, alert: "GreenAPIClockSkew", within: 25 * time.Minute},
	}
}

// account is a middle-sized account.
func account(n int, incidents ...simulation.Incident) simulation.Account {
	id := strconv.Itoa(1101000001 + n)
	return simulation.Account{
		ID: id, Name: "account-" + id, Token: "token" + id, MessagesPerDay: 300, CallsPerDay: 120,
		Groups: 4, Incidents: incidents,
	}
}

// judge says how one incident went, and fails the test where it did not go well.
func (f form) judge(t *testing.T, i incident, id string, firings []replay.Firing, mutes muter) []string {
	t.Helper()
	byName := make(map[string]replay.Firing)
	for _, firing := range firings {
		if firing.IDInstance == id {
			byName[firing.Alert] = firing
		}
	}
	main, fired := byName[i.alert]
	delay := main.First.Sub(i.incident.From)
	shown := short(delay)
	switch {
	case i.alert == "": // nothing is to be told
		shown = ""
	case !fired:
		shown = "never"
		t.Errorf("%s: %s does not fire", i.name, i.alert)
	case delay > i.within+f.late:
		t.Errorf("%s: %s fires after %v", i.name, i.alert, delay)
	}
	var muted, told []string
	for name, firing := range byName {
		if firing.First.Before(i.incident.From) {
			t.Errorf("%s: %s fires before it begins, at %v", i.name, name, firing.First)
		}
		if name == i.alert {
			continue
		}
		text := fmt.Sprintf("%s after %s", name, short(firing.First.Sub(i.incident.From)))
		if by := mutes.during(name, firing, byName); by != "" {
			muted = append(muted, text)
			continue
		}
		told = append(told, text)
		if !slices.Contains(i.also, name) {
			t.Errorf("%s: %s is told as well, %v after it began", i.name, name, firing.First.Sub(i.incident.From))
		}
	}
	for _, name := range i.muted {
		if firing, ok := byName[name]; !ok || mutes.during(name, firing, byName) == "" {
			t.Errorf("%s: %s is not both fired and muted", i.name, name)
		}
	}
	return []string{i.name, i.alert, shown, short(i.within), strings.Join(sorted(muted), ", "), strings.Join(sorted(told), ", ")}
}
