package client

// Message is a record of the journal lastOutgoingMessages. What the record lacks,
// or has as null, is the zero value. Ids are personal data; texts are never read.
type Message struct {
	ID     []byte // idMessage; unique only within its chat
	ChatID []byte // with a suffix such as @c.us, or bare digits; empty when missing
	Time   int64  // last action on the message, in Unix seconds; 0 when missing
	Status string // statusMessage, as the API has it, e.g. "delivered"; "" when missing
	Type   string // typeMessage, as the API has it, e.g. "textMessage"; "" when missing
	Sender Sender
}

// Sender tells how a message was sent (sendByApi).
type Sender uint8

// The senders there are. The old schema of the journal does not say.
const (
	SenderUnknown Sender = iota
	SenderAPI
	SenderPhone
)

const (
	messageID fields = 1 << iota
	messageChatID
	messageTime
	messageStatus
	messageType
	messageSender
)

var messageWords = words(
	"pending", "sent", "delivered", "read", "noAccount", "notInGroup", "failed", "yellowCard", "suspended",
	"noActiveSession", "unknown",
	"textMessage", "extendedTextMessage", "quotedMessage", "imageMessage", "videoMessage", "documentMessage",
	"audioMessage", "stickerMessage", "locationMessage", "contactMessage", "contactsArrayMessage", "pollMessage",
	"pollUpdateMessage", "reactionMessage", "editedMessage", "deletedMessage", "buttonsMessage",
	"buttonsResponseMessage", "listMessage", "listResponseMessage", "templateMessage",
	"templateButtonsReplyMessage", "groupInviteMessage",
)

func (m *Message) reset() { *m = Message{ID: m.ID[:0], ChatID: m.ChatID[:0]} }

func (m *Message) member(d *decoder, name string) (err error) {
	switch name {
	case "idMessage":
		m.ID, err = d.text(messageID, m.ID)
	case "chatId":
		m.ChatID, err = d.textOrInteger(messageChatID, m.ChatID)
	case "timestamp":
		m.Time, err = d.integer(messageTime, minTime, maxTime)
	case "statusMessage":
		m.Status, err = d.word(messageStatus, messageWords)
	case "typeMessage":
		m.Type, err = d.word(messageType, messageWords)
	case "sendByApi":
		m.Sender, err = d.sender()
	default:
		err = d.json.SkipValue()
	}
	return err
}

func (d *decoder) sender() (Sender, error) {
	byAPI, present, err := d.boolean(messageSender)
	switch {
	case !present:
		return SenderUnknown, err
	case byAPI:
		return SenderAPI, err
	default:
		return SenderPhone, err
	}
}
