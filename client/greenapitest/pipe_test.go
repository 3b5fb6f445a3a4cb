package greenapitest_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
)

// The limit is by method and instance, and by the clock of the bubble.
func TestRateLimit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := greenapitest.NewPipeServer()
		defer srv.Close()
		in := srv.AddInstance(testID, testToken)
		srv.AddInstance("1101000002", testToken)
		srv.EnforceRateLimit(true)
		client := srv.Client()
		defer client.CloseIdleConnections()

		other := strings.ReplaceAll(path("getSettings"), testID, "1101000002")
		steps := []struct {
			wait   time.Duration
			path   string
			status int
		}{
			{0, path("getSettings"), 200},
			{0, path("getStateInstance"), 200},
			{0, other, 200},
			{999 * time.Millisecond, path("getSettings"), 429},
			{time.Millisecond, path("getSettings"), 200}, // what was refused does not count
			{0, other, 200},
			{0, other, 429},
		}
		for i, step := range steps {
			time.Sleep(step.wait)
			response, body := call(t, client, srv.URL+step.path)
			if response.StatusCode != step.status {
				t.Errorf("step %d: status %d, want %d", i, response.StatusCode, step.status)
			}
			if response.StatusCode == 429 && (body != "" || response.Header.Get("Retry-After") != "") {
				t.Errorf("step %d: 429 with body %q, Retry-After %q", i, body, response.Header.Get("Retry-After"))
			}
		}
		srv.EnforceRateLimit(false)
		if response, _ := call(t, client, srv.URL+other); response.StatusCode != 200 {
			t.Errorf("without limit: status %d", response.StatusCode)
		}
		if n := in.Count("getSettings"); n != 3 {
			t.Errorf("%d requests counted, want 3", n)
		}
	})
}

// Closing lets go of requests that would hang for ever.
func TestCloseWhileHanging(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := greenapitest.NewPipeServer()
		in := srv.AddInstance(testID, testToken)
		in.Fault(greenapitest.AnyMethod, greenapitest.FaultHang(), 0)
		client := srv.Client()
		var wg sync.WaitGroup
		for range 3 {
			wg.Go(func() {
				request, err := http.NewRequestWithContext(context.Background(), http.MethodGet, srv.URL+path("getSettings"), nil)
				if err != nil {
					t.Error(err)
					return
				}
				response, err := client.Do(request)
				if err == nil {
					t.Errorf("status %d, closed with %v", response.StatusCode, response.Body.Close())
				}
			})
		}
		synctest.Wait()
		if n := in.Count("getSettings"); n != 3 {
			t.Errorf("%d requests hang, want 3", n)
		}
		srv.Close()
		wg.Wait()
		client.CloseIdleConnections()
	})
}
