package client

import (
	"context"
	"math"
	"strconv"
	"time"
)

// PartnerInstance is an instance of a partner's account, as the partner API lists
// it. Its name is free text and perhaps a phone number: it is never read.
type PartnerInstance struct {
	ID      string    // idInstance
	Token   Token     // apiTokenInstance
	Expires time.Time // expirationDate; zero when the API does not say
	Expired bool
	Deleted bool
	// UnreadableDate tells that there is an expirationDate, and that it is in no form
	// that is known.
	UnreadableDate bool
	// Unreadable tells that the row was no object, or that a field of it could not be
	// read. Its ID is "" when that could not be read either.
	Unreadable bool

	scratch []byte
}

// Partner asks the partner API, which lists the instances of an account.
type Partner struct {
	client *Client
}

// maxPartnerBytes bounds the list of instances, inflated: some 100,000 of them.
const maxPartnerBytes = 64 << 20

// NewPartner returns a client for the partner API at APIURL; Token is the
// partner's. It fails when APIURL is no absolute URL.
func NewPartner(opts Options) (*Partner, error) {
	if opts.MaxBodyBytes == 0 || opts.MaxBodyBytes > maxPartnerBytes {
		opts.MaxBodyBytes = maxPartnerBytes
	}
	c, err := newClient(opts, "/partner/", MethodPartnerInstances)
	if err != nil {
		return nil, err
	}
	return &Partner{client: c}, nil
}

// Instances asks for the instances. A failed request gives an [*Error]. The journal
// must be closed. Its records may be copied and kept. None is left out: those that
// are unreadable say so.
func (p *Partner) Instances(ctx context.Context) (*Journal[PartnerInstance], error) {
	journal, err := openJournal[PartnerInstance](ctx, p.client, MethodPartnerInstances, nil)
	if err == nil {
		journal.read = readPartnerInstance
	}
	return journal, err
}

func readPartnerInstance(d *decoder, p *PartnerInstance) (valid bool, err error) {
	good, err := readRecord(d, p)
	p.Unreadable = !good
	if d.bad&partnerID != 0 {
		p.ID = ""
	}
	return true, err
}

const (
	partnerID fields = 1 << iota
	partnerToken
	partnerExpires
	partnerExpired
	partnerDeleted
)

func (p *PartnerInstance) reset() { *p = PartnerInstance{scratch: p.scratch[:0]} }

func (p *PartnerInstance) member(d *decoder, name string) (err error) {
	switch name {
	case "idInstance":
		p.scratch, err = d.textOrInteger(partnerID, p.scratch)
		p.ID = string(p.scratch)
	case "apiTokenInstance":
		p.scratch, err = d.text(partnerToken, p.scratch)
		p.Token = NewToken(string(p.scratch))
	case "expirationDate":
		var known bool
		p.Expires, known, err = d.date(partnerExpires)
		p.UnreadableDate = !known
	case "isExpired":
		p.Expired, err = d.flag(partnerExpired)
	case "deleted":
		p.Deleted, err = d.flag(partnerDeleted)
	default:
		err = d.json.SkipValue()
	}
	return err
}

// flag reads a boolean that may also be 0 or 1, or text; null is false.
func (d *decoder) flag(field fields) (bool, error) {
	switch d.json.PeekKind() {
	case '0':
		n, err := d.integer(field, 0, 1)
		return n == 1, err
	case '"':
		text, err := d.shortText(field)
		value, parseErr := strconv.ParseBool(text)
		d.set(field, parseErr == nil)
		return value, err
	}
	value, _, err := d.boolean(field)
	return value, err
}

// dateLayouts are the forms of dates. The documentation shows the first, without a
// zone, which is taken for UTC; the others are likely. Each may have fractions of a
// second.
var dateLayouts = []string{"2006-01-02T15:04:05", time.RFC3339, time.DateTime, time.DateOnly, "02.01.2006", "02.01.2006 15:04:05"}

// date reads a date as text or as Unix time, and tells whether it was understood. One
// that was not is none: an instance is not left out because of it.
func (d *decoder) date(field fields) (at time.Time, known bool, err error) {
	switch d.json.PeekKind() {
	case '0':
		unix, err := d.integer(field, math.MinInt64, math.MaxInt64)
		known = d.bad&field == 0
		d.set(field, true)
		at = unixTime(unix)
		return at, known && !at.IsZero() || unix == 0 && known, err
	case 'n':
		_, err := d.shortText(field)
		d.set(field, true)
		return time.Time{}, true, err
	}
	text, err := d.shortText(field)
	isText := d.bad&field == 0
	d.set(field, true)
	for _, layout := range dateLayouts {
		if at, parseErr := time.Parse(layout, text); parseErr == nil {
			return at, true, err
		}
	}
	unix, _ := strconv.ParseInt(text, 10, 64) // 0, or out of bounds, when it is none
	at = unixTime(unix)
	return at, isText && (text == "" || !at.IsZero()), err
}

// unixTime reads Unix seconds, or what is too large for these as milliseconds.
func unixTime(unix int64) time.Time {
	switch {
	case unix <= 0 || unix > maxTime*1000:
		return time.Time{}
	case unix > maxTime:
		return time.UnixMilli(unix)
	default:
		return time.Unix(unix, 0)
	}
}
