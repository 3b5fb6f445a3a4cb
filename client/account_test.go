package client_test

import (
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
)

// scriptedClient returns a client whose requests are answered with a body.
func scriptedClient(t *testing.T, body string) *client.Client {
	t.Helper()
	c, err := client.New(client.Options{
		APIURL: "http://greenapi.invalid", IDInstance: id, Token: client.NewToken(sentinel),
		HTTPClient: scripted{status: 200, body: []byte(body)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestStateInstance holds that the API's word becomes one of a closed set.
func TestStateInstance(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]string{
		`{"stateInstance":"authorized"}`:                                "authorized",
		`{"stateInstance":"yellowCard"}`:                                "suspended",
		`{"stateInstance":"call me at +999 000 000 001"}`:               "other",
		`{"stateInstance":"blocked","stateInstance":"\u0061uthorized"}`: "authorized",
		`{"stateInstance":null}`:                                        "starting",
		`null`:                                                          "starting",
	} {
		if state, err := scriptedClient(t, body).StateInstance(t.Context()); err != nil || state.Label() != want {
			t.Errorf("%s: %s, %v; want %s", body, state.Label(), err, want)
		}
	}
	for _, body := range []string{`{}`, `{"stateInstance":1}`, `[]`} {
		if state, err := scriptedClient(t, body).StateInstance(t.Context()); err == nil {
			t.Errorf("%s: %s, want an error", body, state.Label())
		}
	}
}

func TestSuspendedUntil(t *testing.T) {
	t.Parallel()
	at := time.Unix(1790000000, 0)
	for value, want := range map[string]time.Time{
		`1790000000`:                     at,
		`-1`:                             {},
		`0`:                              {},
		`1790000000000`:                  {}, // the year 58,692
		`1180591620717411303424`:         {},
		`1.5`:                            {},
		`"soon"`:                         {},
		`null`:                           {},
		`-1,"suspendedUntil":1790000000`: at,
	} {
		c := scriptedClient(t, `{"suspendedUntil":`+value+`}`)
		if got, err := c.SuspendedUntil(t.Context()); err != nil || !got.Equal(want) {
			t.Errorf("%s: until %v, %v; want %v", value, got, err, want)
		}
	}
}
