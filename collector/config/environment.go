package config

import (
	"errors"
	"strings"

	"github.com/greenapi-exporter/greenapi_exporter/client"
)

// The variables that FromEnvironment reads.
const (
	envID     = "GREENAPI_ID_INSTANCE"
	envToken  = "GREENAPI_API_TOKEN_INSTANCE" //nolint:gosec // The name of a variable, not a token.
	envAPIURL = "GREENAPI_API_URL"
)

// ErrNoInstances is the error of FromEnvironment when not one of its variables is
// set: nobody has said whom to ask.
var ErrNoInstances = errors.New("no instance is configured: set " + envID + " and " + envToken +
	" (and " + envAPIURL + ", unless it is " + DefaultAPIURL + ")")

// FromEnvironment makes the configuration of one instance from the environment
// variables GREENAPI_ID_INSTANCE, GREENAPI_API_TOKEN_INSTANCE and GREENAPI_API_URL
// (by default, DefaultAPIURL), which lookup gives as os.LookupEnv does. An empty
// variable counts as one that is not set. Its error is ErrNoInstances or a Faults
// that holds every fault.
func FromEnvironment(lookup func(string) (string, bool), d Defaults) (*Config, error) {
	values := map[string]string{}
	for _, name := range []string{envID, envToken, envAPIURL} {
		if value, ok := lookup(name); ok && value != "" {
			values[name] = value
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
	return &Config{Instances: []Instance{instance}, Warnings: r.warnings}, nil
}

func (r *reader) environmentInstance(values map[string]string) Instance {
	i := Instance{ID: values[envID], Name: values[envID], APIURL: DefaultAPIURL, Window: r.defaults.Window}
	i.Collectors = r.collectors(place{}, nil)
	if id := (place{path: envID}); i.ID == "" {
		r.fault(id, "is not set: it must hold the idInstance that the GREEN-API console shows")
	} else {
		r.check(id, CheckID(i.ID))
	}
	token := strings.TrimSpace(values[envToken])
	if at := (place{path: envToken}); values[envToken] == "" {
		r.fault(at, "is not set: it must hold the instance's apiTokenInstance")
	} else if r.check(at, CheckToken(token)) {
		i.Token = client.NewToken(token)
	}
	if text, ok := values[envAPIURL]; ok {
		at := place{path: envAPIURL}
		if u, err := parseAPIURL(text); r.check(at, err) {
			i.APIURL = u.String()
			if sendsInClear(u) {
				r.warn(at, plainHTTP)
			}
		}
	}
	return i
}
