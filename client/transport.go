package client

import (
	"fmt"
	"net/http"

	promconfig "github.com/prometheus/common/config"
)

// HTTPClient sends requests. [*http.Client] is one; it must not follow redirects.
type HTTPClient interface {
	Do(req *http.Request) (*http.Response, error)
}

// maxResponseHeader bounds the headers of an answer, in bytes.
const maxResponseHeader = 64 << 10

// NewHTTPClient makes the HTTP client that all instances share, from the
// configuration that Prometheus users know (proxy, TLS, …).
//
// Whatever that says, redirects are not followed (Location and Referer would
// carry the token to another place) and HTTP/2 is off: on large bodies it costs
// more processor time than HTTP/1.1. Idle connections are kept for as many
// requests as may be under way at once. A nil dial connects over the network.
func NewHTTPClient(cfg promconfig.HTTPClientConfig, concurrency int, dial promconfig.DialContextFunc) (*http.Client, error) {
	cfg.EnableHTTP2 = false
	options := []promconfig.HTTPClientOption{promconfig.WithHTTP2Disabled()}
	if dial != nil {
		options = append(options, promconfig.WithDialContextFunc(dial))
	}
	c, err := promconfig.NewClientFromConfig(cfg, "greenapi", options...)
	if err != nil {
		return nil, fmt.Errorf("make the HTTP client: %w", err)
	}
	// The transport can be reached unless the configuration wraps it (credentials,
	// TLS files that are read again); there, prometheus/common's own bound of 1,000
	// idle connections a host serves.
	if transport, ok := c.Transport.(*http.Transport); ok {
		transport.MaxIdleConns = 0
		transport.MaxIdleConnsPerHost = concurrency * waitingPerBody
		transport.MaxResponseHeaderBytes = maxResponseHeader
	}
	c.Transport = noRedirect{c.Transport}
	return c, nil
}

// noRedirect makes an http.Client follow no redirect, by hiding where it leads. With
// CheckRedirect, a Location that is no URL would pass for a broken connection.
type noRedirect struct{ http.RoundTripper }

// RoundTrip implements http.RoundTripper.
func (t noRedirect) RoundTrip(req *http.Request) (*http.Response, error) {
	response, err := t.RoundTripper.RoundTrip(req)
	if err != nil {
		return nil, err //nolint:wrapcheck // what it is decides the reason of the failure
	}
	response.Header.Del("Location")
	return response, nil
}

// CloseIdleConnections serves the http.Client's method of this name.
func (t noRedirect) CloseIdleConnections() {
	(&http.Client{Transport: t.RoundTripper}).CloseIdleConnections()
}
