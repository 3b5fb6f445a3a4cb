package config_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
)

// sentinel stands for a secret, in the shape of a token. Where one is put, no error may
// show it.
const sentinel = "SENTINEL0d75b3a2"

// poisons are ways to make a secret of a value. Escaping must not hide it from the
// check, and shorter or stranger values must not slip by another way.
func poisons() map[string]func(string) string {
	return map[string]func(string) string{
		"replaced": func(string) string { return sentinel },
		"behind":   func(value string) string { return value + sentinel },
		"before":   func(value string) string { return sentinel + value },
		"control":  func(value string) string { return value + "\x01" + sentinel + "\x7f" },
		"quotes":   func(value string) string { return `"'` + sentinel + "`" + value },
		"URL":      func(value string) string { return "https://" + sentinel + ":" + sentinel + "@" + value },
	}
}

// poison puts the sentinel into every value below the node, not into keys.
func poison(node *yaml.Node, change func(string) string) {
	if node.Kind == yaml.ScalarNode {
		node.Value, node.Tag = change(node.Value), "!!str"
	}
	for i, child := range node.Content {
		if isKey := node.Kind == yaml.MappingNode && i%2 == 0; !isKey {
			poison(child, change)
		}
	}
}

// keyHolds tells whether a key below the node holds the sentinel.
func keyHolds(node *yaml.Node) bool {
	for i, child := range node.Content {
		isKey := node.Kind == yaml.MappingNode && i%2 == 0
		if isKey && strings.Contains(child.Value, sentinel) || keyHolds(child) {
			return true
		}
	}
	return false
}

// poisoned gives the document with the sentinel in every value, or nil if it does
// not parse.
func poisoned(t testing.TB, document []byte, change func(string) string) []byte {
	t.Helper()
	var node yaml.Node
	if err := yaml.Unmarshal(document, &node); err != nil || node.Kind == 0 {
		return nil
	}
	poison(&node, change)
	if keyHolds(&node) {
		return nil
	}
	out, err := yaml.Marshal(&node)
	if err != nil {
		t.Fatalf("marshal the poisoned document: %v", err)
	}
	return out
}

func checkSecret(t testing.TB, document []byte, err error) {
	t.Helper()
	if err != nil && strings.Contains(err.Error(), sentinel) {
		t.Errorf("a value shows in the error\n%v\nof the document\n%s", err, document)
	}
}

func TestNoErrorQuotesAValue(t *testing.T) {
	t.Parallel()
	dir := copyTestdata(t)
	checked := 0
	for _, name := range glob(t, "*.yml") {
		document, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range poisons() {
			document := poisoned(t, document, change)
			if document == nil {
				continue
			}
			_, err := config.Parse(filepath.Join(dir, "file.yml"), document, defaults())
			if err == nil && bytes.Contains(document, []byte(sentinel)) {
				t.Errorf("%s: the poisoned document is fine:\n%s", name, document)
			}
			checkSecret(t, document, err)
			checked++
		}
	}
	if checked < 100 {
		t.Errorf("only %d documents were checked", checked)
	}
}

// A file that ends too early fails in the parser, which quotes values as well.
func TestNoErrorQuotesAValueOfATruncatedFile(t *testing.T) {
	t.Parallel()
	dir := copyTestdata(t)
	for _, name := range []string{"full.good.yml", "instances.bad.yml", "httpclient.bad.yml"} {
		document, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		for _, change := range poisons() {
			document := poisoned(t, document, change)
			for end := 0; end < len(document); end += 11 {
				_, err := config.Parse(filepath.Join(dir, "file.yml"), document[:end], defaults())
				checkSecret(t, document[:end], err)
			}
		}
	}
}

func TestConfigPrintsNoSecret(t *testing.T) {
	t.Parallel()
	document := `
instances: [{id: "1101000001", name: SENTINEL, token: SENTINEL}]
http_client: {proxy_url: "http://user:SENTINEL@proxy.example", basic_auth: {username: a, password: SENTINEL}}
partner: {token: SENTINEL}`
	document = strings.ReplaceAll(document, "SENTINEL", sentinel)
	c, err := config.Parse("file.yml", []byte(document), defaults())
	if err != nil {
		t.Fatal(err)
	}
	var printed bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&printed, verb+verb+"\n", c, *c)
	}
	slog.New(slog.NewJSONHandler(&printed, nil)).Info("configuration", "config", c, "value", *c)
	slog.New(slog.NewTextHandler(&printed, nil)).Info("configuration", "config", c, "value", *c)
	asJSON, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	printed.Write(asJSON)
	printed.Write(asYAML)
	// Warnings and the partner are printed on their own too.
	fmt.Fprintf(&printed, "%v %+v\n", c.Warnings, c.Partner)
	if strings.Contains(printed.String(), sentinel) {
		t.Errorf("a secret shows:\n%s", &printed)
	}
	const want = "configuration (instances: 1, partner: true, warnings: 2)"
	if got := c.String(); got != want || !strings.Contains(printed.String(), want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzParse(f *testing.F) {
	dir := copyTestdata(f)
	for _, name := range glob(f, "*.yml") {
		document, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(document)
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		if len(document) > 64<<10 {
			return
		}
		path := filepath.Join(dir, "file.yml")
		c, err := config.Parse(path, document, defaults())
		if err != nil {
			_ = asFaults(t, c, err)
		} else {
			dump(t, c)
		}
		var node yaml.Node
		if yaml.Unmarshal(document, &node) != nil || !keyHolds(&node) {
			checkSecret(t, document, err)
		}
		for _, change := range poisons() {
			document := poisoned(t, document, change)
			_, err := config.Parse(path, document, defaults())
			checkSecret(t, document, err)
		}
	})
}
