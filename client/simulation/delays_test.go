package simulation

import (
	"math"
	"slices"
	"testing"
	"time"
)

// Seeds are fixed, so these statistics are the same on every run.

var statisticsStart = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) // a Monday

// messagesOf returns an account's messages of some days.
func messagesOf(settings Account, days int) (*account, []event) {
	settings.ID = "1101000001"
	a := New(Settings{Seed: 7}, settings).accounts[0]
	var events []event
	first := statisticsStart.Unix() / secondsPerHour
	for hour := first; hour < first+int64(24*days); hour++ {
		events = append(events, a.messages.hour(hour).events...)
	}
	return a, events
}

func quantile(values []float64, q float64) float64 {
	slices.Sort(values)
	return values[int(q*float64(len(values)-1))]
}

func near(t *testing.T, what string, got, low, high float64) {
	t.Helper()
	if !(low <= got && got <= high) {
		t.Errorf("%s is %.4g, want %.4g to %.4g", what, got, low, high)
	}
}

func TestDelays(t *testing.T) {
	t.Parallel()
	b := UsualBehaviour()
	b.GroupMessages, b.FromPhone, b.Edited, b.ReceiptsReset = 0, 0, 0, 0
	_, events := messagesOf(Account{MessagesPerDay: 5000, Behaviour: &b}, 14)
	near(t, "number of messages", float64(len(events)), 60000, 80000)

	var delivery, reading []float64
	var failed, undelivered, late, jumped, read float64
	for i := range events {
		e := &events[i]
		sent, delivered, seen := -1, -1, -1
		for k := range int(e.n) {
			switch e.status[k] {
			case statusSent:
				sent = k
			case statusDelivered:
				delivered = k
			case statusRead:
				seen = k
			}
		}
		switch {
		case sent < 0:
			failed++
			continue
		case delivered < 0 && seen < 0:
			undelivered++
			continue
		case delivered < 0:
			jumped++
			continue
		}
		d := float64(e.at[delivered] - e.at[sent])
		delivery = append(delivery, d)
		if d > 600 {
			late++
		}
		if seen >= 0 {
			read++
			reading = append(reading, float64(e.at[seen]-e.at[delivered]))
		}
	}
	n := float64(len(events))
	arrived := float64(len(delivery)) + jumped
	near(t, "failed share", failed/n, 0.012, 0.016)
	near(t, "never delivered", undelivered/(n-failed), 0.006, 0.010)
	near(t, "jumps to read", jumped/arrived, 0.075, 0.085)
	near(t, "read share", read/float64(len(delivery)), 0.81, 0.83)
	near(t, "median delivery", quantile(delivery, 0.5), 2, 3)
	// 12 % are offline for 3 h on average: 0.12 * exp(-600/10800) of them over 10 minutes.
	near(t, "over 10 minutes", late/float64(len(delivery)), 0.105, 0.121)
	near(t, "99th percentile of delivery", quantile(delivery, 0.99), 2.2*3600, 8.5*3600)
	near(t, "median reading", quantile(reading, 0.5), 7.5*60, 8.5*60)
}

// A group has a message when its last member has.
func TestGroupMembers(t *testing.T) {
	t.Parallel()
	b := UsualBehaviour()
	b.GroupMessages, b.Edited = 1, 0
	late := func(members int) float64 {
		_, events := messagesOf(Account{MessagesPerDay: 2000, Groups: 10, GroupMembers: members, Behaviour: &b}, 7)
		var late, delivered float64
		for i := range events {
			e := &events[i]
			for k := 1; k < int(e.n); k++ {
				if e.status[k] == statusDelivered && e.status[k-1] == statusSent {
					delivered++
					if e.at[k]-e.at[k-1] > 600 {
						late++
					}
				}
			}
		}
		return late / delivered
	}
	// 11.3 % of the members have it after more than 10 minutes.
	near(t, "over 10 minutes of the usual three", late(0), 0.28, 0.33)
	near(t, "over 10 minutes of 20", late(20), 0.89, 0.93)
}

// Statuses come in their order, within the life that a journal looks back,
// and every step shows after at most two minutes.
func TestStagesKeepTheirOrder(t *testing.T) {
	t.Parallel()
	_, events := messagesOf(Account{MessagesPerDay: 3000, Groups: 10}, 7)
	var lags []float64
	for i := range events {
		e := &events[i]
		for k := range int(e.n) {
			lag := int64(e.shown[k]) - int64(e.at[k])
			if lag < 0 || lag > maxLag {
				t.Fatalf("step %d shows %d s after it happened", k, lag)
			}
			if k == 0 {
				lags = append(lags, float64(lag))
				continue
			}
			reset := e.status[k] == statusDelivered && e.status[k-1] == statusRead && e.at[k]-e.at[k-1] >= resetDelay
			edit := e.status[k] == e.status[k-1] && k == int(e.n)-1
			if e.at[k] < e.at[k-1] || e.shown[k] < e.shown[k-1] || e.status[k] <= e.status[k-1] && !reset && !edit {
				t.Fatalf("step %v at %d after %v at %d", e.status[k], e.at[k], e.status[k-1], e.at[k-1])
			}
		}
		if e.n == 0 || e.at[e.n-1] > messageLife {
			t.Fatalf("a message of %d steps lives %d s", e.n, e.at[max(1, e.n)-1])
		}
	}
	near(t, "median lag", quantile(lags, 0.5), 57, 63)
	near(t, "shortest lag", quantile(lags, 0), 0, 0)
	near(t, "longest lag", quantile(lags, 1), maxLag, maxLag)
}

func TestShares(t *testing.T) {
	t.Parallel()
	a, events := messagesOf(Account{MessagesPerDay: 5000, Groups: 10}, 14)
	kinds := make(map[string]float64)
	chats := make(map[int32]bool)
	var groups, phones float64
	for i := range events {
		e := &events[i]
		kinds[messageKinds[e.kind].name]++
		if e.group {
			groups++
		} else {
			chats[e.chat] = true
		}
		if e.phone {
			phones++
		}
	}
	n := float64(len(events))
	near(t, "groups", groups/n, 0.115, 0.125)
	near(t, "from the phone", phones/n, 0.145, 0.155)
	near(t, "chats", float64(len(chats)), float64(a.Contacts), float64(a.Contacts))
	var total float64
	for _, k := range messageKinds {
		total += k.share
		near(t, k.name, 100*kinds[k.name]/n, k.share*0.8-0.05, k.share*1.2+0.05)
	}
	near(t, "sum of shares", total, 99.999, 100.001)
}

func TestCallOutcomes(t *testing.T) {
	t.Parallel()
	a := New(Settings{Seed: 3}, Account{ID: "1", CallsPerDay: 3000, Groups: 5}).accounts[0]
	outcomes := make(map[status]float64)
	var talk []float64
	var video, n float64
	first := statisticsStart.Unix() / secondsPerHour
	for hour := first; hour < first+7*24; hour++ {
		for _, e := range a.calls.hour(hour).events {
			n++
			outcomes[e.status[e.n-1]]++
			if e.video {
				video++
			}
			if (e.status[e.n-1] == statusPickUp) != (e.duration > 0) {
				t.Fatalf("%v for %d s", e.status[e.n-1], e.duration)
			}
			if e.duration > 0 {
				talk = append(talk, float64(e.duration))
			}
		}
	}
	near(t, "answered", outcomes[statusPickUp]/n, 0.54, 0.56)
	near(t, "declined", outcomes[statusDeclined]/n, 0.11, 0.13)
	near(t, "invalid", outcomes[statusInvalid]/n, 0.027, 0.033)
	near(t, "missed", outcomes[statusMissed]/n, 0.003, 0.005)
	near(t, "hung up", outcomes[statusHungUp]/n, 0.28, 0.31)
	near(t, "video", video/n, 0.14, 0.16)
	near(t, "median talk", quantile(talk, 0.5), 90, 100)
}

// The week's rhythm: volume as asked for, nights and weekends quiet, in the
// account's own time zone.
func TestRhythm(t *testing.T) {
	t.Parallel()
	_, events := messagesOf(Account{MessagesPerDay: 1000, UTCOffset: 5 * time.Hour}, 28)
	var night, noon, weekend float64
	for i := range events {
		local := time.Unix(events[i].created, 0).UTC().Add(5 * time.Hour)
		switch h := local.Hour(); {
		case h < 5:
			night++
		case h >= 9 && h < 12:
			noon++
		}
		if d := local.Weekday(); d == time.Saturday || d == time.Sunday {
			weekend++
		}
	}
	n := float64(len(events))
	near(t, "messages a day", n/28, 920, 1080)
	near(t, "at night", night/n, 0.002, 0.01)
	near(t, "before noon", noon/n, 0.28, 0.34)
	near(t, "at weekends", weekend/n, 0.08, 0.15)

	for name, r := range map[string]Rhythm{"flat": RhythmFlat(), "business": RhythmBusiness(), "shop": RhythmShop(), "campaign": RhythmCampaign()} {
		var sum float64
		for day := range 7 {
			for hour := range 24 {
				sum += r.share(time.Weekday(day), hour)
			}
		}
		near(t, name, sum, 6.9999, 7.0001)
	}
}

func TestPoisson(t *testing.T) {
	t.Parallel()
	for _, mean := range []float64{0, 0.01, 1, 20, 59, 61, 900} {
		const rounds = 20000
		var sum, squares float64
		for i := range rounds {
			d := newDice(1, uint64(i), math.Float64bits(mean))
			n := float64(d.poisson(mean))
			sum += n
			squares += n * n
		}
		got := sum / rounds
		variance := squares/rounds - got*got
		slack := 4 * math.Sqrt(mean/rounds)
		near(t, "mean", got, mean-slack, mean+slack)
		near(t, "variance", variance, mean*0.9-slack, mean*1.1+slack)
	}
}
