package deploy_test

import (
	"flag"
	"os"
	"strings"
	"testing"
)

// update has the tests write the files that are made from others.
var update = flag.Bool("update", false, "write the table of the chart's README.md and (with -tags e2e) deploy/kubernetes")

// unit is what a file of systemd says: the values of each setting in their order,
// by [section] and name, e.g. Service.ExecStart.
type unit map[string][]string

// readUnit reads a unit or a drop-in.
func readUnit(t *testing.T, file string) unit {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	u, section := unit{}, ""
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if strings.HasPrefix(line, "[") {
			section = strings.Trim(line, "[]")
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			t.Fatalf("%s: %q is no setting", file, line)
		}
		key = section + "." + key
		u[key] = append(u[key], value)
	}
	return u
}

// one returns the value of a setting that stands there once.
func (u unit) one(t *testing.T, key string) string {
	t.Helper()
	if len(u[key]) != 1 {
		t.Fatalf("%s stands there %d times, want once", key, len(u[key]))
	}
	return u[key][0]
}

// object is something in YAML.
type object = map[string]any

// at follows keys and indexes; where they lead nowhere, it returns nil.
func at(value any, keys ...any) any {
	for _, key := range keys {
		switch key := key.(type) {
		case string:
			o, _ := value.(object)
			value = o[key]
		case int:
			list, _ := value.([]any)
			if key >= len(list) {
				return nil
			}
			value = list[key]
		}
	}
	return value
}
