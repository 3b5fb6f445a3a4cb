package deploy_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"
)

const (
	valuesBegin = "<!-- values:begin -->\n"
	valuesEnd   = "<!-- values:end -->"
)

// TestChartReadme asserts that the table in the chart's README.md is made of
// values.yaml: each value, its default, and the comment above it. -update writes it.
func TestChartReadme(t *testing.T) {
	t.Parallel()
	const name = "deploy/helm/greenapi-exporter/README.md"
	var values yaml.Node
	if err := yaml.Unmarshal([]byte(read(t, "deploy/helm/greenapi-exporter/values.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	want := "| value | default | |\n|---|---|---|\n" + strings.Join(valueRows(t, values.Content[0], ""), "")
	text := read(t, name)
	before, rest, begins := strings.Cut(text, valuesBegin)
	got, after, ends := strings.Cut(rest, valuesEnd)
	if !begins || !ends {
		t.Fatalf("%s has no place for the table of values", name)
	}
	if *update {
		if err := os.WriteFile(filepath.Join(root, name), []byte(before+valuesBegin+want+valuesEnd+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s is not what values.yaml says (-want +got); run go test ./deploy -run ChartReadme -update:\n%s", name, diff)
	}
}

// valueRows makes a row of each value below a mapping. A mapping with a comment of
// its own, or without keys, is one value.
func valueRows(t *testing.T, mapping *yaml.Node, prefix string) []string {
	t.Helper()
	var rows []string
	for i := 0; i < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		path := prefix + key.Value
		about := strings.TrimSpace(strings.ReplaceAll(key.HeadComment, "\n# ", " "))
		if at := strings.LastIndex(about, "\n\n"); at >= 0 { // a comment that is about the file
			about = about[at+2:]
		}
		about = strings.TrimPrefix(about, "# ")
		if value.Kind == yaml.MappingNode && len(value.Content) > 0 && about == "" {
			rows = append(rows, valueRows(t, value, path+".")...)
			continue
		}
		if about == "" {
			t.Errorf("values.yaml does not say what %s is", path)
		}
		var decoded any
		if err := value.Decode(&decoded); err != nil {
			t.Fatal(err)
		}
		text, err := json.Marshal(decoded)
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, fmt.Sprintf("| `%s` | `%s` | %s |\n", path, text, strings.ReplaceAll(about, "|", `\|`)))
	}
	return rows
}

// TestSchemaKnowsTheValues asserts that values.yaml and its schema name the same
// values: what one lacks, helm would refuse or take in silence.
func TestSchemaKnowsTheValues(t *testing.T) {
	t.Parallel()
	var values object
	if err := yaml.Unmarshal([]byte(read(t, "deploy/helm/greenapi-exporter/values.yaml")), &values); err != nil {
		t.Fatal(err)
	}
	var schema object
	if err := json.Unmarshal([]byte(read(t, "deploy/helm/greenapi-exporter/values.schema.json")), &schema); err != nil {
		t.Fatal(err)
	}
	wantSameKeys(t, "values", values, schema)
}

func wantSameKeys(t *testing.T, path string, values object, schema any) {
	t.Helper()
	properties, _ := at(schema, "properties").(object)
	if at(schema, "additionalProperties") != false {
		return // a value of the user's own shape
	}
	for key := range properties {
		// Helm itself sets global; resources are what Kubernetes knows.
		if _, ok := values[key]; !ok && key != "global" && path != "values.resources" && len(values) > 0 {
			t.Errorf("values.yaml lacks %s.%s", path, key)
		}
	}
	for key, value := range values {
		below, ok := properties[key]
		if !ok {
			t.Errorf("the schema lacks %s.%s", path, key)
		}
		if mapping, ok := value.(object); ok {
			wantSameKeys(t, path+"."+key, mapping, below)
		}
	}
}
