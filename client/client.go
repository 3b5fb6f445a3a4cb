package client

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/time/rate"
)

// Methods of the API, as they stand in the path of a request.
const (
	MethodLastOutgoingCalls    = "lastOutgoingCalls"
	MethodLastOutgoingMessages = "lastOutgoingMessages"
	MethodStateInstance        = "getStateInstance"
	MethodSettings             = "getSettings"
	MethodMessagesCount        = "getMessagesCount"
	MethodWaSettings           = "getWaSettings"      // of WhatsApp
	MethodAccountSettings      = "getAccountSettings" // of Telegram and MAX
	MethodPartnerInstances     = "getInstances"       // of partners
)

// JournalCap is how many records a journal holds at most (GREEN-API's
// documentation); a journal of that many has probably lost its oldest.
const JournalCap = 10_000

// requestInterval keeps each method under the documented 1 request a second and
// instance, with room for requests that travel at different speeds.
const requestInterval = 1100 * time.Millisecond

// Options say how a Client works. All fields but the first three may be left out.
type Options struct {
	APIURL     string      // scheme, host, and a path prefix if there is one
	IDInstance string      // the instance's id
	Token      TokenSource // asked before each request

	// HTTPClient sends the requests. By default, one that keeps no more than two idle
	// connections: share one made by NewHTTPClient.
	HTTPClient HTTPClient

	// Gate bounds what all clients that share it do at once. By default, nothing does.
	Gate *Gate

	// LastServed tells when the instance last got what it asked for: the gate lets in
	// first what was served longest ago. By default, first come, first served.
	LastServed func() time.Time

	// Timeout bounds one request, from its turn at the gate to the end of its body.
	// By default, only the context does.
	Timeout time.Duration

	// MaxClockSkew is how far the Date of an answer may be from the clock here before it
	// is left out of a journal. By default, every Date is taken.
	MaxClockSkew time.Duration

	// MaxBodyBytes bounds a body, inflated. By default, 256 MiB.
	MaxBodyBytes int64

	// UserAgent is sent with each request. By default, "greenapi_exporter".
	UserAgent string

	// Turn is called with the method and true when a request has got its turn to be sent
	// and, later, its turn to be read; with false while it waits for the second. By
	// default, it is not called.
	Turn func(method string, has bool)

	// Observe is called when a request that was sent has ended. By default, it is not
	// called.
	Observe func(Exchange)
}

// Exchange is one request that was sent, when it is over.
type Exchange struct {
	Method    string
	Sent      time.Time
	FirstByte time.Duration // from Sent to the answer's header; 0 when none came
	Date      time.Time     // the server's clock when it answered; zero when it did not say
	Duration  time.Duration // from Sent to the end of the body
	Status    int           // HTTP status code; 0 when no answer came
	Bytes     int64         // of the body, inflated
	Protocol  string        // such as HTTP/1.1, of a closed set; empty when no answer came
	Encoding  string        // gzip or not compressed, of a closed set; empty when no answer came
	Rows      *RowFacts     // of a journal that was read whole; else nil
	Err       *Error        // nil when all went well
}

// Client asks one instance. It is safe for concurrent use.
type Client struct {
	opts     Options
	base     *url.URL
	subject  string // whom the requests are about: the path between base and method
	limiters map[string]*rate.Limiter
	watches  map[string]*rowWatch // of the rows of journals
}

// New returns a client for one instance. It fails when APIURL is no absolute URL.
func New(opts Options) (*Client, error) {
	return newClient(opts, "/waInstance"+opts.IDInstance+"/",
		MethodLastOutgoingCalls, MethodLastOutgoingMessages, MethodStateInstance, MethodSettings,
		MethodMessagesCount, MethodWaSettings, MethodAccountSettings)
}

func newClient(opts Options, subject string, methods ...string) (*Client, error) {
	base, err := url.Parse(opts.APIURL)
	if err != nil || base.Host == "" || (base.Scheme != "http" && base.Scheme != "https") {
		return nil, errors.New("the API's URL is not of the form https://host")
	}
	base.Path = strings.TrimRight(base.Path, "/")
	if opts.HTTPClient == nil {
		opts.HTTPClient = &http.Client{Transport: noRedirect{RoundTripper: http.DefaultTransport}}
	}
	if opts.Gate == nil {
		opts.Gate = &Gate{}
	}
	if opts.MaxBodyBytes == 0 {
		opts.MaxBodyBytes = 256 << 20
	}
	if opts.UserAgent == "" {
		opts.UserAgent = "greenapi_exporter"
	}
	if opts.Turn == nil {
		opts.Turn = func(string, bool) {}
	}
	if opts.Observe == nil {
		opts.Observe = func(Exchange) {}
	}
	c := &Client{
		opts: opts, base: base, subject: subject, limiters: make(map[string]*rate.Limiter),
		watches: map[string]*rowWatch{MethodLastOutgoingCalls: newRowWatch(), MethodLastOutgoingMessages: newRowWatch()},
	}
	for _, method := range methods {
		c.limiters[method] = rate.NewLimiter(rate.Every(requestInterval), 1)
	}
	return c, nil
}

// APIHost returns the host that the client asks.
func (c *Client) APIHost() string { return c.base.Host }

// LastOutgoingCalls asks for the outgoing calls of the given time back from now,
// at most [JournalCap] of them. The window is whole minutes.
//
// A failed request gives an [*Error]. The journal must be closed.
func (c *Client) LastOutgoingCalls(ctx context.Context, window time.Duration) (*Journal[Call], error) {
	return openWindow[Call](ctx, c, MethodLastOutgoingCalls, window)
}

// LastOutgoingMessages asks for the outgoing messages of the given time back from
// now, at most [JournalCap] of them. The window is whole minutes.
//
// A failed request gives an [*Error]. The journal must be closed.
func (c *Client) LastOutgoingMessages(ctx context.Context, window time.Duration) (*Journal[Message], error) {
	return openWindow[Message](ctx, c, MethodLastOutgoingMessages, window)
}

// openWindow asks for a journal of the given time back from now.
func openWindow[R any, P record[R]](ctx context.Context, c *Client, method string, window time.Duration) (*Journal[R], error) {
	minutes := strconv.FormatInt(int64(window/time.Minute), 10)
	journal, err := openJournal[R, P](ctx, c, method, url.Values{"minutes": {minutes}})
	if err == nil {
		journal.window = window
	}
	return journal, err
}

func openJournal[R any, P record[R]](ctx context.Context, c *Client, method string, query url.Values) (*Journal[R], error) {
	x, err := c.send(ctx, method, query)
	if err != nil {
		return nil, err
	}
	return &Journal[R]{
		Date: x.believedDate(),
		x:    x,
		read: func(d *decoder, r *R) (bool, error) { return readRecord(d, P(r)) },
	}, nil
}

// request builds a request whose URL carries the token. The URL is put together
// by hand because the errors of its parser quote what they could not parse.
func (c *Client) request(ctx context.Context, method string, query url.Values, token Token) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, c.base.Scheme+"://"+c.base.Host, nil)
	if err != nil {
		return nil, fmt.Errorf("make a request to %s: %w", c.base.Host, err)
	}
	u := *c.base
	u.Path += c.subject + method + "/" + token.Reveal()
	u.RawPath = ""
	u.RawQuery = query.Encode()
	req.URL = &u
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Accept-Encoding", "gzip")
	req.Header.Set("User-Agent", c.opts.UserAgent)
	return req, nil
}
