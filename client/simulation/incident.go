package simulation

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// IncidentKind is what befalls an account.
type IncidentKind string

// The kinds of incidents. What they do is decided by the time of each action,
// never by the time of asking: an incident changes nothing that happened
// before it began.
const (
	// IncidentRestriction: the messenger restricts the account. The API
	// answers 200, a share of the messages ends as suspended, and so does the
	// state, with suspendedUntil in getWaSettings.
	IncidentRestriction IncidentKind = "restriction"
	// IncidentLogout: the state is notAuthorized; no calls, nothing sent. What
	// the API takes stays pending, and goes out at the end when it has waited
	// less than 24 hours. Receipts come in then, too.
	IncidentLogout IncidentKind = "logout"
	// IncidentBlock is a logout with the state blocked.
	IncidentBlock IncidentKind = "block"
	// IncidentStarting is a logout with the state starting.
	IncidentStarting IncidentKind = "starting"
	// IncidentExpired is a logout in which every method answers 400.
	IncidentExpired IncidentKind = "expired"
	// IncidentStuckSent: receipts of a share of the messages do not come in before the
	// end (a dead phone).
	IncidentStuckSent IncidentKind = "stuck sent"
	// IncidentStuckPending: what the API takes stays pending until the end.
	IncidentStuckPending IncidentKind = "stuck pending"
	// IncidentBadContacts: a share of the private messages by API ends as
	// noAccount.
	IncidentBadContacts IncidentKind = "bad contacts"
	// IncidentReadDrop: a share of the readings does not happen.
	IncidentReadDrop IncidentKind = "read drop"
	// IncidentAnswerDrop: a share of the calls that would be answered is not.
	IncidentAnswerDrop IncidentKind = "answer drop"
	// IncidentShortCalls: a share of the answered calls ends within 6 seconds.
	IncidentShortCalls IncidentKind = "short calls"
	// IncidentFailingCalls: a share of the calls is invalid.
	IncidentFailingCalls IncidentKind = "failing calls"
	// IncidentFailingMessages: a share of the messages by API ends as Reason, failed
	// when none is given.
	IncidentFailingMessages IncidentKind = "failing messages"
	// IncidentSlowDelivery: a share of the deliveries comes later by Delay on average.
	IncidentSlowDelivery IncidentKind = "slow delivery"
	// IncidentNoTraffic: a share of messages and calls does not happen.
	IncidentNoTraffic IncidentKind = "no traffic"
	// IncidentBurst: Factor times as many messages and calls.
	IncidentBurst IncidentKind = "burst"
	// IncidentWebhooksOff: Settings are "no", outgoingWebhook when none is
	// given. Without outgoingWebhook no receipt is recorded; without
	// outgoingMessageWebhook no message from the phone; without
	// outgoingCallWebhook no call.
	IncidentWebhooksOff IncidentKind = "webhooks off"
	// IncidentState: getStateInstance says State, falsely; the empty State is
	// the body null.
	IncidentState IncidentKind = "state"
	// IncidentServerErrors: a share of the requests answers Status, 500 when
	// it is 0.
	IncidentServerErrors IncidentKind = "server errors"
	// IncidentRateLimited: a share of the requests answers 429.
	IncidentRateLimited IncidentKind = "rate limited"
	// IncidentQuota: every request answers 466.
	IncidentQuota IncidentKind = "quota"
	// IncidentTokenRevoked: every request answers 401.
	IncidentTokenRevoked IncidentKind = "token revoked"
	// IncidentClockSkew: the Date header is off by Skew.
	IncidentClockSkew IncidentKind = "clock skew"
)

// IncidentKinds returns all kinds.
func IncidentKinds() []IncidentKind {
	return []IncidentKind{
		IncidentRestriction, IncidentLogout, IncidentBlock, IncidentStarting, IncidentExpired,
		IncidentStuckSent, IncidentStuckPending, IncidentBadContacts, IncidentReadDrop,
		IncidentAnswerDrop, IncidentShortCalls, IncidentFailingCalls, IncidentFailingMessages, IncidentSlowDelivery,
		IncidentNoTraffic, IncidentBurst,
		IncidentWebhooksOff, IncidentState, IncidentServerErrors, IncidentRateLimited, IncidentQuota,
		IncidentTokenRevoked, IncidentClockSkew,
	}
}

// An Incident befalls an account from a time to another. Incidents overlap
// freely.
type Incident struct {
	Kind IncidentKind
	From time.Time // included; zero: it has always been
	To   time.Time // excluded; zero: for good

	Share    float64       // of what the kind touches; 0 means all
	Factor   float64       // IncidentBurst
	Skew     time.Duration // IncidentClockSkew
	Status   int           // IncidentServerErrors
	State    string        // IncidentState
	Reason   string        // IncidentFailingMessages: noAccount, notInGroup, failed, noActiveSession
	Delay    time.Duration // IncidentSlowDelivery
	Settings []string      // IncidentWebhooksOff
	// ChatType, Origin (api, phone) and Prefix of the number narrow down which messages
	// and calls are touched, Methods which requests.
	ChatType, Origin, Prefix string
	Methods                  []string
	// Hours are those of the day, by the account's clock, in which it goes on: from the
	// first, before the second. Both zero: all.
	Hours [2]int
	// Ramp is how long the share takes to grow to its full size.
	Ramp time.Duration
	// Period makes it come and go: it goes on for Share of each period, and then hits all.
	Period time.Duration
	// JournalsFail makes the journals answer 400 during IncidentLogout,
	// IncidentBlock and IncidentStarting. By default, they answer.
	JournalsFail bool
}

// incident is an Incident in the simulation's terms.
type incident struct {
	Incident

	key      uint64
	from, to int64
	offset   int64 // of the account's clock, seconds
}

func newIncident(inc Incident, key uint64, utcOffset time.Duration) incident {
	if !slices.Contains(IncidentKinds(), inc.Kind) {
		panic(fmt.Sprintf("simulation: unknown kind of incident %q", inc.Kind))
	}
	if _, ok := failures[cmp.Or(inc.Reason, defaultFailure)]; !ok {
		panic(fmt.Sprintf("simulation: no message fails for the reason %q", inc.Reason))
	}
	compiled := incident{Incident: inc, key: key, offset: int64(utcOffset / time.Second), from: math.MinInt64, to: math.MaxInt64}
	if !inc.From.IsZero() {
		compiled.from = inc.From.Unix()
	}
	if !inc.To.IsZero() {
		compiled.to = inc.To.Unix()
	}
	if inc.Share == 0 {
		compiled.Share = 1
	}
	if inc.Kind == IncidentWebhooksOff && len(inc.Settings) == 0 {
		compiled.Settings = []string{"outgoingWebhook"}
	}
	return compiled
}

func byBeginning(a, b incident) int { return cmp.Compare(a.from, b.from) }

// covers tells whether a second lies in the incident.
func (inc *incident) covers(second int64) bool {
	if second < inc.from || second >= inc.to {
		return false
	}
	if period := int64(inc.Period / time.Second); period > 0 && float64(second%period) >= inc.Share*float64(period) {
		return false
	}
	if inc.Hours == [2]int{} {
		return true
	}
	hour := int((second + inc.offset) / secondsPerHour % 24)
	return inc.Hours[0] <= hour && hour < inc.Hours[1]
}

// concerns tells whether the incident is about messages or calls such as this one.
func (inc *incident) concerns(a *account, e *event, call bool) bool {
	return (inc.ChatType == "" || inc.ChatType == chatType(e.group)) &&
		(inc.Origin == "" || !call && inc.Origin == a.origin(e)) &&
		(inc.Prefix == "" || !e.group && strings.HasPrefix(a.number(e.chat), inc.Prefix))
}

// hits decides, once and for all, whether the event with this key is in the
// incident's share.
func (inc *incident) hits(key uint64) bool {
	d := newDice(inc.key, key)
	return inc.Period > 0 || d.chance(inc.Share)
}

// hitsAt is hits while the share may still grow.
func (inc *incident) hitsAt(key uint64, second int64) bool {
	d := newDice(inc.key, key)
	share := inc.Share
	if ramp := int64(inc.Ramp / time.Second); ramp > 0 {
		share *= min(1, float64(second-inc.from)/float64(ramp))
	}
	return inc.Period > 0 || d.chance(share)
}

// offline tells whether the account is cut off from the messenger.
func (inc *incident) offline() bool {
	switch inc.Kind {
	case IncidentLogout, IncidentBlock, IncidentStarting, IncidentExpired:
		return true
	}
	return false
}

// postpones tells whether actions wait for the incident's end.
func (inc *incident) postpones() bool {
	return inc.offline() || inc.Kind == IncidentStuckSent || inc.Kind == IncidentStuckPending
}

// prevents tells whether what would begin at this second does not happen, or
// is never recorded.
func (inc *incident) prevents(key uint64, second int64, phone, call bool) bool {
	if !inc.covers(second) {
		return false
	}
	switch {
	case inc.Kind == IncidentNoTraffic:
		return inc.hits(key)
	case inc.offline():
		return phone || call
	case inc.Kind == IncidentWebhooksOff:
		return phone && slices.Contains(inc.Settings, "outgoingMessageWebhook") ||
			call && slices.Contains(inc.Settings, "outgoingCallWebhook")
	}
	return false
}

// bend changes the course of a message.
func (inc *incident) bend(c *course, key uint64, private, phone bool) {
	switch inc.Kind {
	case IncidentRestriction:
		if i := c.find(statusSent); i >= 0 && inc.covers(c.steps[i].at) && inc.hitsAt(key, c.steps[i].at) {
			c.endAs(i, statusSuspended)
		}
	case IncidentBadContacts:
		if i := c.find(statusSent); i >= 0 && private && !phone && inc.covers(c.steps[i].at) && inc.hitsAt(key, c.steps[i].at) {
			c.endAs(i, statusNoAccount)
		}
	case IncidentFailingMessages:
		if i := c.find(statusSent); i >= 0 && !phone && inc.covers(c.steps[i].at) && inc.hitsAt(key, c.steps[i].at) {
			c.endAs(i, failures[cmp.Or(inc.Reason, defaultFailure)])
		}
	case IncidentSlowDelivery:
		inc.slowDown(c, key)
	case IncidentReadDrop:
		if i := c.find(statusRead); i >= 0 && inc.covers(c.steps[i].at) && inc.hitsAt(key, c.steps[i].at) {
			c.n = i
		}
	case IncidentStuckPending:
		if i := c.find(statusSent); i > 0 && inc.covers(c.steps[i].at) {
			c.postpone(i, inc, key)
		}
	case IncidentStuckSent:
		inc.holdReceipts(c, key)
	case IncidentLogout, IncidentBlock, IncidentStarting, IncidentExpired:
		if i := c.find(statusSent); i > 0 && inc.covers(c.steps[i].at) {
			c.postpone(i, inc, key)
		}
		inc.holdReceipts(c, key)
	case IncidentWebhooksOff:
		if slices.Contains(inc.Settings, "outgoingWebhook") {
			c.forget(func(s step) bool { return isReceipt(s.status) && inc.covers(s.at) })
		}
	}
}

// slowDown lets the first receipt that falls into the incident, and those that follow,
// come later.
func (inc *incident) slowDown(c *course, key uint64) {
	i := 1
	for i < c.n && !(isReceipt(c.steps[i].status) && inc.covers(c.steps[i].at)) {
		i++
	}
	if i == c.n || i > 1 && isReceipt(c.steps[i-1].status) || !inc.hits(key) {
		return
	}
	d := newDice(inc.key, key, saltPostponed)
	by := int64(min(maxNight, d.exponential(inc.Delay.Seconds())))
	for ; i < c.n; i++ {
		c.steps[i].at += by
	}
}

// failures are the reasons of IncidentFailingMessages.
var failures = map[string]status{
	defaultFailure: statusFailed, "notInGroup": statusNotInGroup, "noActiveSession": statusNoActiveSession, "noAccount": statusNoAccount,
}

const defaultFailure = "failed"

// holdReceipts postpones the first receipt that falls into the incident, and
// with it those that follow.
func (inc *incident) holdReceipts(c *course, key uint64) {
	for i := 1; i < c.n; i++ {
		if isReceipt(c.steps[i].status) && inc.covers(c.steps[i].at) {
			if inc.offline() || inc.hitsAt(key, c.steps[i].at) {
				c.postpone(i, inc, key)
			}
			return
		}
	}
}
