package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"
)

// A bill of materials in the form of CycloneDX 1.6, as far as Go's build
// information fills it. https://cyclonedx.org/docs/1.6/json/
type bill struct {
	Schema       string       `json:"$schema"`
	Format       string       `json:"bomFormat"`
	SpecVersion  string       `json:"specVersion"`
	SerialNumber string       `json:"serialNumber"`
	Version      int          `json:"version"`
	Metadata     metadata     `json:"metadata"`
	Components   []component  `json:"components"`
	Dependencies []dependency `json:"dependencies"`
}

type metadata struct {
	Timestamp  string      `json:"timestamp"`
	Lifecycles []lifecycle `json:"lifecycles"`
	Component  component   `json:"component"`
}

type lifecycle struct {
	Phase string `json:"phase"`
}

type component struct {
	Ref        string     `json:"bom-ref"`
	Type       string     `json:"type"`
	Name       string     `json:"name"`
	Version    string     `json:"version"`
	Scope      string     `json:"scope,omitempty"`
	Hashes     []hash     `json:"hashes,omitempty"`
	Licenses   []license  `json:"licenses,omitempty"`
	PURL       string     `json:"purl"`
	Properties []property `json:"properties,omitempty"`
}

type hash struct {
	Algorithm string `json:"alg"`
	Content   string `json:"content"`
}

type license struct {
	License licenseID `json:"license"`
}

type licenseID struct {
	ID string `json:"id"`
}

type property struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

type dependency struct {
	Ref       string   `json:"ref"`
	DependsOn []string `json:"dependsOn"`
}

// writeBill writes what a program is made of, and returns the file's name.
func (r release) writeBill(b binary) (string, error) {
	content, err := newBill(b, r.version, r.date)
	if err != nil {
		return "", err
	}
	return r.write(r.name(b)+".cdx.json", content)
}

func (r release) write(name string, content bill) (string, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(content); err != nil {
		return "", fmt.Errorf("encode: %w", err)
	}
	if err := os.WriteFile(filepath.Join(r.out, name), text.Bytes(), 0o644); err != nil {
		return "", fmt.Errorf("write: %w", err)
	}
	return name, nil
}

// newBill lists the modules that are linked into a program, and the standard
// library. Which module uses which, a program does not say: it depends on all.
func newBill(b binary, version string, date time.Time) (bill, error) {
	program := component{
		Type: "application", Name: b.info.Main.Path, Version: version,
		PURL:     packageURL(b.info.Main.Path, "v"+version) + "?type=module&goos=" + b.setting("GOOS") + "&goarch=" + b.setting("GOARCH"),
		Hashes:   []hash{{"SHA-256", hex.EncodeToString(b.sum[:])}},
		Licenses: []license{{licenseID{"Apache-2.0"}}},
	}
	for _, s := range b.info.Settings {
		program.Properties = append(program.Properties, property{"cdx:gomod:build:" + s.Key, s.Value})
	}
	program.Ref = program.PURL
	parts := []component{standardLibrary(b.info.GoVersion)}
	for _, module := range b.info.Deps {
		part, err := library(module)
		if err != nil {
			return bill{}, err
		}
		parts = append(parts, part)
	}
	uses := dependency{Ref: program.Ref, DependsOn: []string{}}
	dependencies := make([]dependency, 1, len(parts)+1)
	for _, part := range parts {
		uses.DependsOn = append(uses.DependsOn, part.Ref)
		dependencies = append(dependencies, dependency{Ref: part.Ref, DependsOn: []string{}})
	}
	dependencies[0] = uses
	return bill{
		Schema: "http://cyclonedx.org/schema/bom-1.6.schema.json", Format: "CycloneDX", SpecVersion: "1.6", Version: 1,
		SerialNumber: serialNumber(b.sum[:]),
		Metadata: metadata{
			Timestamp: date.Format(time.RFC3339), Lifecycles: []lifecycle{{"build"}}, Component: program,
		},
		Components: parts, Dependencies: dependencies,
	}, nil
}

func standardLibrary(goVersion string) component {
	version := strings.TrimPrefix(goVersion, "go")
	ref := packageURL("std", version)
	return component{Ref: ref, Type: "library", Name: "std", Version: goVersion, Scope: "required", PURL: ref}
}

// library describes a module. Its hash is the one of go.sum: of the list of the
// hashes of its files.
func library(module *debug.Module) (component, error) {
	if module.Replace != nil {
		module = module.Replace
	}
	sum, ok := strings.CutPrefix(module.Sum, "h1:")
	raw, err := base64.StdEncoding.DecodeString(sum)
	if !ok || err != nil {
		return component{}, fmt.Errorf("the checksum of %s is %q: replaced by a folder?", module.Path, module.Sum)
	}
	ref := packageURL(module.Path, module.Version)
	return component{
		Ref: ref, Type: "library", Name: module.Path, Version: module.Version, Scope: "required", PURL: ref,
		Hashes: []hash{{"SHA-256", hex.EncodeToString(raw)}},
	}, nil
}

// packageURL names a module as https://github.com/package-url/purl-spec has it.
func packageURL(path, version string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	return "pkg:golang/" + strings.Join(segments, "/") + "@" + strings.ReplaceAll(url.PathEscape(version), "+", "%2B")
}

// serialNumber makes a UUID (version 8: of a hash of one's own choice) of the
// program, so that the same program has the same bill.
func serialNumber(sum []byte) string {
	id := bytes.Clone(sum[:16])
	id[6] = id[6]&0x0f | 0x80
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}
