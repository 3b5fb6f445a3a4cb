package collector

import (
	"bytes"
	"slices"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
)

// prefixes are the beginnings of phone numbers by which destinations are told apart,
// the longest first. Nothing more of a number is ever kept.
type prefixes []string

func newPrefixes(configured []string) prefixes {
	p := slices.Clone(configured)
	slices.SortFunc(p, func(a, b string) int { return len(b) - len(a) })
	return p
}

// of returns the destination of a chat: the longest prefix that its number has, other,
// or none for a person without a number. It is "" for other chats, and where no
// prefixes are configured.
func (p prefixes) of(chatID []byte) string {
	if len(p) == 0 || vocabulary.ChatTypeOf(chatID) != vocabulary.ChatPrivate {
		return ""
	}
	number, suffix, _ := bytes.Cut(chatID, []byte("@"))
	// Telegram's and MAX's bare numbers are ids of users, not phone numbers.
	if vocabulary.IsLID(chatID) || len(suffix) == 0 {
		return vocabulary.DestinationNone
	}
	for _, prefix := range p {
		// In place: this is done for every row, and up to 20 prefixes.
		if len(number) >= len(prefix) && string(number[:len(prefix)]) == prefix {
			return prefix
		}
	}
	return vocabulary.DestinationOther
}

// destinations returns all values of the label prefix.
func (p prefixes) destinations() []string {
	if len(p) == 0 {
		return nil
	}
	return append(slices.Clone(p), vocabulary.DestinationOther, vocabulary.DestinationNone)
}
