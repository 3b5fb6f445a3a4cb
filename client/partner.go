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

	scratch []byte
}

// Partner asks the partner API, which lists the instances of an account.
type Partner struct {
	client *Client
}

// NewPartner returns a client for the partner API at APIURL; Token is the
// partner's. It fails when APIURL is no absolute URL.
func NewPartner(opts Options) (*Partner, error) {
	c, err := newClient(opts, "/partner/", MethodPartnerInstances)
	if err != nil {
		return nil, err
	}
	return &Partner{client: c}, nil
}

// Instances asks for the instances. A failed request gives an [*Error]. The journal
// must be closed. Its records may be copied and kept.
func (p *Partner) Instances(ctx context.Context) (*Journal[PartnerInstance], error) {
	return openJournal[PartnerInstance](ctx, p.client, MethodPartnerInstances, nil)
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
		p.Expires, err = d.date(partnerExpires)
	case "isExpired":
		p.Expired, _, err = d.boolean(partnerExpired)
	case "deleted":
		p.Deleted, _, err = d.boolean(partnerDeleted)
	default:
		err = d.json.SkipValue()
	}
	return err
}

// dateLayouts are the forms of dates that were seen or are likely; the
// documentation shows the first.
var dateLayouts = []string{time.RFC3339Nano, time.DateTime, time.DateOnly}

// date reads a date as text or as Unix seconds. One that cannot be read is none: an
// instance is not left out because of it.
func (d *decoder) date(field fields) (time.Time, error) {
	if d.json.PeekKind() == '0' {
		unix, err := d.integer(field, math.MinInt64, math.MaxInt64)
		d.set(field, true)
		if err != nil || unix <= 0 || unix > maxTime {
			return time.Time{}, err
		}
		return time.Unix(unix, 0), nil
	}
	text, err := d.word(field, nil)
	d.set(field, true)
	for _, layout := range dateLayouts {
		if at, parseErr := time.Parse(layout, text); parseErr == nil {
			return at, err
		}
	}
	if unix, parseErr := strconv.ParseInt(text, 10, 64); parseErr == nil && unix > 0 && unix <= maxTime {
		return time.Unix(unix, 0), err
	}
	return time.Time{}, err
}
