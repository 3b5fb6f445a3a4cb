package client

import "github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"

// maxCallSeconds is the longest call that is believed: a week.
const maxCallSeconds = 7 * 24 * 60 * 60

// Call is a record of the journal lastOutgoingCalls. What the record lacks, or has
// as null, is the zero value. Ids are personal data.
type Call struct {
	ID           []byte // idMessage; not unique
	ChatID       []byte // with a suffix such as @c.us, or bare digits; empty when missing
	Time         int64  // end of the call, in Unix seconds; 0 when missing
	Duration     int64  // in seconds; 0 unless somebody answered
	Media        vocabulary.Media
	Status       vocabulary.CallStatus
	Participants []vocabulary.CallStatus // their statuses
}

const (
	callID fields = 1 << iota
	callChatID
	callTime
	callDuration
	callVideo
	callStatus
	callParticipants
	callDirection
	callKind
	participantStatus
)

// noCallStatus is the status of a call or participant that has none.
var noCallStatus, _ = vocabulary.FindCallStatus(nil)

func (c *Call) reset() {
	*c = Call{ID: c.ID[:0], ChatID: c.ChatID[:0], Status: noCallStatus, Participants: c.Participants[:0]}
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
		var isVideo bool
		isVideo, _, err = d.boolean(callVideo)
		c.Media = vocabulary.Voice
		if isVideo {
			c.Media = vocabulary.Video
		}
	case "status":
		c.Status, err = word(d, callStatus, vocabulary.FindCallStatus)
	case "type":
		err = d.reject(callDirection, incoming)
	case "typeMessage":
		err = d.reject(callKind, incomingCall)
	case "participants":
		c.Participants, err = d.participants(c.Participants)
	default:
		err = d.json.SkipValue()
	}
	return err
}

// participants reads the statuses of an array of participants; null gives none.
func (d *decoder) participants(dst []vocabulary.CallStatus) ([]vocabulary.CallStatus, error) {
	dst = dst[:0]
	if d.json.PeekKind() != '[' {
		return dst, d.skip(callParticipants)
	}
	if _, err := d.json.ReadToken(); err != nil {
		return dst, err
	}
	good := true
	for d.json.PeekKind() != ']' {
		status := noCallStatus
		d.set(participantStatus, true)
		isObject, err := d.object(func(d *decoder, name string) (err error) {
			if name == "status" {
				status, err = word(d, participantStatus, vocabulary.FindCallStatus)
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
