package prometheus_test

import (
	"regexp"
	"slices"
	"strings"
)

// selector is a metric as an expression selects it.
type selector struct {
	metric   string
	matchers []matcher
}

type matcher struct{ label, op, value string }

var (
	comments  = regexp.MustCompile(`(?m)#.*$`)
	ranges    = regexp.MustCompile(`\[[^\]]*\]`)
	offsets   = regexp.MustCompile(`\boffset\s+\w+`)
	groupings = regexp.MustCompile(`\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)`)
	selectors = regexp.MustCompile(`"(?:[^"\\]|\\.)*"|([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\{[^}]*\})?\s*(\()?`)
	matchings = regexp.MustCompile(`([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"`)
	keywords  = []string{"and", "or", "unless", "bool", "by", "without", "on", "ignoring", "group_left", "group_right", "offset", "Inf"}
)

// parse finds the selectors of an expression and the labels that it groups by. It
// knows as much of PromQL as the rules use; promtool says whether they are right.
func parse(expr string) (found []selector, labels []string) {
	expr = comments.ReplaceAllString(expr, "")
	for _, grouping := range groupings.FindAllStringSubmatch(expr, -1) {
		for label := range strings.SplitSeq(grouping[1], ",") {
			if label = strings.TrimSpace(label); label != "" {
				labels = append(labels, label)
			}
		}
	}
	expr = groupings.ReplaceAllString(expr, "")
	expr = ranges.ReplaceAllString(expr, "")
	expr = offsets.ReplaceAllString(expr, "")
	for _, at := range selectors.FindAllStringSubmatchIndex(expr, -1) {
		if at[2] < 0 || at[6] >= 0 { // a string, a function
			continue
		}
		name := expr[at[2]:at[3]]
		isUnit := at[0] > 0 && strings.Contains("0123456789", expr[at[0]-1:at[0]])
		if isUnit || slices.Contains(keywords, name) {
			continue
		}
		s := selector{metric: name}
		if at[4] >= 0 {
			for _, m := range matchings.FindAllStringSubmatch(expr[at[4]:at[5]], -1) {
				s.matchers = append(s.matchers, matcher{label: m[1], op: m[2], value: m[3]})
			}
		}
		found = append(found, s)
	}
	return found, labels
}
