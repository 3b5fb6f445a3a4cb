package simulation

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// An Account describes a simulated account.
type Account struct {
	ID, Token, Name string

	MessagesPerDay, CallsPerDay float64 // over a week's average
	Rhythm                      Rhythm  // RhythmBusiness when zero
	UTCOffset                   time.Duration
	Contacts, Groups            int // 200 and 0 when zero
	GroupMembers                int // whom a message to a group has to reach, 3 when zero
	Behaviour                   *Behaviour

	// Since is when the account's history begins: before, nothing happened. By
	// default, it has always been.
	Since time.Time
	// Expires is what the partner API gives as the expiration date.
	Expires time.Time
	// State is reported outside of incidents, "authorized" when empty.
	State string
	// Incidents befall the account. Later ones: Simulation.AddIncident.
	Incidents []Incident
	// Campaigns go out on top of the usual traffic.
	Campaigns []Campaign
	// Phases are times of another rhythm or behaviour. The last that covers a time holds.
	Phases []Phase

	// OldSchema leaves out the fields type and sendByApi.
	OldSchema bool
	// OldSpelling writes yellowCard and hangUp for suspended and hungUp.
	OldSpelling bool
	// NumericChats has chat ids as Telegram and MAX have them: numbers,
	// negative ones for groups, as JSON strings or JSON numbers.
	NumericChats bool
	// Unsupported methods answer 404.
	Unsupported []string
	// TextBytes is about how long a text is, 160 when zero; ThumbnailBytes how
	// long the base64 thumbnails of media are, 0 for none.
	TextBytes, ThumbnailBytes int
}

// A Campaign is messages by API and calls to many, begun at a time.
type Campaign struct {
	At              time.Time
	Messages, Calls int
	Over            time.Duration // how long the sending takes, at most 12 h; a minute when zero
	// Queued campaigns are handed over at once and wait in the queue for their turn.
	Queued    bool
	Behaviour *Behaviour // of those whom it goes to; the account's when nil
}

// A Phase changes the account from one time to another.
type Phase struct {
	From, To  time.Time
	Rhythm    *Rhythm
	Behaviour *Behaviour
}

// Behaviour is what people and phones do. Shares are from 0 to 1.
type Behaviour struct {
	GroupMessages float64 // share of messages that go to groups
	FromPhone     float64 // share of messages sent from the phone, not by API

	NoAccount       float64 // share of private messages by API to numbers without an account
	NotInGroup      float64 // share of group messages by API to groups one is not in
	Failed          float64 // share of messages by API that fail otherwise
	NoActiveSession float64 // the same for noActiveSession

	Offline        float64       // share of recipients who are offline
	OfflineMean    time.Duration // how long they stay so, on average (exponential, at most 20 h)
	DeliveryMedian time.Duration // of the others (log-normal)
	NeverDelivered float64
	OpenChat       float64       // share of private deliveries that go straight from sent to read
	Read           float64       // share of delivered private messages that are read at last
	ReadInGroups   float64       // share of delivered group messages that everybody reads
	ReadMedian     time.Duration // from delivery to reading (log-normal, at most 16 h)
	Edited         float64       // share of delivered messages whose time moves later, the status staying
	ReceiptsReset  float64       // share of read messages that fall back to delivered, an hour later at least
	Edits          float64       // share of messages that edit an earlier one, besides the usual ones
	Degenerate     float64       // share of rows that are {"type":"outgoing","typeMessage":""}
	// At night, by the account's clock, nobody reads, and a share of the phones is off.
	Night Night

	GroupCalls, Video float64
	Answered          float64       // of all calls
	Declined          float64       // of all calls
	Invalid           float64       // of all calls
	Missed            float64       // of all calls; the rest is hungUp
	TalkMedian        time.Duration // of answered calls (log-normal, at most 4 h)
	TalkSpread        float64       // of the logarithm, 1.2 when zero
	Offer             float64       // share of calls that show as offer while they ring
	RepeatedRows      float64       // share of calls whose id stands on three rows, as in GREEN-API's example
}

// Night is when recipients sleep: from one hour to another one, past midnight or not.
// The zero Night is none.
type Night struct {
	From, To int
	Off      float64 // share of the phones
}

// UsualBehaviour is that of an account without Behaviour. Delays are those of
// the analysis that the project's dashboards rest on.
func UsualBehaviour() Behaviour {
	return Behaviour{
		GroupMessages:  0.12,
		FromPhone:      0.15,
		NoAccount:      0.012,
		NotInGroup:     0.004,
		Failed:         0.002,
		Offline:        0.12,
		OfflineMean:    3 * time.Hour,
		DeliveryMedian: 2 * time.Second,
		NeverDelivered: 0.008,
		OpenChat:       0.08,
		Read:           0.82,
		ReadInGroups:   0.45,
		ReadMedian:     8 * time.Minute,
		Edited:         0.004,
		ReceiptsReset:  0.002,
		GroupCalls:     0.06,
		Video:          0.15,
		Answered:       0.55,
		Declined:       0.12,
		Invalid:        0.03,
		Missed:         0.004,
		TalkMedian:     95 * time.Second,
		RepeatedRows:   0.004,
	}
}

// account is an Account at work.
type account struct {
	Account

	sim       *Simulation
	key       uint64
	behaviour Behaviour
	since     int64

	incidentsMu sync.Mutex
	incidents   atomic.Pointer[[]incident] // replaced, never changed

	messages, calls stream
}

func newAccount(sim *Simulation, settings Account) *account {
	a := &account{Account: settings, sim: sim, key: hash(sim.seed, hashString(settings.ID)), since: math.MinInt64}
	if a.Rhythm == (Rhythm{}) {
		a.Rhythm = RhythmBusiness()
	}
	if a.Contacts == 0 {
		a.Contacts = 200
	}
	if a.GroupMembers == 0 {
		a.GroupMembers = 3
	}
	if a.State == "" {
		a.State = "authorized"
	}
	if a.TextBytes == 0 {
		a.TextBytes = 160
	}
	if !a.Since.IsZero() {
		a.since = a.Since.Unix()
	}
	if a.Behaviour != nil {
		a.behaviour = *a.Behaviour
	} else {
		a.behaviour = UsualBehaviour()
	}
	if a.MessagesPerDay < 0 || a.CallsPerDay < 0 || a.Contacts < 0 || a.Groups < 0 || a.GroupMembers < 0 || a.ID == "" {
		panic(fmt.Sprintf("simulation: account %q: no id, or a negative number", a.ID))
	}
	a.messages = stream{account: a, make: a.makeMessages, slots: make([]atomic.Pointer[block], cachedHours)}
	a.calls = stream{account: a, make: a.makeCalls, slots: make([]atomic.Pointer[block], cachedHours)}
	a.setIncidents(settings.Incidents)
	return a
}

// messageLife is how long after its beginning a message may act, in seconds.
func (a *account) messageLife() int64 {
	life := int64(messageLife)
	night := a.behaviour.Night
	for i := range a.Phases {
		if b := a.Phases[i].Behaviour; b != nil && b.Night != (Night{}) {
			night = b.Night
		}
	}
	for i := range a.Campaigns {
		if b := a.Campaigns[i].Behaviour; b != nil && b.Night != (Night{}) {
			night = b.Night
		}
	}
	if night != (Night{}) {
		life += 2 * maxNight
	}
	if len(a.Campaigns) > 0 || slices.ContainsFunc(*a.incidents.Load(), func(inc incident) bool { return inc.Kind == IncidentSlowDelivery }) {
		life += maxCampaign
	}
	return life
}

// share is the part of an average day's traffic that falls into the hour. No
// day is quite like another of its kind.
func (a *account) share(hour int64) float64 {
	local := time.Unix(hour*secondsPerHour, 0).UTC().Add(a.UTCOffset)
	luck := newDice(a.key, saltDay, uint64(local.Unix()/86400))
	rhythm := &a.Rhythm
	for i := range a.Phases {
		if p := &a.Phases[i]; p.Rhythm != nil && p.covers(hour*secondsPerHour) {
			rhythm = p.Rhythm
		}
	}
	return rhythm.share(local.Weekday(), local.Hour()) * luck.logNormal(1, 0.12)
}

func (p *Phase) covers(second int64) bool {
	return p.From.Unix() <= second && (p.To.IsZero() || second < p.To.Unix())
}

// behaviourAt is that of people at a second.
func (a *account) behaviourAt(second int64) *Behaviour {
	b := &a.behaviour
	for i := range a.Phases {
		if p := &a.Phases[i]; p.Behaviour != nil && p.covers(second) {
			b = p.Behaviour
		}
	}
	return b
}

func (a *account) setIncidents(incidents []Incident) {
	compiled := make([]incident, len(incidents))
	for i, inc := range incidents {
		compiled[i] = newIncident(inc, hash(a.key, saltIncident, uint64(i)), a.UTCOffset)
	}
	slices.SortStableFunc(compiled, byBeginning)
	a.incidents.Store(&compiled)
}

func (a *account) addIncident(inc Incident) {
	a.incidentsMu.Lock()
	defer a.incidentsMu.Unlock()
	old := *a.incidents.Load()
	added := append(slices.Clone(old), newIncident(inc, hash(a.key, saltIncident, uint64(len(old))), a.UTCOffset))
	slices.SortStableFunc(added, byBeginning)
	a.incidents.Store(&added)
}
