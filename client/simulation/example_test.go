package simulation_test

import (
	"fmt"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
)

// A day in the life of an account that is cut off in the middle of it, and
// what really happened then.
func ExampleSimulation_Truth() {
	monday := time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)
	noon := monday.Add(12 * time.Hour)
	sim := simulation.New(simulation.Settings{Seed: 1}, simulation.Account{
		ID:             "1101000001",
		MessagesPerDay: 500,
		Incidents:      []simulation.Incident{{Kind: simulation.IncidentLogout, From: noon, To: noon.Add(2 * time.Hour)}},
	})
	for _, hour := range []int{11, 12, 13, 14} {
		at := monday.Add(time.Duration(hour) * time.Hour)
		truth := sim.Truth("1101000001", at, at.Add(time.Hour))
		// The state at a quarter past, what became visible in the hour.
		fmt.Println(hour, sim.State("1101000001", at.Add(15*time.Minute)), truth.Sent["private"] > 10)
	}
	// Output:
	// 11 authorized true
	// 12 notAuthorized false
	// 13 notAuthorized false
	// 14 authorized true
}
