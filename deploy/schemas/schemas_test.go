package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const swagger = `{"definitions": {
	"io.example.Pot": {
		"description": "A pot.",
		"properties": {
			"kind": {"type": "string"},
			"description": {"description": "A field of that name.", "type": "string"},
			"lid": {"description": "Its lid.", "$ref": "#/definitions/io.example.Lid"},
			"labels": {"type": "object", "additionalProperties": {"type": "string"}}
		},
		"x-kubernetes-group-version-kind": [{"group": "kitchen.example.io", "kind": "Pot", "version": "v1"}]
	},
	"io.example.Lid": {"properties": {"width": {"$ref": "#/definitions/io.k8s.apimachinery.pkg.util.intstr.IntOrString"}}},
	"io.example.Unused": {"properties": {"x": {"type": "string"}}},
	"io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": "string", "format": "int-or-string"}
}}`

const crd = `
kind: CustomResourceDefinition
spec:
  group: kitchen.example.io
  names: {kind: Spoon}
  versions:
    - name: v1alpha1
      schema:
        openAPIV3Schema:
          properties:
            kind: {type: string}
            sizes: {type: array, items: {properties: {cm: {type: integer}}}}
            any: {properties: {x: {type: string}}, x-kubernetes-preserve-unknown-fields: true}
`

func TestSchemas(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	api, resource, out := filepath.Join(dir, "swagger.json"), filepath.Join(dir, "crd.yaml"), filepath.Join(dir, "out")
	for path, content := range map[string]string{api: swagger, resource: crd} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := run([]string{"-out", out, api, resource}); err != nil {
		t.Fatal(err)
	}
	got := map[string]any{}
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(out, entry.Name()))
		if err != nil {
			t.Fatal(err)
		}
		var s any
		if err := json.Unmarshal(content, &s); err != nil {
			t.Fatal(err)
		}
		got[entry.Name()] = s
	}
	text := map[string]any{"type": "string"}
	want := map[string]any{
		"pot-kitchen-v1.json": map[string]any{
			"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/definitions/io.example.Pot",
			"definitions": map[string]any{
				"io.example.Pot": map[string]any{
					"additionalProperties": false,
					"properties": map[string]any{
						"kind": text, "description": text, "lid": map[string]any{"$ref": "#/definitions/io.example.Lid"},
						"labels": map[string]any{"type": "object", "additionalProperties": text},
					},
					"x-kubernetes-group-version-kind": []any{map[string]any{"group": "kitchen.example.io", "kind": "Pot", "version": "v1"}},
				},
				"io.example.Lid": map[string]any{
					"additionalProperties": false,
					"properties":           map[string]any{"width": map[string]any{"$ref": "#/definitions/io.k8s.apimachinery.pkg.util.intstr.IntOrString"}},
				},
				"io.k8s.apimachinery.pkg.util.intstr.IntOrString": map[string]any{"type": []any{"string", "integer"}},
			},
		},
		"spoon-kitchen-v1alpha1.json": map[string]any{
			"additionalProperties": false,
			"properties": map[string]any{
				"kind":  text,
				"sizes": map[string]any{"type": "array", "items": map[string]any{"additionalProperties": false, "properties": map[string]any{"cm": map[string]any{"type": "integer"}}}},
				"any":   map[string]any{"properties": map[string]any{"x": text}, "x-kubernetes-preserve-unknown-fields": true},
			},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("schemas (-want +got):\n%s", diff)
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "empty.json")
	if err := os.WriteFile(empty, []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	out := t.TempDir()
	for name, test := range map[string]struct {
		args []string
		want string
	}{
		"no folder":    {[]string{empty}, "say -out"},
		"no documents": {[]string{"-out", out}, "say -out"},
		"no file":      {[]string{"-out", out, "nowhere.json"}, "nowhere.json"},
		"no kinds":     {[]string{"-out", out, empty}, "describes no kinds"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := run(test.args); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error is %v, want one about %q", err, test.want)
			}
		})
	}
}
