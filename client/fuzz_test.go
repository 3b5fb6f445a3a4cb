package client_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"testing"

	"github.com/greenapi-exporter/greenapi_exporter/client"
)

// scripted answers each request with a status, a header and a body.
type scripted struct {
	status     int
	retryAfter string
	encoding   string
	body       []byte
}

func (s scripted) Do(*http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: s.status,
		Header:     http.Header{"Retry-After": {s.retryAfter}, "Content-Encoding": {s.encoding}, "Date": {s.retryAfter}},
		Body:       io.NopCloser(bytes.NewReader(s.body)),
	}, nil
}

// FuzzAnswers gives every method whatever a server may answer: it ends well or with
// a reason of the closed set, and what is good has values within their bounds.
func FuzzAnswers(f *testing.F) {
	f.Add(200, "", "", []byte(`{"stateInstance":"authorized","count":3,"outgoingWebhook":"yes","suspendedUntil":1790000000}`))
	f.Add(200, "", "gzip", []byte("\x1f\x8b\x08\x00"))
	f.Add(200, "", "", []byte("null"))
	f.Add(200, "", "", []byte(`{"code":401,"description":"Unauthorized"}`))
	f.Add(200, "", "", []byte(`[{"idInstance":1101000001,"apiTokenInstance":"x","isExpired":false,"expirationDate":"2026-12-31T00:00:00"}]`))
	f.Add(400, "", "", []byte(`{"message":"Instance account is expired"}`))
	f.Add(429, "Wed, 21 Oct 2115 07:28:00 GMT", "", []byte(""))
	f.Add(466, "18446744073709551616", "br", []byte("x"))
	f.Fuzz(func(t *testing.T, status int, retryAfter, encoding string, body []byte) {
		opts := client.Options{
			APIURL: "http://greenapi.invalid", IDInstance: id, Token: client.NewToken(sentinel), MaxBodyBytes: 1 << 20,
			HTTPClient: scripted{status, retryAfter, encoding, body},
		}
		c, err := client.New(opts)
		if err != nil {
			t.Fatal(err)
		}
		p, err := client.NewPartner(opts)
		if err != nil {
			t.Fatal(err)
		}
		ctx := context.Background()
		_, err = c.StateInstance(ctx)
		checkAnswer(t, status, err)
		_, err = c.Settings(ctx)
		checkAnswer(t, status, err)
		count, err := c.MessagesCount(ctx)
		checkAnswer(t, status, err)
		if count < 0 {
			t.Errorf("%d messages", count)
		}
		until, err := c.SuspendedUntil(ctx)
		checkAnswer(t, status, err)
		if !until.IsZero() && (until.Unix() <= 0 || until.Year() > 9999) {
			t.Errorf("suspended until %v", until)
		}
		_, _, _, err = readCalls(ctx, c)
		checkAnswer(t, status, err)
		journal, err := p.Instances(ctx)
		if err == nil {
			for range journal.Records() {
			}
			err = journal.Err()
		}
		checkAnswer(t, status, err)
	})
}

func checkAnswer(t *testing.T, status int, err error) {
	t.Helper()
	if err == nil {
		if status != http.StatusOK {
			t.Errorf("no error with status %d", status)
		}
		return
	}
	var failure *client.Error
	if !errors.As(err, &failure) || !slices.Contains(client.Reasons(), failure.Reason) {
		t.Fatalf("error %v without a reason of the set", err)
	}
	if failure.RetryAfter < 0 || failure.RetryAfter > 3600e9 {
		t.Errorf("to wait %v", failure.RetryAfter)
	}
}
