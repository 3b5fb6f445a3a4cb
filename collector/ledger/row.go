package ledger

import (
	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
)

// row is one row of a journal, as the memory holds it, in 20 bytes apart from its
// identifier. Rows of the two journals share the layout and read it differently.
type row struct {
	chatLow, chatHigh uint32 // Keyed hash of the chat id.

	time uint32 // See shortTime.

	// extra is, of a message, its time when it was first seen: the best that is known
	// of when it was sent. Of a call, it is the position of its participants.
	extra uint32

	bits rowBits
}

// rowBits are the closed sets of a row, by their positions in the vocabulary.
type rowBits uint32

// Widths of the fields of rowBits. The constants below do not compile when a table of
// the vocabulary outgrows its field. That failures fit is held by a test.
const (
	chatTypeBits      = 3
	messageStatusBits = 4
	messageTypeBits   = 6
	originBits        = 2
	stageBits         = 2
	failureBits       = 8
	callStatusBits    = 4
	mediaBits         = 1
	durationBits      = 20 // Seconds; a call of more than a week is no record.
)

const (
	_ = uint(1<<chatTypeBits - int(vocabulary.ChatTypeCount))
	_ = uint(1<<messageStatusBits - vocabulary.MessageStatusCount)
	_ = uint(1<<messageTypeBits - vocabulary.MessageTypeCount)
	_ = uint(1<<originBits - int(vocabulary.OriginCount))
	_ = uint(1<<stageBits - int(vocabulary.StageCount))
	_ = uint(1<<callStatusBits - vocabulary.CallStatusCount)
	_ = uint(1<<mediaBits - int(vocabulary.MediaCount))
	_ = uint(32 - lastMessageBit)
	_ = uint(32 - lastCallBit)
)

// Where the fields begin. Those of every row come first.
const (
	chatTypeAt   = 0
	lidAt        = chatTypeAt + chatTypeBits // The chat id is a privacy id.
	oddChatAt    = lidAt + 1                 // The chat id is of no known kind.
	beyondAt     = oddChatAt + 1             // The last whole read lacked the row because of the cap.
	staleAt      = beyondAt + 1              // The last whole read had the row, although it was older than the window.
	commonBitsAt = staleAt + 1

	messageStatusAt = commonBitsAt
	messageTypeAt   = messageStatusAt + messageStatusBits
	originAt        = messageTypeAt + messageTypeBits
	stageAt         = originAt + originBits
	failuresAt      = stageAt + stageBits
	mistypedTypeAt  = failuresAt + failureBits // The value was of the wrong JSON type.
	mistypedOrigin  = mistypedTypeAt + 1       // The same.
	lastMessageBit  = mistypedOrigin + 1

	callStatusAt = commonBitsAt
	mediaAt      = callStatusAt + callStatusBits
	durationAt   = mediaAt + mediaBits
	lastCallBit  = durationAt + durationBits
)

func (b rowBits) field(at, width int) rowBits { return b >> at & (1<<width - 1) }
func (b rowBits) flag(at int) bool            { return b>>at&1 != 0 }
func (b rowBits) with(at, width int, v uint32) rowBits {
	return b&^((1<<width-1)<<at) | rowBits(v)<<at
}

func (b rowBits) withFlag(at int, on bool) rowBits {
	if on {
		return b | 1<<at
	}
	return b &^ (1 << at)
}

func (r *row) chat() uint64 { return uint64(r.chatHigh)<<32 | uint64(r.chatLow) }

func (r *row) setChat(chat uint64) {
	r.chatLow, r.chatHigh = uint32(chat), uint32(chat>>32)
}

func (r *row) chatType() vocabulary.ChatType {
	return vocabulary.ChatType(r.bits.field(chatTypeAt, chatTypeBits))
}

func (r *row) messageStatus() vocabulary.MessageStatus {
	return vocabulary.MessageStatus(r.bits.field(messageStatusAt, messageStatusBits))
}

func (r *row) messageType() vocabulary.MessageType {
	return vocabulary.MessageType(r.bits.field(messageTypeAt, messageTypeBits))
}

func (r *row) origin() vocabulary.Origin {
	return vocabulary.Origin(r.bits.field(originAt, originBits))
}

func (r *row) stage() vocabulary.Stage {
	return vocabulary.Stage(r.bits.field(stageAt, stageBits))
}

func (r *row) failures() failures {
	return failures(r.bits.field(failuresAt, failureBits))
}

func (r *row) callStatus() vocabulary.CallStatus {
	return vocabulary.CallStatus(r.bits.field(callStatusAt, callStatusBits))
}

func (r *row) media() vocabulary.Media {
	return vocabulary.Media(r.bits.field(mediaAt, mediaBits))
}

func (r *row) duration() int64 { return int64(r.bits.field(durationAt, durationBits)) }

// reached reports whether the stage that the message has got to is that of its
// present status, so that the row's time is when it got there.
func (r *row) reached() bool { return r.messageStatus().Stage() == r.stage() }

// join makes two rows of one message one: the latest row's time and status (of
// rows of the same time the status that comes last in the vocabulary, whatever the
// order of rows), the farthest stage and all failures.
func (r *row) join(more row) {
	stage, failed := max(r.stage(), more.stage()), r.failures()|more.failures()
	first := min(r.extra, more.extra)
	if more.later(r) {
		*r = more
	}
	r.extra = first
	r.bits = r.bits.with(stageAt, stageBits, uint32(stage)).with(failuresAt, failureBits, uint32(failed))
}

// later reports whether r, and not the other row of the same message, says what
// has become of it.
func (r *row) later(than *row) bool {
	return r.time > than.time || r.time == than.time && r.messageStatus() > than.messageStatus()
}

// asShown returns a row as an answer shows it.
func asShown(r row) row {
	r.bits = r.bits.withFlag(beyondAt, false).withFlag(staleAt, false)
	return r
}

// failures is a set of reasons, by their positions in vocabulary.Failures.
type failures uint8

// failureOf returns the set of the failure that a status is.
func failureOf(status vocabulary.MessageStatus) failures {
	for i, failed := range vocabulary.Failures() {
		if failed == status {
			return 1 << i
		}
	}
	return 0
}

// shortTime returns a time in the Unix seconds of 32 bits, which end in 2106. What
// lies outside is taken for the nearest of them; 0 is a row without a time.
func shortTime(time int64) uint32 {
	if time == 0 {
		return 0
	}
	return uint32(min(max(time, 1), 1<<32-1))
}

// past is what is remembered of a row that has left the view, in 8 bytes apart from its
// identifier: when it was last seen, and, of a message, what was counted of it. From
// the lowest bit: 32 bits of lastSeen by the exporter's clock, 3 of chat type, 2 of
// stage, 8 of failures, and 19 of the chat's hash.
type past uint64

const (
	pastChatTypeAt = 32
	pastStageAt    = pastChatTypeAt + chatTypeBits
	pastFailuresAt = pastStageAt + stageBits
	pastChatAt     = pastFailuresAt + failureBits
	pastChatBits   = 64 - pastChatAt
)

func newPast(lastSeen uint32, chat uint64, chatType vocabulary.ChatType, stage vocabulary.Stage, failed failures) past {
	return past(lastSeen) | past(chatType)<<pastChatTypeAt | past(stage)<<pastStageAt |
		past(failed)<<pastFailuresAt | past(chat>>(64-pastChatBits))<<pastChatAt
}

func (p past) lastSeen() uint32 { return uint32(p) }

func (p past) chatType() vocabulary.ChatType {
	return vocabulary.ChatType(p >> pastChatTypeAt & (1<<chatTypeBits - 1))
}

func (p past) stage() vocabulary.Stage {
	return vocabulary.Stage(p >> pastStageAt & (1<<stageBits - 1))
}

func (p past) failures() failures {
	return failures(p >> pastFailuresAt & (1<<failureBits - 1))
}

// inChat reports whether the row was, but for one chance in 500,000, in a chat.
func (p past) inChat(chat uint64) bool { return uint64(p>>pastChatAt) == chat>>(64-pastChatBits) }

// chatBits returns the chat type of an id, and its flags, as bits of a row.
func chatBits(id []byte) rowBits {
	kind := vocabulary.ChatTypeOf(id)
	return rowBits(0).with(chatTypeAt, chatTypeBits, uint32(kind)).
		withFlag(lidAt, vocabulary.IsLID(id)).
		withFlag(oddChatAt, kind == vocabulary.ChatOther && len(id) > 0)
}
