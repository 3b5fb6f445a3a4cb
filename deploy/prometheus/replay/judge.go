package replay

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"go.yaml.in/yaml/v3"
)

// Judge is the command of the folder judge: Prometheus' query engine, for recordings.
type Judge struct {
	Binary string
	Rules  *Rules
	Dir    string // for files that are needed meanwhile
}

// Evaluate evaluates the rules at every step of a recording and returns when which
// alert fired.
func (j Judge) Evaluate(ctx context.Context, r *Recording) ([]Firing, error) {
	type seconds struct {
		Firing
		First, Last int64
	}
	var firings []Firing
	err := run(ctx, j, r, nil, func(f seconds) {
		f.Firing.First, f.Firing.Last = time.Unix(f.First, 0).UTC(), time.Unix(f.Last, 0).UTC()
		firings = append(firings, f.Firing)
	})
	return firings, err
}

// Cost is what one evaluation of a rule takes.
type Cost struct {
	Group, Rule string
	Interval    float64 // in seconds, between two evaluations
	Samples     int     // that it reads
	Seconds     float64 // of processor time
}

// Costs evaluates the rules at every step, and returns what each would cost at the last
// one with so many times the accounts of the recording.
func (j Judge) Costs(ctx context.Context, r *Recording, times int) ([]Cost, error) {
	var costs []Cost
	err := run(ctx, j, r, []string{"-cost", strconv.Itoa(times)}, func(c Cost) { costs = append(costs, c) })
	return costs, err
}

// run runs the command and hands on what it writes.
func run[T any](ctx context.Context, j Judge, r *Recording, args []string, add func(T)) error {
	rules := filepath.Join(j.Dir, "rules.yml")
	text, err := yaml.Marshal(map[string]any{"groups": j.Rules.groups})
	if err != nil {
		return fmt.Errorf("write the rules: %w", err)
	}
	if err := os.WriteFile(rules, text, 0o600); err != nil {
		return fmt.Errorf("write the rules: %w", err)
	}
	var recording, output, problems bytes.Buffer
	if err := r.WriteLines(&recording); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, j.Binary, append(args,
		"-rules", rules, "-start", strconv.FormatInt(r.Start.Unix(), 10), "-step", r.Step.String())...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &recording, &output, &problems
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("run judge: %w: %s", err, &problems)
	}
	for decoder := json.NewDecoder(&output); ; {
		var one T
		switch err := decoder.Decode(&one); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("read what judge says: %w", err)
		}
		add(one)
	}
}
