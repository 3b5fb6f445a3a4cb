package client

import "github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"

// Message is a record of the journal lastOutgoingMessages. What the record lacks,
// or has as null, is the zero value. Ids are personal data; texts are never read.
type Message struct {
	ID     []byte                   // idMessage; unique only within its chat
	ChatID []byte                   // with a suffix such as @c.us, or bare digits; empty when missing
	Time   int64                    // last action on the message, in Unix seconds; 0 when missing
	Status vocabulary.MessageStatus // statusMessage
	Type   vocabulary.MessageType   // typeMessage
	Origin vocabulary.Origin        // sendByApi; the old schema does not say
	// TypeMistyped and OriginMistyped tell that the value is not of the JSON type that
	// the API documents. Nothing but a label depends on it, so the row is good.
	TypeMistyped, OriginMistyped bool
}

const (
	messageID fields = 1 << iota
	messageChatID
	messageTime
	messageStatus
	messageType
	messageOrigin
	messageDirection
	messageJournal
)

// Words of rows that belong to the journals of incoming messages and calls.
const (
	incoming     = "incoming"
	incomingCall = "incomingCall"
)

var (
	noMessageStatus, _ = vocabulary.FindMessageStatus(nil) // of a message that has none
	noMessageType, _   = vocabulary.FindMessageType(nil)   // the same
)

func (m *Message) reset() {
	*m = Message{ID: m.ID[:0], ChatID: m.ChatID[:0], Status: noMessageStatus, Type: noMessageType}
}

func (m *Message) member(d *decoder, name string) (err error) {
	switch name {
	case "idMessage":
		m.ID, err = d.text(messageID, m.ID)
	case "chatId":
		m.ChatID, err = d.textOrInteger(messageChatID, m.ChatID)
	case "timestamp":
		m.Time, err = d.integer(messageTime, minTime, maxTime)
	case "statusMessage":
		m.Status, err = word(d, messageStatus, vocabulary.FindMessageStatus)
	case "typeMessage":
		var kind messageKind
		kind, err = word(d, messageType, findMessageKind)
		m.Type, m.TypeMistyped = kind.messageType, d.pardon(messageType)
		d.set(messageJournal, !kind.incoming)
	case "sendByApi":
		m.Origin, err = d.origin()
		m.OriginMistyped = d.pardon(messageOrigin)
	case "type":
		err = d.reject(messageDirection, incoming)
	default:
		err = d.json.SkipValue()
	}
	return err
}

// messageKind is what typeMessage says.
type messageKind struct {
	messageType vocabulary.MessageType
	incoming    bool // it is that of a row of another journal
}

func findMessageKind(text []byte) (messageKind, bool) {
	found, listed := vocabulary.FindMessageType(text)
	return messageKind{found, !listed && string(text) == incomingCall}, listed
}

func (d *decoder) origin() (vocabulary.Origin, error) {
	byAPI, present, err := d.boolean(messageOrigin)
	switch {
	case !present:
		return vocabulary.OriginUnknown, err
	case byAPI:
		return vocabulary.OriginAPI, err
	default:
		return vocabulary.OriginPhone, err
	}
}
