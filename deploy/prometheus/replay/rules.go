package replay

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Rules are the rules of Prometheus, in the order in which they are evaluated.
type Rules struct {
	groups []group
}

type group struct {
	Name     string `yaml:"name"`
	Interval string `yaml:"interval,omitempty"`
	Rules    []rule `yaml:"rules"`
}

// rule leaves annotations out: they are texts, and cost as much as the rules.
type rule struct {
	Record string            `yaml:"record,omitempty"`
	Alert  string            `yaml:"alert,omitempty"`
	Expr   string            `yaml:"expr"`
	For    string            `yaml:"for,omitempty"`
	Keep   string            `yaml:"keep_firing_for,omitempty"`
	Labels map[string]string `yaml:"labels,omitempty"`
}

// ReadRules reads the rule files of a folder. Groups that alerts read come before them.
func ReadRules(folder string) (*Rules, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.yml"))
	if err != nil || len(paths) == 0 {
		return nil, fmt.Errorf("no rules in %s: %w", folder, err)
	}
	r := new(Rules)
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read the rules: %w", err)
		}
		var file struct {
			Groups []group `yaml:"groups"`
		}
		if err := yaml.Unmarshal(text, &file); err != nil {
			return nil, fmt.Errorf("read the rules: %s: %w", path, err)
		}
		r.groups = append(r.groups, file.Groups...)
	}
	// By name, the groups of alerts come before some that they read, and
	// greenapi-thresholds, which all read, comes last.
	rank := func(g group) int {
		switch {
		case g.Name == "greenapi-thresholds", g.Name == "greenapi-records-sums":
			return 0
		case strings.HasPrefix(g.Name, "greenapi-records-"):
			return 1
		case g.Rules[0].Alert == "":
			return 2
		}
		return 3
	}
	slices.SortStableFunc(r.groups, func(a, b group) int { return rank(a) - rank(b) })
	return r, nil
}

// Without returns the rules less some groups.
func (r *Rules) Without(names ...string) *Rules {
	return &Rules{groups: slices.DeleteFunc(slices.Clone(r.groups), func(g group) bool { return slices.Contains(names, g.Name) })}
}

// And returns the rules and one more recording rule, in a group of its own.
func (r *Rules) And(name, record, expr string) *Rules {
	return &Rules{groups: append(slices.Clone(r.groups), group{Name: name, Rules: []rule{{Record: record, Expr: expr}}})}
}

// Severities returns the severity of each alert, by its name.
func (r *Rules) Severities() map[string]string {
	all := make(map[string]string)
	for _, g := range r.groups {
		for _, rule := range g.Rules {
			if rule.Alert != "" {
				all[rule.Alert] = rule.Labels["severity"]
			}
		}
	}
	return all
}

var (
	selector = regexp.MustCompile(`([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(?:\{([^}]*)\})?`)
	matching = regexp.MustCompile(`(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"`)
)

// Needed returns the alerts, and the records that they need.
func (r *Rules) Needed() *Rules {
	needed := make(map[string]bool)
	for before := -1; before < len(needed); {
		before = len(needed)
		for _, g := range r.groups {
			for _, rule := range g.Rules {
				if rule.Alert == "" && !needed[rule.Record] {
					continue
				}
				for _, s := range selector.FindAllStringSubmatch(rule.Expr, -1) {
					needed[s[1]] = true
				}
			}
		}
	}
	kept := new(Rules)
	for _, g := range r.groups {
		g.Rules = slices.DeleteFunc(slices.Clone(g.Rules), func(rule rule) bool {
			return rule.Alert == "" && !needed[rule.Record]
		})
		if len(g.Rules) > 0 {
			kept.groups = append(kept.groups, g)
		}
	}
	return kept
}

// Reads tells of a series, given as metric{label="value",…}, whether a rule reads it.
func (r *Rules) Reads() func(series string) bool {
	selectors := r.selectors()
	return func(series string) bool {
		metric, labels, _ := strings.Cut(series, "{")
		return slices.ContainsFunc(selectors[metric], func(matchers string) bool { return matches(matchers, labels) })
	}
}

// selectors returns the matchers of each selector of a metric, by the metric.
func (r *Rules) selectors() map[string][]string {
	all := make(map[string][]string)
	for _, g := range r.groups {
		for _, rule := range g.Rules {
			for _, s := range selector.FindAllStringSubmatch(rule.Expr, -1) {
				if !slices.Contains(all[s[1]], s[2]) {
					all[s[1]] = append(all[s[1]], s[2])
				}
			}
		}
	}
	return all
}

func matches(matchers, labels string) bool {
	for _, m := range matching.FindAllStringSubmatch(matchers, -1) {
		var value string
		if _, after, ok := strings.Cut(","+labels, ","+m[1]+`="`); ok {
			value, _, _ = strings.Cut(after, `"`)
		}
		equal := value == m[3]
		if strings.HasSuffix(m[2], "~") {
			pattern := strings.ReplaceAll(m[3], `\\`, `\`) // the escapes of PromQL's strings
			equal = regexp.MustCompile("^(?:" + pattern + ")$").MatchString(value)
		}
		if equal == strings.HasPrefix(m[2], "!") {
			return false
		}
	}
	return true
}
