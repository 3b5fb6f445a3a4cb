package collector

import (
	"testing"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
)

// TestSummaryOfEachStatus holds that pages count a status as the metrics do, one that
// is added to the vocabulary later too.
func TestSummaryOfEachStatus(t *testing.T) {
	t.Parallel()
	one := func(yes bool) int {
		if yes {
			return 1
		}
		return 0
	}
	for i, word := range vocabulary.MessageStatuses() {
		status := vocabulary.MessageStatus(i)
		m := MessageSummary{JournalSummary{ByStatus: map[string]int{word.Label: 1}}}
		got := [...]int{m.Total(), m.Pending(), m.Sent(), m.Delivered(), m.Read(), m.Failed(), m.Failures()[word.Label]}
		want := [...]int{
			1, one(status.Pending()), one(status.Stage() >= vocabulary.StageSent), one(status.Stage() >= vocabulary.StageDelivered),
			one(status.Stage() >= vocabulary.StageRead), one(status.Failed()), one(status.Failed()),
		}
		if got != want {
			t.Errorf("a message that is %s: %v, want %v", word.Label, got, want)
		}
	}
	for i, word := range vocabulary.CallStatuses() {
		status := vocabulary.CallStatus(i)
		c := CallSummary{JournalSummary: JournalSummary{ByStatus: map[string]int{word.Label: 1}}}
		got, want := [...]int{c.Total(), c.Answered(), c.Seized()}, [...]int{1, one(status.Answered()), one(status.Seized())}
		if got != want {
			t.Errorf("a call that is %s: %v, want %v", word.Label, got, want)
		}
	}
}
