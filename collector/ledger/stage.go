package ledger

import (
	"math"
	"math/bits"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// stage is how far a message has got. A later stage implies the earlier ones.
type stage uint8

const (
	stageObserved stage = iota
	stageSent
	stageDelivered
	stageRead
)

// failures is a set of failureReasons.
type failures uint8

// failureReasons stand in the state file by their positions.
var failureReasons = [...]string{"noAccount", "notInGroup", "failed", "suspended", "noActiveSession"}

// statuses stand in the state file by their positions.
var statuses = [...]string{
	"other", "pending", "sent", "delivered", "read",
	"noAccount", "notInGroup", "failed", "suspended", "noActiveSession", "unknown",
}

// messageRow is what a row says about a message.
type messageRow struct {
	time     uint32 // See shortTime.
	status   uint8  // Position in statuses.
	stage    stage
	failures failures
}

func newMessageRow(time int64, status string) messageRow {
	row := messageRow{time: shortTime(time)}
	switch status {
	case "sent":
		row.stage = stageSent
	case "delivered":
		row.stage = stageDelivered
	case "read":
		row.stage = stageRead
	default:
		if i := slices.Index(failureReasons[:], status); i >= 0 {
			row.failures = 1 << i
		}
	}
	if i := slices.Index(statuses[:], status); i >= 0 {
		row.status = uint8(i) //nolint:gosec // There are 11.
	}
	return row
}

// join makes two rows of one message one: the latest row's time and status (of
// rows of the same time the status that comes last in statuses, whatever the
// order of rows), the farthest stage and all failures.
func (r *messageRow) join(more messageRow) {
	if more.time > r.time || more.time == r.time && more.status > r.status {
		r.time, r.status = more.time, more.status
	}
	r.stage = max(r.stage, more.stage)
	r.failures |= more.failures
}

// shortTime returns the row's time in Unix seconds where it makes sense (until
// 2106), and otherwise something as good for telling whether it has changed.
func shortTime(time int64) uint32 {
	return uint32(time) ^ uint32(time>>32) //nolint:gosec // All bits take part.
}

// messageState is all that is remembered of a message beside its key.
type messageState struct {
	messageRow       // Stage and failures of all its rows so far, time and status of the last one.
	chatType   uint8 // Position in Ledger.chatTypes, frozen at first sight.
	inJournal  bool  // Whether the last whole journal held it; if not, time is when it was last seen.
}

// messageValue is a messageState in 8 bytes: from the lowest bit, 32 bits of
// time, 8 of chat type, 2 of stage, 5 of failures, 4 of status, 1 of inJournal.
type messageValue uint64

const (
	chatTypeAt  = 32
	stageAt     = 40
	failuresAt  = 42
	statusAt    = 47
	inJournalAt = 51
)

func (s messageState) value() messageValue {
	v := messageValue(s.time) |
		messageValue(s.chatType)<<chatTypeAt |
		messageValue(s.stage)<<stageAt |
		messageValue(s.failures)<<failuresAt |
		messageValue(s.status)<<statusAt
	if s.inJournal {
		v |= 1 << inJournalAt
	}
	return v
}

func (v messageValue) state() messageState {
	return messageState{
		messageRow: messageRow{
			time:     uint32(v),                    //nolint:gosec // The lowest bits.
			status:   uint8(v>>statusAt) & 15,      //nolint:gosec // 4 bits.
			stage:    stage(v>>stageAt) & 3,        //nolint:gosec // 2 bits.
			failures: failures(v>>failuresAt) & 31, //nolint:gosec // 5 bits.
		},
		chatType:  uint8(v >> chatTypeAt), //nolint:gosec // 8 bits.
		inJournal: v.inJournal(),
	}
}

func (v messageValue) inJournal() bool  { return v>>inJournalAt&1 != 0 }
func (v messageValue) lastSeen() uint32 { return uint32(v) } //nolint:gosec // The lowest bits.

func (v messageValue) left(lastSeen uint32) messageValue {
	s := v.state()
	s.inJournal, s.time, s.status = false, lastSeen, 0
	return s.value()
}

// valid reports whether v can stand in a state file that has so many chat types.
func (v messageValue) valid(chatTypes int) bool {
	s := v.state()
	if s.value() != v || int(s.chatType) >= chatTypes || int(s.status) >= len(statuses) {
		return false
	}
	return s.inJournal || s.time != 0 && s.status == 0
}

func (messageValue) columns() []field[messageValue] { return messageColumns }

// messageColumns are those of Rows for messages.
var messageColumns = []field[messageValue]{
	messageColumn(2, protowire.Fixed32Type, math.MaxUint32, 0),
	messageColumn(3, protowire.VarintType, 1, inJournalAt),
	messageColumn(4, protowire.VarintType, math.MaxUint8, chatTypeAt),
	messageColumn(5, protowire.VarintType, uint64(stageRead), stageAt),
	messageColumn(6, protowire.VarintType, 1<<len(failureReasons)-1, failuresAt),
	messageColumn(7, protowire.VarintType, uint64(len(statuses)-1), statusAt),
}

// messageColumn is a column of the bits at a place of a messageValue.
func messageColumn(number protowire.Number, kind protowire.Type, most uint64, at int) field[messageValue] {
	mask := uint64(1)<<bits.Len64(most) - 1
	return field[messageValue]{
		number, kind, most,
		func(v *messageValue) uint64 { return uint64(*v) >> at & mask },
		func(v *messageValue, n uint64) { *v |= messageValue(n) << at },
	}
}
