package simulation_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
)

func small() *simulation.Simulation {
	at := start.Add(12 * time.Hour)
	return simulation.New(simulation.Settings{Seed: 1, Clock: func() time.Time { return at }}, simulation.Account{
		ID: testID, Token: testToken, MessagesPerDay: 50, Unsupported: []string{"lastIncomingCalls"},
	})
}

func TestServe(t *testing.T) {
	t.Parallel()
	sim := small()
	for _, test := range []struct {
		method, path string
		status       int
		body         string
	}{
		{"GET", path("getStateInstance"), 200, `{"stateInstance":"authorized"}`},
		{"GET", path("lastOutgoingCalls"), 200, `[]`},
		{"GET", path("lastOutgoingMessages") + "?minutes=60", 200, `"statusMessage":"read"`},
		{"GET", path("lastOutgoingMessages") + "?minutes=-1", 400, ""},
		{"GET", path("lastIncomingCalls"), 404, ""},
		{"GET", path("sendMessage"), 404, ""},
		{"POST", path("getStateInstance"), 405, ""},
		{"GET", strings.ReplaceAll(path("getStateInstance"), testToken, "wrong"), 401, ""},
		{"GET", strings.ReplaceAll(path("getStateInstance"), testID, "42"), 403, ""},
		{"GET", "/", 404, "page not found"},
	} {
		recorder := httptest.NewRecorder()
		sim.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), test.method, test.path, nil))
		if recorder.Code != test.status || !strings.Contains(recorder.Body.String(), test.body) {
			t.Errorf("%s %s: status %d, want %d: %s", test.method, test.path, recorder.Code, test.status, recorder.Body)
		}
		if date := recorder.Header().Get("Date"); test.status == 200 && date != "Mon, 02 Mar 2026 12:00:00 GMT" {
			t.Errorf("%s: Date is %q", test.path, date)
		}
	}
}

func TestListen(t *testing.T) {
	t.Parallel()
	listener, err := small().Listen(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, listener.URL+path("getStateInstance"), nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, err := io.ReadAll(response.Body); err != nil || !strings.Contains(string(body), "authorized") {
		t.Errorf("body %q, error %v", body, err)
	}
	if err := listener.Close(); err != nil {
		t.Error(err)
	}
}
