package greenapitest_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
)

const (
	patience = 30 * time.Second
	maxBody  = 1 << 20
)

// fetch is a plain and strict client: it names the reason why a journal could
// not be read, "" when it could.
func fetch(t *testing.T, client *http.Transport, url string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept-Encoding", "gzip")
	response, err := client.RoundTrip(request)
	if err != nil {
		return transportReason(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode == http.StatusSwitchingProtocols {
		return "malformed" // What follows is no body, and has no end.
	}
	body, reason := readBody(response)
	if reason == "" && utf8.Valid(body) {
		return judge(response.StatusCode, body)
	}
	if response.StatusCode >= 400 {
		return judge(response.StatusCode, nil)
	}
	if reason == "" {
		reason = "malformed"
	}
	return reason
}

func transportReason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "timeout"
	}
	return "network"
}

func readBody(response *http.Response) ([]byte, string) {
	body := io.Reader(response.Body)
	switch response.Header.Get("Content-Encoding") {
	case "":
	case "gzip":
		z, err := gzip.NewReader(body)
		if errors.Is(err, context.DeadlineExceeded) {
			return nil, "timeout"
		}
		if err != nil {
			return nil, "malformed"
		}
		body = z
	default:
		return nil, "malformed"
	}
	text, err := io.ReadAll(io.LimitReader(body, maxBody+1))
	switch {
	case err != nil && errors.Is(err, gzip.ErrHeader), errors.Is(err, gzip.ErrChecksum):
		return nil, "malformed"
	case err != nil:
		return nil, transportReason(err)
	case len(text) > maxBody:
		return nil, "too_large"
	}
	return text, ""
}

func judge(status int, body []byte) string {
	switch {
	case status == http.StatusBadRequest:
		for _, text := range [][2]string{
			{"instance in starting process", "starting"},
			{"starting or not authorized", "not_authorized"},
			{"expired", "expired"},
			{"deleted", "deleted"},
			{"nstance is not found", "deleted"},
			{"Internal Server Error", "server_error"},
		} {
			if bytes.Contains(body, []byte(text[0])) {
				return text[1]
			}
		}
		return "client_error"
	case status == 404 && bytes.Contains(body, []byte("instance not found")), status == 401 && bytes.Contains(body, []byte("is deleted")):
		return "deleted"
	case status == 200 && bytes.Contains(body, []byte(`"code":401`)):
		return "unauthorized"
	case status == 200:
		var rows []json.RawMessage
		if err := json.Unmarshal(body, &rows); err != nil || rows == nil {
			return "malformed"
		}
		return ""
	case status == http.StatusNoContent:
		return "malformed"
	case status >= 500:
		return "server_error"
	}
	known := map[int]string{401: "unauthorized", 403: "forbidden", 404: "not_found", 429: "rate_limited", 466: "quota_exceeded"}
	if reason := known[status]; reason != "" {
		return reason
	}
	return "client_error"
}

// Every fault of the list does to a strict client what its reasons say. The
// bubble's clock makes an hour's delay cost nothing.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, fault := range greenapitest.Faults() {
		t.Run(fault.Name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := greenapitest.NewPipeServer()
				defer srv.Close()
				in := srv.AddInstance(testID, testToken)
				in.SetMessages(
					greenapitest.Message{IDMessage: "B1", ChatID: "999000000001@c.us", Status: "read"},
					greenapitest.Message{IDMessage: "B2", ChatID: "999000000001@c.us", Status: "sent"},
				)
				client := &http.Transport{DialContext: srv.DialContext, MaxResponseHeaderBytes: 64 << 10}
				defer client.CloseIdleConnections()
				in.Fault(greenapitest.MethodLastOutgoingMessages, fault.Fault, 0)

				reason := fetch(t, client, srv.URL+path(greenapitest.MethodLastOutgoingMessages))
				if !slices.Contains(fault.Reasons, reason) {
					t.Errorf("a strict client says %q, not one of %q", reason, fault.Reasons)
				}
				if reason := fetch(t, client, srv.URL+path(greenapitest.MethodLastOutgoingCalls)); reason != "" {
					t.Errorf("another method says %q", reason)
				}
				in.ClearFaults()
				if reason := fetch(t, client, srv.URL+path(greenapitest.MethodLastOutgoingMessages)); reason != "" {
					t.Errorf("cleared, the method says %q", reason)
				}
			})
		})
	}
}

func TestFaultNamesAreUnique(t *testing.T) {
	t.Parallel()
	closedSet := []string{
		"", "unauthorized", "forbidden", "not_found", "rate_limited", "quota_exceeded", "starting", "not_authorized", "expired",
		"deleted", "client_error", "server_error", "timeout", "canceled", "network", "too_large", "malformed", "busy",
	}
	seen := make(map[string]bool)
	for _, fault := range greenapitest.Faults() {
		if seen[fault.Name] || len(fault.Reasons) == 0 {
			t.Errorf("fault %q: a name twice, or no reason", fault.Name)
		}
		seen[fault.Name] = true
		for _, reason := range fault.Reasons {
			if !slices.Contains(closedSet, reason) {
				t.Errorf("fault %q: reason %q is not of the closed set", fault.Name, reason)
			}
		}
	}
}

func TestFaultTurns(t *testing.T) {
	t.Parallel()
	srv, in, client := newServer(t)
	in.Fault(greenapitest.AnyMethod, greenapitest.FaultStatus(500, ""), 0)
	in.Fault(greenapitest.MethodGetSettings, greenapitest.FaultStatus(502, ""), 2)
	in.Fault(greenapitest.MethodGetSettings, greenapitest.FaultStatus(504, ""), 1)
	for i, want := range []int{502, 502, 504, 500, 500} {
		if response, _ := call(t, client, srv.URL+path("getSettings")); response.StatusCode != want {
			t.Errorf("request %d: status %d, want %d", i, response.StatusCode, want)
		}
	}
	in.ClearFaults()
	if response, _ := call(t, client, srv.URL+path("getSettings")); response.StatusCode != 200 {
		t.Errorf("cleared: status %d", response.StatusCode)
	}
	var statuses []int
	for _, r := range in.Requests("getSettings") {
		statuses = append(statuses, r.Status)
	}
	if want := []int{502, 502, 504, 500, 500, 200}; !slices.Equal(statuses, want) {
		t.Errorf("logged statuses %v, want %v", statuses, want)
	}
}

func TestEchoLeaksTheToken(t *testing.T) {
	t.Parallel()
	srv, in, client := newServer(t)
	in.Fault(greenapitest.AnyMethod, greenapitest.FaultEcho(500), 0)
	response, body := call(t, client, srv.URL+path("getSettings"))
	if response.StatusCode != 500 || !strings.Contains(body, testToken) {
		t.Errorf("status %d, body %q", response.StatusCode, body)
	}
	in.ClearFaults()
	in.Fault(greenapitest.AnyMethod, greenapitest.FaultRedirect(302, "http://greenapi.invalid/"), 0)
	if response, _ := call(t, client, srv.URL+path("getSettings")); response.Header.Get("Location") != "http://greenapi.invalid/" {
		t.Errorf("Location %q", response.Header.Get("Location"))
	}
}

// A reset is one: the client sees ECONNRESET, over TCP and over TLS.
func TestReset(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(...greenapitest.Option) *greenapitest.Server{
		"tcp": greenapitest.NewServer, "tls": greenapitest.NewTLSServer,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			srv := start()
			defer srv.Close()
			in := srv.AddInstance(testID, testToken)
			client := srv.Client()
			defer client.CloseIdleConnections()

			in.Fault(greenapitest.AnyMethod, greenapitest.Fault{Break: greenapitest.BreakReset, BeforeHeader: true}, 1)
			_, err := do(t, client, srv.URL+path("lastOutgoingCalls"))
			if !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("before the header: %v, want a reset", err)
			}
			for _, chunked := range []bool{true, false} {
				in.Fault(greenapitest.AnyMethod, greenapitest.Fault{Break: greenapitest.BreakReset, BreakAfter: 1, Chunked: chunked}, 1)
				_, err = do(t, client, srv.URL+path("lastOutgoingCalls"))
				if !errors.Is(err, syscall.ECONNRESET) {
					t.Errorf("in the body, chunked %v: %v, want a reset", chunked, err)
				}
			}
		})
	}
}

// do asks and reads the body to its end.
func do(t *testing.T, client *http.Client, url string) ([]byte, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	return io.ReadAll(response.Body)
}

// What a cut answer promised is seen in its header.
func TestCutBody(t *testing.T) {
	t.Parallel()
	srv, in, client := newServer(t)
	in.SetBody("lastOutgoingCalls", []byte("[1,2,3,4]"))
	for _, test := range []struct {
		after, length int
		chunked       bool
		got           string
	}{
		{3, 9, false, "[1,"},
		{3, -1, true, "[1,"},
		{9, 10, false, "[1,2,3,4]"},
		{100, -1, true, "[1,2,3,4]"},
	} {
		in.Fault(greenapitest.AnyMethod, greenapitest.Fault{Break: greenapitest.BreakClose, BreakAfter: test.after, Chunked: test.chunked}, 1)
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+path("lastOutgoingCalls"), nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept-Encoding", "identity")
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if !errors.Is(err, io.ErrUnexpectedEOF) || string(body) != test.got || response.ContentLength != int64(test.length) {
			t.Errorf("%+v: body %q, length %d, error %v", test, body, response.ContentLength, err)
		}
		if err := response.Body.Close(); err != nil {
			t.Error(err)
		}
	}
}

// A slow body takes the time that its pauses sum up to.
func TestPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := greenapitest.NewPipeServer()
		defer srv.Close()
		in := srv.AddInstance(testID, testToken)
		in.SetBody("lastOutgoingCalls", bytes.Repeat([]byte{' '}, 100))
		in.Fault(greenapitest.AnyMethod, greenapitest.Fault{
			Delay: time.Minute, ChunkBytes: 10, Pause: time.Second, Encoding: greenapitest.EncodingPlain,
		}, 1)
		client := srv.Client()
		defer client.CloseIdleConnections()
		begin := time.Now()
		body, err := do(t, client, srv.URL+path("lastOutgoingCalls"))
		if err != nil || len(body) != 100 {
			t.Errorf("%d bytes, %v", len(body), err)
		}
		if took := time.Since(begin); took != 70*time.Second {
			t.Errorf("took %v, want 70 s", took)
		}
	})
}

// The server notices that a client has left an endless answer.
func TestEndlessEndsWithTheClient(t *testing.T) {
	t.Parallel()
	srv, in, client := newServer(t)
	i := slices.IndexFunc(greenapitest.Faults(), func(f greenapitest.NamedFault) bool { return f.Name == "endless array" })
	in.Fault(greenapitest.AnyMethod, greenapitest.Faults()[i].Fault, 0)
	ctx, cancel := context.WithCancel(t.Context())
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, srv.URL+path("lastOutgoingCalls"), nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(io.Discard, response.Body, 10<<20); err != nil {
		t.Errorf("less than 10 MB: %v", err)
	}
	cancel()
	_ = response.Body.Close()
	// Close waits for the handler: it returns only because that has ended.
	srv.Close()
}

func TestPipeAfterClose(t *testing.T) {
	t.Parallel()
	srv := greenapitest.NewPipeServer()
	srv.Close()
	if _, err := srv.DialContext(t.Context(), "tcp", "x:1"); !errors.Is(err, net.ErrClosed) {
		t.Errorf("dial after close: %v", err)
	}
}
