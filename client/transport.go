package client

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	promconfig "github.com/prometheus/common/config"
)

// HTTPClient sends requests. [*http.Client] is one; it must not follow redirects.
type HTTPClient interface {
	Do(req *http.Request) (*http.Response, error)
}

// maxResponseHeader bounds the headers of an answer, in bytes.
const maxResponseHeader = 64 << 10

// Bounds of a connection to an OAuth server: how long it lasts, and how many bytes are
// read from it. prometheus/common has none.
const (
	tokenExchangeTime  = 30 * time.Second
	tokenExchangeBytes = 2 << 20
)

// NewHTTPClient makes the HTTP client that all instances share, from the
// configuration that Prometheus users know (proxy, TLS, …).
//
// Whatever that says, redirects are not followed (Location and Referer would
// carry the token to another place) and HTTP/2 is off: on large bodies it costs
// more processor time than HTTP/1.1. Idle connections are kept for as many
// requests as may be under way at once. A nil dial connects over the network.
func NewHTTPClient(cfg promconfig.HTTPClientConfig, concurrency int, dial promconfig.DialContextFunc) (*http.Client, error) {
	transport, err := newTransport(cfg, concurrency, dial)
	if err != nil {
		return nil, fmt.Errorf("make the HTTP client: %w", err)
	}
	return &http.Client{Transport: noRedirect{transport, cfg.Proxy()}}, nil
}

// newTransport wraps a transport with what prometheus/common has for credentials,
// headers and TLS files that are read again. The transport itself is not that of
// prometheus/common, which is out of reach once it is wrapped, and has no bound on
// headers.
func newTransport(cfg promconfig.HTTPClientConfig, concurrency int, dial promconfig.DialContextFunc) (http.RoundTripper, error) {
	if err := cfg.Validate(); err != nil { // which also puts bearer_token where it is used
		return nil, err //nolint:wrapcheck // NewHTTPClient does
	}
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	wrapped := func(tlsConfig *tls.Config) (http.RoundTripper, error) {
		return withCredentials(&cfg, dial, reuseQuiet{&http.Transport{
			Proxy: cfg.Proxy(), ProxyConnectHeader: cfg.GetProxyConnectHeader(), OnProxyConnectResponse: checkTunnel, DialContext: quietDial(dial), TLSClientConfig: tlsConfig,
			DisableCompression: true, ForceAttemptHTTP2: false,
			TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: 5 * time.Minute,
			MaxIdleConnsPerHost: concurrency * waitingPerBody, MaxResponseHeaderBytes: maxResponseHeader,
		}}), nil
	}
	tlsConfig, err := promconfig.NewTLSConfig(&cfg.TLSConfig)
	if err != nil {
		return nil, err //nolint:wrapcheck // NewHTTPClient does
	}
	files := promconfig.TLSRoundTripperSettings{
		CA:   secret(cfg.TLSConfig.CA, cfg.TLSConfig.CAFile),
		Cert: secret(cfg.TLSConfig.Cert, cfg.TLSConfig.CertFile),
		Key:  secret(string(cfg.TLSConfig.Key), cfg.TLSConfig.KeyFile),
	}
	if cfg.TLSConfig.CAFile == "" && cfg.TLSConfig.CertFile == "" && cfg.TLSConfig.KeyFile == "" {
		return wrapped(tlsConfig)
	}
	return promconfig.NewTLSRoundTripper(tlsConfig, files, wrapped) //nolint:wrapcheck // NewHTTPClient does
}

// withCredentials adds what each request is to carry.
func withCredentials(cfg *promconfig.HTTPClientConfig, dial promconfig.DialContextFunc, rt http.RoundTripper) http.RoundTripper {
	if a := cfg.Authorization; a != nil {
		rt = promconfig.NewAuthorizationCredentialsRoundTripper(a.Type, secret(string(a.Credentials), a.CredentialsFile), rt)
	}
	if b := cfg.BasicAuth; b != nil {
		rt = promconfig.NewBasicAuthRoundTripper(secret(b.Username, b.UsernameFile), secret(string(b.Password), b.PasswordFile), rt)
	}
	if o := cfg.OAuth2; o != nil {
		credential := secret(string(o.ClientSecret), o.ClientSecretFile)
		if o.GrantType == grantTypeJWT {
			credential = secret(string(o.ClientCertificateKey), o.ClientCertificateKeyFile)
		}
		rt = oauth{promconfig.NewOAuth2RoundTripper(credential, o, rt,
			promconfig.WithHTTP2Disabled(), promconfig.WithDialContextFunc(boundedDial(dial))), rt}
	}
	if cfg.HTTPHeaders != nil {
		rt = promconfig.NewHeadersRoundTripper(cfg.HTTPHeaders, rt)
	}
	return rt
}

// oauth lets go of the idle connections to the API only. That of prometheus/common
// (v0.72.1) reads, without its lock, what a request under way may set; its connections
// to the OAuth server end by themselves, see [boundedDial].
type oauth struct {
	http.RoundTripper

	base http.RoundTripper
}

// CloseIdleConnections serves the http.Client's method of this name.
func (t oauth) CloseIdleConnections() {
	(&http.Client{Transport: t.base}).CloseIdleConnections()
}

// grantTypeJWT is how prometheus/common names the grant of RFC 7523.
const grantTypeJWT = "urn:ietf:params:oauth:grant-type:jwt-bearer"

// secret returns where a secret comes from, nil when it is not given.
func secret(text, file string) promconfig.SecretReader {
	switch {
	case text != "":
		return promconfig.NewInlineSecret(text)
	case file != "":
		return promconfig.NewFileSecret(file)
	default:
		return nil
	}
}

// boundedDial makes connections that end after a while, and after so many bytes.
func boundedDial(dial promconfig.DialContextFunc) promconfig.DialContextFunc {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		end := time.Now().Add(tokenExchangeTime)
		ctx, cancel := context.WithDeadline(ctx, end)
		defer cancel()
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		if err := conn.SetDeadline(end); err != nil {
			_ = conn.Close() // it was of no use yet
			return nil, err  //nolint:wrapcheck // it becomes a failure of the network
		}
		return &boundedConn{Conn: conn, left: tokenExchangeBytes}, nil
	}
}

// boundedConn is a connection from which so many bytes can be read.
type boundedConn struct {
	net.Conn

	left int
}

// Read implements net.Conn.
func (c *boundedConn) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, errTooLarge
	}
	n, err := c.Conn.Read(p[:min(len(p), c.left)])
	c.left -= n
	return n, err
}

// noRedirect makes an http.Client follow no redirect, by hiding where it leads. With
// CheckRedirect, a Location that is no URL would pass for a broken connection.
type noRedirect struct {
	http.RoundTripper

	proxy func(*http.Request) (*url.URL, error) // nil without one
}

// RoundTrip implements http.RoundTripper.
func (t noRedirect) RoundTrip(req *http.Request) (*http.Response, error) {
	response, err := t.RoundTripper.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	response.Header.Del("Location")
	markProxied(req, response, t.proxy)
	return response, nil
}

// CloseIdleConnections serves the http.Client's method of this name.
func (t noRedirect) CloseIdleConnections() {
	(&http.Client{Transport: t.RoundTripper}).CloseIdleConnections()
}
