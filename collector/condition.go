package collector

import (
	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
)

// Severity says how much attention an account needs. The pages, the log and the
// alerts shipped with the exporter agree on it: critical alerts are Critical here.
type Severity int

// The severities, the gravest last.
const (
	Fine    Severity = iota
	Unknown          // not read yet
	Warning          // works in part, or comes back by itself
	Critical
)

// Condition is how an account is: what is wrong, and how to mend it.
type Condition struct {
	Severity Severity
	// State is the account's state where that is what is wrong, empty otherwise.
	State string
	// Reported is the account's state, whatever it is; empty when it is not known.
	Reported string
	// Setting is the setting that is off where that is what is wrong, empty otherwise.
	Setting string
	// Failed is the first of the collectors that failed, nil when none did.
	Failed *Result
	// Remedy says how to mend it, empty when nothing is wrong or nobody knows.
	Remedy string
}

// authorized is the state of an account that can send.
const authorized = "authorized"

// webhookSetting is the setting without which no status of a message is recorded.
const webhookSetting = "outgoingWebhook"

// Condition returns how the account is by this snapshot; nil, it was never read.
// A failed read comes first: what else is known may be out of date.
func (s *Snapshot) Condition() Condition {
	if s == nil {
		return Condition{Severity: Unknown}
	}
	for n, r := range s.Results {
		if r.Err != nil {
			return Condition{Severity: Critical, Failed: &s.Results[n], Remedy: r.Err.Remedy()}
		}
	}
	if !s.Up() {
		return Condition{Severity: Critical, Remedy: "turn on a collector that the API offers for this instance"}
	}
	summary := s.account()
	if severity, remedy := conditionOf(summary.State); severity != Fine {
		return Condition{Severity: severity, State: summary.State, Reported: summary.State, Remedy: remedy}
	}
	if enabled, known := summary.Settings[webhookSetting]; known && !enabled {
		return Condition{Severity: Warning, Reported: summary.State, Setting: webhookSetting, Remedy: "turn it on in the GREEN-API console; without it the status of a message is not recorded"}
	}
	return Condition{Severity: Fine, Reported: summary.State}
}

// same tells whether two conditions are one that lasts. A read that fails for another
// reason has still failed.
func (c Condition) same(before Condition) bool {
	return c.Severity == before.Severity && c.State == before.State && c.Setting == before.Setting &&
		(c.Failed == nil) == (before.Failed == nil)
}

// StateSeverity returns how bad a state is, which is given by the word of the API.
func StateSeverity(reported string) Severity {
	known, _ := vocabulary.FindInstanceState([]byte(reported))
	severity, _ := conditionOf(known.Label())
	return severity
}

// conditionOf returns how bad a state is, and how to mend it. It is empty when it is
// not known.
func conditionOf(state string) (Severity, string) {
	switch state {
	case authorized, "":
		return Fine, ""
	case "notAuthorized":
		return Critical, client.ReasonNotAuthorized.Remedy()
	case "blocked":
		return Critical, "the messenger has blocked the number: appeal there, or connect another number"
	case "suspended":
		return Critical, "send less until the suspension ends, and only to people who expect it"
	case "pendingCode", "pendingPassword":
		return Critical, "finish the login in the GREEN-API console"
	case "starting":
		return Warning, client.ReasonStarting.Remedy()
	case "sleepMode":
		return Warning, "turn on the phone, and connect it to the internet"
	default:
		return Warning, "look at the instance in the GREEN-API console"
	}
}
