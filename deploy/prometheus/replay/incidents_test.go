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
	// again are those of them that may be told more than once: a journal that is read every
	// few minutes, and seldom succeeds, is stale time and again.
	again []string
	// earlier are alerts that may be told before it begins.
	earlier []string
	// account changes the account that it befalls.
	account func(*simulation.Account)
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
	behind := kind(simulation.IncidentClockSkew, 0)
	behind.Skew = -30 * time.Minute
	oneMethod := status(404)
	oneMethod.Methods = []string{simulation.MethodLastOutgoingMessages}
	state := func(state string) simulation.Incident {
		i := kind(simulation.IncidentState, 0)
		i.State = state
		return i
	}
	destination := func(k simulation.IncidentKind) simulation.Incident {
		i := kind(k, 0)
		i.Prefix = "9991"
		return i
	}
	large := func(a *simulation.Account) { a.MessagesPerDay, a.CallsPerDay, a.Contacts = 1000, 600, 2000 }
	const stale, gap = "GreenAPIDataStale", "GreenAPIJournalGap"
	return []incident{
		{name: "restriction, the API answers 200", incident: kind(simulation.IncidentRestriction, 0.9), alert: "GreenAPIAccountSuspended", within: 15 * time.Minute, muted: []string{"GreenAPIMessagesSuspended"}},
		{name: "logged out", incident: kind(simulation.IncidentLogout, 0), alert: "GreenAPIAccountNotAuthorized", within: 15 * time.Minute, muted: []string{"GreenAPIMessagesStuckPending"}},
		{name: "blocked", incident: kind(simulation.IncidentBlock, 0), alert: "GreenAPIAccountBlocked", within: 15 * time.Minute, muted: []string{"GreenAPIMessagesStuckPending"}},
		{name: "stuck in starting", incident: kind(simulation.IncidentStarting, 0), alert: "GreenAPIAccountStuckStarting", within: 25 * time.Minute, muted: []string{"GreenAPIMessagesStuckPending"}},
		{name: "status webhook off", incident: kind(simulation.IncidentWebhooksOff, 0), alert: "GreenAPIStatusWebhookOff", within: 90 * time.Minute},
		{name: "API answers 500", incident: kind(simulation.IncidentServerErrors, 0), alert: "GreenAPICollectorFailing", within: 30 * time.Minute, also: []string{stale, gap}},
		{name: "API answers 500 to 7 of 10", incident: kind(simulation.IncidentServerErrors, 0.7), alert: "GreenAPICollectorFailing", within: time.Hour, also: []string{stale}, again: []string{stale}},
		{name: "API answers 500 to 2 of 5", incident: kind(simulation.IncidentServerErrors, 0.4), alert: "GreenAPICollectorFailing", within: 2 * time.Hour, also: []string{stale}, again: []string{stale}},
		{name: "one 404 to everything", incident: once, within: 0},
		{name: "404 to everything", incident: status(404), alert: "GreenAPICollectorFailing", within: 30 * time.Minute, also: []string{stale, gap}},
		{name: "429 storm", incident: kind(simulation.IncidentRateLimited, 0.9), alert: "GreenAPIRateLimited", within: 30 * time.Minute, also: []string{stale}, again: []string{stale}},
		{name: "quota used up", incident: kind(simulation.IncidentQuota, 0), alert: "GreenAPIQuotaUsedUp", within: 20 * time.Minute, muted: []string{stale}, also: []string{gap}},
		// Two days later, 13 of 49 calls are answered in one evening, by chance.
		{name: "token revoked", incident: kind(simulation.IncidentTokenRevoked, 0), alert: "GreenAPITokenRejected", within: 20 * time.Minute, muted: []string{stale}, also: []string{gap, "GreenAPICallAnswerRatioDrop"}},
		{name: "token refused every other time", incident: flapping, alert: "GreenAPITokenRejected", within: 90 * time.Minute, also: []string{"GreenAPICollectorFailing", stale}},
		{name: "403 to one method", incident: refused, alert: "GreenAPIMethodForbidden", within: 40 * time.Minute, also: []string{stale, gap}},
		{name: "account expired", incident: kind(simulation.IncidentExpired, 0), alert: "GreenAPIAccountExpired", within: 20 * time.Minute, muted: []string{stale}, also: []string{gap}},
		{name: "403 to everything", incident: status(403), alert: "GreenAPITokenRejected", within: 20 * time.Minute, muted: []string{stale}, also: []string{gap}},
		{name: "404 to one method that has worked", incident: oneMethod, alert: "GreenAPICollectorFailing", within: 30 * time.Minute, also: []string{stale, gap}},
		{name: "account expired, as the partner API lists it", incident: status(403), alert: "GreenAPIAccountExpired", within: 20 * time.Minute, muted: []string{stale}, also: []string{gap}, earlier: []string{"GreenAPIAccountExpiring"}, account: func(a *simulation.Account) { a.Expires = begin }},
		{name: "a telephone that sleeps", incident: state("sleepMode"), alert: "GreenAPIAccountSleeping", within: 45 * time.Minute},
		{name: "the API asks for a code", incident: state("pendingCode"), alert: "GreenAPIAccountNotAuthorized", within: 15 * time.Minute},
		{name: "most messages edit earlier ones", incident: simulation.Incident{From: begin}, account: func(a *simulation.Account) {
			edits := simulation.UsualBehaviour()
			edits.Edits = 0.75
			a.Phases = []simulation.Phase{{From: begin, To: end, Behaviour: &edits}}
		}},
		{name: "nothing", incident: simulation.Incident{From: start}},
		{name: "calls to one destination fail", incident: destination(simulation.IncidentFailingCalls), alert: "GreenAPIDestinationFailing", within: 6 * time.Hour, account: large},
		{name: "messages to one destination stay sent", incident: destination(simulation.IncidentStuckSent), alert: "GreenAPIDestinationFailing", within: 6 * time.Hour, account: large},
		{name: "API's clock half an hour behind", incident: behind, alert: "GreenAPIClockSkew", within: 25 * time.Minute},
		{name: "API's clock 2 h ahead at the start", incident: skew, alert: "GreenAPIClockSkew", within: 25 * time.Minute},
	}
}

// struck is the account that the incident befalls.
func (i *incident) struck(n int) simulation.Account {
	a := account(n)
	if i.incident.Kind != "" {
		a.Incidents = []simulation.Incident{i.incident}
	}
	if i.account != nil {
		i.account(&a)
	}
	return a
}

// account is a middle-sized account.
func account(n int) simulation.Account {
	id := strconv.Itoa(1101000001 + n)
	return simulation.Account{
		ID: id, Name: "account-" + id, Token: "token" + id, MessagesPerDay: 300, CallsPerDay: 120,
		Groups: 4,
	}
}

// outcome is what was told of an incident, and when.
type outcome struct {
	delay, muted, also string
}

// judge says how one incident went, and fails the test where it did not go well.
func (f form) judge(t *testing.T, i incident, id string, firings []replay.Firing, mutes muter) outcome {
	t.Helper()
	byName := make(map[string]replay.Firing)
	for _, firing := range firings {
		if firing.IDInstance == id {
			byName[firing.Alert] = firing
		}
	}
	main, fired := byName[i.alert]
	delay := main.First.Sub(i.incident.From)
	o := outcome{delay: short(delay)}
	switch {
	case i.alert == "": // nothing is to be told
		o.delay = "none"
	case !fired:
		o.delay = "never"
		t.Errorf("%s: %s does not fire", i.name, i.alert)
	case delay > i.within+f.late:
		t.Errorf("%s: %s fires after %v", i.name, i.alert, delay)
	}
	var muted, told []string
	for name, firing := range byName {
		text := fmt.Sprintf("%s after %s", name, short(firing.First.Sub(i.incident.From)))
		by := mutes.during(name, firing, byName)
		switch {
		case firing.First.Before(i.incident.From) && slices.Contains(i.earlier, name):
			told = append(told, name+" before it")
		case firing.First.Before(i.incident.From):
			t.Errorf("%s: %s fires before it begins, at %v", i.name, name, firing.First)
		case by != "":
			muted = append(muted, text)
		case firing.Times > 1 && slices.Contains(i.again, name):
			told = append(told, fmt.Sprintf("%s, again and again", text))
		case firing.Times > 1:
			t.Errorf("%s: %s is told %d times", i.name, name, firing.Times)
		case name == i.alert:
		case slices.Contains(i.also, name):
			told = append(told, text)
		default:
			t.Errorf("%s: %s is told as well, %v after it began", i.name, name, firing.First.Sub(i.incident.From))
		}
	}
	for _, name := range i.muted {
		if firing, ok := byName[name]; !ok || mutes.during(name, firing, byName) == "" {
			t.Errorf("%s: %s is not both fired and muted", i.name, name)
		}
	}
	o.muted, o.also = strings.Join(sorted(muted), ", "), strings.Join(sorted(told), ", ")
	return o
}

// row is the row of the report about an incident. Where readings differ, it says all.
func (i *incident) row(outcomes []outcome) []string {
	row := []string{i.name, i.alert, "", short(i.within), "", ""}
	if i.alert == "" {
		row[1], row[3] = "none", ""
	}
	for column, of := range map[int]func(outcome) string{
		2: func(o outcome) string { return o.delay }, 4: func(o outcome) string { return o.muted }, 5: func(o outcome) string { return o.also },
	} {
		var texts []string
		for _, o := range outcomes {
			if text := of(o); !slices.Contains(texts, text) {
				texts = append(texts, text)
			}
		}
		row[column] = strings.Join(texts, "; or ")
	}
	return row
}
