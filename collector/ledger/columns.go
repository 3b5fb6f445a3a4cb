package ledger

import (
	"math"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
	"google.golang.org/protobuf/encoding/protowire"
)

// Columns of the messages of type Rows in state.proto. What this program does not know
// the meaning of is greater than most.

// chatColumn is in all of them but legacy.
var chatColumn = field[row]{
	2, protowire.Fixed64Type, math.MaxUint64,
	func(r *row) uint64 { return r.chat() },
	func(r *row, n uint64) { r.setChat(n) },
}

var commonColumns = []field[row]{
	chatColumn,
	{
		3, protowire.Fixed32Type, math.MaxUint32,
		func(r *row) uint64 { return uint64(r.time) },
		func(r *row, n uint64) { r.time = uint32(n) },
	},
	bitsColumn(4, chatTypeAt, chatTypeBits, int(vocabulary.ChatTypeCount)-1),
	bitsColumn(5, lidAt, 1, 1),
	bitsColumn(6, oddChatAt, 1, 1),
	bitsColumn(7, beyondAt, 1, 1),
}

var staleColumn = bitsColumn(20, staleAt, 1, 1)

var messageColumns = append(commonColumns[:len(commonColumns):len(commonColumns)],
	bitsColumn(8, stageAt, stageBits, int(vocabulary.StageCount)-1),
	bitsColumn(9, failuresAt, failureBits, 1<<len(vocabulary.Failures())-1),
	bitsColumn(10, messageStatusAt, messageStatusBits, vocabulary.MessageStatusCount-1),
	bitsColumn(11, messageTypeAt, messageTypeBits, vocabulary.MessageTypeCount-1),
	bitsColumn(12, originAt, originBits, int(vocabulary.OriginCount)-1),
	extraColumn(13, protowire.Fixed32Type),
	bitsColumn(14, mistypedTypeAt, 1, 1),
	bitsColumn(15, mistypedOrigin, 1, 1),
	staleColumn,
)

var callColumns = append(commonColumns[:len(commonColumns):len(commonColumns)],
	bitsColumn(16, callStatusAt, callStatusBits, vocabulary.CallStatusCount-1),
	bitsColumn(17, mediaAt, mediaBits, int(vocabulary.MediaCount)-1),
	bitsColumn(18, durationAt, durationBits, 1<<durationBits-1),
	extraColumn(19, protowire.VarintType),
	staleColumn,
)

// pastColumns are those of the past and of the legacy.
var pastColumns = []field[past]{
	pastColumn(2, protowire.Fixed64Type, pastChatAt, pastChatBits, 1<<pastChatBits-1),
	pastColumn(3, protowire.Fixed32Type, 0, 32, math.MaxUint32),
	pastColumn(4, protowire.VarintType, pastChatTypeAt, chatTypeBits, uint64(vocabulary.ChatTypeCount)-1),
	pastColumn(8, protowire.VarintType, pastStageAt, stageBits, uint64(vocabulary.StageCount)-1),
	pastColumn(9, protowire.VarintType, pastFailuresAt, failureBits, 1<<len(vocabulary.Failures())-1),
}

func bitsColumn(number protowire.Number, at, width, most int) field[row] {
	return field[row]{
		number, protowire.VarintType, uint64(most),
		func(r *row) uint64 { return uint64(r.bits.field(at, width)) },
		func(r *row, n uint64) { r.bits = r.bits.with(at, width, uint32(n)) },
	}
}

func extraColumn(number protowire.Number, kind protowire.Type) field[row] {
	return field[row]{
		number, kind, math.MaxUint32,
		func(r *row) uint64 { return uint64(r.extra) },
		func(r *row, n uint64) { r.extra = uint32(n) },
	}
}

func pastColumn(number protowire.Number, kind protowire.Type, at, width int, most uint64) field[past] {
	mask := past(1)<<width - 1
	return field[past]{
		number, kind, most,
		func(p *past) uint64 { return uint64(*p >> at & mask) },
		func(p *past, n uint64) { *p = *p&^(mask<<at) | past(n)<<at },
	}
}

// columns returns those of the rows of a journal.
func (id journalID) columns() []field[row] {
	if id == journalCalls {
		return callColumns
	}
	return messageColumns
}
