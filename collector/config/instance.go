package config

import (
	"errors"
	"time"
	"unicode"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// instances reads the list; a faulty item takes its place in it all the same.
func (r *reader) instances(at place) []Instance {
	items := r.items(at)
	instances := make([]Instance, len(items))
	for i, item := range items {
		instances[i] = r.instance(item)
	}
	return instances
}

func (r *reader) instance(at place) Instance {
	f := r.fields(at, "id", "name", "api_url", "token_file", "token_env", "token", "window", "whole_read_interval", "number_prefixes", "collectors", "labels")
	if !isMapping(at.node) {
		return Instance{} // which is a fault already; what it lacks is not worth another
	}
	i := Instance{
		APIURL:            r.apiURL(f, "api_url", DefaultAPIURL),
		Token:             r.token(at, f),
		Window:            r.window(f),
		WholeReadInterval: r.wholeReadInterval(f),
		NumberPrefixes:    r.numberPrefixes(f),
		Collectors:        r.collectors(at, f),
		Labels:            r.labels(f),
	}
	id, ok := f["id"]
	if !ok {
		r.fault(at, "lacks its id: the idInstance that the GREEN-API console shows, as in id: \"1101000001\"")
	} else {
		i.ID = r.id(id)
	}
	i.Name = r.name(f, id, i.ID)
	return i
}

// id reads an idInstance and keeps it unique. It returns "" for a bad or repeated one.
func (r *reader) id(at place) string {
	id, ok := r.text(at)
	if !ok {
		return ""
	}
	// Unquoted digits are an integer to YAML, which is fine as long as both
	// readings agree: with a 0 in front it would be an octal one.
	plain := at.node.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) == 0
	if plain && CheckID(id) == nil && id[0] == '0' {
		r.fault(at, "begins with 0: write it in quotes")
		return ""
	}
	if err := CheckID(id); err != nil {
		r.fault(at, err.Error()+", best in quotes")
		return ""
	}
	if first, taken := r.ids[id]; taken {
		r.fault(at, "is the id of "+first.line()+" too: list each instance once")
		return ""
	}
	r.ids[id] = at
	return id
}

// name reads the target's name, by default the id, and keeps it unique.
func (r *reader) name(f map[string]place, idAt place, id string) string {
	at, named := f["name"]
	name := id
	if named {
		var ok bool
		if name, ok = r.text(at); !ok || !r.check(at, checkName(name)) {
			return ""
		}
	} else {
		at = idAt
	}
	if name == "" {
		return "" // for want of an id, which has its own fault
	}
	if first, taken := r.names[name]; taken {
		r.fault(at, "is taken by "+first.line()+": a name, by default the id, belongs to one instance, give another")
		return ""
	}
	r.names[name] = at
	return name
}

// CheckID checks an idInstance.
func CheckID(id string) error {
	ok := len(id) >= 5 && len(id) <= 20
	for _, c := range []byte(id) {
		ok = ok && '0' <= c && c <= '9'
	}
	if !ok {
		return errors.New("must be 5 to 20 digits and nothing else")
	}
	return nil
}

func checkName(name string) error {
	switch {
	case name == "":
		return errors.New("is empty: give a name, or remove the key")
	case utf8.RuneCountInString(name) > 128:
		return errors.New("is longer than 128 characters: shorten it")
	}
	for _, c := range name {
		if unicode.IsControl(c) {
			return errors.New("holds a control character, such as a line break: remove it")
		}
	}
	return nil
}

// window reads how far back to ask, by default what the flag says.
func (r *reader) window(f map[string]place) time.Duration {
	at, ok := f["window"]
	if !ok {
		return r.defaults.Window
	}
	window, ok := r.duration(at)
	if !ok || !r.check(at, CheckWindow(window)) {
		return 0
	}
	if window < advisedWindow {
		r.warn(at, shortWindow)
	}
	return window
}

// duration reads a duration.
func (r *reader) duration(at place) (time.Duration, bool) {
	text, ok := r.text(at)
	if !ok {
		return 0, false
	}
	d, err := ParseDuration(text)
	return d, r.check(at, err)
}

// maxWindow is the longest window, a year.
const maxWindow = 8760 * time.Hour

// A shorter window than this is warned about: scrapes are seldom so close.
const (
	advisedWindow = 5 * time.Minute
	shortWindow   = "is less than 5m: a record may take 2 minutes to show, so reads further apart than the window " +
		"less 2 minutes count as gaps, perhaps all of them; make it longer"
)

// CheckWindow tells what is wrong with a window, from the file or a flag, if
// anything: it must be whole minutes, because the API takes minutes, from 1m to
// 8760h.
func CheckWindow(window time.Duration) error {
	switch {
	case window < time.Minute || window > maxWindow:
		return errors.New("must be from 1m to 8760h (a year)")
	case window%time.Minute != 0:
		return errors.New("must be whole minutes: the API takes minutes")
	}
	return nil
}
