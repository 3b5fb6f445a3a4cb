package config

import (
	"errors"
	"net"
	"net/url"
	"path"
	"strconv"
	"strings"
)

// apiURL reads a URL, fallback without one, and warns about plain http.
func (r *reader) apiURL(f map[string]place, key, fallback string) string {
	at, ok := f[key]
	if !ok {
		return fallback
	}
	return r.apiURLAt(at)
}

func (r *reader) apiURLAt(at place) string {
	text, ok := r.text(at)
	if !ok {
		return ""
	}
	u, err := parseAPIURL(text)
	if !r.check(at, err) {
		return ""
	}
	if sendsInClear(u) {
		r.warn(at, plainHTTP)
	}
	return u.String()
}

const plainHTTP = "is plain http: the token, which is in the path, can be read by everyone on the way; use https"

// sendsInClear tells whether what is sent to u leaves this machine unencrypted.
func sendsInClear(u *url.URL) bool {
	host := strings.ToLower(u.Hostname())
	loopback := host == "localhost" || strings.HasSuffix(host, ".localhost") || net.ParseIP(host).IsLoopback()
	return u.Scheme == "http" && !loopback
}

// parseAPIURL checks the base URL of an API and normalises it: lower-case host, no
// slash at its end. Its errors do not quote it.
func parseAPIURL(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case text == "":
		return nil, errors.New("is empty: give a URL, or leave it out")
	case err != nil: // whose text quotes the URL
		return nil, errors.New("is no URL: it must look like " + DefaultAPIURL)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("must begin with https:// (or http://)")
	case u.User != nil:
		return nil, errors.New("must not hold a user or a password: remove what is before the @")
	case strings.ContainsAny(text, "?#"):
		return nil, errors.New("must not hold a query or a fragment: remove everything from ? or # on")
	case u.Hostname() == "" || u.Opaque != "":
		return nil, errors.New("lacks a host: it must look like " + DefaultAPIURL)
	case strings.Trim(strings.ToLower(u.Hostname()), "abcdefghijklmnopqrstuvwxyz0123456789-._:") != "":
		return nil, errors.New("has a host with a character that no host name holds: write names in other alphabets as xn--…")
	case !validPort(u):
		return nil, errors.New("has a port that is none: ports are 1 to 65535")
	case strings.Contains(strings.ToLower(u.Path), "/wainstance"):
		return nil, errors.New("must end before /waInstance: the exporter appends that, the id and the token")
	}
	prefix := strings.TrimRight(u.EscapedPath(), "/")
	if prefix != "" && path.Clean(prefix) != prefix || strings.ContainsAny(prefix, `%\`) {
		return nil, errors.New("has a path prefix that is none: write it without //, /./, /../, spaces and escapes")
	}
	return &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host), Path: prefix}, nil
}

func validPort(u *url.URL) bool {
	if !strings.HasSuffix(u.Host, ":"+u.Port()) {
		return true // without any
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0
}
