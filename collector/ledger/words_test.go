package ledger_test

import (
	"fmt"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
)

// The functions in this file take label values, which read better in tests than
// positions.

func callStatus(label string) vocabulary.CallStatus {
	if s, ok := vocabulary.CallStatusLabelled(label); ok {
		return s
	}
	panic(fmt.Sprintf("no status of calls is labelled %q", label))
}

func callStatuses(labels ...string) (all []vocabulary.CallStatus) {
	for _, label := range labels {
		all = append(all, callStatus(label))
	}
	return all
}

func messageStatus(label string) vocabulary.MessageStatus {
	if s, ok := vocabulary.MessageStatusLabelled(label); ok {
		return s
	}
	panic(fmt.Sprintf("no status of messages is labelled %q", label))
}

func messageType(label string) vocabulary.MessageType {
	if t, ok := vocabulary.MessageTypeLabelled(label); ok {
		return t
	}
	panic(fmt.Sprintf("no type of message is labelled %q", label))
}

// chatOf returns the id of a chat of a type.
func chatOf(chatType string) []byte {
	return []byte(map[string]string{
		"private": "79990000001@c.us", "group": "120363000000000001@g.us", "channel": "120363000000000002@newsletter", "broadcast": "1@broadcast",
	}[chatType])
}
