//go:build ignore

// Command judge evaluates alerting and recording rules on a recording, with Prometheus'
// own query engine and its own state of alerts, and writes down when each alert fired.
//
// Prometheus and promtool evaluate all rules at one time, then at the next. judge
// evaluates one rule at all times with a range query, then the rules that read it: the
// same answers, tens of times as soon. Rules that read what they record, as alerts do
// that mind whether they fire already, are evaluated one time after the other.
//
// It is built with tools.mod, which keeps the dependencies of Prometheus out of go.mod.
// Its files say ignore, as go mod tidy looks at all others.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"go.yaml.in/yaml/v3"
)

func main() {
	ruleFile := flag.String("rules", "", "file of rules, in the order of evaluation")
	start := flag.Int64("start", 0, "time of the first sample, in seconds since 1970")
	step := flag.Duration("step", time.Minute, "time between two samples")
	times := flag.Int("cost", 0, "write what one evaluation of each rule at the end costs, with this many times the accounts")
	flag.Parse()
	if err := run(*ruleFile, *start*1000, *step, *times, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "judge:", err)
		os.Exit(1)
	}
}

func run(ruleFile string, start int64, step time.Duration, times int, recording io.Reader, out io.Writer) error {
	rules, err := readRules(ruleFile)
	if err != nil {
		return err
	}
	s := newStore(start, step.Milliseconds())
	if err := s.read(recording); err != nil {
		return err
	}
	j := newJudge(s)
	for _, together := range order(rules) {
		if err := j.evaluate(context.Background(), together); err != nil {
			return err
		}
	}
	if times > 0 {
		all, err := newJudge(s.multiplied(times, rules)).costs(context.Background(), rules)
		return errors.Join(err, write(out, all))
	}
	return write(out, j.firings())
}

func write[T any](out io.Writer, all []T) error {
	encoder := json.NewEncoder(out)
	for _, one := range all {
		if err := encoder.Encode(one); err != nil {
			return fmt.Errorf("write the results: %w", err)
		}
	}
	return nil
}

// rule is a rule of a file.
type rule struct {
	Record string            `yaml:"record"`
	Alert  string            `yaml:"alert"`
	Expr   string            `yaml:"expr"`
	For    model.Duration    `yaml:"for"`
	Keep   model.Duration    `yaml:"keep_firing_for"`
	Labels map[string]string `yaml:"labels"`

	group    string
	interval time.Duration
	parsed   parser.Expr
}

func readRules(path string) ([]*rule, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read the rules: %w", err)
	}
	var file struct {
		Groups []struct {
			Name     string         `yaml:"name"`
			Interval model.Duration `yaml:"interval"`
			Rules    []*rule        `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("read the rules: %s: %w", path, err)
	}
	var all []*rule
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			if r.parsed, err = promql.ParseExpr(r.Expr); err != nil {
				return nil, fmt.Errorf("read the rules: %s%s: %w", r.Record, r.Alert, err)
			}
			r.group, r.interval = g.Name, time.Duration(g.Interval)
			all = append(all, r)
		}
	}
	return all, nil
}

var promql = parser.NewParser(parser.Options{})

// read reads a recording: on each line a series, a tab, and its values in promtool's
// notation: 1x3 is four times 1, _x3 is three times nothing.
func (s *store) read(r io.Reader) error {
	lines := bufio.NewReaderSize(r, 1<<20)
	for {
		line, err := lines.ReadString('\n')
		if errors.Is(err, io.EOF) {
			s.fill()
			return nil
		}
		if err != nil {
			return fmt.Errorf("read the recording: %w", err)
		}
		name, text, _ := strings.Cut(line, "\t")
		lset, err := promql.ParseMetric(name)
		if err != nil {
			return fmt.Errorf("read the recording: %w", err)
		}
		values, err := parseValues(text)
		if err != nil {
			return fmt.Errorf("read the recording: %s: %w", name, err)
		}
		s.add(lset, values)
	}
}

func parseValues(text string) ([]float64, error) {
	var values []float64
	for run := range strings.FieldsSeq(text) {
		value, times, repeated := strings.Cut(run, "x")
		n, v, err := 0, absent, error(nil)
		if repeated {
			if n, err = strconv.Atoi(times); err != nil {
				return nil, fmt.Errorf("times: %w", err)
			}
		}
		if value == "_" {
			n--
		} else if v, err = strconv.ParseFloat(value, 64); err != nil {
			return nil, fmt.Errorf("value: %w", err)
		}
		for range n + 1 {
			values = append(values, v)
		}
	}
	return values, nil
}

// order returns the rules in the order in which they are evaluated: each after those
// that it reads, and those together that read each other, or themselves.
func order(rules []*rule) [][]*rule {
	reads := make([][]int, len(rules))
	for n, r := range rules {
		for _, selected := range selectors(r.parsed) {
			for m, other := range rules {
				if other.writes(selected) {
					reads[n] = append(reads[n], m)
				}
			}
		}
	}
	return components(rules, reads)
}

func selectors(expr parser.Expr) (all []*parser.VectorSelector) {
	parser.Inspect(expr, func(node parser.Node, _ []parser.Node) error {
		if v, ok := node.(*parser.VectorSelector); ok {
			all = append(all, v)
		}
		return nil
	})
	return all
}

// writes tells whether a rule writes series that may be selected.
func (r *rule) writes(selected *parser.VectorSelector) bool {
	metric, alert := r.Record, ""
	if r.Alert != "" {
		metric, alert = "ALERTS", r.Alert
	}
	for _, m := range selected.LabelMatchers {
		switch m.Name {
		case labels.MetricName:
			if !m.Matches(metric) {
				return false
			}
		case labels.AlertName:
			if !m.Matches(alert) {
				return false
			}
		}
	}
	return true
}

// components are the strongly connected components of a graph, by Tarjan's algorithm:
// each comes after those that it reads.
func components(rules []*rule, reads [][]int) (all [][]*rule) {
	index, low, onStack := make([]int, len(rules)), make([]int, len(rules)), make([]bool, len(rules))
	var stack []int
	next := 1
	var visit func(n int)
	visit = func(n int) {
		index[n], low[n], onStack[n] = next, next, true
		next++
		stack = append(stack, n)
		for _, m := range reads[n] {
			if index[m] == 0 {
				visit(m)
				low[n] = min(low[n], low[m])
			} else if onStack[m] {
				low[n] = min(low[n], index[m])
			}
		}
		if low[n] != index[n] {
			return
		}
		found := make([]bool, len(rules))
		for m := -1; m != n; {
			m = stack[len(stack)-1]
			stack, onStack[m], found[m] = stack[:len(stack)-1], false, true
		}
		var together []*rule
		for m, r := range rules { // in their order in the file
			if found[m] {
				together = append(together, r)
			}
		}
		all = append(all, together)
	}
	for n := range rules {
		if index[n] == 0 {
			visit(n)
		}
	}
	return all
}
