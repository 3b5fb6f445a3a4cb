package greenapitest_test

import (
	"compress/gzip"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
)

const (
	testID    = "1101000001"
	testToken = "0123456789abcdef"
)

// call asks a server for a path and returns the answer and its body.
func call(t *testing.T, client *http.Client, url string, header ...string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return response, string(body)
}

func path(method string) string {
	return "/waInstance" + testID + "/" + method + "/" + testToken
}

func newServer(t *testing.T, options ...greenapitest.Option) (*greenapitest.Server, *greenapitest.Instance, *http.Client) {
	t.Helper()
	srv := greenapitest.NewServer(options...)
	client := srv.Client()
	t.Cleanup(func() {
		client.CloseIdleConnections()
		srv.Close()
	})
	return srv, srv.AddInstance(testID, testToken), client
}

func TestAnswers(t *testing.T) {
	t.Parallel()
	srv, in, client := newServer(t)
	in.SetUnsupported(greenapitest.MethodLastIncomingCalls)
	in.SetBody("lastSomething", []byte("as given"))
	partner := srv.AddPartner("partner-token")
	partner.SetInstances(greenapitest.PartnerInstance{IDInstance: testID, Name: "a", APITokenInstance: testToken})

	tests := []struct {
		name, path, body string
		status           int
	}{
		{"empty journal", path("lastOutgoingMessages"), "[]", 200},
		{"state", path("getStateInstance"), `{"stateInstance":"authorized"}`, 200},
		{"queue", path("getMessagesCount"), `{"count":0}`, 200},
		{"wrong token", "/waInstance" + testID + "/getStateInstance/other", "", 401},
		{"wrong id", "/waInstance9/getStateInstance/" + testToken, "", 403},
		{"unsupported", path("lastIncomingCalls"), "echo", 404},
		{"unknown method", path("getNothing"), "echo", 404},
		{"unknown path", "/healthz", "echo", 404},
		{"prefix not asked for", "/v3" + path("getStateInstance"), "echo", 404},
		{"minutes", path("lastOutgoingCalls") + "?minutes=5", "[]", 200},
		{"minutes zero", path("lastOutgoingCalls") + "?minutes=0", "minutes", 400},
		{"minutes not whole", path("lastOutgoingCalls") + "?minutes=1.5", "minutes", 400},
		{"minutes empty", path("lastOutgoingCalls") + "?minutes=", "minutes", 400},
		{"minutes twice", path("lastOutgoingCalls") + "?minutes=1&minutes=2", "minutes", 400},
		{"any body", path("lastSomething"), "as given", 200},
		{"partner", "/partner/getInstances/partner-token", `[{"idInstance":1101000001,"name":"a","typeInstance":"whatsapp","tariff":"BUSINESS_USD","apiTokenInstance":"0123456789abcdef","deleted":false,"isExpired":false,"expirationDate":"","isPartner":true}]`, 200},
		{"partner refused", "/partner/getInstances/other", `{"code":401,"description":"Unauthorized"}`, 200},
	}
	for _, test := range tests {
		response, body := call(t, client, srv.URL+test.path)
		if response.StatusCode != test.status {
			t.Errorf("%s: status %d, want %d", test.name, response.StatusCode, test.status)
		}
		switch test.body {
		case "echo":
			if want, _, _ := strings.Cut(test.path, "?"); !strings.Contains(body, want) {
				t.Errorf("%s: body %q does not echo the path", test.name, body)
			}
		case "minutes":
			if !strings.Contains(body, "'minutes'") {
				t.Errorf("%s: body %q", test.name, body)
			}
		default:
			if body != test.body {
				t.Errorf("%s: body %q, want %q", test.name, body, test.body)
			}
		}
	}
	if v := srv.Violations(); v != nil {
		t.Errorf("violations: %q", v)
	}
}

func TestSetters(t *testing.T) {
	t.Parallel()
	srv, in, client := newServer(t)
	in.SetState("")
	in.SetQueue(7)
	in.SetSettings(greenapitest.Fields{"outgoingWebhook": "no", "stateWebhook": greenapitest.Missing})
	in.SetWaSettings(greenapitest.Fields{"suspendedUntil": 1800000000})

	if _, body := call(t, client, srv.URL+path("getStateInstance")); body != "null" {
		t.Errorf("state: %q", body)
	}
	if _, body := call(t, client, srv.URL+path("getMessagesCount")); body != `{"count":7}` {
		t.Errorf("queue: %q", body)
	}
	_, body := call(t, client, srv.URL+path("getSettings"))
	settings := decodeObject(t, body)
	if settings["outgoingWebhook"] != "no" || settings["outgoingCallWebhook"] != "yes" || settings["stateWebhook"] != nil {
		t.Errorf("settings: %v", settings)
	}
	if settings["webhookUrlToken"] != greenapitest.SecretWebhookToken {
		t.Error("settings lack the secret that clients must not let out")
	}
	_, body = call(t, client, srv.URL+path("getWaSettings"))
	if got := decodeObject(t, body)["suspendedUntil"]; got != 1.8e9 {
		t.Errorf("suspendedUntil: %v", got)
	}
	srv.RemoveInstance(testID)
	if response, _ := call(t, client, srv.URL+path("getSettings")); response.StatusCode != 403 {
		t.Errorf("removed instance: status %d", response.StatusCode)
	}
}

func decodeObject(t *testing.T, text string) map[string]any {
	t.Helper()
	var object map[string]any
	if err := json.Unmarshal([]byte(text), &object); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return object
}

func TestRows(t *testing.T) {
	t.Parallel()
	srv, in, client := newServer(t)
	in.SetCalls(
		greenapitest.Call{
			IDMessage: "A1", Timestamp: 1754455789, ChatID: "120363000000000001@g.us", Duration: 22, Status: "pickUp",
			Participants: []greenapitest.Participant{{ID: "999110000001@c.us", Status: "pickUp"}},
		},
		greenapitest.Call{Fields: greenapitest.Fields{
			"status": greenapitest.Missing, "chatId": nil, "duration": "22", "timestamp": json.RawMessage("1e400"), "extra": 1,
		}},
		greenapitest.Call{Raw: json.RawMessage("null")},
	)
	want := `[{"type":"outgoing","idMessage":"A1","timestamp":1754455789,"typeMessage":"outgoingCall","chatId":"120363000000000001@g.us","duration":22,"isVideo":false,"status":"pickUp","participants":[{"id":"999110000001@c.us","status":"pickUp"}]},
{"type":"outgoing","idMessage":"","timestamp":1e400,"typeMessage":"outgoingCall","chatId":null,"duration":"22","isVideo":false,"participants":[],"extra":1},
null]`
	if _, body := call(t, client, srv.URL+path("lastOutgoingCalls")); body != want {
		t.Error(cmp.Diff(want, body))
	}
	in.SetMessages(greenapitest.Message{IDMessage: "B1", Timestamp: 1, Status: "read", ChatID: "-100", SendByAPI: true, Text: "Hi"})
	want = `[{"type":"outgoing","idMessage":"B1","timestamp":1,"statusMessage":"read","typeMessage":"textMessage","chatId":"-100","textMessage":"Hi","sendByApi":true}]`
	if _, body := call(t, client, srv.URL+path("lastOutgoingMessages")); body != want {
		t.Error(cmp.Diff(want, body))
	}
}

func TestRequestLog(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	srv, in, client := newServer(t, greenapitest.WithClock(func() time.Time { return now }), greenapitest.WithPathPrefix("/v3/"))
	if !strings.HasSuffix(srv.URL, "/v3") {
		t.Errorf("URL %q lacks the prefix", srv.URL)
	}
	response, _ := call(t, client, srv.URL+path("lastOutgoingCalls")+"?minutes=60", "User-Agent", "test/1", "Accept-Encoding", "gzip")
	if got := response.Header.Get("Date"); got != "Sun, 01 Mar 2026 12:00:00 GMT" {
		t.Errorf("Date %q", got)
	}
	call(t, client, srv.URL+"/waInstance"+testID+"/lastOutgoingCalls/wrong")
	want := []greenapitest.Request{
		{
			Instance: testID, Method: "lastOutgoingCalls", HTTPMethod: "GET", Minutes: 60, Query: "minutes=60",
			Time: now, AcceptEncoding: "gzip", UserAgent: "test/1", Status: 200,
		},
		{
			Instance: testID, Method: "lastOutgoingCalls", HTTPMethod: "GET", Minutes: 1440,
			Time: now, AcceptEncoding: "gzip", UserAgent: "Go-http-client/1.1", Status: 401,
		},
	}
	if diff := cmp.Diff(want, in.Requests("lastOutgoingCalls")); diff != "" {
		t.Error(diff)
	}
	if n, all := in.Count("lastOutgoingCalls"), in.Count(greenapitest.AnyMethod); n != 2 || all != 2 {
		t.Errorf("counts %d and %d, want 2", n, all)
	}
}

func TestViolations(t *testing.T) {
	t.Parallel()
	srv, _, client := newServer(t)
	call(t, client, srv.URL+path("reboot"))
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+path("getSettings"), strings.NewReader("{}"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: status %d", response.StatusCode)
	}
	want := []string{"GET reboot " + testID, "POST getSettings " + testID}
	if diff := cmp.Diff(want, srv.Violations()); diff != "" {
		t.Error(diff)
	}
}

func TestEncoding(t *testing.T) {
	t.Parallel()
	srv, in, client := newServer(t)
	in.SetMessages(greenapitest.Message{IDMessage: "B1", Text: strings.Repeat("long ", 100)})
	_, plain := call(t, client, srv.URL+path("lastOutgoingMessages"), "Accept-Encoding", "identity")

	tests := []struct {
		encoding     greenapitest.Encoding
		ask          string
		header       string
		bodyIsZipped bool
	}{
		{greenapitest.EncodingAsked, "gzip", "gzip", true},
		{greenapitest.EncodingAsked, "identity", "", false},
		{greenapitest.EncodingPlain, "gzip", "", false},
		{greenapitest.EncodingGzip, "identity", "gzip", true},
		{greenapitest.EncodingClaimed, "identity", "gzip", false},
	}
	for _, test := range tests {
		srv.SetEncoding(test.encoding)
		response, body := call(t, client, srv.URL+path("lastOutgoingMessages"), "Accept-Encoding", test.ask)
		if got := response.Header.Get("Content-Encoding"); got != test.header {
			t.Errorf("encoding %d asked for %s: header %q", test.encoding, test.ask, got)
		}
		if test.bodyIsZipped {
			z, err := gzip.NewReader(strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			inflated, err := io.ReadAll(z)
			if err != nil {
				t.Fatal(err)
			}
			body = string(inflated)
		}
		if body != plain {
			t.Errorf("encoding %d asked for %s: another body", test.encoding, test.ask)
		}
	}
}

func TestTLSServer(t *testing.T) {
	t.Parallel()
	srv := greenapitest.NewTLSServer()
	defer srv.Close()
	srv.AddInstance(testID, testToken)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(srv.CertificatePEM()) {
		t.Fatal("no certificate")
	}
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true,
	}
	defer transport.CloseIdleConnections()
	response, _ := call(t, &http.Client{Transport: transport}, srv.URL+path("getStateInstance"))
	if response.StatusCode != 200 || response.ProtoMajor != 1 {
		t.Errorf("status %d by %s", response.StatusCode, response.Proto)
	}
	client := srv.Client()
	defer client.CloseIdleConnections()
	if response, _ := call(t, client, srv.URL+path("getStateInstance")); response.StatusCode != 200 {
		t.Errorf("own client: status %d", response.StatusCode)
	}
}

func TestUnstartedServer(t *testing.T) {
	t.Parallel()
	srv := greenapitest.NewUnstartedServer()
	defer srv.Close()
	in := srv.AddInstance(testID, testToken)
	if response, body := call(t, srv.Client(), srv.URL+path("lastOutgoingCalls")); response.StatusCode != 200 || body != "[]" {
		t.Errorf("status %d, body %q", response.StatusCode, body)
	}
	in.Fault(greenapitest.AnyMethod, greenapitest.Fault{Break: greenapitest.BreakClose, BeforeHeader: true}, 1)
	in.Fault(greenapitest.AnyMethod, greenapitest.Fault{Break: greenapitest.BreakClose, BreakAfter: 1}, 1)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+path("lastOutgoingCalls"), nil)
	if err != nil {
		t.Fatal(err)
	}
	if response, err := srv.Client().Do(request); err == nil {
		t.Errorf("status %d for a connection that breaks, body error %v", response.StatusCode, response.Body.Close())
	}
	response, err := srv.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if body, err := io.ReadAll(response.Body); string(body) != "[" || err == nil {
		t.Errorf("cut body %q with error %v", body, err)
	}
	if err := response.Body.Close(); err != nil {
		t.Error(err)
	}
}
