package config

import (
	"maps"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	promconfig "github.com/prometheus/common/config"
	"go.yaml.in/yaml/v3"
)

// httpClient reads how to connect. The place may be none.
//
// The library's own decoder is lenient or quotes values, so the nodes are first
// compared with the fields of its type: after that, only what its Validate says
// is left to go wrong.
func (r *reader) httpClient(at place) promconfig.HTTPClientConfig {
	var c promconfig.HTTPClientConfig
	if at.node == nil {
		r.proxyWarning(at)
		return c
	}
	faults := len(r.faults)
	r.shape(at, reflect.TypeFor[promconfig.HTTPClientConfig](), "")
	if len(r.faults) > faults || r.structural {
		return c
	}
	if err := at.node.Decode(&c); err != nil {
		r.fault(at, validationMessage(err, at.node))
		return c
	}
	c.SetDirectory(r.folder)
	if c.OAuth2 != nil { // which the library forgets
		c.OAuth2.ClientCertificateKeyFile = promconfig.JoinDir(r.folder, c.OAuth2.ClientCertificateKeyFile)
	}
	r.proxyWarning(at)
	r.httpClientWarnings(at, &c)
	if key, given := r.below(at, "tls_config"); given {
		if _, err := promconfig.NewTLSConfig(&c.TLSConfig); err != nil { // whose text quotes paths
			r.fault(key, "cannot be used: certificates and keys must be PEM, come in pairs that belong together, "+
				"and min_version must not be above max_version")
		}
	}
	c.FollowRedirects, c.EnableHTTP2 = false, false
	return c
}

// below finds the value of a key of a mapping that is known to be sound.
func (r *reader) below(at place, key string) (place, bool) {
	for _, e := range r.entries(at) {
		if e.key == key {
			return e.value, true
		}
	}
	return place{}, false
}

// httpClientWarnings warns about what is asked for and not done, and about what is
// done and dangerous.
func (r *reader) httpClientWarnings(at place, c *promconfig.HTTPClientConfig) {
	if key, given := r.below(at, "follow_redirects"); given && c.FollowRedirects {
		r.warn(key, "stays false: a redirect would carry the token, which is in the path, elsewhere; remove the key")
	}
	if key, given := r.below(at, "enable_http2"); given && c.EnableHTTP2 {
		r.warn(key, "stays false: HTTP/2 is slower for large journals; remove the key")
	}
	if key, given := r.below(at, "tls_config"); given && c.TLSConfig.InsecureSkipVerify {
		r.warn(key, "turns the verification of certificates off: anybody on the way can read the tokens; set ca_file instead")
	}
}

// validationMessage is the text of the library's Validate, unless it might hold a
// value of the subtree.
func validationMessage(err error, node *yaml.Node) string {
	text := err.Error()
	if strings.HasPrefix(text, "yaml:") || holdsValue(text, node) { // yaml's own texts quote at will
		return "is not valid: compare it with http_config in the documentation of Prometheus"
	}
	return "is not valid: " + text
}

// holdsValue tells whether a scalar of the subtree, as it is or escaped, is in the text.
func holdsValue(text string, node *yaml.Node) bool {
	if node.Kind == yaml.ScalarNode && node.Value != "" {
		escaped := strings.Trim(strconv.Quote(node.Value), `"`)
		return strings.Contains(text, node.Value) || strings.Contains(text, escaped)
	}
	for i, child := range node.Content {
		isKey := node.Kind == yaml.MappingNode && i%2 == 0 && child.Kind == yaml.ScalarNode
		if !isKey && holdsValue(text, child) {
			return true
		}
	}
	return false
}

// shape compares a node with the type it is to be decoded into. The key is the
// field's, "" for what the user names.
func (r *reader) shape(at place, t reflect.Type, key string) {
	switch {
	case t == reflect.TypeFor[promconfig.URL]():
		r.proxyURL(at)
	case t == reflect.TypeFor[promconfig.TLSVersion]():
		r.tlsVersion(at)
	case t.Kind() == reflect.Pointer:
		r.shape(at, t.Elem(), key)
	case t.Kind() == reflect.Struct:
		r.structShape(at, t)
	case t.Kind() == reflect.Map:
		for _, e := range r.entries(at) {
			r.shape(e.value, t.Elem(), "")
		}
	case t.Kind() == reflect.Slice:
		for _, item := range r.items(at) {
			r.shape(item, t.Elem(), key)
		}
	case t.Kind() == reflect.String:
		r.httpText(at, key)
	case t.Kind() == reflect.Bool:
		if at.node.ShortTag() != "!!bool" && at.node.Kind != yaml.AliasNode {
			r.fault(at, "must be true or false, without quotes")
		}
	case t.Kind() == reflect.Interface: // anything goes
	default:
		r.fault(at, "is not supported by this exporter: remove the key")
	}
}

func (r *reader) structShape(at place, t reflect.Type) {
	fields, rest := yamlFields(t)
	if rest != nil {
		r.shape(at, rest, "")
		return
	}
	read := r.fields(at, slices.Collect(maps.Keys(fields))...)
	for _, key := range slices.Sorted(maps.Keys(read)) {
		r.shape(read[key], fields[key], key)
	}
}

// yamlFields returns the keys of a struct, as yaml reads its tags, and the type of
// a map that takes every other key, if it has one.
func yamlFields(t reflect.Type) (fields map[string]reflect.Type, rest reflect.Type) {
	fields = map[string]reflect.Type{}
	for i := range t.NumField() {
		field := t.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		switch {
		case !field.IsExported():
		case options == "inline" && field.Type.Kind() == reflect.Map:
			rest = field.Type
		case options == "inline":
			inlined, _ := yamlFields(field.Type)
			maps.Copy(fields, inlined)
		case name != "":
			fields[name] = field.Type
		}
	}
	return fields, rest
}

// maxNamedFile bounds the files that http_client names, in bytes: bundles of all
// authorities of the world take 200 KiB.
const maxNamedFile = 4 << 20

// httpText reads a string, and looks whether a file is there if it names one.
func (r *reader) httpText(at place, key string) {
	text, ok := r.text(at)
	switch {
	case !ok:
	case strings.HasSuffix(key, "_ref"):
		r.fault(at, "is not supported, for there is no secret manager: use the key that ends in _file")
	case text != "" && (strings.HasSuffix(key, "_file") || key == "files"):
		if err := CheckReadable(promconfig.JoinDir(r.folder, text), maxNamedFile); err != nil {
			r.fault(at, "names a file that "+err.Error()+" ("+shownPath(r.folder, text, "")+")")
		}
	}
}

// proxyWarning warns of a proxy in the environment that is not used. Prometheus does
// not use it either, unless it is told to, but most other programs do.
func (r *reader) proxyWarning(at place) {
	if at.node != nil {
		for _, key := range []string{"proxy_url", "proxy_from_environment"} {
			if _, given := r.below(at, key); given {
				return
			}
		}
	}
	for _, name := range []string{"HTTPS_PROXY", "https_proxy"} {
		if value, _ := r.lookup(name); value != "" {
			r.warnings = append(r.warnings, Warning{Path: name, Message: "is set, but not used: " +
				"set proxy_from_environment: true under http_client to go through this proxy, or false to go without it and without this warning"})
			return
		}
	}
}

func (r *reader) proxyURL(at place) {
	text, ok := r.text(at)
	if !ok || text == "" {
		return
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || !slices.Contains([]string{"http", "https", "socks5", "socks5h"}, u.Scheme) {
		r.fault(at, "is no URL of a proxy: it must begin with http://, https://, socks5:// or socks5h://, and have a host")
	}
}

func (r *reader) tlsVersion(at place) {
	text, ok := r.text(at)
	if _, known := promconfig.TLSVersions[text]; ok && !known {
		r.fault(at, "is no TLS version: the versions are TLS10, TLS11, TLS12 and TLS13")
	}
}
