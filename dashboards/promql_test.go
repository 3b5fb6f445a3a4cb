package dashboards_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// query is what an expression uses. Whether it is right PromQL, promtool says, in
// the tests that have the build tag e2e.
type query struct {
	selectors []selector
	groupings []string // labels that it groups or joins by
}

// selector is a metric as an expression selects it.
type selector struct {
	metric   string // empty without a name
	matchers []matcher
	window   string // between brackets; empty for an instant
	function string // what it is an argument of

	aggregations []call // that it is within, the outermost first
}

// call is what brackets belong to: a function or an aggregation, or nothing.
type call struct {
	function string
	by       []string
}

type matcher struct{ label, op, value string }

func (s selector) matches(label, op, value string) bool {
	return slices.Contains(s.matchers, matcher{label, op, value})
}

func (s selector) matcher(label string) (matcher, bool) {
	n := slices.IndexFunc(s.matchers, func(m matcher) bool { return m.label == label })
	if n < 0 {
		return matcher{}, false
	}
	return s.matchers[n], true
}

var (
	tokens      = regexp.MustCompile(`^(?:\$__(?:rate_interval_ms|range_s|interval_ms|interval)|\$\{__from:[^}]*\}|"(?:[^"\\]|\\.)*"|\[[^\]]*\]|\{[^}]*\}|[a-zA-Z_:][\w:]*|\d[\w.]*|==|!=|>=|<=|[-+*/%^()<>,@])`)
	matchings   = regexp.MustCompile(`^\s*([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"\s*(?:,|$)`)
	operators   = []string{"and", "or", "unless", "bool", "offset"}
	aggregators = []string{"sum", "count", "avg", "max", "min", "topk", "bottomk", "count_values"}
	groupers    = []string{"by", "without", "on", "ignoring", "group_left", "group_right"}
)

// tokenize splits an expression, and fails where it is none.
func tokenize(expr string) ([]string, error) {
	var found []string
	open := 0
	for rest := strings.TrimSpace(expr); rest != ""; {
		token := tokens.FindString(rest)
		switch token {
		case "":
			return nil, fmt.Errorf("what is this: %s", rest)
		case "(":
			open++
		case ")":
			if open--; open < 0 {
				return nil, fmt.Errorf("a bracket too many before %s", rest)
			}
		}
		found = append(found, token)
		rest = strings.TrimSpace(rest[len(token):])
	}
	if open != 0 || len(found) == 0 {
		return nil, fmt.Errorf("%d brackets stay open in %q", open, expr)
	}
	return found, nil
}

// parse finds what an expression uses.
func parse(expr string) (query, error) {
	list, err := tokenize(expr)
	if err != nil {
		return query{}, err
	}
	at := func(n int) string {
		if 0 <= n && n < len(list) {
			return list[n]
		}
		return ""
	}
	// function is the one whose name stands at a place; none if it is an operator.
	function := func(n int) string {
		if name := at(n); regexp.MustCompile(`^[a-z_]+$`).MatchString(name) && !slices.Contains(operators, name) {
			return name
		}
		return ""
	}
	var q query
	calls := []call{{}}
	for n := 0; n < len(list); n++ {
		token := list[n]
		isName := regexp.MustCompile(`^[a-zA-Z_:]`).MatchString(token)
		switch {
		case token == "(":
			calls = append(calls, call{function: function(n - 1)})
		case token == ")":
			calls = calls[:len(calls)-1]
		case slices.Contains(groupers, token):
			c := call{function: function(n - 1)}
			for n += 2; at(n) != ")" && at(n) != ""; n++ {
				if list[n] != "," {
					c.by = append(c.by, list[n])
				}
			}
			q.groupings = append(q.groupings, c.by...)
			if at(n+1) == "(" {
				calls = append(calls, c)
				n++
			}
		case isName && (at(n+1) == "(" || slices.Contains(operators, token) || slices.Contains(groupers, at(n+1)) || n > 0 && list[n-1] == "@"):
		case isName, token[0] == '{':
			s := selector{function: calls[len(calls)-1].function}
			for _, c := range calls {
				if slices.Contains(aggregators, c.function) {
					s.aggregations = append(s.aggregations, c)
				}
			}
			if isName {
				s.metric = token
				n++
			}
			if braces := at(n); strings.HasPrefix(braces, "{") {
				if s.matchers, err = parseMatchers(braces); err != nil {
					return query{}, err
				}
				n++
			}
			if window := at(n); strings.HasPrefix(window, "[") {
				s.window = strings.Trim(window, "[]")
				n++
			}
			q.selectors = append(q.selectors, s)
			n--
		}
	}
	if len(q.selectors) == 0 {
		return query{}, fmt.Errorf("%s selects nothing", expr)
	}
	return q, nil
}

func parseMatchers(braces string) ([]matcher, error) {
	var matchers []matcher
	for rest := strings.Trim(braces, "{} "); rest != ""; {
		m := matchings.FindStringSubmatch(rest)
		if m == nil {
			return nil, fmt.Errorf("no matcher: %s", rest)
		}
		matchers = append(matchers, matcher{m[1], m[2], m[3]})
		rest = strings.TrimSpace(rest[len(m[0]):])
	}
	return matchers, nil
}

func TestParse(t *testing.T) {
	t.Parallel()
	got, err := parse(`sum by (a, b) (rate(x_total{c=~"$d", e!="f"}[$__rate_interval])) / (max(y offset 1w) > 0) or 0 * r:s:t[7d:1d] @ end() and on (g) {h="i"}`)
	if err != nil {
		t.Fatal(err)
	}
	want := query{
		selectors: []selector{
			{
				metric: "x_total", matchers: []matcher{{"c", "=~", "$d"}, {"e", "!=", "f"}}, window: "$__rate_interval",
				function: "rate", aggregations: []call{{"sum", []string{"a", "b"}}},
			},
			{metric: "y", function: "max", aggregations: []call{{function: "max"}}},
			{metric: "r:s:t", window: "7d:1d"},
			{matchers: []matcher{{"h", "=", "i"}}},
		},
		groupings: []string{"a", "b", "g"},
	}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(query{}, selector{}, matcher{}, call{})); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{"", "sum(x", "sum(x))", "x{a=b}", `x{a="b}`, "1 + 2", "x ; y", `x{a="b" c="d"}`} {
		if got, err := parse(bad); err == nil {
			t.Errorf("%q is taken for %v", bad, got)
		}
	}
}
