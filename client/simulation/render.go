package simulation

import (
	"strconv"
	"strings"
)

// appendCall appends a row of lastOutgoingCalls.
func (a *account) appendCall(b []byte, r row) []byte {
	e := r.event
	b = append(b, '{')
	if !a.OldSchema {
		b = append(b, `"type":"outgoing",`...)
	}
	b = append(b, `"idMessage":"`...)
	b = appendID(b, e.key)
	b = append(b, `","timestamp":`...)
	b = strconv.AppendInt(b, e.actedAt(r.step), 10)
	b = append(b, `,"typeMessage":"outgoingCall","chatId":`...)
	b = a.appendChat(b, e.chat, e.group)
	b = append(b, `,"duration":`...)
	b = strconv.AppendInt(b, int64(e.rowDuration(r.step, r.repeat)), 10)
	b = append(b, `,"isVideo":`...)
	b = strconv.AppendBool(b, e.video)
	b = append(b, `,"status":"`...)
	b = append(b, a.spell(e.rowStatus(r.step, r.repeat))...)
	b = append(b, `","participants":[`...)
	for i, p := range a.participants(e, r.step, r.repeat) {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, `{"id":`...)
		b = a.appendChat(b, p.contact, false)
		b = append(b, `,"status":"`...)
		b = append(b, a.spell(p.status)...)
		b = append(b, `"}`...)
	}
	return append(b, `]}`...)
}

// appendMessage appends a row of lastOutgoingMessages.
func (a *account) appendMessage(b []byte, r row) []byte {
	e := r.event
	if e.degenerate {
		return append(b, `{"type":"outgoing","typeMessage":""}`...)
	}
	kind := &messageKinds[e.kind]
	b = append(b, '{')
	if !a.OldSchema {
		b = append(b, `"type":"outgoing",`...)
	}
	b = append(b, `"idMessage":"`...)
	b = appendID(b, e.key)
	b = append(b, `","timestamp":`...)
	b = strconv.AppendInt(b, e.actedAt(r.step), 10)
	b = append(b, `,"statusMessage":"`...)
	b = append(b, a.spell(e.status[r.step])...)
	b = append(b, `","typeMessage":"`...)
	b = append(b, kind.name...)
	b = append(b, `","chatId":`...)
	b = a.appendChat(b, e.chat, e.group)
	b = a.appendContent(b, e, kind.form)
	if !a.OldSchema {
		b = append(b, `,"sendByApi":`...)
		b = strconv.AppendBool(b, !e.phone)
	}
	return append(b, '}')
}

// appendContent appends the fields that depend on a message's type. All of it
// is invented; an exporter has no use for any.
func (a *account) appendContent(b []byte, e *event, f form) []byte {
	d := newDice(e.key, saltText)
	text := func(b []byte, name string) []byte {
		b = append(append(append(b, '"'), name...), `":"`...)
		b = a.appendText(b, &d, a.TextBytes)
		return append(b, '"')
	}
	b = append(b, ',')
	switch f {
	case formText:
		return text(b, "textMessage")
	case formExtended:
		b = append(b, `"extendedTextMessage":{`...)
		b = text(b, "text")
		b = append(b, `,"description":"","title":"","previewType":"None","jpegThumbnail":""}`...)
	case formMedia:
		b = append(b, `"downloadUrl":"https://media.example.com/`...)
		b = strconv.AppendUint(b, e.key, 36)
		b = append(b, `","fileName":"file.bin","mimeType":"application/octet-stream",`...)
		b = text(b, "caption")
		b = append(b, `,"jpegThumbnail":"`...)
		b = a.appendThumbnail(b, &d)
		b = append(b, '"')
	case formLocation:
		b = append(b, `"location":{"nameLocation":"Office","address":"1 Main St","latitude":0.5,"longitude":-0.25,"jpegThumbnail":""}`...)
	case formContact:
		b = append(b, `"contact":{"displayName":"A Friend","vcard":"BEGIN:VCARD\nVERSION:3.0\nFN:A Friend\nEND:VCARD"}`...)
	case formPoll:
		b = append(b, `"pollMessageData":{`...)
		b = text(b, "name")
		b = append(b, `,"options":[{"optionName":"yes"},{"optionName":"no"}],"multipleAnswers":false}`...)
	case formPlain:
		b = append(b, `"isForwarded":false,"forwardingScore":0`...)
	}
	return b
}

// appendThumbnail appends fake base64, without escapes, of between half and
// one and a half times ThumbnailBytes.
func (a *account) appendThumbnail(b []byte, d *dice) []byte {
	if a.ThumbnailBytes == 0 {
		return b
	}
	left := a.ThumbnailBytes/2 + d.below(a.ThumbnailBytes)
	b = append(b, "/9j/"...)
	bulk := a.sim.bulk[d.below(len(a.sim.bulk)/2):]
	for ; left > len(bulk); left -= len(bulk) {
		b = append(b, bulk...)
	}
	return append(b, bulk[:left]...)
}

// appendID appends an idMessage: unique, for the key is.
func appendID(b []byte, key uint64) []byte {
	const digits = "0123456789ABCDEF"
	b = append(b, "3EB0"...)
	for shift := 60; shift >= 0; shift -= 4 {
		b = append(b, digits[key>>shift&15])
	}
	return b
}

// appendChat appends a chat id as JSON. Numbers begin with 999, a country code
// that nobody has.
func (a *account) appendChat(b []byte, chat int32, group bool) []byte {
	if group {
		h := hash(a.key, saltGroup, uint64(chat))
		if a.NumericChats {
			return appendNumericChat(b, h, -int64(h%1e12)-1)
		}
		b = append(b, `"120363`...)
		b = appendDigits(b, h%1e12, 12)
		return append(b, `@g.us"`...)
	}
	h := a.contact(chat)
	if a.NumericChats {
		return appendNumericChat(b, h, 999e9+int64(h%1e9))
	}
	b = append(b, '"')
	b = append(b, a.number(chat)...)
	if h%10 == 0 {
		return append(b, `@lid"`...)
	}
	return append(b, `@c.us"`...)
}

func (a *account) contact(chat int32) uint64 {
	return hash(a.key, saltContact, uint64(chat))
}

// number is a contact's number: 999 and 9 digits.
func (a *account) number(chat int32) string {
	return string(appendDigits([]byte("999"), a.contact(chat)%1e9, 9))
}

// appendNumericChat appends a number, of every other chat as a string.
func appendNumericChat(b []byte, h uint64, id int64) []byte {
	if h>>60&1 == 0 {
		return strconv.AppendInt(b, id, 10)
	}
	b = append(b, '"')
	b = strconv.AppendInt(b, id, 10)
	return append(b, '"')
}

// appendDigits appends the decimal digits of n, with leading zeros.
func appendDigits(b []byte, n uint64, width int) []byte {
	start := len(b)
	for range width {
		b = append(b, '0')
	}
	for i := start + width - 1; i >= start; i-- {
		b[i] = byte('0' + n%10)
		n /= 10
	}
	return b
}

// spell writes a status as this account's journals do.
func (a *account) spell(s status) string {
	if a.OldSpelling {
		switch s {
		case statusSuspended:
			return "yellowCard"
		case statusHungUp:
			return "hangUp"
		}
	}
	return s.String()
}

// words of invented texts.
var words = [...]string{
	"your", "order", "is", "ready", "at", "the", "office", "until", "six", "please", "bring", "invoice",
	"thank", "you", "for", "waiting", "courier", "arrives", "tomorrow", "between", "nine", "and", "noon",
	"we", "have", "moved", "meeting", "to", "Thursday", "call", "us", "if", "this", "does", "not", "suit",
	"grüße", "спасибо", "réponse", "mañana", "ok", "👍",
}

// makePhrases makes the pieces of which texts are made: eight words each.
func makePhrases(seed uint64) []string {
	d := dice{state: seed}
	phrases := make([]string, 64)
	for i := range phrases {
		var b strings.Builder
		for range 8 {
			b.WriteString(words[d.below(len(words))])
			b.WriteByte(' ')
		}
		phrases[i] = b.String()
	}
	return phrases
}

// appendText appends phrases until the text is between a quarter and seven
// quarters of size, or a little longer.
func (a *account) appendText(b []byte, d *dice, size int) []byte {
	end := len(b) + size/4 + d.below(size*3/2+1)
	// One throw serves ten phrases.
	for pool := d.next(); len(b) < end; pool = d.next() {
		for n := 0; n < 10 && len(b) < end; n++ {
			b = append(b, a.sim.phrases[pool%64]...)
			pool /= 64
		}
	}
	return b
}

// fakeBase64 returns n letters of the alphabet of base64 that JSON need not
// escape.
func fakeBase64(seed uint64, n int) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	d := dice{state: seed}
	text := make([]byte, n)
	for i := range text {
		text[i] = alphabet[d.next()>>58]
	}
	return string(text)
}
