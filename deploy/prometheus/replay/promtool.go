package replay

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"
)

// Promtool is the rule engine of Prometheus, as promtool has it for unit tests. Weeks take it hours.
type Promtool struct {
	Binary string
	Rules  *Rules
	Dir    string // for files that are needed meanwhile
}

// Firing is when an alert fired.
type Firing struct {
	Alert, IDInstance string
	First, Last       time.Time
	Times             int // how often it began to
}

// historian records when each alert fired first, and last, and how often it began to: a question about all of the
// time at once would be too large for promtool.
func historian(step time.Duration) group {
	const firing, kept = `max by (alertname, id_instance) (timestamp(ALERTS{alertstate="firing"}))`, `last_over_time(%s[%dm])`
	first := fmt.Sprintf(kept, firstFired, 2*minutes(step))
	last := fmt.Sprintf(kept, lastFired, 2*minutes(step))
	// Of what has begun to fire since the step before.
	begun := fmt.Sprintf("0 * (%s unless %s >= time() - %d) + 1", firing, last, int(step.Seconds()))
	before := fmt.Sprintf(kept, timesFired, 2*minutes(step))
	return group{Name: "replay", Rules: []rule{
		{Record: timesFired, Expr: fmt.Sprintf("(%s + (%s)) or %s or %s", before, begun, before, begun)},
		{Record: firstFired, Expr: first + " or " + firing},
		{Record: lastFired, Expr: firing + " or " + last},
	}}
}

const (
	firstFired = "replay:alerts_first_fired:timestamp"
	lastFired  = "replay:alerts_last_fired:timestamp"
	timesFired = "replay:alerts_fired:count"
)

// Evaluate evaluates the rules at every step of a recording and returns when which
// alert fired.
func (p Promtool) Evaluate(ctx context.Context, r *Recording) ([]Firing, error) {
	groups, err := p.writeRules(r.Step)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(p.Dir, "replay.test.yml")
	var file bytes.Buffer
	fmt.Fprintf(&file, "rule_files: [rules.yml]\nevaluation_interval: %dm\ngroup_eval_order: [%s]\ntests:\n",
		minutes(r.Step), strings.Join(groups, ", "))
	fmt.Fprintf(&file, "  - name: replay\n    interval: %dm\n    start_timestamp: %q\n    input_series:\n",
		minutes(r.Step), r.Start.UTC().Format(time.RFC3339))
	if err := r.WriteSeries(&file); err != nil {
		return nil, err
	}
	file.WriteString("    promql_expr_test:\n")
	// No sample is expected, so promtool prints those that there are.
	for _, expr := range []string{firstFired, lastFired, timesFired} {
		fmt.Fprintf(&file, "      - expr: '%s'\n        eval_time: %dm\n        exp_samples: []\n", expr, minutes(r.Length()))
	}
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		return nil, fmt.Errorf("write the recording: %w", err)
	}
	text, err := exec.CommandContext(ctx, p.Binary, "test", "rules", path).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || exit.ExitCode() != 1) {
		return nil, fmt.Errorf("run promtool: %w: %s", err, text)
	}
	return parseFirings(string(text))
}

// writeRules writes the rules down and returns the names of their groups.
func (p Promtool) writeRules(step time.Duration) (names []string, err error) {
	groups := append(slices.Clone(p.Rules.groups), historian(step))
	text, err := yaml.Marshal(map[string]any{"groups": groups})
	if err != nil {
		return nil, fmt.Errorf("write the rules: %w", err)
	}
	if err := os.WriteFile(filepath.Join(p.Dir, "rules.yml"), text, 0o600); err != nil {
		return nil, fmt.Errorf("write the rules: %w", err)
	}
	for _, g := range groups {
		names = append(names, g.Name)
	}
	return names, nil
}

func minutes(d time.Duration) int { return int(d / time.Minute) }

var (
	sample = regexp.MustCompile(`\{([^{}]*)\} ([0-9.E+-]+)`)
	label  = regexp.MustCompile(`(\w+)="([^"]*)"`)
)

// parseFirings reads what promtool prints: nothing when no alert ever fired.
func parseFirings(text string) ([]Firing, error) {
	if strings.Contains(text, "SUCCESS") {
		return nil, nil
	}
	got := strings.Split(text, "got:")[1:]
	if len(got) != 3 {
		return nil, fmt.Errorf("promtool did not answer as expected: %s", text)
	}
	values := make([]map[[2]string]int64, len(got))
	for i, part := range got {
		values[i] = make(map[[2]string]int64)
		for _, s := range sample.FindAllStringSubmatch(part, -1) {
			value, err := strconv.ParseFloat(s[2], 64)
			if err != nil {
				return nil, fmt.Errorf("read promtool's answer: %w", err)
			}
			var key [2]string
			for _, l := range label.FindAllStringSubmatch(s[1], -1) {
				switch l[1] {
				case "alertname":
					key[0] = l[2]
				case "id_instance":
					key[1] = l[2]
				}
			}
			if key[0] != "" {
				values[i][key] = int64(value)
			}
		}
	}
	firings := make([]Firing, 0, len(values[0]))
	for key, first := range values[0] {
		firings = append(firings, Firing{
			Alert: key[0], IDInstance: key[1], Times: int(values[2][key]),
			First: time.Unix(first, 0).UTC(), Last: time.Unix(values[1][key], 0).UTC(),
		})
	}
	slices.SortFunc(firings, func(a, b Firing) int {
		return strings.Compare(a.IDInstance+a.First.Format(time.RFC3339)+a.Alert, b.IDInstance+b.First.Format(time.RFC3339)+b.Alert)
	})
	return firings, nil
}
