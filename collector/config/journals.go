package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// wholeReadInterval reads how often the whole window is read, by default what the flag
// says.
func (r *reader) wholeReadInterval(f map[string]place) time.Duration {
	at, ok := f["whole_read_interval"]
	if !ok {
		return r.defaults.WholeReadInterval
	}
	interval, ok := r.duration(at)
	if !ok || !r.check(at, CheckWholeReadInterval(interval)) {
		return 0
	}
	return interval
}

// CheckWholeReadInterval tells what is wrong with the time between whole reads, if
// anything.
func CheckWholeReadInterval(interval time.Duration) error {
	if interval < 0 || interval > maxWindow {
		return errors.New("must be from 0, for a whole read every time, to 8760h (a year), such as 15m")
	}
	return nil
}

// Bounds of the number prefixes: each of them makes series of its own, and none may
// tell who a person is.
const (
	maxPrefixes     = 20
	maxPrefixDigits = 6
)

// numberPrefixes reads the destinations to count by: a list, or a text such as the flag
// takes. By default, they are those of the flag.
func (r *reader) numberPrefixes(f map[string]place) []string {
	at, ok := f["number_prefixes"]
	if !ok {
		return slices.Clone(r.defaults.NumberPrefixes)
	}
	if at.node.Kind == yaml.ScalarNode && !isEmpty(at.node) {
		prefixes := SplitNumberPrefixes(at.node.Value)
		r.check(at, CheckNumberPrefixes(prefixes))
		return prefixes
	}
	prefixes := []string{}
	for _, item := range r.items(at) {
		if prefix, ok := r.text(item); ok && r.check(item, CheckNumberPrefixes([]string{prefix})) {
			prefixes = append(prefixes, prefix)
		}
	}
	r.check(at, CheckNumberPrefixes(prefixes))
	return prefixes
}

// SplitNumberPrefixes reads prefixes that are separated by commas.
func SplitNumberPrefixes(text string) []string {
	var prefixes []string
	for prefix := range strings.SplitSeq(text, ",") {
		if prefix = strings.TrimSpace(prefix); prefix != "" {
			prefixes = append(prefixes, prefix)
		}
	}
	return prefixes
}

// CheckNumberPrefixes tells what is wrong with a list of number prefixes, if anything:
// there are at most 20, each has 1 to 6 digits, and none stands twice.
func CheckNumberPrefixes(prefixes []string) error {
	if len(prefixes) > maxPrefixes {
		return fmt.Errorf("has more than %d prefixes: each makes series of its own, so name the most important", maxPrefixes)
	}
	for i, prefix := range prefixes {
		digits := strings.IndexFunc(prefix, func(c rune) bool { return c < '0' || c > '9' }) < 0
		if !digits || len(prefix) < 1 || len(prefix) > maxPrefixDigits {
			return fmt.Errorf("must be prefixes of 1 to %d digits, without + and 00, such as 49 or 972", maxPrefixDigits)
		}
		if slices.Contains(prefixes[:i], prefix) {
			return errors.New("has the same prefix twice: remove one of them")
		}
	}
	return nil
}
