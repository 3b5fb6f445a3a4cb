//go:build ignore

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	engine "github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
)

// judge evaluates rules on what a store holds, and adds what they record.
type judge struct {
	store  *store
	engine *engine.Engine
	lifted int // expressions
}

func newJudge(s *store) *judge {
	step := time.Duration(s.step) * time.Millisecond
	return &judge{store: s, engine: engine.NewEngine(engine.EngineOpts{
		MaxSamples: 1 << 40, Timeout: time.Hour, EnableAtModifier: true, EnableNegativeOffset: true, Parser: promql,
		// What the step before recorded is seen, as it is when rules are evaluated every minute.
		LookbackDelta:            max(5*time.Minute, step+time.Second),
		NoStepSubqueryIntervalFn: func(int64) int64 { return s.step },
	})}
}

// evaluate evaluates rules that read each other, or one that does not read itself.
func (j *judge) evaluate(ctx context.Context, together []*rule) error {
	single := together[0]
	if len(together) > 1 || slices.ContainsFunc(selectors(single.parsed), single.writes) {
		return j.stepwise(ctx, together)
	}
	matrix, err := j.query(ctx, single.Expr)
	if err != nil {
		return fmt.Errorf("%s%s: %w", single.Record, single.Alert, err)
	}
	if single.Record != "" {
		return j.record(single.Record, single.Labels, matrix)
	}
	return j.alert(ctx, single, matrix)
}

// query evaluates an expression at all steps.
func (j *judge) query(ctx context.Context, expr string) (engine.Matrix, error) {
	s := j.store
	q, err := j.engine.NewRangeQuery(ctx, s, nil, expr, time.UnixMilli(s.at(0)), time.UnixMilli(s.at(s.steps-1)), time.Duration(s.step)*time.Millisecond)
	if err != nil {
		return nil, err
	}
	defer q.Close()
	matrix, err := q.Exec(ctx).Matrix()
	if err != nil {
		return nil, err
	}
	// Close takes the samples back.
	kept := make(engine.Matrix, len(matrix))
	for n, m := range matrix {
		kept[n] = engine.Series{Metric: m.Metric, Floats: slices.Clone(m.Floats)}
	}
	return kept, nil
}

// record adds what a rule records. Results that differ by their name alone are of one
// series, at different times.
func (j *judge) record(name string, extra map[string]string, matrix engine.Matrix) error {
	recorded := make(map[uint64]*series)
	for _, m := range matrix {
		b := labels.NewBuilder(m.Metric).Set(labels.MetricName, name)
		for label, text := range extra {
			b.Set(label, text)
		}
		lset := b.Labels()
		s := recorded[lset.Hash()]
		if s == nil {
			s = j.store.add(lset, slices.Repeat([]float64{absent}, j.store.steps))
			recorded[lset.Hash()] = s
		}
		for _, p := range m.Floats {
			at := &s.values[(p.T-j.store.start)/j.store.step]
			if !value.IsStaleNaN(*at) {
				return fmt.Errorf("%s: records %s twice", name, lset)
			}
			*at = p.F
		}
	}
	return nil
}

// alert runs the state of an alert over the results of its expression.
func (j *judge) alert(ctx context.Context, r *rule, matrix engine.Matrix) error {
	results := make([]engine.Vector, j.store.steps)
	for _, m := range matrix {
		for _, p := range m.Floats {
			n := (p.T - j.store.start) / j.store.step
			results[n] = append(results[n], engine.Sample{T: p.T, F: p.F, Metric: m.Metric})
		}
	}
	e := j.evaluator(r)
	for n := range j.store.steps {
		err := e.eval(ctx, n, func(context.Context, string, time.Time) (engine.Vector, error) { return results[n], nil })
		if err != nil {
			return err
		}
	}
	return nil
}

// stepwise evaluates rules at one time after the other.
func (j *judge) stepwise(ctx context.Context, together []*rule) error {
	var evaluators []*evaluator
	for _, r := range together {
		if err := j.lift(ctx, &r.parsed, together); err != nil {
			return fmt.Errorf("%s%s: %w", r.Record, r.Alert, err)
		}
	}
	for _, r := range together {
		evaluators = append(evaluators, j.evaluator(r))
	}
	query := rules.EngineQueryFunc(j.engine, j.store)
	for n := range j.store.steps {
		for _, e := range evaluators {
			if err := e.eval(ctx, n, query); err != nil {
				return err
			}
		}
	}
	return nil
}

// lift takes out of an expression what does not read the rules that are evaluated
// together with it, and evaluates that at all steps.
func (j *judge) lift(ctx context.Context, expr *parser.Expr, together []*rule) error {
	within := slices.ContainsFunc(selectors(*expr), func(selected *parser.VectorSelector) bool {
		return slices.ContainsFunc(together, func(r *rule) bool { return r.writes(selected) })
	})
	if !within {
		if _, plain := (*expr).(*parser.VectorSelector); plain || (*expr).Type() != parser.ValueTypeVector {
			return nil
		}
		matrix, err := j.query(ctx, (*expr).String())
		if err != nil {
			return err
		}
		j.lifted++
		name := fmt.Sprintf("judge:lifted:%d", j.lifted)
		if err := j.record(name, nil, matrix); err != nil {
			return err
		}
		*expr, err = promql.ParseExpr(name)
		return err
	}
	switch e := (*expr).(type) {
	case *parser.ParenExpr:
		return j.lift(ctx, &e.Expr, together)
	case *parser.BinaryExpr:
		return errors.Join(j.lift(ctx, &e.LHS, together), j.lift(ctx, &e.RHS, together))
	}
	return nil
}

// evaluator evaluates a rule at one time after the other, as Prometheus does.
type evaluator struct {
	rule    rules.Rule
	store   *store
	written map[uint64]*series
}

func (j *judge) evaluator(r *rule) *evaluator {
	e := &evaluator{store: j.store, written: make(map[uint64]*series)}
	if r.Record != "" {
		e.rule = rules.NewRecordingRule(r.Record, r.parsed, labels.FromMap(r.Labels))
		return e
	}
	e.rule = rules.NewAlertingRule(r.Alert, r.parsed, time.Duration(r.For), time.Duration(r.Keep), labels.FromMap(r.Labels),
		labels.EmptyLabels(), labels.EmptyLabels(), "", true, slog.New(slog.DiscardHandler))
	return e
}

func (e *evaluator) eval(ctx context.Context, step int, query rules.QueryFunc) error {
	vector, err := e.rule.Eval(ctx, 0, time.UnixMilli(e.store.at(step)), query, nil, 0)
	if err != nil {
		return fmt.Errorf("%s: %w", e.rule.Name(), err)
	}
	for _, sample := range vector {
		if sample.Metric.Get(labels.MetricName) == "ALERTS_FOR_STATE" {
			continue
		}
		hash := sample.Metric.Hash()
		s, known := e.written[hash]
		if !known {
			s = e.store.add(sample.Metric, nil)
			e.written[hash] = s
		}
		s.fill(step)
		s.values = append(s.values, sample.F)
	}
	for _, s := range e.written {
		s.fill(step + 1)
	}
	return nil
}

// fill says that there is nothing up to a step.
func (s *series) fill(steps int) {
	for len(s.values) < steps {
		s.values = append(s.values, absent)
	}
}

// firing is when an alert about an account fired.
type firing struct {
	Alert, IDInstance string
	First, Last       int64 // in seconds since 1970
	Times             int   // how often it began to
}

func (j *judge) firings() []firing {
	type key struct{ alert, id string }
	at := make(map[key][]bool)
	for _, s := range j.store.series["ALERTS"] {
		if s.labels.Get("alertstate") != "firing" {
			continue
		}
		k := key{s.labels.Get(labels.AlertName), s.labels.Get("id_instance")}
		if at[k] == nil {
			at[k] = make([]bool, j.store.steps)
		}
		for n, v := range s.values {
			at[k][n] = at[k][n] || !value.IsStaleNaN(v)
		}
	}
	var all []firing
	for k, fires := range at {
		f := firing{Alert: k.alert, IDInstance: k.id}
		for n, fire := range fires {
			if !fire {
				continue
			}
			f.Last = j.store.at(n) / 1000
			if n == 0 || !fires[n-1] {
				f.Times++
			}
			if f.First == 0 {
				f.First = f.Last
			}
		}
		all = append(all, f)
	}
	slices.SortFunc(all, func(a, b firing) int {
		return cmp.Or(cmp.Compare(a.IDInstance, b.IDInstance), cmp.Compare(a.First, b.First), cmp.Compare(a.Alert, b.Alert))
	})
	return all
}
