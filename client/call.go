package client

// maxCallSeconds is the longest call that is believed: a week.
const maxCallSeconds = 7 * 24 * 60 * 60

// Call is a record of the journal lastOutgoingCalls. What the record lacks, or has
// as null, is the zero value. Ids are personal data.
type Call struct {
	ID           []byte   // idMessage; not unique
	ChatID       []byte   // with a suffix such as @c.us, or bare digits; empty when missing
	Time         int64    // end of the call, in Unix seconds; 0 when missing
	Duration     int64    // in seconds; 0 unless somebody answered
	Video        bool     // else voice
	Status       string   // as the API has it, e.g. "pickUp"; "" when missing
	Participants []string // their statuses, as the API has them
}

const (
	callID fields = 1 << iota
	callChatID
	callTime
	callDuration
	callVideo
	callStatus
	callParticipants
	participantStatus
)

// callStatuses are the known statuses of calls and participants, so that they need
// no memory of their own.
var callStatuses = words("pickUp", "hungUp", "hangUp", "declined", "missed", "invalid", "offer",
	"yellowCard", "suspended", "unknown")

func (c *Call) reset() {
	*c = Call{ID: c.ID[:0], ChatID: c.ChatID[:0], Participants: c.Participants[:0]}
}

func (c *Call) member(d *decoder, name string) (err error) {
	switch name {
	case "idMessage":
		c.ID, err = d.text(callID, c.ID)
	case "chatId":
		c.ChatID, err = d.textOrInteger(callChatID, c.ChatID)
	case "timestamp":
		c.Time, err = d.integer(callTime, minTime, maxTime)
	case "duration":
		c.Duration, err = d.integer(callDuration, 0, maxCallSeconds)
	case "isVideo":
		c.Video, _, err = d.boolean(callVideo)
	case "status":
		c.Status, err = d.word(callStatus, callStatuses)
	case "participants":
		c.Participants, err = d.participants(c.Participants)
	default:
		err = d.json.SkipValue()
	}
	return err
}

// participants reads the statuses of an array of participants; null gives none.
func (d *decoder) participants(dst []string) ([]string, error) {
	dst = dst[:0]
	if d.json.PeekKind() != '[' {
		return dst, d.skip(callParticipants)
	}
	if _, err := d.json.ReadToken(); err != nil {
		return dst, err
	}
	good := true
	for d.json.PeekKind() != ']' {
		var status string
		d.set(participantStatus, true)
		isObject, err := d.object(func(d *decoder, name string) (err error) {
			if name == "status" {
				status, err = d.word(participantStatus, callStatuses)
				return err
			}
			return d.json.SkipValue()
		})
		if err != nil {
			return dst, err
		}
		good = good && isObject && d.bad&participantStatus == 0
		if len(dst) < maxParticipants {
			dst = append(dst, status)
		} else {
			good = false
		}
	}
	d.set(participantStatus, true)
	d.set(callParticipants, good)
	_, err := d.json.ReadToken()
	return dst, err
}

// maxParticipants bounds the memory of one call. Group calls of WhatsApp take 32.
const maxParticipants = 4096

// minTime and maxTime bound timestamps, in Unix seconds, to what Go's time and a
// sum of them can hold: the years 0 to 9999.
const (
	minTime = -62_167_219_200
	maxTime = 253_402_300_799
)
