package deploy_test

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// TestWorkflowsAreHardened asserts what OpenSSF Scorecard looks for in workflows and
// in the Dockerfile: all that is used is pinned by its content, what a workflow may
// do is said by each job, and no checkout leaves a token behind.
func TestWorkflowsAreHardened(t *testing.T) {
	t.Parallel()
	pinned := regexp.MustCompile(`^[a-z-]+/[a-z-]+(/[a-z-]+)?@[0-9a-f]{40}$`)
	names, err := filepath.Glob("../.github/workflows/*.yml")
	if err != nil || len(names) < 3 {
		t.Fatalf("workflows: %q, %v", names, err)
	}
	for _, path := range names {
		name := ".github/workflows/" + filepath.Base(path)
		text := read(t, name)
		var workflow struct {
			Permissions map[string]string
			Jobs        map[string]struct {
				Timeout int `yaml:"timeout-minutes"`
				Steps   []struct {
					Uses string
					Run  string
					With map[string]any
				}
			}
		}
		if err := yaml.Unmarshal([]byte(text), &workflow); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if len(workflow.Permissions) != 1 || workflow.Permissions["contents"] != "read" {
			t.Errorf("%s: may do %v unless a job says otherwise, want to read contents", name, workflow.Permissions)
		}
		for title, job := range workflow.Jobs {
			if job.Timeout == 0 {
				t.Errorf("%s: the job %s has no timeout", name, title)
			}
			for _, step := range job.Steps {
				if step.Uses != "" && !pinned.MatchString(step.Uses) {
					t.Errorf("%s: %s is not pinned by a commit", name, step.Uses)
				}
				if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != false {
					t.Errorf("%s: %s: a checkout keeps its token", name, title)
				}
				if strings.Contains(step.Run, "${{ github.") {
					t.Errorf("%s: %s: a script is made of what others may write: pass it through env", name, title)
				}
			}
		}
		for _, line := range match(text, `(?m)uses: (\S+@[0-9a-f]{40}.*)$`) {
			if !regexp.MustCompile(` # v\d+\.\d+\.\d+$`).MatchString(line) {
				t.Errorf("%s: %s does not say its version", name, line)
			}
		}
	}
	for _, stage := range dockerfile(t) {
		if base := strings.Fields(stage[0].rest)[0]; base != "scratch" && !regexp.MustCompile(`@sha256:[0-9a-f]{64}$`).MatchString(base) {
			t.Errorf("the Dockerfile begins with %s, which is not pinned by a digest", base)
		}
	}
	for _, ecosystem := range []string{"gomod", "github-actions", "docker"} {
		if !strings.Contains(read(t, ".github/dependabot.yml"), "package-ecosystem: "+ecosystem+"\n") {
			t.Errorf("nobody looks for new versions of %s", ecosystem)
		}
	}
}
