package simulation

import (
	"fmt"
	"io"
	"time"
)

// A Payload writes whole journals of a given length for benchmarks: the same
// bytes for the same Payload. It writes as it goes, so that a journal of a
// million rows needs no memory. Its methods fit Instance.SetBodyFunc. They
// return an error only when w does.
type Payload struct {
	Rows int
	Seed uint64
	// End is the time of the newest row; the others follow every 8 seconds
	// back. By default, it is a moment in August 2025.
	End time.Time
}

const (
	payloadEnd     = 1754455789 // unix seconds
	payloadSpacing = 8

	// Sizes that give rows of 440, 390 and 8,900 bytes on average.
	payloadText      = 171
	payloadThumbnail = 8350
)

// Calls writes lastOutgoingCalls: 10,000 rows are about 4.4 MB.
func (p Payload) Calls(w io.Writer) error {
	behaviour := UsualBehaviour()
	behaviour.GroupCalls = 0.73
	behaviour.RepeatedRows = 0
	a := p.account(Account{Groups: 50, Behaviour: &behaviour})
	return p.write(w, func(b []byte, key uint64, at int64) []byte {
		e, _ := a.makeCall(key, at, nil, source{behaviour: &a.behaviour})
		return a.appendCall(b, row{event: &e, step: int(e.n) - 1})
	})
}

// Texts writes lastOutgoingMessages of text: 10,000 rows are about 3.9 MB.
func (p Payload) Texts(w io.Writer) error {
	a := p.account(Account{Groups: 20, TextBytes: payloadText})
	return p.write(w, func(b []byte, key uint64, at int64) []byte {
		return a.appendKind(b, key, at, "textMessage")
	})
}

// Thumbnails writes lastOutgoingMessages of pictures with base64 thumbnails:
// 10,000 rows are about 89 MB.
func (p Payload) Thumbnails(w io.Writer) error {
	a := p.account(Account{Groups: 20, ThumbnailBytes: payloadThumbnail})
	return p.write(w, func(b []byte, key uint64, at int64) []byte {
		return a.appendKind(b, key, at, "imageMessage")
	})
}

// EscapedThumbnails writes what Thumbnails does, with / as \/ and + as \u002b,
// so that a decoder that unescapes strings has work to do.
func (p Payload) EscapedThumbnails(w io.Writer) error {
	a := p.account(Account{Groups: 20, ThumbnailBytes: payloadThumbnail})
	var plain []byte
	return p.write(w, func(b []byte, key uint64, at int64) []byte {
		plain = a.appendKind(plain[:0], key, at, "imageMessage")
		for _, c := range plain {
			switch c {
			case '/':
				b = append(b, `\/`...)
			case '+':
				b = append(b, `\u002b`...)
			default:
				b = append(b, c)
			}
		}
		return b
	})
}

// account returns the account whose rows the payload is made of.
func (p Payload) account(settings Account) *account {
	settings.ID = "1101000000"
	return New(Settings{Seed: p.Seed}, settings).accounts[0]
}

// appendKind appends the row of a message whose type is given.
func (a *account) appendKind(b []byte, key uint64, at int64, name string) []byte {
	e, _ := a.makeMessage(key, at, nil, source{behaviour: &a.behaviour})
	for i, k := range messageKinds {
		if k.name == name {
			e.kind = uint8(i)
		}
	}
	return a.appendMessage(b, row{event: &e, step: int(e.n) - 1})
}

// write writes the rows, from the newest to the oldest.
func (p Payload) write(w io.Writer, appendRow func(b []byte, key uint64, at int64) []byte) error {
	end := int64(payloadEnd)
	if !p.End.IsZero() {
		end = p.End.Unix()
	}
	b := []byte{'['}
	for i := range p.Rows {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendRow(b, hash(p.Seed, saltPayload, uint64(i)), end-int64(i)*payloadSpacing)
		if len(b) < flushBytes {
			continue
		}
		if _, err := w.Write(b); err != nil {
			return fmt.Errorf("write a payload: %w", err)
		}
		b = b[:0]
	}
	if _, err := w.Write(append(b, ']')); err != nil {
		return fmt.Errorf("write a payload: %w", err)
	}
	return nil
}
