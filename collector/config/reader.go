package config

import (
	"slices"
	"strconv"

	"go.yaml.in/yaml/v3"
)

// reader walks the nodes of one document and gathers what is wrong with them. It
// walks, rather than decoding into structs, because yaml's own type errors quote
// values, carry no column, and end at the first fault of a subtree.
type reader struct {
	file     string
	folder   string // relative paths start here
	defaults Defaults
	lookup   func(string) (string, bool) // of environment variables

	faults   Faults
	warnings []Warning
	more     struct{ faults, warnings int } // how many there are beyond those that are listed

	structural  bool             // the document has aliases, merge keys or tags
	inlineToken bool             // a token is in the document itself
	idle        bool             // it was said that no collector is turned on
	tokenEnvs   []string         // the variables that token_env names
	ids, names  map[string]place // where each was first given
}

// place is a node and the way to it, such as instances[2].api_url.
type place struct {
	node *yaml.Node
	path string
}

// child is the place of a key below p; its node is p's, until a better one is known.
func (p place) child(key string) place {
	if p.path != "" {
		key = p.path + "." + key
	}
	return place{node: p.node, path: key}
}

// line names p for a fault elsewhere, such as "instances[0].id (line 3)".
func (p place) line() string { return p.path + " (line " + strconv.Itoa(p.node.Line) + ")" }

func (p place) fault(file, message string) Fault {
	f := Fault{File: file, Path: p.path, Message: message}
	if p.node != nil {
		f.Line, f.Column = p.node.Line, p.node.Column
	}
	return f
}

// maxListed bounds the faults that are listed of one document, and the warnings: a
// file of another kind may have a million.
const maxListed = 100

func (r *reader) fault(at place, message string) {
	if len(r.faults) == maxListed {
		r.more.faults++
		return
	}
	r.faults = append(r.faults, at.fault(r.file, message))
}

func (r *reader) warn(at place, message string) {
	if len(r.warnings) == maxListed {
		r.more.warnings++
		return
	}
	r.warnings = append(r.warnings, Warning(at.fault(r.file, message)))
}

// allFaults returns the faults in the order of the file, and how many more there are.
func (r *reader) allFaults() Faults {
	slices.SortStableFunc(r.faults, byPlace)
	if r.more.faults > 0 {
		r.faults = append(r.faults, Fault{File: r.file, Message: "has " + strconv.Itoa(r.more.faults) + " more faults: mend these first"})
	}
	return r.faults
}

// allWarnings returns the warnings in the order of the file, and how many more there are.
func (r *reader) allWarnings() []Warning {
	slices.SortStableFunc(r.warnings, func(a, b Warning) int { return byPlace(Fault(a), Fault(b)) })
	if r.more.warnings > 0 {
		r.warnings = append(r.warnings, Warning{File: r.file, Message: "has " + strconv.Itoa(r.more.warnings) + " more warnings"})
	}
	return r.warnings
}

// check records err, whose text must be free of values, as a fault. It tells
// whether there was none.
func (r *reader) check(at place, err error) bool {
	if err != nil {
		r.fault(at, err.Error())
	}
	return err == nil
}

// entry is one key of a mapping.
type entry struct {
	key   string
	at    place // the key's node
	value place
}

// fields reads a mapping that may hold the known keys only.
func (r *reader) fields(at place, known ...string) map[string]place {
	fields := map[string]place{}
	for _, e := range r.entries(at) {
		if slices.Contains(known, e.key) {
			fields[e.key] = e.value
			continue
		}
		if len(r.faults) == maxListed {
			r.more.faults++ // which spares the search for a similar key
			continue
		}
		r.fault(place{e.at.node, at.path}, unknownKey(e.key, known))
	}
	return fields
}

// entries reads a mapping, each key once. Nothing at all is an empty mapping.
func (r *reader) entries(at place) []entry {
	if at.node.Kind == yaml.AliasNode {
		return nil
	}
	if !isMapping(at.node) {
		r.fault(at, "must be a mapping: lines of \"key: value\", indented alike, with a space after the colon")
		return nil
	}
	var entries []entry
	first := map[string]int{}
	for i := 0; i+1 < len(at.node.Content); i += 2 {
		key, value := at.node.Content[i], at.node.Content[i+1]
		switch line, again := first[key.Value]; {
		case key.Kind != yaml.ScalarNode:
			r.fault(place{key, at.path}, "has a key that is a list, a mapping or an alias: keys are plain text")
		case isMerge(key):
		case again:
			r.fault(place{key, at.path}, "sets the key "+Shown(key.Value)+" twice, first at line "+strconv.Itoa(line)+": keep one of them")
		default:
			first[key.Value] = key.Line
			path := at.child(pathElement(key.Value)).path
			entries = append(entries, entry{key.Value, place{key, path}, place{value, path}})
		}
	}
	return entries
}

// items reads a list. Nothing at all is an empty list.
func (r *reader) items(at place) []place {
	if isEmpty(at.node) || at.node.Kind == yaml.AliasNode {
		return nil
	}
	if at.node.Kind != yaml.SequenceNode {
		r.fault(at, "must be a list: lines that begin with \"- \", or [a, b]")
		return nil
	}
	items := make([]place, len(at.node.Content))
	for i, node := range at.node.Content {
		items[i] = place{node, at.path + "[" + strconv.Itoa(i) + "]"}
	}
	return items
}

// text reads a single value exactly as it is written, whatever type YAML would
// make of it.
func (r *reader) text(at place) (string, bool) {
	switch {
	case at.node.Kind == yaml.AliasNode:
		return "", false
	case at.node.Kind != yaml.ScalarNode:
		r.fault(at, "must be a single value, not a list or a mapping")
		return "", false
	case isEmpty(at.node):
		r.fault(at, "has no value: give it one, or remove the key")
		return "", false
	}
	return at.node.Value, true
}

// isEmpty tells a null: a key with nothing behind it.
func isEmpty(node *yaml.Node) bool {
	return node.Kind == yaml.ScalarNode && node.ShortTag() == "!!null"
}

// isMapping tells a mapping, or nothing, which is one without keys.
func isMapping(node *yaml.Node) bool { return node.Kind == yaml.MappingNode || isEmpty(node) }

// isNone tells a list without items, or no list at all.
func isNone(node *yaml.Node) bool {
	return isEmpty(node) || node.Kind == yaml.SequenceNode && len(node.Content) == 0
}

func isMerge(key *yaml.Node) bool {
	return key.Kind == yaml.ScalarNode && key.ShortTag() == "!!merge"
}
