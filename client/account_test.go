package client_test

import (
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
)

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
		c, err := client.New(client.Options{
			APIURL: "http://greenapi.invalid", IDInstance: id, Token: client.NewToken(sentinel),
			HTTPClient: scripted{status: 200, body: []byte(`{"suspendedUntil":` + value + `}`)},
		})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := c.SuspendedUntil(t.Context()); err != nil || !got.Equal(want) {
			t.Errorf("%s: until %v, %v; want %v", value, got, err, want)
		}
	}
}
