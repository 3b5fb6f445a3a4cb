package config_test

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
)

// TestWhatLooksLikeNoToken puts other things where a token belongs, in each of the
// places there are. No error quotes them.
func TestWhatLooksLikeNoToken(t *testing.T) {
	t.Parallel()
	const secret = "SENTINEL75b3a2"
	for text, want := range map[string]string{
		`"` + secret + `"`:            "looks like text in quotes",
		"'" + secret + "'":            "looks like text in quotes",
		"`" + secret + "`":            "looks like text in quotes",
		"\u201c" + secret + "\u201d":  "looks like text in quotes",
		"GREENAPI_TOKEN=" + secret:    "looks like NAME=token",
		"export TOKEN=" + secret:      "looks like NAME=token",
		"apiTokenInstance: " + secret: "looks like name: token",
		"Bearer " + secret:            "looks like an HTTP header",
		"<token>":                     "looks like a placeholder in brackets",
		"<" + secret + ">":            "looks like a placeholder in brackets",
		"{" + secret + "}":            "looks like a placeholder in brackets",
		"[" + secret + "]":            "looks like a placeholder in brackets",
		"{{ .Values.token }}":         "looks like a placeholder in brackets",
		"$TOKEN":                      "looks like a variable",
		"${TOKEN}":                    "looks like a variable",
		"$(cat token)":                "looks like a variable",
		"…":                           "looks like a placeholder",
		secret + "…":                  "looks like a placeholder, or a token that was cut short",
		"...":                         "looks like a placeholder",
		secret + "...":                "looks like a placeholder, or a token that was cut short",
		"xxxxxxxx":                    "looks like a placeholder",
		"********":                    "looks like a placeholder",
		"your-token":                  "looks like a placeholder",
		"changeme":                    "looks like a placeholder",
		"apiTokenInstance":            "looks like a placeholder",
		"https://api.green-api.com/":  "looks like a URL",
		"/run/secrets/" + secret:      "looks like the path of a file",
		"./" + secret:                 "looks like the path of a file",
		`C:\` + secret:                "looks like the path of a file",
		secret + "/" + secret:         "holds one of / ? # %",
		secret + " " + secret:         "holds a space",
		"d75b3a66374942c5b3c019c698abc2067e151558": "",
		"abc":           "",
		"x":             "",
		"my-token_1.2=": "",
	} {
		path := filepath.Join(t.TempDir(), "token")
		writeFile(t, path, text+"\n")
		inYAML := fmt.Sprintf("%q", text)
		lookup := environment(map[string]string{"TOKEN_OF_SUPPORT": " " + text + "\n"})
		fromVariable := filepath.Join(t.TempDir(), "greenapi.yml")
		writeFile(t, fromVariable, "instances: [{id: '1101000001', token_env: TOKEN_OF_SUPPORT}]")
		_, errInline := config.Parse("file.yml", []byte("instances: [{id: '1101000001', token: "+inYAML+"}]"), defaults())
		_, errFile := config.Parse("file.yml", fmt.Appendf(nil, "instances: [{id: '1101000001', token_file: %q}]", path), defaults())
		_, errPartner := config.Parse("file.yml", []byte("partner: {token: "+inYAML+"}"), defaults())
		_, errVariable := config.NewFile(fromVariable, defaults(), lookup).Load()
		_, errEnvironment := config.FromEnvironment(environment(map[string]string{
			"GREENAPI_ID_INSTANCE": "1101000001", "GREENAPI_API_TOKEN_INSTANCE": text,
		}), defaults())
		for place, err := range map[string]error{
			"token": errInline, "token_file": errFile, "partner": errPartner, "token_env": errVariable, "environment": errEnvironment,
		} {
			switch got := fmt.Sprint(err); {
			case want == "" && err != nil:
				t.Errorf("%s, %s: %v", text, place, err)
			case want != "" && !strings.Contains(got, want):
				t.Errorf("%s, %s: %s, want %s", text, place, got, want)
			case strings.Contains(got, "SENTINEL"):
				t.Errorf("%s, %s: it shows: %s", text, place, got)
			}
		}
	}
}

// TestEnvironmentIsTrimmed sets variables as files and shells do.
func TestEnvironmentIsTrimmed(t *testing.T) {
	t.Parallel()
	c, err := config.FromEnvironment(environment(map[string]string{
		"GREENAPI_ID_INSTANCE":        " 1101000001\r\n",
		"GREENAPI_API_TOKEN_INSTANCE": "\tgood\n",
		"GREENAPI_API_URL":            "\nhttps://7105.api.greenapi.com/ ",
	}), defaults())
	if err != nil {
		t.Fatal(err)
	}
	i := c.Instances[0]
	if i.ID != "1101000001" || i.Name != i.ID || reveal(t, i.Token) != "good" || i.APIURL != "https://7105.api.greenapi.com" {
		t.Errorf("%+v", i)
	}
	_, err = config.FromEnvironment(environment(map[string]string{
		"GREENAPI_ID_INSTANCE": `"1101000001"`, "GREENAPI_API_TOKEN_INSTANCE": "good", "GREENAPI_API_URL": "'https://api.green-api.com'",
	}), defaults())
	const want = "GREENAPI_ID_INSTANCE: is in quotes: remove them (docker's --env-file keeps quotes)\n" +
		"GREENAPI_API_URL: is in quotes: remove them (docker's --env-file keeps quotes)"
	if diff := gocmp.Diff(want, fmt.Sprint(err)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestParseDuration(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"90m": 90 * time.Minute, "24h": day, "1h30m": 90 * time.Minute, "0": 0, "0s": 0, "-5s": -5 * time.Second, "1.5h": 90 * time.Minute,
		"1d": day, "7d": 7 * day, "1w": 7 * day, "1w2d12h": 9*day + 12*time.Hour, "365d": 365 * day, "0d": 0,
	} {
		if got, err := config.ParseDuration(text); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{
		"", "24", "1", "d", "w", "1y", "1 d", "-1d", "1d-1h", "1.5d", "1h1d", "1d1w", "h", "24 h", "1D", "99999d", "9999999999h", "SENTINEL", "1d9999999h",
	} {
		if got, err := config.ParseDuration(text); err == nil || !strings.Contains(err.Error(), "such as") || strings.Contains(err.Error(), "SENTINEL") {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
}

// TestFaultsAreBounded reads files of another kind: a list of a million keys, and one
// of many accounts that all have the same fault.
func TestFaultsAreBounded(t *testing.T) {
	t.Parallel()
	var keys, accounts, warnings strings.Builder
	for n := range 20_000 {
		fmt.Fprintf(&keys, "k%d: 1\n", n)
	}
	accounts.WriteString("instances:\n")
	warnings.WriteString("instances:\n")
	for n := range 5000 {
		fmt.Fprintf(&accounts, "- {id: '%d', token: 'a b'}\n", 1100000000+n)
		fmt.Fprintf(&warnings, "- {id: '%d', token: ab}\n", 1100000000+n)
	}
	for text, want := range map[string]string{
		keys.String():     "file.yml: has 19901 more faults: mend these first",
		accounts.String(): "file.yml: has 4900 more faults: mend these first",
	} {
		c, err := config.Parse("file.yml", []byte(text), defaults())
		faults := asFaults(t, c, err)
		if got := faults[len(faults)-1].String(); len(faults) != 101 || got != want {
			t.Errorf("%d faults, the last %s", len(faults), got)
		}
	}
	c, err := config.Parse("file.yml", []byte(warnings.String()), defaults())
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Warnings[len(c.Warnings)-1].String(); len(c.Warnings) != 101 || got != "file.yml: has 4900 more warnings" {
		t.Errorf("%d warnings, the last %s", len(c.Warnings), got)
	}
}

// TestNoCollectorsIsSaidOnce turns all collectors off for many accounts.
func TestNoCollectorsIsSaidOnce(t *testing.T) {
	t.Parallel()
	const document = "instances:\n- {id: '1101000001', token: good}\n- {id: '1101000002', token: good}\n- {id: '1101000003', token: good, collectors: [calls]}\n"
	c, err := config.Parse("file.yml", []byte(document), config.Defaults{Window: time.Hour})
	faults := asFaults(t, c, err)
	if len(faults) != 1 || !strings.HasPrefix(faults[0].String(), "file.yml:2:3: instances[0]: reads nothing, because the flags turn every collector off") {
		t.Errorf("%v", faults)
	}
}

// TestRelativePathsAreResolved names files that are not there, relative to a folder
// that people may not expect.
func TestRelativePathsAreResolved(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	path := filepath.Join(folder, "greenapi.yml")
	writeFile(t, path, `
instances:
- {id: "1101000001", token_file: secrets/support-1101000001}
- {id: "1101000002", token_file: SENTINEL0d75b3a2}
http_client: {tls_config: {ca_file: ca.pem}}`)
	c, err := load(path)
	var got []string
	for _, f := range asFaults(t, c, err) {
		got = append(got, strings.ReplaceAll(f.Message, folder+string(filepath.Separator), "FOLDER/"))
	}
	want := []string{
		"the token file cannot be read: no such file or directory (FOLDER/secrets/support-1101000001)",
		"the token file cannot be read: no such file or directory (FOLDER/…)",
		"names a file that cannot be read: no such file or directory (FOLDER/ca.pem)",
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	c, err = load("missing.yml")
	here, wdErr := os.Getwd()
	if wdErr != nil {
		t.Fatal(wdErr)
	}
	if got, want := asFaults(t, c, err)[0].String(), "missing.yml: cannot be read: no such file or directory ("+filepath.Join(here, "missing.yml")+")"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestUnusedEnvironment sets what is not used beside a file.
func TestUnusedEnvironment(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "greenapi.yml")
	account := map[string]string{"GREENAPI_ID_INSTANCE": "1101000001", "GREENAPI_API_TOKEN_INSTANCE": "good"}
	const (
		unused  = "not used, because the configuration file says which accounts there are: leave one of the two out"
		proxied = "is set, but not used: set proxy_from_environment: true under http_client to go through this proxy, or false to go without it and without this warning"
	)
	for name, test := range map[string]struct {
		document    string
		environment map[string]string
		want        []string
	}{
		"nothing":       {"instances: [{id: '1101000001', token_env: T}]", map[string]string{"T": "good"}, nil},
		"an account":    {"instances: [{id: '1101000001', token_env: T}]", map[string]string{"T": "good", "GREENAPI_ID_INSTANCE": "1101000001", "GREENAPI_API_TOKEN_INSTANCE": "good"}, []string{"GREENAPI_ID_INSTANCE, GREENAPI_API_TOKEN_INSTANCE: " + unused}},
		"a used token":  {"instances: [{id: '1101000001', token_env: GREENAPI_API_TOKEN_INSTANCE}]", account, []string{"GREENAPI_ID_INSTANCE: " + unused}},
		"a proxy":       {"instances: [{id: '1101000001', token_env: T}]", map[string]string{"T": "good", "HTTPS_PROXY": "http://proxy:3128"}, []string{"HTTPS_PROXY: " + proxied}},
		"in lower case": {"{instances: [{id: '1101000001', token_env: T}], http_client: {}}", map[string]string{"T": "good", "https_proxy": "http://proxy:3128"}, []string{"https_proxy: " + proxied}},
		"a used proxy":  {"{instances: [{id: '1101000001', token_env: T}], http_client: {proxy_from_environment: true}}", map[string]string{"T": "good", "HTTPS_PROXY": "http://proxy:3128"}, nil},
		"another proxy": {"{instances: [{id: '1101000001', token_env: T}], http_client: {proxy_url: 'http://other:3128'}}", map[string]string{"T": "good", "HTTPS_PROXY": "http://proxy:3128"}, nil},
		"no proxy":      {"{instances: [{id: '1101000001', token_env: T}], http_client: {proxy_from_environment: false}}", map[string]string{"T": "good", "HTTPS_PROXY": "http://proxy:3128"}, nil},
	} {
		writeFile(t, path, test.document)
		c, err := config.NewFile(path, defaults(), environment(maps.Clone(test.environment))).Load()
		if err != nil {
			t.Fatal(name, err)
		}
		var got []string
		for _, w := range c.Warnings {
			got = append(got, w.String())
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: warnings %q, want %q", name, got, test.want)
		}
	}
}
