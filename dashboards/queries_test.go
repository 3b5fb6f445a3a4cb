package dashboards_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/dashboards"
)

// question is a query of a dashboard, and where it stands.
type question struct {
	where, expr string
	instant     bool

	panel *dashboards.Panel // that asks it; nil for variables and annotations
	field string            // what Grafana calls its value in a table
}

var (
	labelValues = regexp.MustCompile(`^label_values\((.+), (\w+)\)$`)
	madeLabel   = regexp.MustCompile(`[(,] ?"([a-z_]+)", `) // by label_replace, label_join or count_values
	queryResult = regexp.MustCompile(`^query_result\((.+)\)$`)
)

// questions returns the queries of all panels, variables and annotations.
func questions(t *testing.T, d dashboards.Dashboard) []question {
	t.Helper()
	var all []question
	for _, p := range shown(d) {
		for _, target := range p.Targets {
			field := "Value"
			if len(p.Targets) > 1 {
				field += " #" + target.RefID
			}
			all = append(all, question{p.Title + " " + target.RefID, target.Expr, target.Instant, &p, field})
		}
	}
	for _, v := range d.Templating.List {
		query, ok := v.Query.(dashboards.VariableQuery)
		if !ok {
			continue
		}
		if parts := queryResult.FindStringSubmatch(query.Query); parts != nil && query.QryType == 3 && query.Query == v.Definition {
			all = append(all, question{where: "result " + v.Name, expr: parts[1], instant: true})
			continue
		}
		parts := labelValues.FindStringSubmatch(query.Query)
		if parts == nil || parts[2] != v.Name || query.Query != v.Definition {
			t.Errorf("the variable %s asks for %q", v.Name, query.Query)
			continue
		}
		all = append(all, question{where: "variable " + v.Name, expr: parts[1], instant: true})
	}
	for _, a := range d.Annotations.List {
		if a.BuiltIn == 0 {
			if a.Target == nil || a.Target.Expr != a.Expr || a.Datasource.UID != "${datasource}" {
				t.Errorf("the annotation %s asks for %q and %+v", a.Name, a.Expr, a.Target)
			}
			all = append(all, question{where: "annotation " + a.Name, expr: a.Expr})
		}
	}
	return all
}

// TestQueriesAskForWhatThereIs holds that each metric in a query is exposed or
// recorded, and has the labels that it is selected by, with the values asked for.
func TestQueriesAskForWhatThereIs(t *testing.T) {
	t.Parallel()
	known, values := catalogue(t), exposedValues(t)
	for _, reason := range client.Reasons() { // of requests; no demo has them all
		values["reason"] = append(values["reason"], string(reason))
	}
	// A failed message has its reason as its status.
	values["status"] = append(values["status"], values["reason"]...)
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		for _, q := range questions(t, d) {
			parsed, err := parse(q.expr)
			if err != nil {
				t.Errorf("%s: %v", q.where, err)
				continue
			}
			labels := map[string]bool{}
			for _, s := range parsed.selectors {
				for _, m := range named(t, q, s, known) {
					for _, label := range m.labels {
						labels[label] = true
					}
					for _, by := range s.matchers {
						if by.label != "__name__" && !slices.Contains(m.labels, by.label) {
							t.Errorf("%s: %s has no label %s", q.where, s.metric, by.label)
						}
					}
				}
				checkValues(t, q, s, values)
			}
			for _, made := range madeLabel.FindAllStringSubmatch(q.expr, -1) {
				labels[made[1]] = true
			}
			for _, label := range parsed.groupings {
				if !labels[label] {
					t.Errorf("%s: groups by %s, which nothing in it has: %s", q.where, label, q.expr)
				}
			}
		}
	})
}

// named returns the metrics that a selector names.
func named(t *testing.T, q question, s selector, known map[string]metric) []metric {
	t.Helper()
	names := []string{s.metric}
	if by, ok := s.matcher("__name__"); ok {
		names = strings.Split(by.value, "|")
	}
	var found []metric
	for _, name := range names {
		m, ok := known[name]
		if !ok {
			t.Errorf("%s: there is no metric %q", q.where, name)
			continue
		}
		found = append(found, m)
	}
	return found
}

// checkValues holds that matchers ask for values that there are.
func checkValues(t *testing.T, q question, s selector, values map[string][]string) {
	t.Helper()
	for _, by := range s.matchers {
		if strings.Contains(by.value, "$") || by.label == "__name__" || strings.HasPrefix(s.metric, "ALERTS") || by.label == "le" {
			continue
		}
		for value := range strings.SplitSeq(by.value, "|") {
			if !slices.Contains(values[by.label], value) {
				t.Errorf("%s: no %s is %q", q.where, by.label, value)
			}
		}
	}
}

// TestQueriesAskForWhatIsChosen holds that the variables act on every selector:
// targets on what is scraped, accounts on what is about accounts, chats and media on
// what tells them apart.
func TestQueriesAskForWhatIsChosen(t *testing.T) {
	t.Parallel()
	known := catalogue(t)
	onlyGroups := "Group calls: participants A" // it shows groups, whatever chats are chosen
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		for _, q := range questions(t, d) {
			parsed, err := parse(q.expr)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range parsed.selectors {
				m := known[s.metric]
				for _, v := range d.Templating.List {
					isTarget := v.Name == "job" || v.Name == "instance" // which variables depend on, too
					isFixed := v.Name == "chat_type" && q.where == onlyGroups
					if slices.Contains(m.labels, v.Name) && !isFixed && (isTarget || !isVariable(q)) {
						wantChosen(t, q, s, v.Name)
					}
				}
				if !m.scraped && !m.account && s.metric != "" && !strings.HasPrefix(s.metric, "greenapi:threshold:") {
					t.Errorf("%s: no variable acts on %s", q.where, s.metric)
				}
			}
		}
	})
}

// isVariable reports whether a question is that of a variable's values.
func isVariable(q question) bool {
	return strings.HasPrefix(q.where, "variable ") || strings.HasPrefix(q.where, "result ")
}

func wantChosen(t *testing.T, q question, s selector, label string) {
	t.Helper()
	// Alerts about no account belong to all of them.
	if !s.matches(label, "=~", "$"+label) && !(strings.HasPrefix(s.metric, "ALERTS") && s.matches(label, "=~", "$"+label+"|")) {
		t.Errorf("%s: $%s does not act on %s", q.where, label, s.metric)
	}
}

// TestRatesAreOfCounters holds that no rate is taken of what can fall, that rates
// follow the zoom, and that no counter is shown raw.
func TestRatesAreOfCounters(t *testing.T) {
	t.Parallel()
	known := catalogue(t)
	windows := []string{"$__rate_interval", "$__interval", "$__range", "24h", "6h", "2h", "1h"}
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		for _, q := range questions(t, d) {
			parsed, err := parse(q.expr)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range parsed.selectors {
				counts := known[s.metric].kind == "counter"
				switch rated := slices.Contains([]string{"rate", "increase", "irate"}, s.function); {
				case rated && !counts:
					t.Errorf("%s: %s of %s, a %s", q.where, s.function, s.metric, known[s.metric].kind)
				case !rated && counts && !isVariable(q):
					t.Errorf("%s: the counter %s without a rate", q.where, s.metric)
				case s.function == "rate" && s.window != "$__rate_interval", s.function == "irate":
					t.Errorf("%s: %s over %q", q.where, s.function, s.window)
				case s.function == "increase" && !slices.Contains(windows, s.window):
					t.Errorf("%s: increase over %q", q.where, s.window)
				}
			}
		}
	})
}

// TestAccountsCountOnce holds that where two exporters watch an account, or one is
// scraped twice, no sum counts it twice: what is scraped of accounts is taken by max,
// and a sum is of the maxima by all labels. Requests are each exporter's own.
func TestAccountsCountOnce(t *testing.T) {
	t.Parallel()
	known := catalogue(t)
	perTarget := []string{"greenapi_api_requests_total", "greenapi_api_request_failures_total", "greenapi_api_response_bytes_total"}
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		for _, q := range questions(t, d) {
			parsed, err := parse(q.expr)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range parsed.selectors {
				m, depth := known[s.metric], len(s.aggregations)
				onlyChooses := strings.Contains(q.expr, " and on (id_instance) "+s.metric+"{") || strings.Contains(q.expr, " unless on (id_instance) "+s.metric+"{")
				if !m.account || !m.scraped || depth == 0 || onlyChooses {
					continue
				}
				innermost := s.aggregations[depth-1]
				// Of a native histogram there is no maximum: the average counts once, too.
				if slices.Contains([]string{"sum", "count"}, innermost.function) || innermost.function == "avg" && !m.native {
					t.Errorf("%s: %s of %s counts an account once for each exporter", q.where, innermost.function, s.metric)
				}
				if depth < 2 || s.aggregations[depth-2].function != "sum" {
					continue
				}
				for _, label := range m.labels {
					by, isMatched := s.matcher(label)
					isOne := isMatched && (by.op == "=" || label == "le") // a bucket, however its bound is written
					ofTarget := label == "job" || label == "instance" && !slices.Contains(perTarget, s.metric)
					if !isOne && !ofTarget && !slices.Contains(innermost.by, label) {
						t.Errorf("%s: of %s, the greatest whatever its %s is summed up", q.where, s.metric, label)
					}
				}
			}
		}
	})
}

// TestEveryStateHasItsText holds that the texts of states are those of the states
// that the collector exposes.
func TestEveryStateHasItsText(t *testing.T) {
	t.Parallel()
	exposed := make(map[string]bool)
	for _, state := range exposedValues(t)["state"] {
		exposed[state] = true
	}
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		for _, p := range shown(d) {
			for _, target := range p.Targets {
				asked := make(map[string]bool)
				for _, state := range regexp.MustCompile(`state="(\w+)"\}\) == 1\) \*`).FindAllStringSubmatch(target.Expr, -1) {
					asked[state[1]] = true
				}
				if len(asked) > 0 && !maps.Equal(asked, exposed) {
					t.Errorf("%s asks for the states %v, and there are %v", p.Title, asked, exposed)
				}
			}
		}
	})
}

// TestFormulasNameWhatThereIs holds that the metrics that a description names are
// exposed or recorded, too.
func TestFormulasNameWhatThereIs(t *testing.T) {
	t.Parallel()
	known := catalogue(t)
	names := regexp.MustCompile(`\b(?:greenapi|process|go|scrape|id_instance)[_:][\w:]+\b`)
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		for _, p := range shown(d) {
			for _, name := range names.FindAllString(p.Description, -1) {
				if _, ok := known[name]; !ok {
					t.Errorf("%s: there is no metric %s", p.Title, name)
				}
			}
		}
	})
}

// TestHistogramsAreAskedForInEachMode holds that a query that reads a part of a classic
// histogram reads the native one, too, which some servers store in its place, and uses
// no function that MetricsQL does not have.
func TestHistogramsAreAskedForInEachMode(t *testing.T) {
	t.Parallel()
	known := catalogue(t)
	part := regexp.MustCompile(`_(?:bucket|sum|count)$`)
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		for _, q := range questions(t, d) {
			parsed, err := parse(q.expr)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(q.expr, "histogram_sum(") || strings.Contains(q.expr, "histogram_count(") || strings.Contains(q.expr, "histogram_fraction(") {
				t.Errorf("%s: VictoriaMetrics does not know a function in %s", q.where, q.expr)
			}
			for _, s := range parsed.selectors {
				whole := part.ReplaceAllString(s.metric, "")
				isWhole := func(other selector) bool { return other.metric == whole }
				if whole != s.metric && known[whole].native && !slices.ContainsFunc(parsed.selectors, isWhole) {
					t.Errorf("%s: no answer without %s", q.where, s.metric)
				}
			}
		}
	})
}
