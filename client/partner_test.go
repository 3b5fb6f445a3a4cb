package client_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
)

// readPartnerRow returns what is read of a row of the partner API's answer.
func readPartnerRow(t *testing.T, row string) client.PartnerInstance {
	t.Helper()
	p, err := client.NewPartner(client.Options{
		APIURL: "http://greenapi.invalid", Token: client.NewToken(sentinel),
		HTTPClient: scripted{status: 200, body: []byte("[" + row + "]")},
	})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := p.Instances(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Close()
	var read []client.PartnerInstance
	for row := range answer.Records() {
		read = append(read, *row)
	}
	if err := answer.Err(); err != nil || len(read) != 1 {
		t.Fatalf("%s: %d rows, %v", row, len(read), err)
	}
	return read[0]
}

func TestPartnerRows(t *testing.T) {
	t.Parallel()
	for row, want := range map[string]string{
		`{"idInstance":1101000001,"apiTokenInstance":"x","isExpired":false,"deleted":true}`:   "id=1101000001 token=true expired=false deleted=true unreadable=false",
		`{"idInstance":"1101000001","apiTokenInstance":"x","isExpired":1,"deleted":0}`:        "id=1101000001 token=true expired=true deleted=false unreadable=false",
		`{"idInstance":1101000001,"apiTokenInstance":"x","isExpired":"false","deleted":"1"}`:  "id=1101000001 token=true expired=false deleted=true unreadable=false",
		`{"idInstance":1101000001,"apiTokenInstance":null,"isExpired":null,"deleted":"true"}`: "id=1101000001 token=false expired=false deleted=true unreadable=false",
		`{"idInstance":1101000001,"apiTokenInstance":"x","deleted":2}`:                        "id=1101000001 token=true expired=false deleted=false unreadable=true",
		`{"idInstance":1101000001,"apiTokenInstance":"x","deleted":"perhaps"}`:                "id=1101000001 token=true expired=false deleted=false unreadable=true",
		`{"idInstance":1101000001,"apiTokenInstance":"x","isExpired":{}}`:                     "id=1101000001 token=true expired=false deleted=false unreadable=true",
		`{"idInstance":1101000001,"apiTokenInstance":1}`:                                      "id=1101000001 token=false expired=false deleted=false unreadable=true",
		`{"idInstance":99999999999999999999,"apiTokenInstance":"x"}`:                          "id= token=true expired=false deleted=false unreadable=true",
		`[]`: "id= token=false expired=false deleted=false unreadable=true",
	} {
		p := readPartnerRow(t, row)
		if got := fmt.Sprintf("id=%s token=%t expired=%t deleted=%t unreadable=%t", p.ID, !p.Token.IsZero(), p.Expired, p.Deleted, p.Unreadable); got != want {
			t.Errorf("%s\n got %s\nwant %s", row, got, want)
		}
	}
}

func TestPartnerDates(t *testing.T) {
	t.Parallel()
	at := time.Date(2022, 6, 9, 18, 39, 44, 0, time.UTC)
	for date, want := range map[string]time.Time{
		`"2022-06-09T18:39:44"`:       at, // as documented
		`"2022-06-09T18:39:44.5"`:     at.Add(500 * time.Millisecond),
		`"2022-06-09T18:39:44Z"`:      at,
		`"2022-06-09T20:39:44+02:00"`: at,
		`"2022-06-09 18:39:44"`:       at,
		`"09.06.2022"`:                time.Date(2022, 6, 9, 0, 0, 0, 0, time.UTC),
		`"2022-06-09"`:                time.Date(2022, 6, 9, 0, 0, 0, 0, time.UTC),
		`1654799984`:                  at,
		`"1654799984"`:                at,
		`1654799984000`:               at,
		`"1654799984000"`:             at,
		`0`:                           {},
		`-1`:                          {},
		`1.5`:                         {},
		`99999999999999999999`:        {},
		`"99999999999999999999"`:      {},
		`"soon"`:                      {},
		`""`:                          {},
		`null`:                        {},
		`[]`:                          {},
	} {
		p := readPartnerRow(t, `{"idInstance":1101000001,"apiTokenInstance":"x","expirationDate":`+date+`}`)
		says := date != `""` && date != "null" && date != "0"
		if !p.Expires.Equal(want) || p.Unreadable || p.UnreadableDate != (says && want.IsZero()) {
			t.Errorf("%s: expires %v, want %v; unreadable %t, its date %t", date, p.Expires, want, p.Unreadable, p.UnreadableDate)
		}
	}
}
