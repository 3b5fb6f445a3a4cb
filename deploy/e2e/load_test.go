//go:build e2e

package e2e_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/deploy/e2e"
)

// loadPatience bounds the timeouts of the server that are waited for: those of
// minutes are not part of the short form.
var loadPatience = flag.Duration("load.patience", 15*time.Second, "longest timeout of the server that is waited for")

const (
	crowd      = 200 // scrapes at once
	places     = 20  // --web.max-requests
	halfOpen   = 500 // connections that never finish their request
	loadMemory = 96 << 20
	// bystander is how long /-/healthy may take meanwhile.
	bystander = 20 * time.Second
)

// TestCrowd scrapes with many more clients at once than may be served, while
// GREEN-API keeps them waiting: so many are served, all others are refused at
// once, and when it is over no place is lost.
func TestCrowd(t *testing.T) {
	t.Parallel()
	api := greenapitest.NewServer()
	t.Cleanup(api.Close)
	release := make(chan struct{})
	api.AddInstance("1104000001", "token").SetBodyFunc(greenapitest.MethodLastOutgoingCalls, func(w io.Writer) error {
		<-release
		_, err := io.WriteString(w, "[]")
		return err
	})
	exporter := startPlain(t, api, fmt.Sprintf("--web.max-requests=%d", places))
	refused, served := make(chan e2e.Answer, crowd), make(chan e2e.Answer, crowd)
	var scraping sync.WaitGroup
	for range crowd {
		scraping.Go(func() {
			answer, err := send(t.Context(), http.MethodGet, exporter.URL+"/metrics", nil)
			switch {
			case err != nil:
				t.Error(err)
			case answer.Status == http.StatusServiceUnavailable:
				refused <- answer
			default:
				served <- answer
			}
		})
	}
	for range crowd - places {
		answer := <-refused
		if answer.Header.Get("Retry-After") == "" || !strings.Contains(string(answer.Body), "--web.max-requests") {
			t.Fatalf("refused without a word: %v %s", answer.Header, answer.Body)
		}
	}
	for _, path := range []string{"/-/healthy", "/-/ready", "/", "/sd", "/history"} {
		if answer := e2e.Get(t, exporter.URL+path); answer.Status != http.StatusOK {
			t.Errorf("%s is answered with %d while the places are taken", path, answer.Status)
		}
	}
	close(release)
	scraping.Wait()
	if len(served) != places || len(refused) != 0 {
		t.Errorf("%d scrapes were served, want %d", len(served), places)
	}
	for range len(served) {
		if answer := <-served; answer.Status != http.StatusOK || !strings.Contains(string(answer.Body), `greenapi_up{id_instance="1104000001"} 1`) {
			t.Errorf("a scrape that waited is answered with %d", answer.Status)
		}
	}
	for range 2 * places {
		if answer := e2e.Get(t, exporter.URL+"/metrics"); answer.Status != http.StatusOK {
			t.Fatalf("a place was not given back: %d", answer.Status)
		}
	}
}

// TestCrowdIsServed has no bound: all are served, and GREEN-API is asked once.
func TestCrowdIsServed(t *testing.T) {
	t.Parallel()
	api := greenapitest.NewServer()
	t.Cleanup(api.Close)
	instance := api.AddInstance("1104000001", "token")
	exporter := startPlain(t, api, "--web.max-requests=0", "--greenapi.min-interval=5m")
	before := holding(t, exporter)
	var scraping sync.WaitGroup
	for range crowd {
		scraping.Go(func() {
			answer, err := send(t.Context(), http.MethodGet, exporter.URL+"/metrics", nil)
			if err != nil || answer.Status != http.StatusOK || !strings.Contains(string(answer.Body), `greenapi_up{id_instance="1104000001"} 1`) {
				t.Errorf("a scrape is answered with %d, error %v", answer.Status, err)
			}
		})
	}
	scraping.Wait()
	if n := instance.Count(greenapitest.MethodLastOutgoingCalls); n != 1 {
		t.Errorf("GREEN-API was asked %d times for the calls, want once", n)
	}
	awaitHolding(t, exporter, before, loadMemory)
}

// TestSlowReaders has clients that ask for a large exposition and do not read it:
// they take places, and nothing else. When they leave the places are free.
func TestSlowReaders(t *testing.T) {
	t.Parallel()
	const (
		slow     = 4   // readers, and --web.max-requests
		accounts = 300 // an exposition of several MB, more than sockets buffer
		// perReader is what an exposition of so many accounts takes while it is written.
		perReader = 96 << 20
	)
	sim := simulation.New(simulation.Settings{Seed: 4}, simulation.Fleet(4, accounts, 20)...)
	api := greenapitest.NewSimulationServer(sim)
	t.Cleanup(api.Close)
	exporter := e2e.StartExporter(t, e2e.ExporterOptions{
		Config: string(sim.Configuration(api.URL)),
		Args:   []string{fmt.Sprintf("--web.max-requests=%d", slow), "--greenapi.min-interval=5m"},
	})
	before := holding(t, exporter)
	readers := make([]net.Conn, slow)
	for n := range readers {
		conn := connect(t, exporter.Address)
		if small, ok := conn.(*net.TCPConn); !ok || small.SetReadBuffer(4096) != nil {
			t.Fatal("the buffer of the connection cannot be made small")
		}
		readers[n] = conn
		say(t, readers[n], "GET /metrics HTTP/1.1\r\nHost: exporter\r\n\r\n")
	}
	await503(t, exporter)
	if answer := e2e.Get(t, exporter.URL+"/-/healthy"); answer.Status != http.StatusOK {
		t.Errorf("/-/healthy is answered with %d", answer.Status)
	}
	for _, reader := range readers {
		if err := reader.Close(); err != nil {
			t.Error(err)
		}
	}
	awaitHolding(t, exporter, before, slow*perReader)
}

// await503 waits until all places are taken.
func await503(t *testing.T, exporter *e2e.Exporter) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		answer, err := send(ctx, http.MethodGet, exporter.URL+"/probe?target=nobody", nil)
		switch {
		case err != nil:
			t.Fatal(err)
		case answer.Status == http.StatusServiceUnavailable:
			return
		}
	}
}

// TestTimeouts has clients that say something, or nothing, and then no more: the
// exporter closes their connections.
func TestTimeouts(t *testing.T) {
	t.Parallel()
	exporter := e2e.StartExporter(t, e2e.ExporterOptions{Args: []string{"--demo"}})
	for name, test := range map[string]struct {
		says  string
		after time.Duration
	}{
		"silence":      {"", 5 * time.Second},
		"half a line":  {"GET /metr", 5 * time.Second},
		"half a head":  {"GET /metrics HTTP/1.1\r\nHost: exporter\r\nX-Half", 5 * time.Second},
		"half a body":  {"POST /-/reload HTTP/1.1\r\nHost: exporter\r\nContent-Length: 1000\r\n\r\nhalf", 10 * time.Second},
		"half a chunk": {"POST /metrics HTTP/1.1\r\nHost: exporter\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nhalf", 10 * time.Second},
		"kept":         {"GET /-/healthy HTTP/1.1\r\nHost: exporter\r\n\r\n", 2 * time.Minute},
	} {
		if test.after > *loadPatience {
			t.Logf("%s: not waited for %v, see -load.patience", name, test.after)
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			conn := connect(t, exporter.Address)
			say(t, conn, test.says)
			began := time.Now()
			if err := conn.SetReadDeadline(began.Add(2*test.after + bystander)); err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, conn); errors.Is(err, context.DeadlineExceeded) || isTimeout(err) {
				t.Errorf("still connected after %v, want %v", time.Since(began), test.after)
			}
		})
	}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// TestHalfOpenConnections has hundreds of them: they cost little, hinder nobody,
// and are gone after seconds.
func TestHalfOpenConnections(t *testing.T) {
	t.Parallel()
	exporter := e2e.StartExporter(t, e2e.ExporterOptions{Args: []string{"--demo"}})
	before := holding(t, exporter)
	for range halfOpen {
		say(t, connect(t, exporter.Address), "GET /metrics HTTP/1.1\r\nX-Half: ")
	}
	ctx, cancel := context.WithTimeout(t.Context(), bystander)
	defer cancel()
	if answer, err := send(ctx, http.MethodGet, exporter.URL+"/metrics", nil); err != nil || answer.Status != http.StatusOK {
		t.Errorf("/metrics is answered with %d meanwhile, error %v", answer.Status, err)
	}
	awaitHolding(t, exporter, before, loadMemory) // though no client leaves
}

// TestOversized sends requests that are too large in every part.
func TestOversized(t *testing.T) {
	t.Parallel()
	exporter := e2e.StartExporter(t, e2e.ExporterOptions{Args: []string{"--demo"}})
	before := holding(t, exporter)
	const large, huge = 16 << 10, 64 << 20
	for name, test := range map[string]struct {
		head  string
		size  int
		wants []int
	}{
		"large target":     {"GET /probe?target=%s HTTP/1.1\r\nHost: exporter\r\n\r\n", large, []int{404}},
		"large parameters": {"GET /probe?target=support&%s HTTP/1.1\r\nHost: exporter\r\n\r\n", large, []int{200}},
		"large path":       {"GET /%s HTTP/1.1\r\nHost: exporter\r\n\r\n", large, []int{404}},
		"large timeout":    {"GET /metrics HTTP/1.1\r\nHost: exporter\r\nX-Prometheus-Scrape-Timeout-Seconds: %s\r\n\r\n", large, []int{200}},
		"large host":       {"GET /sd HTTP/1.1\r\nHost: %s\r\n\r\n", large, []int{200, 400}},
		"huge target":      {"GET /probe?target=%s HTTP/1.1\r\nHost: exporter\r\n\r\n", huge, []int{431}},
		"huge header":      {"GET /metrics HTTP/1.1\r\nHost: exporter\r\nX-Huge: %s\r\n\r\n", huge, []int{431}},
		"huge line":        {"%s /metrics HTTP/1.1\r\nHost: exporter\r\n\r\n", huge, []int{431, 400}},
	} {
		t.Run(name, func(t *testing.T) {
			conn := connect(t, exporter.Address)
			front, back, _ := strings.Cut(test.head, "%s")
			var sending sync.WaitGroup
			sending.Go(func() {
				// Whoever says too much is not heard to the end: writing fails.
				_, _ = io.Copy(conn, io.MultiReader(strings.NewReader(front), strings.NewReader(strings.Repeat("1", test.size)), strings.NewReader(back)))
			})
			response, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				if test.size == huge && !isTimeout(err) {
					_ = conn.Close()
					sending.Wait()
					return // it was cut off: the answer was lost in the reset
				}
				t.Fatal(err)
			}
			if !slices.Contains(test.wants, response.StatusCode) {
				t.Errorf("answered with %d, want %v", response.StatusCode, test.wants)
			}
			_ = conn.Close()
			sending.Wait()
		})
	}
	headers := "GET /metrics HTTP/1.1\r\nHost: exporter\r\n" + strings.Repeat("X-A: b\r\n", 20_000) + "\r\n"
	conn := connect(t, exporter.Address)
	_, _ = io.WriteString(conn, headers) // it may be cut off, as above
	if response, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil && response.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("20,000 headers are answered with %d", response.StatusCode)
	}
	awaitHolding(t, exporter, before, loadMemory)
}

// startPlain starts the exporter on the instance 1104000001 of a server.
func startPlain(t *testing.T, api *greenapitest.Server, args ...string) *e2e.Exporter {
	t.Helper()
	return e2e.StartExporter(t, e2e.ExporterOptions{
		Config: fmt.Sprintf("instances: [{id: '1104000001', token: token, api_url: %q}]", api.URL),
		Args:   args,
	})
}

func connect(t *testing.T, address string) net.Conn {
	t.Helper()
	var dialer net.Dialer
	conn, err := dialer.DialContext(t.Context(), "tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

func say(t *testing.T, conn net.Conn, text string) {
	t.Helper()
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
}

// holding is what the exporter holds: its goroutines and open files.
func holding(t *testing.T, exporter *e2e.Exporter) e2e.Samples {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		answer, err := send(ctx, http.MethodGet, exporter.URL+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		if answer.Status == http.StatusServiceUnavailable {
			continue // the places are about to be given back
		}
		samples, err := e2e.ParseSamples(answer.Header, answer.Body, nil)
		if err != nil {
			t.Fatal(err)
		}
		return samples
	}
}

// awaitHolding waits until the exporter holds no more than before, but for a few
// connections to GREEN-API that it keeps, and checks the memory that it took. What
// was taken shows in the resident memory for minutes.
func awaitHolding(t *testing.T, exporter *e2e.Exporter, before e2e.Samples, most float64) {
	t.Helper()
	deadline := time.Now().Add(idleLimit)
	for {
		now := holding(t, exporter)
		more := ""
		for _, name := range []string{"go_goroutines", "process_open_fds"} {
			if now[name] > before[name]+8 {
				more += fmt.Sprintf("%s: %v before, %v now\n", name, before[name], now[name])
			}
		}
		if more == "" {
			memory := now["process_resident_memory_bytes"] - before["process_resident_memory_bytes"]
			if memory > most {
				t.Errorf("it took %.0f MiB more memory, want %.0f at most", memory/(1<<20), most/(1<<20))
			}
			t.Logf("goroutines %v before, %v after; open files %v, %v; resident memory %+.1f MiB", before["go_goroutines"], now["go_goroutines"],
				before["process_open_fds"], now["process_open_fds"], memory/(1<<20))
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after %v it still holds more:\n%s", idleLimit, more)
		}
		time.Sleep(100 * time.Millisecond)
	}
}
