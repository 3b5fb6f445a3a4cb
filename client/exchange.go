package client

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
)

// exchange is one request under way: from its turn at the gate to the end of its
// body. It must be finished.
type exchange struct {
	client   *Client
	method   string
	ctx      context.Context // of this request, ended by finish; its methods are those of a reader and take none
	cancel   context.CancelFunc
	sent     time.Time
	first    time.Duration
	response *http.Response
	rows     *RowFacts   // of a journal that was read whole
	unbind   func() bool // stops that the end of ctx closes the body
	reading  bool        // it has a turn to read a body
	body     *body
	once     sync.Once
	err      *Error
}

// send waits for the rate limit and the gate, sends a request and waits for the
// answer's header. An answer that is a failure is read up to a bound, and closed.
func (c *Client) send(ctx context.Context, method string, query url.Values) (*exchange, error) {
	if err := c.limiters[method].Wait(ctx); err != nil {
		return nil, fail(ctx, method, ErrBusy)
	}
	var served time.Time
	if c.opts.LastServed != nil {
		served = c.opts.LastServed()
	}
	if err := c.opts.Gate.waiting.take(ctx, c.base.Host, served); err != nil {
		return nil, fail(ctx, method, err)
	}
	c.opts.Turn(method, true)
	x := &exchange{client: c, method: method, sent: time.Now()}
	x.ctx, x.cancel = withTimeout(ctx, c.opts.Timeout)
	err := x.ask(query)
	if errors.Is(err, errToken) {
		x.cancel() // nothing was sent
		return nil, &Error{Method: method, Reason: ReasonUnauthorized, Detail: errToken.Error()}
	}
	if err != nil {
		return nil, x.finish(err)
	}
	x.first = time.Since(x.sent)
	c.opts.Turn(method, false)
	if err := c.opts.Gate.bodies.take(x.ctx, c.base.Host, served); err != nil { //nolint:contextcheck // it is ctx, with a timeout
		return nil, x.finish(err)
	}
	x.reading = true
	c.opts.Turn(method, true)
	if err := x.open(); err != nil {
		return nil, x.finish(err)
	}
	return x, nil
}

// errToken is a token that cannot be read.
var errToken = errors.New("the token cannot be read")

// ask reads the token, sends the request and waits for the answer's header, until the
// request's time is over. What does not come back by then (a file on a network that is
// gone, an OAuth server that is silent) goes on waiting by itself, and holds its place
// at the gate, so that there is a bound on these.
func (x *exchange) ask(query url.Values) error {
	type answer struct {
		response *http.Response
		err      error
	}
	answers := make(chan answer)
	go func() {
		defer x.client.opts.Gate.waiting.give(x.client.base.Host)
		response, err := x.client.do(x.ctx, x.method, query)
		select {
		case answers <- answer{response, err}:
		case <-x.ctx.Done():
			if response != nil {
				_ = response.Body.Close() // nobody wants it any more
			}
		}
	}()
	select {
	case a := <-answers:
		if a.err == nil {
			x.response = a.response
			// Whatever the body comes from, no read of it outlives the request's time.
			x.unbind = context.AfterFunc(x.ctx, func() { _ = a.response.Body.Close() })
		}
		return a.err
	case <-x.ctx.Done():
		return context.Cause(x.ctx)
	}
}

// do sends a request and returns the answer, whose body is still to be read.
func (c *Client) do(ctx context.Context, method string, query url.Values) (*http.Response, error) {
	token, err := c.opts.Token.Token()
	if err != nil {
		return nil, errToken
	}
	req, err := c.request(ctx, method, query, token)
	if err != nil {
		return nil, err
	}
	return c.opts.HTTPClient.Do(req)
}

func withTimeout(ctx context.Context, timeout time.Duration) (context.Context, context.CancelFunc) {
	if timeout <= 0 {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, timeout)
}

// maxFailureText bounds what is read of an answer that is a failure.
const maxFailureText = 64 << 10

// answered is the error of an answer that is a failure by what it says.
type answered struct{ reason Reason }

func (answered) Error() string { return "the API answered with a failure" }

// open makes the body of a good answer readable, or says how the answer failed.
func (x *exchange) open() error {
	if x.response.StatusCode < http.StatusOK {
		// 101: the connection now speaks another protocol, and net/http no longer looks
		// at the context of the request.
		return answered{ReasonMalformed}
	}
	var err error
	x.body, err = newBody(x.response, x.client.opts.MaxBodyBytes)
	if x.response.StatusCode == http.StatusOK {
		return err
	}
	var text []byte
	if err == nil {
		text, _ = io.ReadAll(io.LimitReader(x.body, maxFailureText)) // a text that breaks off changes nothing about the failure
	}
	return answered{statusReason(x.response.StatusCode, text)}
}

// date returns the server's clock when it answered; zero without a valid header.
func (x *exchange) date() time.Time {
	date, err := http.ParseTime(x.response.Header.Get("Date"))
	if err != nil {
		return time.Time{}
	}
	return date
}

// believedDate is date, zero where it is too far from the clock here to be true.
func (x *exchange) believedDate() time.Time {
	date, most := x.date(), x.client.opts.MaxClockSkew
	if most > 0 && date.Sub(x.sent.Add(x.first)).Abs() > most {
		return time.Time{}
	}
	return date
}

// finish ends the exchange, once, with what went wrong or nil, gives back what it
// held and tells the observer. It returns an *Error, or nil.
func (x *exchange) finish(err error) error {
	x.once.Do(func() {
		if err != nil {
			x.err = x.failure(err)
		}
		report := Exchange{
			Method: x.method, Sent: x.sent, FirstByte: x.first, Duration: time.Since(x.sent), Rows: x.rows, Err: x.err,
		}
		if x.body != nil {
			report.Bytes = x.body.n
		}
		if x.unbind != nil {
			x.unbind()
		}
		if err != nil {
			x.cancel() // so that closing waits for nothing
		}
		if x.response != nil {
			report.Status, report.Date = x.response.StatusCode, x.date()
			report.Protocol, report.Encoding = protocolOf(x.response), encodingOf(x.response)
			_ = x.response.Body.Close() // the answer is decided; a connection that breaks now changes nothing
		}
		if x.body != nil {
			x.body.free()
		}
		if x.reading {
			x.client.opts.Gate.bodies.give(x.client.base.Host)
		}
		x.cancel()
		x.client.opts.Observe(report)
	})
	if x.err == nil {
		return nil
	}
	return x.err
}

func (x *exchange) failure(err error) *Error {
	var e *Error
	var said answered
	if errors.As(err, &said) {
		e = &Error{Method: x.method, Reason: said.reason}
	} else {
		e = fail(x.ctx, x.method, err)
	}
	if x.response != nil {
		e.Status = x.response.StatusCode
		e.RetryAfter = retryAfter(x.response.Header, time.Now())
	}
	if x.body != nil {
		e.Length = x.body.n
	}
	e.blameProxy(x.response, err)
	return e
}

// body reads an answer, inflated and within its bound.
type body struct {
	response *http.Response
	in       io.Reader // inflated
	gz       *gzip.Reader
	zipped   *finite // what gz inflates
	buf      *bufio.Reader
	n        int64 // bytes read
	max      int64
}

// readerPool holds the buffers that bodies are read through: the decoder asks for
// 4 KiB at a time, and the socket is better read in larger portions.
var (
	readerPool = sync.Pool{New: func() any { return bufio.NewReaderSize(nil, 32<<10) }}
	gunzips    = sync.Pool{New: func() any { return new(gzip.Reader) }}
)

func newBody(response *http.Response, limit int64) (*body, error) {
	b := &body{response: response, in: response.Body, max: limit}
	b.buf, _ = readerPool.Get().(*bufio.Reader)
	switch encoding := strings.ToLower(response.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
	case "gzip", "x-gzip":
		b.zipped = &finite{Reader: response.Body}
		b.gz, _ = gunzips.Get().(*gzip.Reader)
		if err := b.gz.Reset(b.zipped); err != nil {
			return b, b.fault(err)
		}
		b.in = b.gz
	default:
		return b, malformed("content encoding that was not asked for")
	}
	b.buf.Reset(b.in)
	return b, nil
}

// finite notes that a reader has come to its end.
type finite struct {
	io.Reader

	ended bool
}

// Read implements io.Reader.
func (f *finite) Read(p []byte) (int, error) {
	n, err := f.Reader.Read(p)
	f.ended = f.ended || errors.Is(err, io.EOF)
	return n, err
}

// fault keeps errors of the connection and names those of gzip, which also calls it
// an unexpected end when the connection is whole and what came over it is not.
func (b *body) fault(err error) error {
	var corrupt flate.CorruptInputError
	if errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.As(err, &corrupt) ||
		errors.Is(err, io.ErrUnexpectedEOF) && b.zipped != nil && b.zipped.ended {
		return malformed("damaged gzip")
	}
	return err
}

// Read implements io.Reader.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.buf.Read(p)
	b.n += int64(n)
	if b.n > b.max {
		return 0, tooLarge("more than the allowed bytes, inflated")
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return n, b.fault(err)
	}
	return n, err
}

// free gives the buffers back. The body was closed before: that gives the connection
// back for the next request when it was read to its end, and breaks it off otherwise;
// reading 90 MB to save a connection is dear.
func (b *body) free() {
	b.buf.Reset(nil)
	readerPool.Put(b.buf)
	if b.gz != nil {
		gunzips.Put(b.gz)
	}
	b.buf, b.gz, b.zipped = nil, nil, nil
}

// firstByte skips white space and returns the byte after it, without reading it.
func (b *body) firstByte() (byte, error) {
	for {
		next, err := b.buf.Peek(1)
		if err != nil {
			return 0, b.fault(err)
		}
		switch next[0] {
		case ' ', '\t', '\r', '\n':
			var space [1]byte
			if _, err := b.Read(space[:]); err != nil {
				return 0, err
			}
		default:
			return next[0], nil
		}
	}
}
