package collector

import (
	"bytes"

	"github.com/greenapi-exporter/greenapi_exporter/client"
)

// Values of labels that have no name in the API: a value that is missing, and one
// that nobody knew when this was written.
const (
	unknown = "unknown"
	other   = "other"
)

// Values of the labels media, chat_type and origin.
const (
	voice = "voice"
	video = "video"

	private   = "private"
	group     = "group"
	channel   = "channel"
	broadcast = "broadcast"

	originAPI   = "api"
	originPhone = "phone"
)

// callStatuses maps the statuses of calls and participants, as the API has them,
// to those of the label.
var callStatuses = map[string]string{
	"pickUp": "pickUp", "hungUp": "hungUp", "hangUp": "hungUp", "declined": "declined",
	"missed": "missed", "invalid": "invalid", "offer": "offer",
	"suspended": "suspended", "yellowCard": "suspended",
	"unknown": unknown, "": unknown,
}

// messageStatuses maps the statuses of messages, as the API has them, to those of
// the label.
var messageStatuses = map[string]string{
	"pending": "pending", "sent": "sent", "delivered": "delivered", "read": "read",
	"noAccount": "noAccount", "notInGroup": "notInGroup", "failed": "failed",
	"suspended": "suspended", "yellowCard": "suspended", "noActiveSession": "noActiveSession",
	"unknown": unknown, "": unknown,
}

// messageTypes maps the types of messages, as the API has them, to those of the
// label.
var messageTypes = func() map[string]string {
	types := map[string]string{"": unknown}
	for _, name := range []string{
		"textMessage", "extendedTextMessage", "quotedMessage", "imageMessage", "videoMessage",
		"documentMessage", "audioMessage", "stickerMessage", "locationMessage", "contactMessage",
		"contactsArrayMessage", "pollMessage", "pollUpdateMessage", "reactionMessage", "editedMessage",
		"deletedMessage", "buttonsMessage", "buttonsResponseMessage", "listMessage", "listResponseMessage",
		"templateMessage", "templateButtonsReplyMessage", "groupInviteMessage",
	} {
		types[name] = name
	}
	return types
}()

// label maps a value of the API to that of a label, and tells whether it is known.
func label(table map[string]string, value string) (mapped string, known bool) {
	if mapped, ok := table[value]; ok {
		return mapped, true
	}
	return other, false
}

func media(isVideo bool) string {
	if isVideo {
		return video
	}
	return voice
}

func origin(sender client.Sender) string {
	switch sender {
	case client.SenderAPI:
		return originAPI
	case client.SenderPhone:
		return originPhone
	default:
		return unknown
	}
}

// chatType tells what kind of chat an id names: by its suffix on WhatsApp, by its
// sign on Telegram and MAX, whose ids are bare numbers.
func chatType(id []byte) string {
	at := bytes.LastIndexByte(id, '@')
	if at < 0 {
		return numericChatType(id)
	}
	switch string(id[at:]) {
	case "@c.us", "@lid", "@s.whatsapp.net":
		return private
	case "@g.us":
		return group
	case "@newsletter":
		return channel
	case "@broadcast":
		return broadcast
	default:
		return other
	}
}

func numericChatType(id []byte) string {
	kind := private
	if len(id) > 0 && id[0] == '-' {
		kind, id = group, id[1:]
	}
	isZero := true
	for _, c := range id {
		if c < '0' || c > '9' {
			return other
		}
		isZero = isZero && c == '0'
	}
	if isZero { // no digit but zeros, or none at all
		return other
	}
	return kind
}
