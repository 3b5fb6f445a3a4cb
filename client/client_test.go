package client_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptrace"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
	promconfig "github.com/prometheus/common/config"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const id = "1101000001"

// newClient returns a client of one instance of a server; change may be nil.
func newClient(t *testing.T, srv *greenapitest.Server, change func(*client.Options)) *client.Client {
	t.Helper()
	httpClient, err := client.NewHTTPClient(promconfig.HTTPClientConfig{}, 4, srv.DialContext)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(httpClient.CloseIdleConnections)
	opts := client.Options{APIURL: srv.URL, IDInstance: id, Token: client.NewToken(sentinel), HTTPClient: httpClient}
	if change != nil {
		change(&opts)
	}
	c, err := client.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func newServer(t *testing.T, options ...greenapitest.Option) (*greenapitest.Server, *greenapitest.Instance) {
	t.Helper()
	srv := greenapitest.NewServer(options...)
	t.Cleanup(srv.Close)
	return srv, srv.AddInstance(id, sentinel)
}

// readCalls reads a whole journal of calls.
func readCalls(ctx context.Context, c *client.Client) (records []client.Call, total, invalid int, err error) {
	journal, err := c.LastOutgoingCalls(ctx, 24*time.Hour)
	if err != nil {
		return nil, 0, 0, err
	}
	defer journal.Close()
	for call := range journal.Records() {
		clone := *call
		clone.ID, clone.ChatID = slices.Clone(call.ID), slices.Clone(call.ChatID)
		clone.Participants = slices.Clone(call.Participants)
		records = append(records, clone)
	}
	return records, journal.Total(), journal.Invalid(), journal.Err()
}

func readMessages(ctx context.Context, c *client.Client) (records []client.Message, total, invalid int, err error) {
	journal, err := c.LastOutgoingMessages(ctx, 24*time.Hour)
	if err != nil {
		return nil, 0, 0, err
	}
	defer journal.Close()
	for message := range journal.Records() {
		clone := *message
		clone.ID, clone.ChatID = slices.Clone(message.ID), slices.Clone(message.ChatID)
		records = append(records, clone)
	}
	return records, journal.Total(), journal.Invalid(), journal.Err()
}

func TestRequest(t *testing.T) {
	t.Parallel()
	date := time.Date(2026, 11, 21, 10, 0, 0, 0, time.UTC)
	srv, instance := newServer(t, greenapitest.WithPathPrefix("/v3"), greenapitest.WithClock(func() time.Time { return date }))
	c := newClient(t, srv, func(o *client.Options) { o.UserAgent = "greenapi_exporter/1.2.3"; o.APIURL += "/" })
	journal, err := c.LastOutgoingCalls(t.Context(), 90*time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	for range journal.Records() {
		t.Error("a record in an empty journal")
	}
	if err := journal.Err(); err != nil {
		t.Fatal(err)
	}
	if !journal.Date.Equal(date) {
		t.Errorf("date %v, want %v", journal.Date, date)
	}
	requests := instance.Requests(greenapitest.MethodLastOutgoingCalls)
	if len(requests) != 1 {
		t.Fatalf("%d requests, want 1", len(requests))
	}
	r := requests[0]
	if r.Minutes != 90 || r.UserAgent != "greenapi_exporter/1.2.3" || r.AcceptEncoding != "gzip" || r.Status != 200 {
		t.Errorf("request %+v", r)
	}
}

func TestKeepsConnections(t *testing.T) {
	t.Parallel()
	srv, instance := newServer(t)
	instance.SetCalls(greenapitest.Call{IDMessage: "A", Status: "pickUp", ChatID: "1@c.us"})
	var exchanges []client.Exchange
	c := newClient(t, srv, func(o *client.Options) { o.Observe = func(x client.Exchange) { exchanges = append(exchanges, x) } })
	var reused []bool
	ctx := httptrace.WithClientTrace(t.Context(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { reused = append(reused, info.Reused) },
	})
	if _, _, _, err := readCalls(ctx, c); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := readMessages(ctx, c); err != nil {
		t.Fatal(err)
	}
	if want := []bool{false, true}; !slices.Equal(reused, want) {
		t.Errorf("connections reused: %v, want %v", reused, want)
	}
	if len(exchanges) != 2 || exchanges[0].Status != 200 || exchanges[0].Bytes == 0 || exchanges[0].Err != nil {
		t.Errorf("observed %+v", exchanges)
	}
}

// TestFaults puts every fault there is in the way of both journals: each ends
// within its deadline, with a reason that fits, and without a word of the server
// or a token in its error.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, fault := range greenapitest.Faults() {
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel()
			// Faults that last run on a fake clock, over connections in memory.
			synctest.Test(t, func(t *testing.T) {
				srv := greenapitest.NewPipeServer()
				defer srv.Close()
				testFault(t, srv, fault)
			})
			if slices.Contains(fault.Reasons, "timeout") {
				return
			}
			srv := greenapitest.NewServer()
			defer srv.Close()
			testFault(t, srv, fault)
		})
	}
}

func testFault(t *testing.T, srv *greenapitest.Server, fault greenapitest.NamedFault) {
	t.Helper()
	instance := srv.AddInstance(id, sentinel)
	instance.SetCalls(greenapitest.Call{IDMessage: "A", Status: "pickUp", ChatID: "79110000001@c.us"})
	instance.SetMessages(greenapitest.Message{IDMessage: "A", Status: "sent", ChatID: "79110000001@c.us"})
	instance.Fault(greenapitest.AnyMethod, fault.Fault, 0)
	c := newClient(t, srv, func(o *client.Options) { o.Timeout = time.Minute; o.MaxBodyBytes = 1 << 20 })
	_, _, _, callErr := readCalls(t.Context(), c)
	_, _, _, messageErr := readMessages(t.Context(), c)
	for _, err := range []error{callErr, messageErr} {
		checkFailure(t, err, fault.Reasons)
	}
}

func checkFailure(t *testing.T, err error, reasons []string) {
	t.Helper()
	if err == nil {
		if !slices.Contains(reasons, "") {
			t.Errorf("no error, want one of %q", reasons)
		}
		return
	}
	var failure *client.Error
	if !errors.As(err, &failure) {
		t.Fatalf("error of type %T, want *client.Error", err)
	}
	if !slices.Contains(reasons, string(failure.Reason)) {
		t.Errorf("reason %s, want one of %q: %v", failure.Reason, reasons, err)
	}
	for _, text := range []string{fmt.Sprintf("%v|%+v|%#v", err, err, err), fmt.Sprintf("%+v", *failure)} {
		for _, secret := range []string{sentinel, "waInstance", "79110000001", "greenapi.invalid", "Bad Gateway"} {
			if strings.Contains(text, secret) {
				t.Errorf("the error shows %q: %s", secret, text)
			}
		}
	}
}

// TestCutGzip tells gzip that ends too soon from a connection that does.
func TestCutGzip(t *testing.T) {
	t.Parallel()
	for _, fault := range greenapitest.Faults() {
		if fault.Name != "gzip cut" {
			continue
		}
		for reason, breakOff := range map[string]greenapitest.Break{"malformed": 0, "network": greenapitest.BreakClose} {
			srv, instance := newServer(t)
			cut := fault.Fault
			cut.Break, cut.BreakAfter = breakOff, len(cut.Body)
			instance.Fault(greenapitest.AnyMethod, cut, 0)
			_, _, _, err := readCalls(t.Context(), newClient(t, srv, nil))
			checkFailure(t, err, []string{reason})
		}
		return
	}
	t.Error("there is no such fault")
}

func TestConnectionRefused(t *testing.T) {
	t.Parallel()
	srv := greenapitest.NewServer()
	c := newClient(t, srv, nil)
	srv.Close()
	_, _, _, err := readCalls(t.Context(), c)
	checkFailure(t, err, []string{"network"})
	if want := "lastOutgoingCalls: connection failed (connection refused)"; err.Error() != want {
		t.Errorf("error %q, want %q", err, want)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	srv, instance := newServer(t)
	fault := greenapitest.FaultStatus(429, "")
	for header, want := range map[string]time.Duration{
		"": 0, "2": 2 * time.Second, "-1": 0, "soon": 0, "99999999999999999999": time.Hour, "7200": time.Hour,
		"Wed, 21 Oct 2015 07:28:00 GMT": 0, "Wed, 21 Oct 2115 07:28:00 GMT": time.Hour,
	} {
		fault.Header = map[string][]string{"Retry-After": {header}}
		instance.ClearFaults()
		instance.Fault(greenapitest.AnyMethod, fault, 0)
		_, _, _, err := readCalls(t.Context(), newClient(t, srv, nil))
		var failure *client.Error
		if !errors.As(err, &failure) || failure.RetryAfter != want {
			t.Errorf("Retry-After %q: %+v, want to wait %v", header, failure, want)
		}
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := greenapitest.NewPipeServer()
		defer srv.Close()
		srv.AddInstance(id, sentinel)
		srv.EnforceRateLimit(true)
		c := newClient(t, srv, nil)
		start := time.Now()
		for range 5 {
			if _, _, _, err := readCalls(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			if _, _, _, err := readMessages(t.Context(), c); err != nil {
				t.Fatal(err)
			}
		}
		if took := time.Since(start); took < 4*time.Second || took > 5*time.Second {
			t.Errorf("5 requests a method took %v, want a bit over 4 s", took)
		}
		// A deadline that is nearer than the limiter's turn.
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, _, _, err := readCalls(ctx, c)
		checkFailure(t, err, []string{"busy"})
	})
}

func TestDeadlines(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := greenapitest.NewPipeServer()
		defer srv.Close()
		instance := srv.AddInstance(id, sentinel)
		instance.Fault(greenapitest.AnyMethod, greenapitest.FaultHang(), 0)
		c := newClient(t, srv, func(o *client.Options) { o.Timeout = 7 * time.Second })

		start := time.Now()
		_, _, _, err := readCalls(t.Context(), c)
		checkFailure(t, err, []string{"timeout"})
		if took := time.Since(start); took != 7*time.Second {
			t.Errorf("gave up after %v, want 7s", took)
		}
		time.Sleep(2 * time.Second)
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(context.DeadlineExceeded) })
		_, _, _, err = readCalls(ctx, c)
		checkFailure(t, err, []string{"timeout"})
		if !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v is no context.DeadlineExceeded", err)
		}
		time.Sleep(2 * time.Second)
		ctx, cancel = context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(nil) })
		_, _, _, err = readCalls(ctx, c)
		checkFailure(t, err, []string{"canceled"})
	})
}

// TestGateBoundsBodies opens more journals than may be read and sees the rest wait.
func TestGateBoundsBodies(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := greenapitest.NewPipeServer()
		defer srv.Close()
		gate := client.NewGate(1)
		var clients []*client.Client
		for n := range 3 {
			name := fmt.Sprint(id, n)
			srv.AddInstance(name, sentinel)
			clients = append(clients, newClient(t, srv, func(o *client.Options) { o.IDInstance, o.Gate = name, gate }))
		}
		first, err := clients[0].LastOutgoingCalls(t.Context(), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		_, _, _, err = readCalls(ctx, clients[1])
		checkFailure(t, err, []string{"busy"})
		first.Close()
		if _, _, _, err := readCalls(t.Context(), clients[2]); err != nil {
			t.Errorf("the turn was not given back: %v", err)
		}
	})
}

func TestAbandonedJournal(t *testing.T) {
	t.Parallel()
	srv, instance := newServer(t)
	instance.SetCalls(make([]greenapitest.Call, 10)...)
	gate := client.NewGate(1)
	c := newClient(t, srv, func(o *client.Options) { o.Gate = gate })
	journal, err := c.LastOutgoingCalls(t.Context(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	for range journal.Records() {
		break
	}
	checkFailure(t, journal.Err(), []string{"canceled"})
	journal.Close()
	if _, _, _, err := readMessages(t.Context(), c); err != nil {
		t.Errorf("the turn was not given back: %v", err)
	}
}

func TestBadURL(t *testing.T) {
	t.Parallel()
	for _, url := range []string{"", "api.green-api.com", "ftp://host", "http://", "://" + sentinel, "http://[" + sentinel} {
		_, err := client.New(client.Options{APIURL: url})
		if err == nil || strings.Contains(err.Error(), sentinel) {
			t.Errorf("%q: error %v", url, err)
		}
	}
}

func TestDocumentedRecords(t *testing.T) {
	t.Parallel()
	srv, instance := newServer(t)
	instance.SetCalls(
		greenapitest.Call{
			IDMessage: "A", Timestamp: 1754455789, ChatID: "120363000000000001@g.us", Duration: 22, Status: "pickUp",
			Participants: []greenapitest.Participant{{ID: "79110000001@c.us", Status: "pickUp"}, {ID: "79220000002@c.us", Status: "hungUp"}},
		},
		greenapitest.Call{Video: true, Fields: greenapitest.Fields{"chatId": -100123, "status": greenapitest.Missing, "participants": nil}},
	)
	got, total, invalid, err := readCalls(t.Context(), newClient(t, srv, nil))
	if err != nil {
		t.Fatal(err)
	}
	pickUp, _ := vocabulary.CallStatusLabelled("pickUp")
	hungUp, _ := vocabulary.CallStatusLabelled("hungUp")
	unknown, _ := vocabulary.CallStatusLabelled(vocabulary.Unknown)
	want := []client.Call{
		{
			ID: []byte("A"), ChatID: []byte("120363000000000001@g.us"), Time: 1754455789, Duration: 22, Status: pickUp,
			Participants: []vocabulary.CallStatus{pickUp, hungUp},
		},
		{ID: []byte{}, ChatID: []byte("-100123"), Media: vocabulary.Video, Status: unknown},
	}
	if diff := cmp.Diff(want, got, equateEmpty); diff != "" || total != 2 || invalid != 0 {
		t.Errorf("%d records, %d invalid, (-want +got):\n%s", total, invalid, diff)
	}
}
