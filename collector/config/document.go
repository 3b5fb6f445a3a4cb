package config

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// document parses the YAML and returns its only document's content.
func (r *reader) document(text []byte) (place, bool) {
	if line := unprintable(text); line > 0 {
		r.faultAt(line, "is no plain UTF-8 text: remove control characters, and save it as UTF-8")
		return place{}, false
	}
	decoder := yaml.NewDecoder(bytes.NewReader(text))
	var document, second yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) || err == nil && isEmpty(document.Content[0]) {
		r.faultAt(1, "is empty: it needs instances, a list with at least an id and a token_file each, or a partner section")
		return place{}, false
	} else if err != nil {
		r.syntax(text, err)
		return place{}, false
	}
	switch err := decoder.Decode(&second); {
	case err == nil:
		r.fault(place{node: &second}, "has a second YAML document: one file holds one, remove the line ---")
	case !errors.Is(err, io.EOF):
		r.syntax(text, err)
	}
	root := place{node: document.Content[0]}
	r.plain(root.node)
	return root, true
}

func (r *reader) faultAt(line int, message string) {
	r.faults = append(r.faults, Fault{File: r.file, Line: line, Message: message})
}

// unprintable returns the first line that is not plain UTF-8 text, 0 if all are:
// yaml finds these too, but does not say where.
func unprintable(text []byte) int {
	line := 1
	for len(text) > 0 {
		c, size := utf8.DecodeRune(text)
		switch {
		case c == utf8.RuneError && size == 1, c < ' ' && c != '\t' && c != '\n' && c != '\r', c == 0x7f:
			return line
		case c == '\n':
			line++
		}
		text = text[size:]
	}
	return 0
}

// plain allows neither aliases, merge keys nor tags. A value that comes from
// elsewhere makes the place of a fault hard to find, and a small file huge; a tag
// changes what a value is.
func (r *reader) plain(node *yaml.Node) {
	if node.Kind == yaml.AliasNode {
		r.structural = true
		r.fault(place{node: node}, "aliases (*name) are not supported: write the value out, or quote it if it begins with *")
		return
	}
	if node.Style&yaml.TaggedStyle != 0 {
		r.structural = true
		r.fault(place{node: node}, "tags (!name) are not supported: remove the tag, or quote the value if it begins with !")
	}
	for i, child := range node.Content {
		if node.Kind == yaml.MappingNode && i%2 == 0 && isMerge(child) {
			r.structural = true
			r.fault(place{node: child}, "merge keys (<<) are not supported: write the keys out")
		}
		if node.Kind == yaml.MappingNode && i%2 == 1 && isMerge(node.Content[i-1]) {
			continue // said already
		}
		r.plain(child)
	}
}

var (
	yamlError     = regexp.MustCompile(`(?s)^yaml: (?:line ([0-9]+): )?(.*)$`)
	unknownAnchor = regexp.MustCompile(`(?s)^unknown anchor ('.*') referenced$`)
)

// syntax keeps the line of yaml's error, and of its phrase no more than
// syntaxMessage knows: the rest may quote the file.
func (r *reader) syntax(text []byte, err error) {
	line, phrase := 1, "" // yaml names no line for the first
	if match := yamlError.FindStringSubmatch(err.Error()); match != nil {
		phrase = match[2]
		if n, err := strconv.Atoi(match[1]); err == nil {
			line = n
		}
	}
	if match := unknownAnchor.FindStringSubmatch(phrase); match != nil { // yaml names no line here at all
		before, _, _ := bytes.Cut(text, []byte("*"+strings.Trim(match[1], "'")))
		line = 1 + bytes.Count(before, []byte("\n"))
		phrase = "unknown anchor"
	}
	r.faultAt(line, "is not valid YAML from here on: "+syntaxMessage(phrase))
}

// syntaxMessage says in our own words what yaml's phrase means.
func syntaxMessage(phrase string) string {
	switch phrase {
	case "found a tab character that violates indentation", "found a tab character where an indentation space is expected":
		return "indent with spaces, not with tabs"
	case "mapping values are not allowed in this context":
		return "a colon is where none can be: check the indentation, and quote values that hold a colon and a space"
	case "did not find expected key", "did not find expected '-' indicator", "block sequence entries are not allowed in this context",
		"mapping keys are not allowed in this context":
		return "lines of one mapping or list must be indented alike"
	case "could not find expected ':'":
		return "a key lacks its colon, or the colon its space"
	case "did not find expected ',' or ']'", "did not find expected ',' or '}'":
		return "a [list] or {mapping} is not closed, or lacks a comma"
	case "found unexpected end of stream", "found unexpected document indicator":
		return "a quote is not closed"
	case "found character that cannot start any token", "did not find expected alphabetic or numeric character",
		"did not find expected node content", "did not find expected whitespace or line break":
		return "a value begins with a character that means something in YAML (such as @ ` % * & ! or a tab): quote it, and indent with spaces"
	case "found unknown escape character", "did not find expected hexdecimal number", "found invalid Unicode character escape code":
		return "a value in double quotes holds a backslash: use single quotes, or write it twice"
	case "did not find expected comment or line break":
		return "text follows where the line should end"
	case "did not find expected <document start>":
		return "text follows the end of the document, or an indentation is too small"
	case "unknown anchor":
		return "aliases (*name) are not supported: quote a value that begins with *"
	}
	if strings.HasPrefix(phrase, "exceeded max depth") {
		return "it is nested too deeply"
	}
	return "check indentation, colons and quotes"
}
