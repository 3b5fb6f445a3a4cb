package replay

import (
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// WriteImport writes a recording as VictoriaMetrics imports it: a line of JSON for each
// series.
func (r *Recording) WriteImport(w io.Writer) error {
	lines := json.NewEncoder(w)
	for name, t := range r.series {
		if t == nil {
			continue
		}
		t.flush()
		var line struct {
			Metric     map[string]string `json:"metric"`
			Values     []float64         `json:"values"`
			Timestamps []int64           `json:"timestamps"`
		}
		metric, labels, _ := strings.Cut(name, "{")
		line.Metric = map[string]string{"__name__": metric}
		for _, l := range label.FindAllStringSubmatch(labels, -1) {
			line.Metric[l[1]] = l[2]
		}
		scrape := 0
		for run := range strings.FieldsSeq(t.done.String()) {
			text, times, repeated := strings.Cut(run, "x")
			n, err := 0, error(nil)
			if repeated {
				if n, err = strconv.Atoi(times); err != nil {
					return fmt.Errorf("read the recording: %w", err)
				}
			}
			if text == "_" {
				scrape += n
				continue
			}
			value, err := strconv.ParseFloat(text, 64)
			if err != nil {
				return fmt.Errorf("read the recording: %w", err)
			}
			for range n + 1 {
				if value == value { // JSON has no NaN
					line.Values = append(line.Values, value)
					line.Timestamps = append(line.Timestamps, r.Start.Add(time.Duration(scrape)*r.Step).UnixMilli())
				}
				scrape++
			}
		}
		if err := lines.Encode(line); err != nil {
			return fmt.Errorf("write the recording: %w", err)
		}
	}
	return nil
}

// metricName finds what may be the name of a metric in an expression.
var metricName = regexp.MustCompile(`[a-zA-Z_:][a-zA-Z0-9_:]*`)

// Levels returns the rules in files of their own, in the order in which they have to be
// evaluated: none reads what a later one, or one beside it, records. They are evaluated
// every step.
func (r *Rules) Levels(step time.Duration) ([][]byte, error) {
	level := make(map[string]int) // by what is recorded
	for changed := true; changed; {
		changed = false
		for _, g := range r.groups {
			for _, rule := range g.Rules {
				if n := rule.level(level); rule.Record != "" && level[rule.Record] < n {
					level[rule.Record] = n
					changed = true
				}
			}
		}
	}
	var files []map[string][]group
	for _, g := range r.groups {
		byLevel := make(map[int][]rule)
		for _, rule := range g.Rules {
			n := rule.level(level)
			byLevel[n] = append(byLevel[n], rule)
		}
		for n, rules := range byLevel {
			for len(files) < n {
				files = append(files, map[string][]group{})
			}
			files[n-1]["groups"] = append(files[n-1]["groups"], group{Name: g.Name, Interval: step.String(), Rules: rules})
		}
	}
	texts := make([][]byte, 0, len(files))
	for _, file := range files {
		text, err := yaml.Marshal(file)
		if err != nil {
			return nil, fmt.Errorf("write the rules: %w", err)
		}
		texts = append(texts, text)
	}
	return texts, nil
}

// level is one more than that of the highest record that a rule reads, but its own.
func (r rule) level(known map[string]int) int {
	highest := 0
	for _, name := range metricName.FindAllString(r.Expr, -1) {
		if name != r.Record {
			highest = max(highest, known[name])
		}
	}
	return highest + 1
}
