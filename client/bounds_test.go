package client_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	promconfig "github.com/prometheus/common/config"
	"go.yaml.in/yaml/v3"
)

// stuck is an HTTP client that does not come back, or whose answers have a body that
// does not: neither looks at the context of the request.
type stuck struct {
	inDo    bool
	release chan struct{}
}

// Do implements client.HTTPClient.
func (s stuck) Do(*http.Request) (*http.Response, error) {
	if s.inDo {
		<-s.release
	}
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: &stuckBody{closed: make(chan struct{})}}, nil
}

// stuckBody is a body that ends when it is closed.
type stuckBody struct {
	once   sync.Once
	closed chan struct{}
}

// Read implements io.Reader.
func (b *stuckBody) Read([]byte) (int, error) {
	<-b.closed
	return 0, io.ErrClosedPipe
}

// Close implements io.Closer.
func (b *stuckBody) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}

// stuckToken is a token file on a network that is gone.
type stuckToken struct{ release chan struct{} }

// Token implements client.TokenSource.
func (s stuckToken) Token() (client.Token, error) {
	<-s.release
	return client.NewToken(sentinel), nil
}

// TestNothingOutlivesItsDeadline has every wait on something outside last for ever:
// requests end with their time, and give back their place at reading.
func TestNothingOutlivesItsDeadline(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*client.Options, chan struct{}){
		"body":   func(o *client.Options, release chan struct{}) { o.HTTPClient = stuck{release: release} },
		"header": func(o *client.Options, release chan struct{}) { o.HTTPClient = stuck{inDo: true, release: release} },
		"token":  func(o *client.Options, release chan struct{}) { o.Token = stuckToken{release} },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				srv := greenapitest.NewPipeServer()
				defer srv.Close()
				srv.AddInstance(id, sentinel)
				release := make(chan struct{})
				defer close(release)
				gate := client.NewGate(1)
				c := newClient(t, srv, func(o *client.Options) {
					o.Timeout, o.Gate = 5*time.Second, gate
					change(o, release)
				})
				for range 3 { // there are 8 places to wait in, and those in use are held
					start := time.Now()
					_, _, _, err := readCalls(t.Context(), c)
					checkFailure(t, err, []string{"timeout"})
					if took := time.Since(start); took > 7*time.Second {
						t.Errorf("came back after %v", took)
					}
				}
				other := newClient(t, srv, func(o *client.Options) { o.Gate = gate })
				if _, _, _, err := readCalls(t.Context(), other); err != nil {
					t.Errorf("the place at reading was not given back: %v", err)
				}
			})
		})
	}
}

// TestSwitchingProtocols answers 101 to more accounts than there are places.
func TestSwitchingProtocols(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := greenapitest.NewPipeServer()
		defer srv.Close()
		gate := client.NewGate(2)
		start := time.Now()
		for n := range 10 {
			name := fmt.Sprint(id, n)
			srv.AddInstance(name, sentinel).Fault(greenapitest.AnyMethod, greenapitest.FaultSwitch(), 0)
			c := newClient(t, srv, func(o *client.Options) { o.IDInstance, o.Gate, o.Timeout = name, gate, time.Minute })
			_, _, _, err := readCalls(t.Context(), c)
			checkFailure(t, err, []string{"malformed"})
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("failed after %v, want at once", took)
		}
	})
}

// TestOAuthServersAreBound asks an OAuth server that never answers.
func TestOAuthServersAreBound(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := greenapitest.NewPipeServer()
		defer srv.Close()
		srv.AddInstance(id, sentinel)
		dial := func(ctx context.Context, network, address string) (net.Conn, error) {
			if !strings.HasPrefix(address, "oauth.") {
				return srv.DialContext(ctx, network, address)
			}
			near, far := net.Pipe()
			go func() {
				_, _ = io.Copy(io.Discard, far)
				_ = far.Close()
			}()
			return near, nil
		}
		httpClient, err := client.NewHTTPClient(promconfig.HTTPClientConfig{
			OAuth2: &promconfig.OAuth2{ClientID: "x", ClientSecret: "y", TokenURL: "http://oauth.invalid/token"},
		}, 4, dial)
		if err != nil {
			t.Fatal(err)
		}
		defer httpClient.CloseIdleConnections()
		c := newClient(t, srv, func(o *client.Options) { o.HTTPClient, o.Timeout = httpClient, 5*time.Second })
		start := time.Now()
		_, _, _, err = readCalls(t.Context(), c)
		checkFailure(t, err, []string{"timeout"})
		if took := time.Since(start); took != 5*time.Second {
			t.Errorf("came back after %v", took)
		}
		time.Sleep(time.Minute) // then nothing is left of the attempt, or the bubble does not end
	})
}

// httpSettings are values for every key of http_client; KEY is a file.
func httpSettings(t *testing.T, srv *greenapitest.Server, proxy string) map[string]string {
	t.Helper()
	folder := t.TempDir()
	put := func(name string, text []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	word := put("word", []byte("word"))
	authority := put("authority.pem", srv.CertificatePEM())
	inline := string(srv.CertificatePEM())
	oauth := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"access_token":"x","token_type":"bearer","expires_in":3600}`)
	}))
	t.Cleanup(oauth.Close)
	return map[string]string{
		"":                       "{}",
		"basic_auth":             fmt.Sprintf("{basic_auth: {username: a, password_file: %q}}", word),
		"authorization":          fmt.Sprintf("{authorization: {type: Bearer, credentials_file: %q}}", word),
		"bearer_token":           "{bearer_token: word}",
		"bearer_token_file":      fmt.Sprintf("{bearer_token_file: %q}", word),
		"oauth2":                 fmt.Sprintf("{oauth2: {client_id: a, client_secret: b, token_url: %q}}", oauth.URL),
		"http_headers":           fmt.Sprintf("{http_headers: {X-Word: {values: [a], files: [%q]}}}", word),
		"tls_config":             fmt.Sprintf("{tls_config: {ca_file: %q, min_version: TLS12}}", authority),
		"tls_config, inline":     fmt.Sprintf("{tls_config: {ca: %q}}", inline),
		"follow_redirects":       "{follow_redirects: true}",
		"enable_http2":           "{enable_http2: true}",
		"proxy_url":              fmt.Sprintf("{proxy_url: %q, proxy_connect_header: {X-Word: [a]}}", proxy),
		"no_proxy":               fmt.Sprintf("{proxy_url: %q, no_proxy: elsewhere.invalid}", proxy),
		"proxy_from_environment": "{proxy_from_environment: true}",
		"everything": fmt.Sprintf("{basic_auth: {username: a, password: b}, http_headers: {X-Word: {values: [a]}}, tls_config: {ca_file: %q}, proxy_url: %q}",
			authority, proxy),
	}
}

// TestBoundsHoldForEverySetting holds that an answer with more than 64 KiB of headers
// is refused, and that one with less is not, whatever http_client says: a bound that is
// lost where something wraps the transport is none.
func TestBoundsHoldForEverySetting(t *testing.T) {
	t.Parallel()
	srv := greenapitest.NewTLSServer()
	t.Cleanup(srv.Close)
	plain := greenapitest.NewServer()
	t.Cleanup(plain.Close)
	proxy := httptest.NewServer(http.HandlerFunc(connect))
	t.Cleanup(proxy.Close)
	settings := httpSettings(t, srv, proxy.URL)

	keys := reflect.TypeFor[promconfig.HTTPClientConfig]()
	for n := range keys.NumField() {
		tag, options, _ := strings.Cut(keys.Field(n).Tag.Get("yaml"), ",")
		if _, tried := settings[tag]; !tried && options != "inline" {
			t.Errorf("http_client has a key %s that is not tried", tag)
		}
	}
	for name, text := range settings {
		for header, reason := range map[int]string{8 << 10: "", 80 << 10: "network"} {
			t.Run(fmt.Sprintf("%s, %d", name, header), func(t *testing.T) {
				t.Parallel()
				var cfg promconfig.HTTPClientConfig
				if err := yaml.Unmarshal([]byte(text), &cfg); err != nil {
					t.Fatal(err)
				}
				target := plain
				if strings.Contains(text, "tls_config") {
					target = srv
				}
				httpClient, err := client.NewHTTPClient(cfg, 4, nil)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(httpClient.CloseIdleConnections)
				instance := fmt.Sprint("77", len(t.Name()), header, strings.Count(text, ""))
				target.AddInstance(instance, sentinel).Fault(greenapitest.AnyMethod, greenapitest.FaultHugeHeader(header), 0)
				c := newClient(t, target, func(o *client.Options) { o.IDInstance, o.HTTPClient = instance, httpClient })
				_, _, _, err = readCalls(t.Context(), c)
				checkFailure(t, err, []string{reason})
			})
		}
	}
}

// connect is a proxy: for plain HTTP, and for TLS by CONNECT.
func connect(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		response, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		defer response.Body.Close()
		for name, values := range response.Header {
			w.Header()[name] = values
		}
		w.WriteHeader(response.StatusCode)
		_, _ = io.Copy(w, response.Body)
		return
	}
	far, err := new(net.Dialer).DialContext(r.Context(), "tcp", r.Host)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	near, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(near, "HTTP/1.1 200 OK\r\n\r\n")
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(far, near); _ = far.Close() })
	both.Go(func() { _, _ = io.Copy(near, far); _ = near.Close() })
	both.Wait()
}
