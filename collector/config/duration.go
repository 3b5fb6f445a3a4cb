package config

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// ParseDuration reads a duration in Go's notation, and days and weeks (of 24 hours
// and of 7 days) before it, each a whole number: 90m, 7d, 1w2d12h. Its error does not
// quote the text.
func ParseDuration(text string) (time.Duration, error) {
	var sum time.Duration
	rest := text
	for _, unit := range []struct {
		name   string
		length time.Duration
	}{{"w", 7 * 24 * time.Hour}, {"d", 24 * time.Hour}} {
		count, after, ok := strings.Cut(rest, unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(count, 10, 12) // 4095 weeks fit into a Duration
		if err != nil {
			return 0, errDuration
		}
		sum += time.Duration(n) * unit.length
		rest = after
	}
	if rest == "" && text != "" {
		return sum, nil
	}
	d, err := time.ParseDuration(rest)
	if err != nil || sum > 0 && d < 0 || sum+d < sum && d > 0 {
		return 0, errDuration // that of time quotes the text
	}
	return sum + d, nil
}

var errDuration = errors.New("must be a duration with its units, such as 90m, 24h or 7d")

// ShortDuration gives a duration as people write it, without units that are 0.
func ShortDuration(d time.Duration) string {
	text := d.String() // such as 24h0m0s
	for _, zero := range []struct{ end, unit string }{{"m0s", "m"}, {"h0m", "h"}} {
		if short, ok := strings.CutSuffix(text, zero.end); ok {
			text = short + zero.unit
		}
	}
	return text
}
