package config

import (
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
)

// Partner is an account at GREEN-API that owns instances and can list them.
type Partner struct {
	APIURL          string // whom to ask for the list; as an Instance's
	Token           client.TokenSource
	RefreshInterval time.Duration // how often to ask, at least 1m; by default 5m

	// InstanceAPIURLs are the places of instances, by the digits that their ids
	// begin with. See InstanceAPIURL.
	InstanceAPIURLs map[string]string
	// Include and Exclude select instances: each element is an id, or the
	// beginning of ids followed by *. See Selects.
	Include, Exclude []string

	Window            time.Duration     // of every instance listed; as an Instance's
	WholeReadInterval time.Duration     // the same
	NumberPrefixes    []string          // the same
	Collectors        []string          // of every instance listed; as an Instance's
	Labels            map[string]string // of every instance listed; may be nil
}

// InstanceAPIURL returns where to ask the instance: the URL of the longest prefix
// of its id in InstanceAPIURLs, or else the partner's own.
func (p *Partner) InstanceAPIURL(id string) string {
	for end := len(id); end > 0; end-- {
		if url, ok := p.InstanceAPIURLs[id[:end]]; ok {
			return url
		}
	}
	return p.APIURL
}

// Selects tells whether the instance is wanted: it is in Include, or that is empty,
// and it is not in Exclude.
func (p *Partner) Selects(id string) bool {
	matches := func(pattern string) bool {
		prefix, many := strings.CutSuffix(pattern, "*")
		return pattern == id || many && strings.HasPrefix(id, prefix)
	}
	included := len(p.Include) == 0 || slices.ContainsFunc(p.Include, matches)
	return included && !slices.ContainsFunc(p.Exclude, matches)
}

func (r *reader) partner(at place) *Partner {
	f := r.fields(at, "api_url", "token_file", "token_env", "token", "refresh_interval", "instance_api_url",
		"include", "exclude", "window", "whole_read_interval", "number_prefixes", "collectors", "labels")
	if !isMapping(at.node) {
		return &Partner{} // which is a fault already
	}
	return &Partner{
		APIURL:            r.apiURL(f, "api_url", DefaultAPIURL),
		Token:             r.token(at, f),
		RefreshInterval:   r.refreshInterval(f),
		InstanceAPIURLs:   r.instanceAPIURLs(f),
		Include:           r.selection(f, "include"),
		Exclude:           r.selection(f, "exclude"),
		Window:            r.window(f),
		WholeReadInterval: r.wholeReadInterval(f),
		NumberPrefixes:    r.numberPrefixes(f),
		Collectors:        r.collectors(at, f),
		Labels:            r.labels(f),
	}
}

func (r *reader) refreshInterval(f map[string]place) time.Duration {
	at, ok := f["refresh_interval"]
	if !ok {
		return 5 * time.Minute
	}
	interval, ok := r.duration(at)
	if ok && interval < time.Minute {
		r.fault(at, "must be at least 1m: the list of instances changes seldom")
	}
	return interval
}

// instanceAPIURLs reads URLs by the prefix of an id; nil when there are none.
func (r *reader) instanceAPIURLs(f map[string]place) map[string]string {
	at, ok := f["instance_api_url"]
	if !ok {
		return nil
	}
	var urls map[string]string
	for _, e := range r.entries(at) {
		if !isIDPrefix(e.key) {
			r.fault(e.at, "is no prefix of an id: its keys are 1 to 20 digits that ids begin with, in quotes")
		}
		if urls == nil {
			urls = map[string]string{}
		}
		urls[e.key] = r.apiURLAt(e.value)
	}
	return urls
}

// selection reads a list of ids and prefixes of ids.
func (r *reader) selection(f map[string]place, key string) []string {
	at, ok := f[key]
	if !ok {
		return nil
	}
	var patterns []string
	if isNone(at.node) {
		r.fault(at, "is empty: list ids, or remove the key")
	}
	for _, item := range r.items(at) {
		text, ok := r.text(item)
		if ok && r.check(item, checkPattern(text)) {
			patterns = append(patterns, text)
		}
	}
	return patterns
}

// checkPattern checks an element of include or exclude. A prefix needs its * because
// ids differ in length: an id of 10 digits may begin another of 12.
func checkPattern(pattern string) error {
	prefix, many := strings.CutSuffix(pattern, "*")
	if many && isIDPrefix(prefix) || !many && CheckID(pattern) == nil {
		return nil
	}
	return errors.New("must be an id of 5 to 20 digits, or the digits that ids begin with and a *, as in \"7105*\"")
}

func isIDPrefix(text string) bool {
	return text != "" && len(text) <= 20 && strings.Trim(text, "0123456789") == ""
}
