package vocabulary

import "bytes"

// ChatType is what kind of chat an id names.
type ChatType uint8

// The chat types.
const (
	ChatOther ChatType = iota
	ChatPrivate
	ChatGroup
	ChatChannel
	ChatBroadcast
	ChatTypeCount // how many there are
)

var chatTypes = [ChatTypeCount]Word{
	ChatOther:     {Label: Other, Ours: true, Color: Grey, Meaning: "anything else, an empty chat id included"},
	ChatPrivate:   {Label: "private", Ours: true, ZeroFilled: true, Color: Blue, Meaning: "one person: `…@c.us`, `…@lid`, `…@s.whatsapp.net`, or a positive number"},
	ChatGroup:     {Label: "group", Ours: true, ZeroFilled: true, Color: Amber, Meaning: "a group: `…@g.us`, or a negative number"},
	ChatChannel:   {Label: "channel", Ours: true, Color: Purple, Meaning: "a channel: `…@newsletter`"},
	ChatBroadcast: {Label: "broadcast", Ours: true, Color: Sky, Meaning: "a broadcast list or status: `…@broadcast`"},
}

// ChatTypes returns all chat types, by position.
func ChatTypes() []Word { return chatTypes[:] }

// Label returns the value of the label chat_type.
func (t ChatType) Label() string { return chatTypes[t].Label }

// ChatTypeLabelled returns the chat type that has a label value.
func ChatTypeLabelled(label string) (chatType ChatType, known bool) {
	for i := range chatTypes {
		if chatTypes[i].Label == label {
			return ChatType(i), true
		}
	}
	return ChatOther, false
}

// ChatTypeOf tells what kind of chat an id names: by its suffix on WhatsApp, by its
// sign on Telegram and MAX, whose ids are bare numbers.
func ChatTypeOf(id []byte) ChatType {
	at := bytes.LastIndexByte(id, '@')
	if at < 0 {
		return numericChatType(id)
	}
	switch string(id[at:]) {
	case "@c.us", lidSuffix, "@s.whatsapp.net":
		return ChatPrivate
	case "@g.us":
		return ChatGroup
	case "@newsletter":
		return ChatChannel
	case "@broadcast":
		return ChatBroadcast
	default:
		return ChatOther
	}
}

const lidSuffix = "@lid"

// IsLID reports whether a chat id names a person by a privacy id, which hides the
// phone number.
func IsLID(id []byte) bool { return bytes.HasSuffix(id, []byte(lidSuffix)) }

func numericChatType(id []byte) ChatType {
	kind := ChatPrivate
	if len(id) > 0 && id[0] == '-' {
		kind, id = ChatGroup, id[1:]
	}
	isZero := true
	for _, c := range id {
		if c < '0' || c > '9' {
			return ChatOther
		}
		isZero = isZero && c == '0'
	}
	if isZero { // no digit but zeros, or none at all
		return ChatOther
	}
	return kind
}
