package simulation_test

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
)

// An observer reads whole journals one after the other and counts what is new
// in each, in the most obvious way. It stands for what an exporter does.
type observer struct {
	truth     simulation.Truth
	stage     map[string]int             // by chat and id, the highest seen
	failed    map[string]map[string]bool // likewise, by reason
	calls     map[string]int             // how often a row occurs
	observing bool                       // false while the baseline is read
}

func newObserver() *observer {
	return &observer{
		truth: simulation.Truth{
			Observed:     make(map[simulation.MessageLabels]int),
			Sent:         make(map[string]int),
			Delivered:    make(map[string]int),
			Read:         make(map[string]int),
			Failed:       make(map[simulation.FailureLabels]int),
			Calls:        make(map[simulation.CallLabels]int),
			Participants: make(map[simulation.CallLabels]int),
			Durations:    make(map[simulation.DurationLabels][]int),
		},
		stage:  make(map[string]int),
		failed: make(map[string]map[string]bool),
		calls:  make(map[string]int),
	}
}

func chatOf(id string) string {
	if strings.HasSuffix(id, "@g.us") {
		return "group"
	}
	return "private"
}

func (o *observer) message(r seenRow) {
	if r.IDMessage == "" {
		return
	}
	key, chat := r.ChatID+" "+r.IDMessage, chatOf(r.ChatID)
	add := func(count func()) {
		if o.observing {
			count()
		}
	}
	if _, known := o.stage[key]; !known {
		o.stage[key] = 0
		o.failed[key] = make(map[string]bool)
		origin := "phone"
		if r.SendByAPI == nil {
			origin = "unknown"
		} else if *r.SendByAPI {
			origin = "api"
		}
		add(func() {
			o.truth.Observed[simulation.MessageLabels{MessageType: r.TypeMessage, ChatType: chat, Origin: origin}]++
		})
	}
	if slices.Contains([]string{"editedMessage", "deletedMessage", "reactionMessage", "pollUpdateMessage"}, r.TypeMessage) {
		return // About a message, and not one itself.
	}
	stages := []string{"pending", "sent", "delivered", "read"}
	counters := []map[string]int{nil, o.truth.Sent, o.truth.Delivered, o.truth.Read}
	stage := slices.Index(stages, r.StatusMessage)
	if stage < 0 {
		reason := strings.ReplaceAll(r.StatusMessage, "yellowCard", "suspended")
		if !o.failed[key][reason] {
			o.failed[key][reason] = true
			add(func() { o.truth.Failed[simulation.FailureLabels{Reason: reason, ChatType: chat}]++ })
		}
		return
	}
	for ; o.stage[key] < stage; o.stage[key]++ {
		add(func() { counters[o.stage[key]+1][chat]++ })
	}
}

// journal counts the calls of a whole journal.
func (o *observer) journal(rows []seenRow) {
	now := make(map[string]int)
	for _, r := range rows {
		if r.Status == "offer" {
			continue
		}
		key := strings.Join([]string{r.ChatID, r.IDMessage, strconv.FormatInt(r.Timestamp, 10), r.Status}, " ")
		now[key]++
		if now[key] <= o.calls[key] {
			continue
		}
		o.calls[key] = now[key]
		if !o.observing {
			continue
		}
		media := "voice"
		if r.IsVideo {
			media = "video"
		}
		label := func(status string) simulation.CallLabels {
			return simulation.CallLabels{Status: strings.ReplaceAll(status, "hangUp", "hungUp"), Media: media, ChatType: chatOf(r.ChatID)}
		}
		o.truth.Calls[label(r.Status)]++
		for _, p := range r.Participants {
			o.truth.Participants[label(p.Status)]++
		}
		if r.Status == "pickUp" {
			labels := simulation.DurationLabels{Media: media, ChatType: chatOf(r.ChatID)}
			o.truth.Durations[labels] = append(o.truth.Durations[labels], r.Duration)
			slices.Sort(o.truth.Durations[labels])
		}
	}
}

func (o *observer) read(w *world, at time.Time, minutes int) {
	for _, r := range w.rows(at, "lastOutgoingMessages", minutes) {
		o.message(r)
	}
	o.journal(w.rows(at, "lastOutgoingCalls", minutes))
	o.observing = true
}

// What an observer of the rows counts is what Truth says, to the unit, whatever
// the interval, with incidents of every kind in between.
func TestTruthIsWhatAnObserverCounts(t *testing.T) {
	t.Parallel()
	day := func(n int, hour float64) time.Time {
		return start.AddDate(0, 0, n).Add(time.Duration(hour * float64(time.Hour)))
	}
	incidents := []simulation.Incident{
		{Kind: simulation.IncidentRestriction, From: day(2, 9.3), To: day(2, 11), Share: 0.6},
		{Kind: simulation.IncidentLogout, From: day(2, 12), To: day(2, 14.1)},
		{Kind: simulation.IncidentStuckSent, From: day(2, 13), To: day(2, 17)},
		{Kind: simulation.IncidentStuckPending, From: day(3, 9), To: day(3, 10)},
		{Kind: simulation.IncidentBadContacts, From: day(3, 9.5), To: day(3, 12), Share: 0.4},
		{Kind: simulation.IncidentBurst, From: day(3, 13), To: day(3, 15), Factor: 3},
		{Kind: simulation.IncidentNoTraffic, From: day(3, 14.5), To: day(3, 15.5), Share: 0.8},
		{Kind: simulation.IncidentWebhooksOff, From: day(3, 16), To: day(3, 17)},
		{Kind: simulation.IncidentAnswerDrop, From: day(2, 9), To: day(2, 12), Share: 0.7},
		{Kind: simulation.IncidentShortCalls, From: day(3, 9), To: day(3, 12), Share: 0.7},
		{Kind: simulation.IncidentFailingCalls, From: day(3, 12), To: day(3, 14), Share: 0.5},
		{Kind: simulation.IncidentReadDrop, From: day(3, 8), To: day(3, 14), Share: 0.5},
	}
	tests := []struct {
		name     string
		settings simulation.Settings
		account  simulation.Account
		interval time.Duration
		minutes  int
	}{
		{"quiet", simulation.Settings{}, simulation.Account{}, 45 * time.Minute, 1440},
		{"odd rows and incidents", simulation.Settings{}, simulation.Account{Behaviour: unusual(), Incidents: incidents}, 25 * time.Minute, 1440},
		{"a long interval", simulation.Settings{}, simulation.Account{Behaviour: nothingReset(), Incidents: incidents}, 5*time.Hour + 7*time.Second, 1440},
		{"old schema and spelling", simulation.Settings{}, simulation.Account{OldSchema: true, OldSpelling: true, Incidents: incidents}, 50 * time.Minute, 1440},
		{"a window by sending time", simulation.Settings{Reading: simulation.BySendingTime}, simulation.Account{Incidents: incidents}, 50 * time.Minute, 3000},
		{"a short window since the beginning", simulation.Settings{}, simulation.Account{Behaviour: unusual(), Since: day(2, 5)}, 13 * time.Minute, 20},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.settings.Seed, test.account.TextBytes = 11, 1
			test.account.MessagesPerDay, test.account.CallsPerDay, test.account.Groups = 250, 120, 5
			w := newWorld(t, test.settings, test.account)
			begin, end := day(2, 5), day(4, 5)
			o := newObserver()
			last := begin
			for at := begin; at.Before(end); at = at.Add(test.interval) {
				o.read(w, at, test.minutes)
				last = at
			}
			truth := w.sim.Truth(testID, begin.Add(1), last.Add(1))
			truth.DeliveryDelays, truth.ReadDelays = nil, nil // No journal shows them.
			if diff := cmp.Diff(truth, o.truth, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("truth (-) and observer (+) differ:\n%s", diff)
			}
			if len(truth.Observed) < 10 || truth.Read["private"] < 100 || len(truth.Calls) < 5 {
				t.Errorf("too little happened: %+v", truth)
			}
		})
	}
}

// nothingReset is the unusual behaviour without what a long interval hides.
func nothingReset() *simulation.Behaviour {
	b := unusual()
	b.ReceiptsReset = 0
	return b
}

// Truth of two halves sums up to that of the whole.
func TestTruthAddsUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t, simulation.Settings{Seed: 4}, simulation.Account{MessagesPerDay: 400, CallsPerDay: 100, Groups: 3, Behaviour: unusual()})
	middle := start.Add(31*time.Hour + 500*time.Millisecond)
	end := start.AddDate(0, 0, 3)
	first, second, whole := w.sim.Truth(testID, start, middle), w.sim.Truth(testID, middle, end), w.sim.Truth(testID, start, end)
	add(first.Observed, second.Observed)
	add(first.Sent, second.Sent)
	add(first.Delivered, second.Delivered)
	add(first.Read, second.Read)
	add(first.Failed, second.Failed)
	add(first.Calls, second.Calls)
	add(first.Participants, second.Participants)
	for labels, seconds := range second.Durations {
		first.Durations[labels] = append(first.Durations[labels], seconds...)
		slices.Sort(first.Durations[labels])
	}
	for _, halves := range [][2]map[string][]int{{first.DeliveryDelays, second.DeliveryDelays}, {first.ReadDelays, second.ReadDelays}} {
		for chat, seconds := range halves[1] {
			halves[0][chat] = append(halves[0][chat], seconds...)
		}
	}
	for _, delays := range []map[string][]int{whole.DeliveryDelays, whole.ReadDelays, first.DeliveryDelays, first.ReadDelays} {
		for _, seconds := range delays {
			slices.Sort(seconds)
		}
	}
	if diff := cmp.Diff(whole, first); diff != "" {
		t.Error(diff)
	}
	reasons := make(map[string]bool)
	for labels := range whole.Failed {
		reasons[labels.Reason] = true
	}
	want := []string{"failed", "noAccount", "noActiveSession", "notInGroup"}
	if got := slices.Sorted(maps.Keys(reasons)); !slices.Equal(got, want) {
		t.Errorf("reasons %q, want %q", got, want)
	}
	for _, chat := range []string{"private", "group"} {
		if whole.Read[chat] >= whole.Delivered[chat] || whole.Delivered[chat] > whole.Sent[chat]+whole.Sent[chat]/20 {
			t.Errorf("%s: %d sent, %d delivered, %d read", chat, whole.Sent[chat], whole.Delivered[chat], whole.Read[chat])
		}
	}
}

func add[K comparable](sum, more map[K]int) {
	for labels, n := range more {
		sum[labels] += n
	}
}
