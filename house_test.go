package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// maxLines is how long a Go file may be, tests aside.
const maxLines = 400

// goFiles returns the Go files of the project.
func goFiles(t *testing.T) (files []string) {
	t.Helper()
	err := filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		if entry.IsDir() && (path == "bin" || path == "dist" || path == ".git" || entry.Name() == "testdata") {
			return filepath.SkipDir
		}
		if err == nil && strings.HasSuffix(path, ".go") {
			files = append(files, path)
		}
		return err
	})
	if err != nil || len(files) < 100 {
		t.Fatalf("%d Go files, %v", len(files), err)
	}
	return files
}

func TestFilesAreShort(t *testing.T) {
	t.Parallel()
	for _, path := range goFiles(t) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if lines := strings.Count(string(text), "\n"); lines > maxLines && !strings.HasSuffix(path, "_test.go") {
			t.Errorf("%s has %d lines, more than %d: does it still do one thing?", path, lines, maxLines)
		}
	}
}

// TestWordsInNames keeps names in the words of the field.
func TestWordsInNames(t *testing.T) {
	t.Parallel()
	unwanted := regexp.MustCompile(`(?i)hush|farewell|hurry|beside`)
	for _, path := range goFiles(t) {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if name, ok := n.(*ast.Ident); ok && unwanted.MatchString(name.Name) {
				t.Errorf("%s: %s is no name that a stranger understands", path, name.Name)
			}
			return true
		})
	}
}

// TestMap compares the packages on the contributors' page with those there are.
func TestMap(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile(".github/CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "<!-- packages:begin -->")
	table, _, _ = strings.Cut(table, "<!-- packages:end -->")
	var listed, there []string
	for _, match := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(table, -1) {
		listed = append(listed, match[1])
	}
	for _, path := range goFiles(t) {
		there = append(there, filepath.ToSlash(filepath.Dir(path)))
	}
	slices.Sort(there)
	there = slices.Compact(there)
	if !slices.Equal(listed, there) {
		t.Errorf("the map has %q; there are %q", listed, there)
	}
}
