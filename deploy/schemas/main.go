// Command schemas makes the JSON schemas that kubeconform checks manifests
// against, from what Kubernetes and Prometheus Operator publish of their own:
//
//	schemas -out bin/schemas swagger.json crd.yaml …
//
// A file for each kind, named as in kubeconform -schema-location
// 'bin/schemas/{{.ResourceKind}}{{.KindSuffix}}.json'. They are strict: a field that
// is not known is an error.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.yaml.in/yaml/v3"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "schemas:", err)
		os.Exit(1)
	}
}

// schema is a JSON schema, or another object of these documents.
type schema = map[string]any

func run(args []string) error {
	set := flag.NewFlagSet("schemas", flag.ContinueOnError)
	out := set.String("out", "", "folder for the schemas")
	if err := set.Parse(args); err != nil {
		return fmt.Errorf("command line: %w", err)
	}
	if *out == "" || set.NArg() == 0 {
		return errors.New("say -out and the documents to read")
	}
	if err := os.MkdirAll(*out, 0o755); err != nil {
		return fmt.Errorf("the folder for the schemas: %w", err)
	}
	for _, path := range set.Args() {
		document, err := read(path)
		if err != nil {
			return err
		}
		found := kindsOfSwagger(document)
		if document["kind"] == "CustomResourceDefinition" {
			found = kindsOfCRD(document)
		}
		if len(found) == 0 {
			return fmt.Errorf("%s describes no kinds", path)
		}
		for name, s := range found {
			if err := write(filepath.Join(*out, name), s); err != nil {
				return err
			}
		}
	}
	return nil
}

// read reads YAML or JSON, which is YAML too.
func read(path string) (schema, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read: %w", err)
	}
	var document schema
	if strings.HasSuffix(path, ".json") {
		err = json.Unmarshal(text, &document) // much faster, and swagger.json is large
	} else {
		err = yaml.Unmarshal(text, &document)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return document, nil
}

func write(path string, s schema) error {
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return fmt.Errorf("write: %w", err)
	}
	return nil
}

// fileName is where kubeconform looks for a kind.
func fileName(group, version, kind string) string {
	group, _, _ = strings.Cut(group, ".")
	if group != "" {
		group = "-" + group
	}
	return strings.ToLower(kind + group + "-" + version + ".json")
}

// kindsOfSwagger returns the schemas of an OpenAPI 2 document by their file names.
// Each holds the definitions that it refers to.
func kindsOfSwagger(document schema) map[string]schema {
	definitions := object(document, "definitions")
	for name := range definitions {
		tighten(object(definitions, name))
	}
	// Numbers that may be text, and text that may be a number.
	for name, other := range map[string]string{
		"io.k8s.apimachinery.pkg.util.intstr.IntOrString": "integer",
		"io.k8s.apimachinery.pkg.api.resource.Quantity":   "number",
	} {
		definitions[name] = schema{"type": []string{"string", other}}
	}
	found := map[string]schema{}
	for name := range definitions {
		kinds, _ := object(definitions, name)["x-kubernetes-group-version-kind"].([]any)
		if len(kinds) != 1 {
			continue // the options of requests, which belong to every group
		}
		kind, ok := kinds[0].(schema)
		if !ok {
			continue
		}
		used := schema{}
		collect(definitions, name, used)
		found[fileName(text(kind, "group"), text(kind, "version"), text(kind, "kind"))] = schema{
			"$schema": "http://json-schema.org/draft-07/schema#", "$ref": "#/definitions/" + name, "definitions": used,
		}
	}
	return found
}

// collect copies a definition, and all that it refers to, into used.
func collect(definitions schema, name string, used schema) {
	if used[name] != nil {
		return
	}
	used[name] = definitions[name]
	references(definitions[name], func(reference string) { collect(definitions, reference, used) })
}

// references calls found with the name of each definition that a value refers to.
func references(value any, found func(name string)) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			references(element, found)
		}
	case schema:
		for key, element := range value {
			reference, ok := element.(string)
			if name, local := strings.CutPrefix(reference, "#/definitions/"); key == "$ref" && ok && local {
				found(name)
				continue
			}
			references(element, found)
		}
	}
}

// kindsOfCRD returns the schema of each version of a custom resource.
func kindsOfCRD(document schema) map[string]schema {
	spec := object(document, "spec")
	versions, _ := spec["versions"].([]any)
	found := map[string]schema{}
	for _, version := range versions {
		version, ok := version.(schema)
		if !ok {
			continue
		}
		s := object(object(version, "schema"), "openAPIV3Schema")
		tighten(s)
		found[fileName(text(spec, "group"), text(version, "name"), text(object(spec, "names"), "kind"))] = s
	}
	return found
}

// tighten forbids fields that a schema does not name, and leaves out its prose.
func tighten(s schema) {
	if len(s) == 0 {
		return
	}
	delete(s, "description")
	properties := object(s, "properties")
	for name := range properties {
		tighten(object(properties, name))
	}
	tighten(object(s, "items"))
	tighten(object(s, "additionalProperties"))
	_, open := s["additionalProperties"]
	if len(properties) > 0 && !open && s["x-kubernetes-preserve-unknown-fields"] != true {
		s["additionalProperties"] = false
	}
}

// object returns the object at a key; where there is none, an empty one.
func object(s schema, key string) schema {
	if o, ok := s[key].(schema); ok {
		return o
	}
	return schema{}
}

// text returns the text at a key; where there is none, the empty one.
func text(s schema, key string) string {
	t, _ := s[key].(string)
	return t
}
