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
	rules := filepath.Join(j.Dir, "rules.yml")
	text, err := yaml.Marshal(map[string]any{"groups": j.Rules.groups})
	if err != nil {
		return nil, fmt.Errorf("write the rules: %w", err)
	}
	if err := os.WriteFile(rules, text, 0o600); err != nil {
		return nil, fmt.Errorf("write the rules: %w", err)
	}
	var recording, output, problems bytes.Buffer
	if err := r.WriteLines(&recording); err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, j.Binary,
		"-rules", rules, "-start", strconv.FormatInt(r.Start.Unix(), 10), "-step", r.Step.String())
	cmd.Stdin, cmd.Stdout, cmd.Stderr = &recording, &output, &problems
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("run judge: %w: %s", err, &problems)
	}
	var firings []Firing
	for decoder := json.NewDecoder(&output); ; {
		var f struct {
			Firing
			First, Last int64
		}
		switch err := decoder.Decode(&f); {
		case errors.Is(err, io.EOF):
			return firings, nil
		case err != nil:
			return nil, fmt.Errorf("read what judge says: %w", err)
		}
		f.Firing.First, f.Firing.Last = time.Unix(f.First, 0).UTC(), time.Unix(f.Last, 0).UTC()
		firings = append(firings, f.Firing)
	}
}
