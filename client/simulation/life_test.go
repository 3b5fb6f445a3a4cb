package simulation

import (
	"strings"
	"testing"
	"time"
)

// life makes the messages of ten days of an account.
func life(settings Account) []event {
	settings.MessagesPerDay = max(settings.MessagesPerDay, 1)
	_, events := messagesOf(settings, 10)
	return events
}

func TestNight(t *testing.T) {
	t.Parallel()
	b := UsualBehaviour()
	b.Night = Night{From: 22, To: 7, Off: 1}
	for _, e := range life(Account{MessagesPerDay: 500, Rhythm: RhythmFlat(), Behaviour: &b}) {
		for i := range int(e.n) {
			at := time.Unix(e.actedAt(i), 0).UTC()
			if hour := at.Hour(); isReceipt(e.status[i]) && (hour >= 22 || hour < 7) && i > 0 && !isReceipt(e.status[i-1]) {
				t.Fatalf("%v at %v, to a telephone that is off", e.status[i], at)
			}
		}
	}
	for _, test := range []struct {
		hour int
		want int64 // hours
	}{{21, 0}, {22, 9}, {0, 7}, {6, 1}, {7, 0}, {12, 0}} {
		if got := b.Night.end(int64(test.hour) * secondsPerHour); got != test.want*secondsPerHour {
			t.Errorf("at %d the night goes on for %d s, want %d h", test.hour, got, test.want)
		}
	}
}

func TestCampaigns(t *testing.T) {
	t.Parallel()
	at := statisticsStart.Add(33*time.Hour + 30*time.Minute)
	for _, queued := range []bool{false, true} {
		events := life(Account{Campaigns: []Campaign{{At: at, Messages: 600, Over: 3 * time.Hour, Queued: queued}}})
		var begun, sent int
		for _, e := range events {
			if e.created >= at.Unix() && e.created < at.Add(time.Minute).Unix() {
				begun++
			}
			if s := e.acted(statusSent); s >= at.Add(time.Hour).Unix() && s < at.Add(2*time.Hour).Unix() {
				sent++
			}
		}
		near(t, "campaign", float64(len(events)), 600, 640)
		near(t, "sent in the second hour", float64(sent), 190, 205)
		if all := begun > 590; all != queued {
			t.Errorf("queued %v: %d messages are begun in the first minute", queued, begun)
		}
	}
}

func TestPhases(t *testing.T) {
	t.Parallel()
	var nights Rhythm
	nights.Hours[2], nights.Days = 1, [7]float64{1, 1, 1, 1, 1, 1, 1}
	silent := UsualBehaviour()
	silent.FromPhone = 1
	from := statisticsStart.AddDate(0, 0, 5)
	for _, e := range life(Account{MessagesPerDay: 200, Phases: []Phase{{From: from, Rhythm: &nights, Behaviour: &silent}}}) {
		at := time.Unix(e.created, 0).UTC()
		if later := !at.Before(from); later && (at.Hour() != 2 || !e.phone) {
			t.Fatalf("a message at %v, by phone %v", at, e.phone)
		}
	}
}

func TestIncidentsAreNarrowedDown(t *testing.T) {
	t.Parallel()
	from, to := statisticsStart.AddDate(0, 0, 2), statisticsStart.AddDate(0, 0, 8)
	befall := func(inc Incident) *account {
		inc.From, inc.To = from, to
		sim := New(Settings{Seed: 7}, Account{ID: "1", MessagesPerDay: 800, CallsPerDay: 300, Groups: 5, Incidents: []Incident{inc}})
		return sim.accounts[0]
	}
	// count returns how many messages pass, of those that begin within the incident.
	count := func(a *account, pass func(*event) bool) (n, all int) {
		for hour := from.Unix() / secondsPerHour; hour < to.Unix()/secondsPerHour; hour++ {
			events := a.messages.hour(hour).events
			for i := range events {
				all++
				if pass(&events[i]) {
					n++
				}
			}
		}
		return n, all
	}
	byAPI := func(e *event) bool { return !e.phone }
	if n, all := count(befall(Incident{Kind: IncidentNoTraffic, Origin: "api"}), byAPI); n != 0 || all == 0 {
		t.Errorf("%d of %d messages by API, want none", n, all)
	}
	if n, _ := count(befall(Incident{Kind: IncidentNoTraffic, ChatType: "group"}), func(e *event) bool { return e.group }); n != 0 {
		t.Errorf("%d messages to groups", n)
	}
	a := befall(Incident{Kind: IncidentNoTraffic, Prefix: "9991"})
	if n, all := count(a, func(e *event) bool { return !e.group && strings.HasPrefix(a.number(e.chat), "9991") }); n != 0 || all < 1000 {
		t.Errorf("%d of %d messages to numbers with the prefix", n, all)
	}
	hours := befall(Incident{Kind: IncidentNoTraffic, Hours: [2]int{9, 12}})
	if n, all := count(hours, func(e *event) bool { h := time.Unix(e.created, 0).UTC().Hour(); return h >= 9 && h < 12 }); n != 0 || all < 1000 {
		t.Errorf("%d of %d messages in its hours", n, all)
	}
	failed := func(e *event) bool { return e.status[e.n-1] == statusNotInGroup }
	if n, all := count(befall(Incident{Kind: IncidentFailingMessages, Share: 0.5, Reason: "notInGroup"}), failed); n < all/3 || n > all/2 {
		t.Errorf("%d of %d messages fail, want half of those by API", n, all)
	}
	slow := func(e *event) bool {
		return e.acted(statusDelivered) > e.acted(statusSent)+1800 && e.acted(statusDelivered) > 0
	}
	n, all := count(befall(Incident{Kind: IncidentSlowDelivery, Delay: 3 * time.Hour}), slow)
	if n < all*6/10 {
		t.Errorf("%d of %d deliveries are slow", n, all)
	}
	if flaps := befall(Incident{Kind: IncidentServerErrors, Share: 0.5, Period: 2 * time.Minute}); true {
		var now time.Time
		flaps.sim.clock = func() time.Time { return now }
		for i, want := range []int{500, 200, 500, 200} {
			now = from.Add(time.Duration(i) * time.Minute)
			if got := flaps.sim.Answer("1", MethodGetStateInstance, 60).Status; got != want {
				t.Errorf("minute %d: status %d, want %d", i, got, want)
			}
		}
	}
	one := befall(Incident{Kind: IncidentServerErrors, Status: 403, Methods: []string{MethodLastOutgoingCalls}})
	one.sim.clock = func() time.Time { return from }
	if calls, state := one.sim.Answer("1", MethodLastOutgoingCalls, 60).Status, one.sim.Answer("1", MethodGetStateInstance, 60).Status; calls != 403 || state != 200 {
		t.Errorf("status %d of the refused method, %d of another", calls, state)
	}
}

func TestPendingAndDelays(t *testing.T) {
	t.Parallel()
	at := statisticsStart.Add(9 * time.Hour)
	sim := New(Settings{Seed: 7}, Account{ID: "1", Campaigns: []Campaign{{At: at, Messages: 100, Over: time.Hour, Queued: true}}})
	count, oldest := sim.Pending("1", at.Add(30*time.Minute))
	near(t, "waiting", float64(count), 48, 52)
	if !oldest.Equal(at) {
		t.Errorf("the oldest waits since %v, want %v", oldest, at)
	}
	truth := sim.Truth("1", at, at.AddDate(0, 0, 1))
	if got, want := len(truth.DeliveryDelays["private"]), truth.Delivered["private"]; got != want || want < 70 {
		t.Errorf("%d delays of %d deliveries", got, want)
	}
	for _, d := range truth.DeliveryDelays["private"] {
		if d < 0 || d > maxOffline+maxNight {
			t.Errorf("a delay of %d s", d)
		}
	}
}
