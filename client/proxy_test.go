package client_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	promconfig "github.com/prometheus/common/config"
)

// TestProxyIsNamed has a proxy refuse, in front of an API with and without TLS: the
// proxy is named, and not the API, and no text of the proxy is shown.
func TestProxyIsNamed(t *testing.T) {
	t.Parallel()
	const plain, tls = "http://api.invalid", "https://api.invalid"
	for name, test := range map[string]struct {
		status int
		apiURL string
		reason client.Reason
		want   string
		remedy string
	}{
		"407, TLS":   {http.StatusProxyAuthRequired, tls, client.ReasonNetwork, "the proxy refuses the connection to the API (it wants a user and a password): HTTP 407", "user and the password"},
		"403, TLS":   {http.StatusForbidden, tls, client.ReasonNetwork, "the proxy refuses the connection to the API: HTTP 403", "let the proxy allow"},
		"502, TLS":   {http.StatusBadGateway, tls, client.ReasonNetwork, "the proxy refuses the connection to the API: HTTP 502", "let the proxy allow"},
		"407, plain": {http.StatusProxyAuthRequired, plain, client.ReasonClientError, "the proxy refuses the request (it wants a user and a password): HTTP 407", "user and the password"},
		"403, plain": {http.StatusForbidden, plain, client.ReasonForbidden, "the proxy refuses the request, or the API behind it does: HTTP 403", "let the proxy allow"},
		"401, plain": {http.StatusUnauthorized, plain, client.ReasonUnauthorized, "the API does not accept the token: HTTP 401", "apiTokenInstance"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				http.Error(w, "SENTINEL", test.status)
			}))
			defer proxy.Close()
			proxyURL, err := url.Parse(proxy.URL)
			if err != nil {
				t.Fatal(err)
			}
			for wrapped, cfg := range map[bool]promconfig.HTTPClientConfig{
				false: {},
				true:  {BasicAuth: &promconfig.BasicAuth{Username: "a", Password: "b"}},
			} {
				cfg.ProxyURL = promconfig.URL{URL: proxyURL}
				failure := askThrough(t, cfg, test.apiURL)
				if failure.Reason != test.reason || !strings.Contains(failure.Error(), test.want) || !strings.Contains(failure.Remedy(), test.remedy) || failure.Status != test.status {
					t.Errorf("wrapped %t: %s: %v; %s", wrapped, failure.Reason, failure, failure.Remedy())
				}
				if strings.Contains(failure.Error(), "SENTINEL") {
					t.Errorf("it quotes the proxy: %v", failure)
				}
			}
		})
	}
}

// askThrough asks an API, and returns how that failed.
func askThrough(t *testing.T, cfg promconfig.HTTPClientConfig, apiURL string) *client.Error {
	t.Helper()
	httpClient, err := client.NewHTTPClient(cfg, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer httpClient.CloseIdleConnections()
	c, err := client.New(client.Options{APIURL: apiURL, IDInstance: "1101000001", Token: client.NewToken("abc"), HTTPClient: httpClient})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.StateInstance(t.Context())
	var failure *client.Error
	if !errors.As(err, &failure) {
		t.Fatalf("error %v", err)
	}
	return failure
}

// TestProxyThatIsGone has nobody listen where the proxy should be.
func TestProxyThatIsGone(t *testing.T) {
	t.Parallel()
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, scheme := range []string{"http", "socks5"} {
		proxyURL := &url.URL{Scheme: scheme, Host: strings.TrimPrefix(gone.URL, "http://")}
		cfg := promconfig.HTTPClientConfig{ProxyConfig: promconfig.ProxyConfig{ProxyURL: promconfig.URL{URL: proxyURL}}}
		if failure := askThrough(t, cfg, "https://api.invalid"); failure.Reason != client.ReasonNetwork || !strings.Contains(failure.Error(), "proxy") {
			t.Errorf("%s: %v", scheme, failure)
		}
	}
}

// TestAPIIsNotTakenForAProxy has the API itself answer as proxies do.
func TestAPIIsNotTakenForAProxy(t *testing.T) {
	t.Parallel()
	for _, status := range []int{http.StatusProxyAuthRequired, http.StatusForbidden} {
		api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		defer api.Close()
		if failure := askThrough(t, promconfig.HTTPClientConfig{}, api.URL); failure.Proxy != "" || strings.Contains(failure.Error(), "the proxy") {
			t.Errorf("%d: %v", status, failure)
		}
	}
}
