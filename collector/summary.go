package collector

import "time"

// Summary is what a snapshot says of an instance at a glance.
type Summary struct {
	State          string    // value of the label state; empty when it is not known
	SuspendedUntil time.Time // zero when the account is not suspended, or the API does not say
	Calls          JournalSummary
	Messages       JournalSummary
	Settings       map[string]bool // whether they are on; nil when they are not known
}

// JournalSummary is what a snapshot says of a journal at a glance.
type JournalSummary struct {
	Known     bool // whether the journal was read; the rest means nothing otherwise
	Records   int  // elements of the journal's array, invalid ones included
	Truncated bool // the API has probably left out the oldest records of the window
}

// Summary returns what the snapshot says at a glance.
func (s *Snapshot) Summary() Summary {
	var summary Summary
	for _, r := range s.Results {
		switch found := r.finding.(type) {
		case accountState:
			summary.State, summary.SuspendedUntil = found.state, found.until
		case enabledSettings:
			summary.Settings = found
		case *callWindow:
			summary.Calls = found.summary()
		case *messageWindow:
			summary.Messages = found.summary()
		}
	}
	return summary
}

func (j *journal) summary() JournalSummary {
	return JournalSummary{Known: true, Records: j.records, Truncated: j.truncated()}
}
