package config

import (
	"cmp"
	"strconv"
	"strings"
)

// Fault is one thing wrong with a configuration.
type Fault struct {
	File    string // as it was given to NewFile or Parse; empty for the environment
	Line    int    // of the YAML node, from 1; 0 when the fault has no line
	Column  int    // from 1; 0 when unknown
	Path    string // what is wrong, such as instances[2].api_url; empty for the file as a whole
	Message string // what is wrong with it, and how to mend it; never a value
}

// String gives the fault on one line: "file.yml:12:5: instances[2].api_url: message".
func (f Fault) String() string {
	var b strings.Builder
	if f.File != "" {
		b.WriteString(f.File)
		for _, n := range []int{f.Line, f.Column} {
			if n == 0 {
				break
			}
			b.WriteString(":" + strconv.Itoa(n))
		}
		b.WriteString(": ")
	}
	if f.Path != "" {
		b.WriteString(f.Path + ": ")
	}
	b.WriteString(f.Message)
	return b.String()
}

// Faults is everything wrong with a configuration, in the order of the file. It
// is the error of File.Load, Parse and FromEnvironment.
type Faults []Fault

// Error gives one fault a line.
func (f Faults) Error() string {
	lines := make([]string, len(f))
	for i, fault := range f {
		lines[i] = fault.String()
	}
	return strings.Join(lines, "\n")
}

// Warning is something that works but should be known, such as a token in the
// configuration file itself. Its fields mean what those of a Fault do.
type Warning Fault

// String gives the warning on one line, in the form of a Fault.
func (w Warning) String() string { return Fault(w).String() }

// byPlace orders faults as a reader of the file meets them.
func byPlace(a, b Fault) int {
	return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
}
