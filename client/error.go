package client

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Error is a request that failed. It carries nothing that the server wrote and
// nothing of the URL, so that it can be logged and shown.
type Error struct {
	Method     string        // the API's method, e.g. lastOutgoingCalls
	Reason     Reason        // why, of a closed set
	Status     int           // HTTP status code; 0 when there was no answer
	Length     int64         // bytes of the answer's body that were read, inflated
	RetryAfter time.Duration // what the server asked to wait; 0 when it did not
	Detail     string        // a phrase of ours that says more than the reason's; may be empty
	Proxy      string        // a phrase of ours, where it was a proxy that refused; else empty
	cause      error         // context.Canceled or context.DeadlineExceeded, or nil
}

// Error implements error.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Method)
	b.WriteString(": ")
	b.WriteString(cmp.Or(e.Proxy, e.Reason.phrase()))
	if e.Detail != "" {
		b.WriteString(" (")
		b.WriteString(e.Detail)
		b.WriteString(")")
	}
	if e.Status != 0 {
		fmt.Fprintf(&b, ": HTTP %d, %d bytes", e.Status, e.Length)
	}
	return b.String()
}

// Unwrap gives the error of the context that ended the request, if one did.
func (e *Error) Unwrap() error { return e.cause }

// Faults of an answer, found while its body is read.
var (
	errTooLarge  = errors.New("answer too large")
	errMalformed = errors.New("answer malformed")
)

// malformed makes an errMalformed with a phrase of ours; it must not quote the answer.
func malformed(phrase string) error { return &detailed{phrase: phrase, kind: errMalformed} }

// tooLarge makes an errTooLarge with a phrase of ours.
func tooLarge(phrase string) error { return &detailed{phrase: phrase, kind: errTooLarge} }

type detailed struct {
	phrase string
	kind   error
}

func (d *detailed) Error() string { return d.phrase }
func (d *detailed) Unwrap() error { return d.kind }

// fail maps what ended a request to an Error. The text of err is used only when
// it is our own: errors of the network and of net/http quote what they received,
// and those of url.Error the URL.
func fail(ctx context.Context, method string, err error) *Error {
	e := &Error{Method: method}
	var own *detailed
	if errors.As(err, &own) {
		e.Detail = own.phrase
	}
	// The cause tells a deadline that was enforced by hand from a cancellation.
	canceled := ctx.Err() != nil && !errors.Is(context.Cause(ctx), context.DeadlineExceeded)
	var timeout net.Error
	switch {
	case canceled, errors.Is(err, errAbandoned):
		e.Reason, e.cause = ReasonCanceled, context.Canceled
	case errors.Is(err, ErrBusy):
		e.Reason = ReasonBusy
	case errors.Is(err, errTooLarge):
		e.Reason = ReasonTooLarge
	case errors.Is(err, errMalformed):
		e.Reason = ReasonMalformed
	case ctx.Err() != nil:
		e.Reason, e.cause = ReasonTimeout, context.DeadlineExceeded
	case errors.As(err, &timeout) && timeout.Timeout():
		e.Reason = ReasonTimeout
	default:
		e.Reason, e.Detail = ReasonNetwork, proxyDetail(err, networkDetail(err))
	}
	return e
}

// networkDetail says what broke in words of ours.
func networkDetail(err error) string {
	var (
		dns       *net.DNSError
		authority x509.UnknownAuthorityError
		host      x509.HostnameError
		invalid   x509.CertificateInvalidError
		verify    *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		alert     tls.AlertError
	)
	switch {
	case errors.As(err, &dns):
		return "host name not resolved"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "connection refused"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return "connection reset"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "host unreachable"
	case errors.As(err, &authority):
		return "certificate signed by an unknown authority"
	case errors.As(err, &host):
		return "certificate is for another host"
	case errors.As(err, &invalid), errors.As(err, &verify):
		return "certificate not valid"
	case errors.As(err, &record):
		return "the server does not speak TLS"
	case errors.As(err, &alert):
		return "the server refused the TLS handshake"
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "connection closed before the answer ended"
	default:
		return "no valid HTTP answer"
	}
}

// textsOf400 tells the answers with status 400 apart. The longer text stands
// first where one contains the other.
var textsOf400 = []struct {
	text   string
	reason Reason
}{
	{"instance is starting or not authorized", ReasonNotAuthorized},
	{"instance in starting process", ReasonStarting},
	{"account is expired", ReasonExpired},
	{"internal server error", ReasonServerError},
}

// gone is how the API says, with 400, 401 or 404, that an instance is not there any
// more: "Instance is deleted", "Instance 1101000001 is deleted", "Instance is not
// found", "instance not found". A path in an answer holds "waInstance…" and no spaces.
var gone = regexp.MustCompile(`(?i)\binstance(?: (?:with )?id(?:instance)?)?:? ?["']?[0-9]{0,20}["']? (?:is |was |has been )?(?:deleted|not found)\b`)

// statusReason maps a status code, and the beginning of the body that came with
// it, to a reason. It returns "" for 200.
func statusReason(status int, body []byte) Reason {
	switch {
	case status == http.StatusOK:
		return ""
	case gone.Match(body) && (status == http.StatusBadRequest || status == http.StatusUnauthorized || status == http.StatusNotFound):
		return ReasonDeleted
	case status == http.StatusBadRequest:
		text := bytes.ToLower(body)
		for _, known := range textsOf400 {
			if bytes.Contains(text, []byte(known.text)) {
				return known.reason
			}
		}
		return ReasonClientError
	case status == http.StatusUnauthorized:
		return ReasonUnauthorized
	case status == http.StatusForbidden:
		return ReasonForbidden
	case status == http.StatusNotFound:
		return ReasonNotFound
	case status == http.StatusTooManyRequests:
		return ReasonRateLimited
	case status == 466:
		return ReasonQuotaExceeded
	case status == 499, status >= 500:
		return ReasonServerError
	case status >= 300:
		return ReasonClientError
	default:
		return ReasonMalformed // a 2xx other than 200 carries no journal
	}
}

// maxRetryAfter bounds what a server can ask for: a date far away must not
// silence an instance for good.
const maxRetryAfter = time.Hour

// retryAfter reads the header Retry-After, in seconds or as a date (RFC 9110, 10.2.3).
func retryAfter(header http.Header, now time.Time) time.Duration {
	value := strings.TrimSpace(header.Get("Retry-After"))
	if value == "" {
		return 0
	}
	seconds, err := strconv.ParseUint(value, 10, 31)
	switch {
	case err == nil:
		return min(time.Duration(seconds)*time.Second, maxRetryAfter)
	case errors.Is(err, strconv.ErrRange):
		return maxRetryAfter
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(at.Sub(now), 0), maxRetryAfter)
}
