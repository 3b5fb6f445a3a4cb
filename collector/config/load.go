package config

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"slices"
)

// maxDocument bounds the size of a configuration file, in bytes. 10,000 instances
// take about 3 MB.
const maxDocument = 16 << 20

// Load reads the configuration file at path, and the token files and environment
// variables it names. Relative paths in it start at its own folder. Its error is
// a Faults that holds every fault of the file.
func Load(path string, d Defaults) (*Config, error) {
	document, mode, err := readDocument(path)
	if err != nil {
		return nil, Faults{{File: path, Message: err.Error()}}
	}
	return parse(path, document, mode, d)
}

// Parse reads a configuration that is in memory already. The faults name file, and
// relative paths start at its folder; otherwise it does what Load does, but for
// the permissions of the file itself.
func Parse(file string, document []byte, d Defaults) (*Config, error) {
	if len(document) > maxDocument {
		return nil, Faults{{File: file, Message: errTooLarge.Error()}}
	}
	return parse(file, document, 0, d)
}

var errTooLarge = fmt.Errorf("is larger than %d MiB: this is not a configuration file", maxDocument>>20)

// readDocument returns the file's bytes and, for a regular file, its permissions.
func readDocument(path string) ([]byte, fs.FileMode, error) {
	f, err := os.Open(path) //nolint:gosec // The path is the operator's own flag.
	if err != nil {
		return nil, 0, unreadable(err)
	}
	document, readErr := io.ReadAll(io.LimitReader(f, maxDocument+1))
	info, statErr := f.Stat()
	if err := errors.Join(readErr, statErr, f.Close()); err != nil {
		return nil, 0, unreadable(err)
	}
	if len(document) > maxDocument {
		return nil, 0, errTooLarge
	}
	if !info.Mode().IsRegular() {
		return document, 0, nil // a pipe, whose permissions say nothing
	}
	return document, info.Mode().Perm(), nil
}

// unreadable says why a file cannot be read, without its path: the fault has one,
// and a path in the file is a value.
func unreadable(err error) error {
	var pathErr *fs.PathError
	if errors.As(err, &pathErr) {
		err = pathErr.Err
	}
	return fmt.Errorf("cannot be read: %w", err)
}

// parse reads a document. The mode is that of its file, 0 when it has none.
func parse(file string, document []byte, mode fs.FileMode, d Defaults) (*Config, error) {
	r := &reader{
		file:     file,
		folder:   filepath.Dir(file),
		defaults: d,
		lookup:   os.LookupEnv,
		ids:      map[string]place{},
		names:    map[string]place{},
	}
	r.checkDefaults()
	root, ok := r.document(document)
	if !ok {
		return nil, r.faults.sorted()
	}
	c := r.config(root)
	r.permissions(place{}, mode, r.inlineToken, "the configuration file")
	if len(r.faults) > 0 {
		return nil, r.faults.sorted()
	}
	slices.SortStableFunc(r.warnings, func(a, b Warning) int { return byPlace(Fault(a), Fault(b)) })
	c.Warnings = r.warnings
	return c, nil
}

// permissions warns about a file that others can change or, when it holds a
// secret, read.
func (r *reader) permissions(at place, mode fs.FileMode, secret bool, what string) {
	if runtime.GOOS == "windows" {
		return // whose mode bits tell nothing about who may do what
	}
	if mode&0o022 != 0 {
		r.warn(at, what+" can be changed by others than its owner: chmod go-w")
	}
	if secret && mode&0o004 != 0 {
		r.warn(at, what+" holds a token and can be read by every user of the machine: chmod o-r")
	}
}

// CheckFile warns about a file beside the configuration that others can change.
func CheckFile(path, what string) []Warning {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil // who reads it says what is wrong
	}
	r := &reader{file: path}
	r.permissions(place{}, info.Mode(), false, what)
	return r.warnings
}

// config reads the document's top level.
func (r *reader) config(root place) *Config {
	c := &Config{}
	f := r.fields(root, "instances", "http_client", "partner")
	instances, ok := f["instances"]
	if ok {
		c.Instances = r.instances(instances)
	}
	none := !ok || isNone(instances.node)
	partner, ok := f["partner"]
	if ok {
		c.Partner = r.partner(partner)
	} else if none && isMapping(root.node) {
		r.fault(root.child("instances"), "names no instance: list at least one, with id and token_file, or add a partner section")
	}
	c.HTTPClient = r.httpClient(f["http_client"])
	return c
}

// checkDefaults keeps a Config valid by construction when a flag is not.
func (r *reader) checkDefaults() {
	if err := CheckWindow(r.defaults.Window); err != nil {
		r.faults = append(r.faults, Fault{Path: "--greenapi.window", Message: err.Error()})
	}
	if r.defaults.Window < advisedWindow {
		r.warnings = append(r.warnings, Warning{Path: "--greenapi.window", Message: shortWindow})
	}
	for _, name := range r.defaults.Collectors {
		if !slices.Contains(Collectors(), name) {
			r.faults = append(r.faults, Fault{Path: "--collector", Message: noCollector})
		}
	}
}
