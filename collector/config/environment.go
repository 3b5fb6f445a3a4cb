package config

import (
	"errors"
	"slices"
	"strings"

	"github.com/greenapi-exporter/greenapi_exporter/client"
)

// The variables that FromEnvironment reads.
const (
	EnvID     = "GREENAPI_ID_INSTANCE"
	EnvToken  = "GREENAPI_API_TOKEN_INSTANCE" //nolint:gosec // The name of a variable, not a token.
	EnvAPIURL = "GREENAPI_API_URL"
)

// ErrNoInstances is the error of FromEnvironment when not one of its variables is
// set: nobody has said whom to ask.
var ErrNoInstances = errors.New("no instance is configured: set " + EnvID + " and " + EnvToken +
	" (and " + EnvAPIURL + ", unless it is " + DefaultAPIURL + ")")

// FromEnvironment makes the configuration of one instance from the environment
// variables GREENAPI_ID_INSTANCE, GREENAPI_API_TOKEN_INSTANCE and GREENAPI_API_URL
// (by default, DefaultAPIURL), which lookup gives as os.LookupEnv does. An empty
// variable counts as one that is not set, and white space around a value is left out.
// A proxy comes from the environment too (HTTPS_PROXY, HTTP_PROXY, NO_PROXY).
// Its error is ErrNoInstances or a Faults that holds every fault.
func FromEnvironment(lookup func(string) (string, bool), d Defaults) (*Config, error) {
	values := map[string]string{}
	for _, name := range []string{EnvID, EnvToken, EnvAPIURL} {
		if value, ok := lookup(name); ok && value != "" {
			values[name] = strings.TrimSpace(value) // files and shells leave line ends
		}
	}
	if len(values) == 0 {
		return nil, ErrNoInstances
	}
	r := &reader{defaults: d}
	r.checkDefaults()
	instance := r.environmentInstance(values)
	if len(r.faults) > 0 {
		return nil, r.faults
	}
	c := &Config{Instances: []Instance{instance}, Warnings: r.warnings}
	c.HTTPClient.ProxyFromEnvironment = true
	return c, nil
}

// UnusedAccount warns of an account in the environment that is not read, because of
// what stands in its place. Variables that are known to be used for something else
// are left out.
func UnusedAccount(lookup func(string) (string, bool), instead string, used []string) []Warning {
	var set []string
	for _, name := range []string{EnvID, EnvToken, EnvAPIURL} {
		if value, ok := lookup(name); ok && value != "" && !slices.Contains(used, name) {
			set = append(set, name)
		}
	}
	if len(set) == 0 {
		return nil
	}
	return []Warning{{
		Path:    strings.Join(set, ", "),
		Message: "not used, because " + instead + " says which accounts there are: leave one of the two out",
	}}
}

func (r *reader) environmentInstance(values map[string]string) Instance {
	i := Instance{ID: values[EnvID], Name: values[EnvID], APIURL: DefaultAPIURL, Window: r.defaults.Window, WholeReadInterval: r.defaults.WholeReadInterval}
	i.NumberPrefixes = slices.Clone(r.defaults.NumberPrefixes)
	i.Collectors = r.collectors(place{path: "--collector.*"}, nil)
	if id := (place{path: EnvID}); i.ID == "" {
		r.fault(id, "is not set: it must hold the idInstance that the GREEN-API console shows")
	} else if r.check(id, unquoted(i.ID)) {
		r.check(id, CheckID(i.ID))
	}
	token, given := values[EnvToken]
	if at := (place{path: EnvToken}); !given {
		r.fault(at, "is not set: it must hold the instance's apiTokenInstance")
	} else if r.check(at, CheckToken(token)) {
		i.Token = client.NewToken(token)
	}
	if text, ok := values[EnvAPIURL]; ok {
		at := place{path: EnvAPIURL}
		if u, err := parseAPIURL(text); r.check(at, unquoted(text)) && r.check(at, err) {
			i.APIURL = u.String()
			if sendsInClear(u) {
				r.warn(at, plainHTTP)
			}
		}
	}
	return i
}
