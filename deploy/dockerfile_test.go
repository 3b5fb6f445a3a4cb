package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the top of the module, seen from this package's folder.
const root = ".."

// read returns the text of a file, named from the top of the module.
func read(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// instruction is a line of a Dockerfile, with its continuations.
type instruction struct {
	name  string   // FROM, COPY, …
	flags []string // --from=build, …
	rest  string
}

// flag returns the value of a flag such as --from.
func (i instruction) flag(name string) string {
	for _, f := range i.flags {
		if value, ok := strings.CutPrefix(f, name+"="); ok {
			return value
		}
	}
	return ""
}

// dockerfile returns the stages of the Dockerfile, each beginning with its FROM.
func dockerfile(t *testing.T) [][]instruction {
	t.Helper()
	text := regexp.MustCompile(`(?m)^#.*\n`).ReplaceAllString(read(t, "Dockerfile"), "")
	text = strings.ReplaceAll(text, "\\\n", " ")
	var stages [][]instruction
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) == 0 {
			continue
		}
		i := instruction{name: fields[0]}
		fields = fields[1:]
		for len(fields) > 0 && strings.HasPrefix(fields[0], "--") {
			i.flags, fields = append(i.flags, fields[0]), fields[1:]
		}
		i.rest = strings.Join(fields, " ")
		if i.name == "FROM" {
			stages = append(stages, nil)
		}
		if len(stages) == 0 {
			t.Fatalf("the Dockerfile begins with %s", i.name)
		}
		stages[len(stages)-1] = append(stages[len(stages)-1], i)
	}
	if len(stages) != 2 {
		t.Fatalf("the Dockerfile has %d stages, want one that builds and one that runs", len(stages))
	}
	return stages
}
