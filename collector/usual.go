package collector

import (
	"iter"
	"slices"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

// The usual label sets are exposed from the start with 0, so that their first event
// shows as an increase.
var (
	usualChatTypes    = vocabulary.ZeroFilled(vocabulary.ChatTypes())
	usualCallStatuses = vocabulary.ZeroFilled(vocabulary.CallStatuses())

	usualMedia     = mediaLabels()
	usualCalls     = callLabels()
	usualDurations = durationLabels()
	usualMessages  = messageLabels()
	usualObserved  = observedLabels()
	usualFailures  = failedLabels()

	// Delays of groups, which say when the last member got or read a message, appear when
	// they are seen: they would make 20 more series for each account.
	usualDelayed = []string{vocabulary.ChatPrivate.Label()}
	usualDelays  = []ledger.StageLabels{
		{Stage: vocabulary.StageDelivered.String(), ChatType: vocabulary.ChatPrivate.Label()},
		{Stage: vocabulary.StageRead.String(), ChatType: vocabulary.ChatPrivate.Label()},
	}
)

// withZeros yields counts, and 0 for those of the usual label sets that are not there.
func withZeros[K comparable, N any](counts map[K]N, usual []K) iter.Seq2[K, N] {
	return func(yield func(K, N) bool) {
		for _, labels := range usual {
			if !yield(labels, counts[labels]) {
				return
			}
		}
		for labels, n := range counts {
			if !slices.Contains(usual, labels) && !yield(labels, n) {
				return
			}
		}
	}
}

func mediaLabels() (all []mediaKey) {
	for _, media := range vocabulary.ZeroFilled(vocabulary.AllMedia()) {
		for _, chatType := range usualChatTypes {
			all = append(all, mediaKey{media, chatType})
		}
	}
	return all
}

func callLabels() (all []ledger.CallLabels) {
	for _, key := range usualMedia {
		for _, status := range usualCallStatuses {
			all = append(all, ledger.CallLabels{Status: status, Media: key.media, ChatType: key.chatType})
		}
	}
	return all
}

func durationLabels() (all []ledger.DurationLabels) {
	for _, key := range usualMedia {
		all = append(all, ledger.DurationLabels{Media: key.media, ChatType: key.chatType})
	}
	return all
}

func messageLabels() (all []messageKey) {
	for _, chatType := range usualChatTypes {
		for _, status := range vocabulary.ZeroFilled(vocabulary.MessageStatuses()) {
			all = append(all, messageKey{status, "textMessage", chatType})
		}
	}
	return all
}

func observedLabels() (all []ledger.ObservedLabels) {
	for _, chatType := range usualChatTypes {
		for _, messageType := range vocabulary.ZeroFilled(vocabulary.MessageTypes()) {
			for _, origin := range vocabulary.ZeroFilled(vocabulary.Origins()) {
				all = append(all, ledger.ObservedLabels{Type: messageType, ChatType: chatType, Origin: origin})
			}
		}
	}
	return all
}

func failedLabels() (all []ledger.FailureLabels) {
	for _, chatType := range usualChatTypes {
		for _, reason := range failureLabels() {
			all = append(all, ledger.FailureLabels{Reason: reason, ChatType: chatType})
		}
	}
	return all
}
