package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"slices"
	"sync"
	"testing"
)

// Recorder passes requests on to an upstream server and the answers back as they
// are, and keeps a copy of each answer. Between Prometheus and the exporter it
// makes comparisons exact: values that differ with every scrape included.
type Recorder struct {
	// Host is where it listens, as host:port.
	Host string

	mu      sync.Mutex
	answers map[string][]Answer // by path and query
}

// Answer is what the upstream server answered to one request.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte // inflated
}

// StartRecorder starts a recorder before the server at this URL. It ends with the test.
func StartRecorder(t testing.TB, upstream string) *Recorder {
	t.Helper()
	base, err := url.Parse(upstream)
	if err != nil {
		t.Fatal(err)
	}
	r := &Recorder{answers: map[string][]Answer{}}
	transport := &http.Transport{DisableCompression: true}
	server := httptest.NewServer(&httputil.ReverseProxy{
		Transport: transport,
		Rewrite: func(request *httputil.ProxyRequest) {
			request.SetURL(base)
			request.Out.Host = request.In.Host // the upstream sees the name it was asked by
		},
		ModifyResponse: r.record,
	})
	t.Cleanup(func() {
		server.Close()
		transport.CloseIdleConnections()
	})
	r.Host = server.Listener.Addr().String()
	return r
}

// Answers are those to requests for this path and query so far, in their order.
func (r *Recorder) Answers(requestURI string) []Answer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.answers[requestURI])
}

// Asked are the paths and queries that were asked for so far, sorted.
func (r *Recorder) Asked() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.answers))
}

func (r *Recorder) record(response *http.Response) error {
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("read the answer: %w", err)
	}
	if err := response.Body.Close(); err != nil {
		return fmt.Errorf("close the answer: %w", err)
	}
	response.Body = io.NopCloser(bytes.NewReader(raw))
	body, err := inflate(response.Header.Get("Content-Encoding"), raw)
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	uri := response.Request.URL.RequestURI()
	r.answers[uri] = append(r.answers[uri], Answer{Status: response.StatusCode, Header: response.Header.Clone(), Body: body})
	return nil
}

// Get asks for a URL. What is no answer at all fails the test.
func Get(t testing.TB, rawURL string) Answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, rawURL, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatalf("read %s: %v", rawURL, err)
	}
	return Answer{Status: response.StatusCode, Header: response.Header, Body: body}
}

func inflate(encoding string, body []byte) ([]byte, error) {
	switch encoding {
	case "", "identity":
		return body, nil
	case "gzip":
		reader, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, fmt.Errorf("inflate the answer: %w", err)
		}
		inflated, err := io.ReadAll(reader)
		if err != nil {
			return nil, fmt.Errorf("inflate the answer: %w", err)
		}
		return inflated, nil
	default:
		return nil, fmt.Errorf("inflate the answer: unknown Content-Encoding %q", encoding)
	}
}
