package config_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
)

// environment is os.LookupEnv for a map.
func environment(values map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := values[name]
		return value, ok
	}
}

func TestFromEnvironment(t *testing.T) {
	t.Parallel()
	base := map[string]string{"GREENAPI_ID_INSTANCE": "1101000001", "GREENAPI_API_TOKEN_INSTANCE": "good-token\n"}
	const (
		rest = " token=good-token window=24h0m0s whole_read_interval=0s number_prefixes=[] collectors=[calls messages settings state] labels=map[]\n" +
			"http_client\nfollow_redirects: false\nenable_http2: false\nproxy_from_environment: true\n"
		instance = `instance 1101000001 name="1101000001" api_url=`
	)
	for name, test := range map[string]struct{ url, want string }{
		"the default URL": {"", instance + "https://api.green-api.com" + rest},
		"another URL":     {"https://Example.com/v3/", instance + "https://example.com/v3" + rest},
		"plain http": {
			"http://example.com", instance + "http://example.com" + rest +
				"GREENAPI_API_URL: is plain http: the token, which is in the path, can be read by everyone on the way; use https\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			values := maps.Clone(base)
			values["GREENAPI_API_URL"] = test.url
			c, err := config.FromEnvironment(environment(values), defaults())
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(test.want, dump(t, c)); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestFromEnvironmentEmpty(t *testing.T) {
	t.Parallel()
	for _, values := range []map[string]string{nil, {"GREENAPI_ID_INSTANCE": "", "GREENAPI_API_TOKEN_INSTANCE": "", "GREENAPI_API_URL": ""}} {
		c, err := config.FromEnvironment(environment(values), defaults())
		if !errors.Is(err, config.ErrNoInstances) || c != nil {
			t.Errorf("got %v, %v", c, err)
		}
		for _, name := range []string{"GREENAPI_ID_INSTANCE", "GREENAPI_API_TOKEN_INSTANCE", "GREENAPI_API_URL"} {
			if !strings.Contains(err.Error(), name) {
				t.Errorf("%q does not name %s", err, name)
			}
		}
	}
}

func TestFromEnvironmentFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		values   map[string]string
		defaults config.Defaults
		want     string
	}{
		"only a URL": {
			map[string]string{"GREENAPI_API_URL": "https://example.com"},
			defaults(),
			"GREENAPI_ID_INSTANCE: is not set: it must hold the idInstance that the GREEN-API console shows\n" +
				"GREENAPI_API_TOKEN_INSTANCE: is not set: it must hold the instance's apiTokenInstance",
		},
		"everything wrong": {
			map[string]string{"GREENAPI_ID_INSTANCE": "sentinel", "GREENAPI_API_TOKEN_INSTANCE": "sentinel/", "GREENAPI_API_URL": "sentinel"},
			config.Defaults{},
			"--greenapi.window: must be from 1m to 8760h (a year)\n" +
				"--collector.*: reads nothing, because the flags turn every collector off: turn one on, such as --collector.messages, or list collectors in the configuration file (said once for all accounts)\n" +
				"GREENAPI_ID_INSTANCE: must be 5 to 20 digits and nothing else\n" +
				"GREENAPI_API_TOKEN_INSTANCE: holds one of / ? # %, which no token does: put the token alone there, not a URL or a path\n" +
				"GREENAPI_API_URL: must begin with https:// (or http://)",
		},
		"white space alone": {
			map[string]string{"GREENAPI_ID_INSTANCE": "1101000001", "GREENAPI_API_TOKEN_INSTANCE": " \n"},
			defaults(),
			"GREENAPI_API_TOKEN_INSTANCE: is empty: put the apiTokenInstance there",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := config.FromEnvironment(environment(test.values), test.defaults)
			_ = asFaults(t, c, err)
			if diff := gocmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}
