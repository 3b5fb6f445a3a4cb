package simulation_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
)

// The steps of the past add up to what the truth says of all of it.
func TestPastAddsUpToTheTruth(t *testing.T) {
	t.Parallel()
	until := time.Date(2026, 3, 4, 15, 5, 0, 0, time.UTC)
	accounts := append(simulation.Demo(7, nil).Accounts(), simulation.Account{
		// What is sent before one night may be read after the next one.
		ID: "1101000009", Name: "sleepers", MessagesPerDay: 2000, UTCOffset: 6 * time.Hour,
		Behaviour: &simulation.Behaviour{
			Offline: 1, OfflineMean: 30 * time.Hour, DeliveryMedian: time.Second, Read: 1, ReadMedian: 10 * time.Hour,
			Night: simulation.Night{From: 20, To: 8, Off: 1},
		},
	})
	sim := simulation.New(simulation.Settings{Seed: 7, Clock: func() time.Time { return until }}, accounts...)
	sim.AddIncident("1101000002", simulation.Incident{Kind: simulation.IncidentServerErrors, From: until.Add(-time.Hour), To: until.Add(-40 * time.Minute)})
	for _, account := range sim.Accounts() {
		past := sim.Past(account.ID, until, 5*time.Minute, 288)
		truth := sim.Truth(account.ID, until.Add(-24*time.Hour), until)
		var got, want simulation.Moment
		refused := 0
		for _, m := range past {
			got.Messages += m.Messages
			got.Delivered += m.Delivered
			got.Read += m.Read
			got.Failed += m.Failed
			got.Calls += m.Calls
			got.Answered += m.Answered
			got.Talk += m.Talk
			if m.Refused {
				refused++
			}
			if state := sim.State(account.ID, until); m.State != state {
				t.Fatalf("%s: state %s, want %s", account.Name, m.State, state)
			}
		}
		for labels, n := range truth.Observed {
			switch labels.MessageType {
			case "editedMessage", "deletedMessage", "reactionMessage", "pollUpdateMessage": // about a message, and not one itself
			default:
				want.Messages += n
			}
		}
		for _, chat := range []string{"private", "group"} {
			want.Delivered += truth.Delivered[chat]
			want.Read += truth.Read[chat]
		}
		for _, n := range truth.Failed {
			want.Failed += n
		}
		for labels, n := range truth.Calls {
			want.Calls += n
			if labels.Status == "pickUp" {
				want.Answered += n
			}
		}
		for _, durations := range truth.Durations {
			for _, seconds := range durations {
				want.Talk += time.Duration(seconds) * time.Second
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", account.Name, diff)
		}
		if wanted := map[string]int{"1101000002": 4}[account.ID]; refused != wanted {
			t.Errorf("%s: %d steps were refused, want %d", account.Name, refused, wanted)
		}
	}
}
