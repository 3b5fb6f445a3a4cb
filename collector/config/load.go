package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// maxDocument bounds the size of a configuration file, in bytes. 10,000 instances
// take about 3 MB.
const maxDocument = 16 << 20

// Parse reads a configuration that is in memory already. The faults name file, and
// relative paths start at its folder; otherwise it does what File.Load does, but for
// the permissions of the file itself.
func Parse(file string, document []byte, d Defaults) (*Config, error) {
	if len(document) > maxDocument {
		return nil, Faults{{File: file, Message: tooLargeError(maxDocument).Error() + notConfiguration}}
	}
	return parse(file, document, 0, d, os.LookupEnv)
}

const notConfiguration = ": this is not a configuration file"

// parse reads a document. The mode is that of its file, 0 when it has none.
func parse(file string, document []byte, mode fs.FileMode, d Defaults, lookup func(string) (string, bool)) (*Config, error) {
	r := &reader{
		file:     file,
		folder:   filepath.Dir(file),
		defaults: d,
		lookup:   lookup,
		ids:      map[string]place{},
		names:    map[string]place{},
	}
	r.checkDefaults()
	root, ok := r.document(document)
	if !ok {
		return nil, r.allFaults()
	}
	c := r.config(root)
	r.permissions(place{}, mode.Perm(), r.inlineToken, "the configuration file")
	if len(r.faults) > 0 {
		return nil, r.allFaults()
	}
	r.unusedAccount()
	c.Warnings = r.allWarnings()
	return c, nil
}

// permissions warns about a file that others can change or, when it holds a
// secret, read.
func (r *reader) permissions(at place, mode fs.FileMode, secret bool, what string) {
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
		return nil // reading it says what is wrong
	}
	r := &reader{file: path}
	r.permissions(place{}, info.Mode(), false, what)
	return r.allWarnings()
}

// unusedAccount warns of an account in the environment that the file makes useless.
func (r *reader) unusedAccount() {
	r.warnings = append(r.warnings, UnusedAccount(r.lookup, "the configuration file", r.tokenEnvs)...)
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
			r.faults = append(r.faults, Fault{Path: "--collector", Message: noCollector()})
		}
	}
}
