package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// count writes a number with separators.
func count(n int) string {
	digits := strconv.Itoa(n)
	for at := len(digits) - 3; at > 0; at -= 3 {
		digits = digits[:at] + "," + digits[at:]
	}
	return digits
}

// machine names the processor.
func machine() string {
	name := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if field, value, found := strings.Cut(line, ":"); found && strings.TrimSpace(field) == "model name" {
				name = strings.TrimSpace(value)
				break
			}
		}
	}
	return fmt.Sprintf("%s, %d processors, %s/%s", name, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
}

// markdown writes results as a table.
func markdown(results []result, machine string, built build, s settings) string {
	var text strings.Builder
	fmt.Fprintf(&text, "Measured on %s, with %s, at revision %s; medians of %d turns. Only the ratios carry over to other machines.\n\n",
		machine, built.goVersion, abbreviated(built.revision), s.rounds)
	text.WriteString("| one scrape of | CPU, times | that of | CPU here, ms | peak memory, MB | over that of an empty journal, MB | goal | |\n")
	text.WriteString("|---|--:|---|--:|--:|--:|---|---|\n")
	for _, r := range results {
		over, verdict := "", ""
		if r.over != 0 {
			over = megabytes(r.over)
		}
		if r.goal != "" {
			verdict = map[bool]string{true: "met", false: "**missed**"}[r.met]
		}
		fmt.Fprintf(&text, "| %s | %.2f | %s | %.1f | %s | %s | %s | %s |\n",
			r.scenario, r.ratio, r.to, float64(r.cpu)/float64(time.Millisecond), megabytes(r.peak), over, r.goal, verdict)
	}
	return text.String()
}

func megabytes(n int64) string { return strconv.FormatFloat(float64(n)/(1<<20), 'f', 1, 64) }

// abbreviated shortens a commit as git does.
func abbreviated(revision string) string {
	if revision == "" {
		return "unknown"
	}
	return revision[:min(12, len(revision))]
}

// What stands between these lines of a document is rewritten.
const (
	beginMarker = "<!-- bench:begin -->\n"
	endMarker   = "<!-- bench:end -->\n"
)

// rewriteDocument puts a text between the markers of a document. A nil text only
// looks whether they are there.
func rewriteDocument(path string, text []byte) error {
	before, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("rewrite the document: %w", err)
	}
	after, err := replaced(before, text)
	if err != nil {
		return fmt.Errorf("rewrite %s: %w", path, err)
	}
	if text == nil || bytes.Equal(before, after) {
		return nil
	}
	if err := os.WriteFile(path, after, 0o644); err != nil {
		return fmt.Errorf("rewrite the document: %w", err)
	}
	return nil
}

// replaced returns a document with another text between its markers.
func replaced(document, text []byte) ([]byte, error) {
	if bytes.Count(document, []byte(beginMarker)) != 1 || bytes.Count(document, []byte(endMarker)) != 1 {
		return nil, errors.New("there must be one line " + strings.TrimSpace(beginMarker) + " and one line " + strings.TrimSpace(endMarker))
	}
	head, rest, _ := bytes.Cut(document, []byte(beginMarker))
	_, tail, found := bytes.Cut(rest, []byte(endMarker))
	if !found {
		return nil, errors.New("the end marker stands before the begin marker")
	}
	return bytes.Join([][]byte{head, []byte(beginMarker), text, []byte(endMarker), tail}, nil), nil
}
