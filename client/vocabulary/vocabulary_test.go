package vocabulary_test

import (
	"math"
	"testing"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
)

// sets are all tables of words that the API has, or that are stored by position.
func sets() map[string][]vocabulary.Word {
	return map[string][]vocabulary.Word{
		"statuses of messages": vocabulary.MessageStatuses(),
		"statuses of calls":    vocabulary.CallStatuses(),
		"types of messages":    vocabulary.MessageTypes(),
		"chat types":           vocabulary.ChatTypes(),
		"states":               vocabulary.InstanceStates(),
		"origins":              vocabulary.Origins(),
		"media":                vocabulary.AllMedia(),
	}
}

func TestWordsAreDistinct(t *testing.T) {
	t.Parallel()
	for name, words := range sets() {
		if len(words) > math.MaxUint8 {
			t.Errorf("%s: %d words do not fit a byte", name, len(words))
		}
		labels, seen := map[string]bool{}, map[string]bool{}
		for _, w := range words {
			if labels[w.Label] || w.Label == "" {
				t.Errorf("%s: label %q is empty or stands twice", name, w.Label)
			}
			labels[w.Label] = true
			all := w.Aliases
			if !w.Ours {
				all = append([]string{w.Label}, all...)
			}
			for _, word := range all {
				if seen[word] {
					t.Errorf("%s: the API's word %q stands twice", name, word)
				}
				seen[word] = true
			}
		}
	}
}

// TestFirstWordIsOther holds what the memory of rows relies on: a word that nobody
// listed has position 0.
func TestFirstWordIsOther(t *testing.T) {
	t.Parallel()
	for name, words := range sets() {
		if name != "origins" && name != "media" && words[0].Label != vocabulary.Other {
			t.Errorf("%s begin with %q, not with other", name, words[0].Label)
		}
	}
}

// TestStoredPositions holds the positions that state files have: the tables may grow
// at their end, and change nowhere else.
func TestStoredPositions(t *testing.T) {
	t.Parallel()
	for name, stored := range map[string][]string{
		"statuses of messages": {"other", "pending", "sent", "delivered", "read", "noAccount", "notInGroup", "failed", "suspended", "noActiveSession", "unknown"},
		"statuses of calls":    {"other", "pickUp", "hungUp", "declined", "missed", "invalid", "offer", "suspended", "unknown"},
		"types of messages": {
			"other", "unknown", "textMessage", "extendedTextMessage", "quotedMessage", "imageMessage", "videoMessage", "documentMessage", "audioMessage",
			"stickerMessage", "locationMessage", "contactMessage", "contactsArrayMessage", "pollMessage", "pollUpdateMessage", "reactionMessage",
			"editedMessage", "deletedMessage", "buttonsMessage", "buttonsResponseMessage", "listMessage", "listResponseMessage", "templateMessage",
			"templateButtonsReplyMessage", "groupInviteMessage", "interactiveButtons", "interactiveButtonsReply", "interactiveButtonsResponse",
		},
		"chat types": {"other", "private", "group", "channel", "broadcast"},
		"origins":    {"unknown", "api", "phone"},
		"media":      {"voice", "video"},
	} {
		now := vocabulary.Labels(sets()[name])
		for i, label := range stored {
			if i >= len(now) || now[i] != label {
				t.Errorf("%s: position %d was %q when state files were written, and is not now: %q", name, i, label, now)
				break
			}
		}
	}
}

// TestFailures holds the order of the reasons, by which they are stored.
func TestFailures(t *testing.T) {
	t.Parallel()
	stored := []string{"noAccount", "notInGroup", "failed", "suspended", "noActiveSession"}
	for i, status := range vocabulary.Failures() {
		if i < len(stored) && status.Label() != stored[i] {
			t.Errorf("reason %d was %q when state files were written, and is %q", i, stored[i], status.Label())
		}
		if status.Stage() != vocabulary.StageObserved {
			t.Errorf("%s is a failure and a stage", status.Label())
		}
	}
}

func TestEveryWordIsFound(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]struct {
		words []vocabulary.Word
		find  func([]byte) (int, bool)
	}{
		"statuses of messages": {vocabulary.MessageStatuses(), func(b []byte) (int, bool) { s, ok := vocabulary.FindMessageStatus(b); return int(s), ok }},
		"statuses of calls":    {vocabulary.CallStatuses(), func(b []byte) (int, bool) { s, ok := vocabulary.FindCallStatus(b); return int(s), ok }},
		"types of messages":    {vocabulary.MessageTypes(), func(b []byte) (int, bool) { s, ok := vocabulary.FindMessageType(b); return int(s), ok }},
		"states":               {vocabulary.InstanceStates(), func(b []byte) (int, bool) { s, ok := vocabulary.FindInstanceState(b); return int(s), ok }},
	} {
		for i, w := range set.words {
			words := w.Aliases
			if !w.Ours {
				words = append([]string{w.Label}, words...)
			}
			for _, word := range words {
				if got, listed := set.find([]byte(word)); got != i || !listed {
					t.Errorf("%s: %q is found at %d (%v), not at %d", name, word, got, listed, i)
				}
			}
		}
		for _, word := range []string{"nobody listed this", "Sent", "PICKUP"} {
			if got, listed := set.find([]byte(word)); got != 0 || listed {
				t.Errorf("%s: %q is found at %d (%v), and is in no list", name, word, got, listed)
			}
		}
	}
}

func TestChatTypeOf(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]string{
		"79990000001@c.us": "private", "1@lid": "private", "1@s.whatsapp.net": "private", "12345": "private",
		"120363@g.us": "group", "-100": "group", "1@newsletter": "channel", "status@broadcast": "broadcast",
		"": "other", "0": "other", "-": "other", "12a": "other", "1@C.US": "other", "@": "other", "a@b@c.us": "private",
	} {
		if got := vocabulary.ChatTypeOf([]byte(id)).Label(); got != want {
			t.Errorf("chat id %q is of type %s, want %s", id, got, want)
		}
	}
	if !vocabulary.IsLID([]byte("1@lid")) || vocabulary.IsLID([]byte("1@c.us")) {
		t.Error("privacy ids are not told from phone numbers")
	}
}
