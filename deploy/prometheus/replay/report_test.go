//go:build e2e

package replay_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// table is a table in Markdown, aligned for who reads it as it is.
func table(columns []string, rows [][]string) string {
	var text strings.Builder
	w := tabwriter.NewWriter(&text, 0, 8, 1, ' ', 0)
	line := slices.Repeat([]string{"---"}, len(columns))
	for _, row := range append([][]string{columns, line}, rows...) {
		fmt.Fprintf(w, "| %s\t|\n", strings.Join(row, "\t| "))
	}
	if err := w.Flush(); err != nil {
		panic(err) // a strings.Builder takes all
	}
	return text.String()
}

// short is a duration without the units that are 0.
func short(d time.Duration) string {
	text := d.String()
	if before, ok := strings.CutSuffix(text, "m0s"); ok {
		text = before + "m"
	}
	if before, ok := strings.CutSuffix(text, "h0m"); ok {
		text = before + "h"
	}
	return text
}

// writeDocument puts the text between the marks of a document that have this name.
func writeDocument(t *testing.T, path, name, text string) {
	t.Helper()
	beginMark, endMark := "<!-- "+name+":begin -->\n", "<!-- "+name+":end -->"
	old, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, begun := strings.Cut(string(old), beginMark)
	_, after, ended := strings.Cut(rest, endMark)
	if !begun || !ended {
		t.Fatalf("%s has no marks %q and %q", path, beginMark, endMark)
	}
	if err := os.WriteFile(path, []byte(before+beginMark+"\n"+text+"\n"+endMark+after), 0o644); err != nil {
		t.Fatal(err)
	}
}
