package greenapitest_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
)

// A server with one instance: rows of a journal, and a fault that strikes once.
func Example() {
	srv := greenapitest.NewServer()
	defer srv.Close()
	in := srv.AddInstance("1101000001", "token")
	in.SetMessages(greenapitest.Message{IDMessage: "A1", Timestamp: 1754455830, ChatID: "999000000001@c.us", Status: "read", Text: "Hi"})
	in.Fault(greenapitest.MethodLastOutgoingMessages, greenapitest.FaultStatus(http.StatusBadGateway, "Bad Gateway"), 1)

	client := srv.Client()
	defer client.CloseIdleConnections()
	for range 2 {
		fmt.Println(get(client, srv.URL+"/waInstance1101000001/lastOutgoingMessages/token?minutes=60"))
	}
	fmt.Println(in.Count(greenapitest.MethodLastOutgoingMessages), "requests")
	// Output:
	// 502 Bad Gateway <nil>
	// 200 [{"type":"outgoing","idMessage":"A1","timestamp":1754455830,"statusMessage":"read","typeMessage":"textMessage","chatId":"999000000001@c.us","textMessage":"Hi","sendByApi":false}] <nil>
	// 2 requests
}

// get returns the status and the body of an answer, or an error.
func get(client *http.Client, url string) (int, string, error) {
	request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, url, nil)
	if err != nil {
		return 0, "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return 0, "", err
	}
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, string(body), errors.Join(err, response.Body.Close())
}

// A row with a field missing, one null, one of a wrong type.
func ExampleFields() {
	row := greenapitest.Message{IDMessage: "A1", ChatID: "999000000001@c.us", Fields: greenapitest.Fields{
		"statusMessage": greenapitest.Missing,
		"textMessage":   nil,
		"timestamp":     "soon",
	}}
	text, err := row.MarshalJSON()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(string(text))
	// Output:
	// {"type":"outgoing","idMessage":"A1","timestamp":"soon","typeMessage":"textMessage","chatId":"999000000001@c.us","textMessage":null,"sendByApi":false}
}

// What every fault of the list may be called by a client.
func ExampleFaults() {
	for _, fault := range greenapitest.Faults() {
		if slices.Contains(fault.Reasons, "too_large") {
			fmt.Println(fault.Name, fault.Reasons)
		}
	}
	// Output:
	// endless array [too_large timeout]
	// endless spaces [too_large timeout]
	// endless string [too_large timeout malformed]
	// endless key [too_large timeout malformed]
	// endless number [too_large timeout malformed]
	// endless nesting [too_large timeout malformed]
	// endless error text [client_error too_large timeout]
	// endless header [network too_large malformed timeout]
	// gzip bomb [too_large timeout]
}
