package vocabulary

// MessageType is the position of a type in the table of those of messages.
type MessageType uint8

// MessageTypeCount is how many types of messages there are.
const MessageTypeCount = len(messageTypes)

// messageType is a type of message.
type messageType struct {
	Word
	protocol bool // An event about a message, not a message: it has no stages and no failures.
}

// messageTypes are the values of typeMessage (GREEN-API's documentation, its
// clients, and its issues). Those of the table in the documentation of the journal
// are zero-filled.
var messageTypes = [...]messageType{
	{Word: Word{Label: Other, Ours: true, Color: Grey}},
	{Word: Word{Label: Unknown, Ours: true, Aliases: []string{""}, Color: Slate}},
	{Word: Word{Label: "textMessage", ZeroFilled: true, Color: Blue}},
	{Word: Word{Label: "extendedTextMessage", ZeroFilled: true, Color: Sky}},
	{Word: Word{Label: "quotedMessage"}},
	{Word: Word{Label: "imageMessage", ZeroFilled: true, Color: Teal}},
	{Word: Word{Label: "videoMessage", ZeroFilled: true, Color: Amber}},
	{Word: Word{Label: "documentMessage", ZeroFilled: true, Color: Purple}},
	{Word: Word{Label: "audioMessage", ZeroFilled: true, Color: Vermilion}},
	{Word: Word{Label: "stickerMessage"}},
	{Word: Word{Label: "locationMessage", ZeroFilled: true, Color: Brown}},
	{Word: Word{Label: "contactMessage", ZeroFilled: true, Color: Plum}},
	{Word: Word{Label: "contactsArrayMessage"}},
	{Word: Word{Label: "pollMessage"}},
	{Word: Word{Label: "pollUpdateMessage"}, protocol: true},
	{Word: Word{Label: "reactionMessage"}, protocol: true},
	{Word: Word{Label: "editedMessage"}, protocol: true},
	{Word: Word{Label: "deletedMessage"}, protocol: true},
	{Word: Word{Label: "buttonsMessage"}},
	{Word: Word{Label: "buttonsResponseMessage"}},
	{Word: Word{Label: "listMessage"}},
	{Word: Word{Label: "listResponseMessage"}},
	{Word: Word{Label: "templateMessage"}},
	{Word: Word{Label: "templateButtonsReplyMessage"}},
	{Word: Word{Label: "groupInviteMessage"}},
	{Word: Word{Label: "interactiveButtons"}},
	{Word: Word{Label: "interactiveButtonsReply"}},
	{Word: Word{Label: "interactiveButtonsResponse"}},
}

var messageTypeSet = newSet(MessageTypes())

// MessageTypes returns all types of messages, by position.
func MessageTypes() []Word {
	words := make([]Word, len(messageTypes))
	for i := range messageTypes {
		words[i] = messageTypes[i].Word
	}
	return words
}

// FindMessageType returns the type that a word of the API means, and whether it is
// listed; "other" when it is not.
func FindMessageType(text []byte) (messageType MessageType, listed bool) {
	position, listed := messageTypeSet.find(text)
	return MessageType(position), listed
}

// MessageTypeLabelled returns the type that has a label value.
func MessageTypeLabelled(label string) (messageType MessageType, known bool) {
	position, known := messageTypeSet.labelled(label)
	return MessageType(position), known
}

// Label returns the value of the label message_type.
func (t MessageType) Label() string { return messageTypes[t].Label }

// Protocol reports whether such a row is about a message, such as an edit or a
// reaction, and not a message itself.
func (t MessageType) Protocol() bool { return messageTypes[t].protocol }

// Origin tells how a message was sent (sendByApi).
type Origin uint8

// The origins. The old schema of the journal does not say.
const (
	OriginUnknown Origin = iota
	OriginAPI
	OriginPhone
	OriginCount // how many there are
)

var origins = [OriginCount]Word{
	OriginUnknown: {Label: Unknown, Ours: true, Color: Grey},
	OriginAPI:     {Label: "api", Ours: true, ZeroFilled: true, Color: Blue, Meaning: "sent through the API"},
	OriginPhone:   {Label: "phone", Ours: true, ZeroFilled: true, Color: Amber, Meaning: "sent from the phone or another linked device"},
}

// Origins returns all origins of messages, by position.
func Origins() []Word { return origins[:] }

// Label returns the value of the label origin.
func (o Origin) Label() string { return origins[o].Label }

// Media is the medium of a call.
type Media uint8

// The media.
const (
	Voice Media = iota
	Video
	MediaCount // how many there are
)

var media = [MediaCount]Word{
	Voice: {Label: "voice", Ours: true, ZeroFilled: true, Color: Blue},
	Video: {Label: "video", Ours: true, ZeroFilled: true, Color: Amber},
}

// AllMedia returns the media of calls, by position.
func AllMedia() []Word { return media[:] }

// Label returns the value of the label media.
func (m Media) Label() string { return media[m].Label }
