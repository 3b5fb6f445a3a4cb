//go:build e2e

package replay_test

import (
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
)

// struck is when the incidents of traffic begin: a Tuesday morning after three weeks.
var struck = day(24).Add(10 * time.Hour)

// trouble is a kind of incident that is told by what becomes of messages and calls.
type trouble struct {
	name     string
	incident simulation.Incident
	lasts    time.Duration
	alert    string // that tells of it
	// also are alerts that may come as well, to other people or later.
	also []string
	// campaigns are sent as well, or instead of an incident.
	campaigns []simulation.Campaign
}

// volumes are messages and calls a day.
var volumes = [3][2]float64{{300, 120}, {40, 30}, {2000, 600}}

func (k trouble) account(volume [2]float64) simulation.Account {
	a := simulation.Account{Name: k.name, MessagesPerDay: volume[0], CallsPerDay: volume[1], Groups: 4, Campaigns: k.campaigns}
	if k.incident.Kind != "" {
		k.incident.From, k.incident.To = struck, struck.Add(k.lasts)
		a.Incidents = []simulation.Incident{k.incident}
	}
	return a
}

func narrowed(kind simulation.IncidentKind, share float64, change func(*simulation.Incident)) simulation.Incident {
	i := simulation.Incident{Kind: kind, Share: share}
	change(&i)
	return i
}

func troubles() []trouble {
	const (
		stuck, slow, drop, low = "GreenAPIMessagesStuckSent", "GreenAPIDeliverySlow", "GreenAPIDeliveryRatioDrop", "GreenAPIDeliveryRatioLow"
		failures, noAccount    = "GreenAPIFailureSurge", "GreenAPINoAccountSurge"
		pending, reading       = "GreenAPIMessagesStuckPending", "GreenAPIReadRatioDrop"
		answers, short, calls  = "GreenAPICallAnswerRatioDrop", "GreenAPIShortCallSurge", "GreenAPICallsFailing"
		noMessages, noCalls    = "GreenAPINoMessages", "GreenAPINoCalls"
		less, more             = "GreenAPITrafficLow", "GreenAPITrafficSurge"
	)
	failing := func(share float64, reason string) simulation.Incident {
		return narrowed(simulation.IncidentFailingMessages, share, func(i *simulation.Incident) { i.Reason = reason })
	}
	plain := func(kind simulation.IncidentKind, share float64) simulation.Incident {
		return simulation.Incident{Kind: kind, Share: share}
	}
	burst := func(factor float64) simulation.Incident {
		return narrowed(simulation.IncidentBurst, 0, func(i *simulation.Incident) { i.Factor = factor })
	}
	newsletters := func(days ...int) (all []simulation.Campaign) {
		for _, n := range days {
			all = append(all, simulation.Campaign{At: day(n).Add(10 * time.Hour), Messages: 1500, Over: 30 * time.Minute})
		}
		return all
	}
	const oneDay = 24 * time.Hour
	return []trouble{
		{name: "the telephone is dead, all stays sent", incident: plain(simulation.IncidentStuckSent, 0), lasts: oneDay, alert: stuck, also: []string{drop}},
		{name: "half of the messages stay sent", incident: plain(simulation.IncidentStuckSent, 0.5), lasts: oneDay, alert: drop, also: []string{low}},
		{name: "a third of the messages stays sent", incident: plain(simulation.IncidentStuckSent, 0.33), lasts: 2 * oneDay, alert: drop, also: []string{low}},
		{name: "ever more stay sent, to 4 of 10 in 36 hours", incident: narrowed(simulation.IncidentStuckSent, 0.4, func(i *simulation.Incident) { i.Ramp = 36 * time.Hour }), lasts: 4 * oneDay, alert: drop, also: []string{low}},
		{name: "groups are not reached any more", incident: narrowed(simulation.IncidentStuckSent, 0, func(i *simulation.Incident) { i.ChatType = "group" }), lasts: 2 * oneDay, alert: stuck},
		{name: "all stays pending", incident: plain(simulation.IncidentStuckPending, 0), lasts: oneDay, alert: pending},
		{name: "every message fails", incident: failing(0, "failed"), lasts: oneDay, alert: failures},
		{name: "4 of 10 messages end as notInGroup", incident: failing(0.4, "notInGroup"), lasts: oneDay, alert: failures},
		{name: "6 of 10 messages end as noActiveSession", incident: failing(0.6, "noActiveSession"), lasts: oneDay, alert: failures},
		{name: "a bad list, 6 of 10 have no account", incident: plain(simulation.IncidentBadContacts, 0.6), lasts: oneDay, alert: failures},
		{name: "a bad list, 2 of 10 have no account", incident: plain(simulation.IncidentBadContacts, 0.2), lasts: oneDay, alert: noAccount, also: []string{failures}},
		{name: "nobody reads", incident: plain(simulation.IncidentReadDrop, 0.95), lasts: oneDay, alert: reading},
		{name: "half as many read", incident: plain(simulation.IncidentReadDrop, 0.5), lasts: 3 * oneDay, alert: reading},
		{name: "2 of 10 calls are answered that were", incident: plain(simulation.IncidentAnswerDrop, 0.8), lasts: oneDay, alert: answers},
		{name: "half of the calls are answered that were", incident: plain(simulation.IncidentAnswerDrop, 0.5), lasts: 3 * oneDay, alert: answers},
		{name: "half of the calls are answered that were, from 15 to 22", incident: narrowed(simulation.IncidentAnswerDrop, 0.5, func(i *simulation.Incident) { i.Hours = [2]int{15, 22} }), lasts: 3 * oneDay, alert: answers},
		{name: "calls without sound, all short", incident: plain(simulation.IncidentShortCalls, 0.95), lasts: oneDay, alert: short},
		{name: "7 of 10 calls fail", incident: plain(simulation.IncidentFailingCalls, 0.7), lasts: oneDay, alert: calls},
		{name: "half of the calls fail", incident: plain(simulation.IncidentFailingCalls, 0.5), lasts: oneDay, alert: calls},
		{name: "6 of 10 calls fail for 3 hours", incident: plain(simulation.IncidentFailingCalls, 0.6), lasts: 3 * time.Hour, alert: calls},
		{name: "a third of the calls fails for 3 hours", incident: plain(simulation.IncidentFailingCalls, 0.33), lasts: 3 * time.Hour, alert: calls},
		{name: "all calls fail for an hour", incident: plain(simulation.IncidentFailingCalls, 0), lasts: time.Hour, alert: calls},
		{name: "no call is made any more", incident: narrowed(simulation.IncidentWebhooksOff, 0, func(i *simulation.Incident) { i.Settings = []string{"outgoingCallWebhook"} }), lasts: oneDay, alert: noCalls},
		{name: "nothing is sent any more", incident: plain(simulation.IncidentNoTraffic, 0), lasts: oneDay, alert: noMessages},
		{name: "nothing is sent by API any more", incident: narrowed(simulation.IncidentNoTraffic, 0, func(i *simulation.Incident) { i.Origin = "api" }), lasts: oneDay, alert: noMessages},
		{name: "half as much for two days", incident: plain(simulation.IncidentNoTraffic, 0.5), lasts: 2 * oneDay, alert: less},
		{name: "a tenth for two days", incident: plain(simulation.IncidentNoTraffic, 0.9), lasts: 2 * oneDay, alert: less, also: []string{noMessages, noCalls}},
		{name: "a weekly newsletter does not go out", campaigns: newsletters(3, 10, 17), alert: less},
		{name: "twice as much for two days", incident: burst(2), lasts: 2 * oneDay, alert: more},
		{name: "20 times as much", incident: burst(20), lasts: oneDay, alert: more},
		{name: "3000 messages at night", campaigns: []simulation.Campaign{{At: struck.Add(17 * time.Hour), Messages: 3000, Over: 3 * time.Hour}}, alert: more},
		{name: "messages arrive late, by 40 minutes", incident: narrowed(simulation.IncidentSlowDelivery, 0, func(i *simulation.Incident) { i.Delay = 40 * time.Minute }), lasts: oneDay, alert: slow, also: []string{drop}},
		{name: "messages arrive late, by 3 hours", incident: narrowed(simulation.IncidentSlowDelivery, 0, func(i *simulation.Incident) { i.Delay = 3 * time.Hour }), lasts: oneDay, alert: slow, also: []string{stuck, drop}},
	}
}
