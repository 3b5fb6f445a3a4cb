package main

import (
	"os/exec"
	"strings"
	"testing"
)

// --demo links the simulation of accounts, and nothing that is there for tests.
func TestProgramLinksNoTests(t *testing.T) {
	t.Parallel()
	list, err := exec.CommandContext(t.Context(), "go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", ".").Output()
	if err != nil {
		t.Fatalf("list the packages of the program: %v", err)
	}
	packages := strings.Fields(string(list))
	if len(packages) < 10 {
		t.Fatalf("only %d packages: %q", len(packages), packages)
	}
	for _, name := range packages {
		if strings.Contains(name, "test") {
			t.Errorf("the program links %s", name)
		}
	}
}
