package client

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// tunnelRefused is the error of a proxy that does not connect to the API.
type tunnelRefused struct{ status int }

func (tunnelRefused) Error() string { return "the proxy refuses the connection" }

// checkTunnel looks at what a proxy answers to CONNECT: net/http keeps no more of it
// than a text.
func checkTunnel(_ context.Context, _ *url.URL, _ *http.Request, response *http.Response) error {
	if response.StatusCode != http.StatusOK {
		return tunnelRefused{response.StatusCode}
	}
	return nil
}

// throughProxy is the body of an answer that came through a proxy in clear, so that
// the proxy itself may have written it.
type throughProxy struct{ io.ReadCloser }

// markProxied marks an answer that a proxy may have written.
func markProxied(req *http.Request, response *http.Response, proxy func(*http.Request) (*url.URL, error)) {
	if req.URL.Scheme != "http" || proxy == nil {
		return // nobody on the way can write an answer
	}
	if via, err := proxy(req); err == nil && via != nil {
		response.Body = throughProxy{response.Body}
	}
}

// blameProxy tells when it was a proxy that refused, and not the API.
func (e *Error) blameProxy(response *http.Response, err error) {
	var tunnel tunnelRefused
	proxied := false
	if response != nil {
		_, proxied = response.Body.(throughProxy)
	}
	switch {
	case errors.As(err, &tunnel):
		e.Status, e.Detail, e.Proxy = tunnel.status, "", "the proxy refuses the connection to the API"
	case proxied && e.Status == http.StatusProxyAuthRequired:
		e.Proxy = "the proxy refuses the request"
	case proxied && e.Status == http.StatusForbidden:
		e.Proxy = "the proxy refuses the request, or the API behind it does"
	}
	if e.Proxy != "" && e.Status == http.StatusProxyAuthRequired {
		e.Detail = "it wants a user and a password"
	}
}

// proxyDetail says of a broken connection that it was one to a proxy.
func proxyDetail(err error, detail string) string {
	var op *net.OpError
	switch {
	case !errors.As(err, &op):
		return detail
	case op.Op == "proxyconnect":
		return "of the proxy: " + detail
	case strings.HasPrefix(op.Op, "socks "):
		return "the proxy refuses it, or cannot reach the API"
	default:
		return detail
	}
}

// Remedy tells an operator what to do about the failure, in one phrase; it is empty
// where nothing has to be done.
func (e *Error) Remedy() string {
	switch {
	case e.Proxy == "":
		return e.Reason.Remedy()
	case e.Status == http.StatusProxyAuthRequired:
		return "put the user and the password of the proxy into its URL (proxy_url, or HTTPS_PROXY with an account in the environment)"
	default:
		return "let the proxy allow connections to the host of the API, or go without it"
	}
}
