package client_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	promconfig "github.com/prometheus/common/config"
)

// injecting is a server that answers each request for an account with a call of that
// account, and sends a second answer after it that nobody asked for.
func injecting(t *testing.T) (url string) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	t.Cleanup(func() {
		_ = listener.Close()
		serving.Wait()
	})
	serving.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() {
				defer conn.Close()
				in := bufio.NewReader(conn)
				for {
					r, err := http.ReadRequest(in)
					if err != nil {
						return
					}
					account, _, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/waInstance"), "/")
					body := fmt.Sprintf(`[{"idMessage":%q,"chatId":"1@c.us","timestamp":1,"status":"pickUp"}]`, account)
					answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
					if _, err := io.WriteString(conn, answer+answer); err != nil {
						return
					}
				}
			})
		}
	})
	return "http://" + listener.Addr().String()
}

// TestAnswersStayWithTheirAccount asks for many accounts of a host that sends answers
// after answers: nobody gets that of another account.
func TestAnswersStayWithTheirAccount(t *testing.T) {
	t.Parallel()
	url := injecting(t)
	httpClient, err := client.NewHTTPClient(promconfig.HTTPClientConfig{}, 4, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(httpClient.CloseIdleConnections)
	var wrong, right atomic.Int64
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for n := range 120 {
				account := fmt.Sprint(1000+worker, 1000+n)
				c, err := client.New(client.Options{APIURL: url, IDInstance: account, Token: client.NewToken(sentinel), HTTPClient: httpClient})
				if err != nil {
					t.Error(err)
					return
				}
				calls, _, _, err := readCalls(context.WithoutCancel(t.Context()), c)
				switch {
				case err != nil: // what the server sends breaks connections
				case len(calls) == 1 && string(calls[0].ID) == account:
					right.Add(1)
				default:
					wrong.Add(1)
				}
			}
		})
	}
	all.Wait()
	if wrong.Load() != 0 || right.Load() < 480 {
		t.Errorf("%d accounts got the answer of another one, %d their own", wrong.Load(), right.Load())
	}
}
