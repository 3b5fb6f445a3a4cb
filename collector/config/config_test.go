package config_test

import (
	"cmp"
	"encoding/pem"
	"errors"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestMain takes what is set for an exporter on this machine out of the environment.
func TestMain(m *testing.M) {
	for _, variable := range os.Environ() {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "GREENAPI_") || strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			if err := os.Unsetenv(name); err != nil {
				panic(err)
			}
		}
	}
	os.Exit(m.Run())
}

// defaults are those of the flags.
func defaults() config.Defaults {
	return config.Defaults{Window: 24 * time.Hour, Collectors: []string{"state", "settings", "messages", "calls"}}
}

// copyTestdata copies testdata into a folder of the test's own, with permissions
// that depend neither on the umask nor on version control, and a certificate in
// secrets/ca.pem.
func copyTestdata(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS("testdata")); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(nil)
	certificate := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	server.Close()
	writeFile(t, filepath.Join(dir, "secrets", "ca.pem"), string(certificate))
	files, err := filepath.Glob(filepath.Join(dir, "*.yml"))
	if err != nil {
		t.Fatal(err)
	}
	secrets, err := filepath.Glob(filepath.Join(dir, "secrets", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range append(files, secrets...) {
		if err := os.Chmod(file, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func writeFile(t testing.TB, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// glob returns the names of the files of testdata that match, at least one.
func glob(t testing.TB, pattern string) []string {
	t.Helper()
	names, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(names) == 0 {
		t.Fatalf("testdata/%s: %d files, %v", pattern, len(names), err)
	}
	for i, name := range names {
		names[i] = filepath.Base(name)
	}
	return names
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		writeFile(t, path, got)
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

// load loads a configuration file, in an environment of its own.
func load(path string) (*config.Config, error) {
	return config.NewFile(path, defaults(), environment(map[string]string{"SEARCH_PATH": "usr/bin:/bin"})).Load()
}

func TestLoadGood(t *testing.T) {
	t.Parallel()
	dir := copyTestdata(t)
	for _, name := range glob(t, "*.good.yml") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := load(filepath.Join(dir, name))
			if err != nil {
				t.Fatal(err)
			}
			got := strings.ReplaceAll(dump(t, c), dir+string(filepath.Separator), "")
			golden(t, strings.TrimSuffix(name, ".yml")+".golden", got)
		})
	}
}

func TestLoadBad(t *testing.T) {
	t.Parallel()
	dir := copyTestdata(t)
	for _, name := range glob(t, "*.bad.yml") {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := load(filepath.Join(dir, name))
			faults := asFaults(t, c, err)
			if strings.Contains(strings.ToLower(strings.ReplaceAll(err.Error(), dir, "")), "sentinel") {
				t.Errorf("a value shows in the error:\n%v", err)
			}
			if !slices.IsSortedFunc(faults, func(a, b config.Fault) int { return cmp.Compare(a.Line, b.Line) }) {
				t.Error("the faults are not in the order of the file")
			}
			got := strings.ReplaceAll(err.Error(), dir+string(filepath.Separator), "") + "\n"
			golden(t, strings.TrimSuffix(name, ".yml")+".golden", got)
		})
	}
}

// asFaults fails the test unless there is an error, of faults, and nothing else.
func asFaults(t testing.TB, c *config.Config, err error) config.Faults {
	t.Helper()
	var faults config.Faults
	if !errors.As(err, &faults) || len(faults) == 0 {
		t.Fatalf("error %v (%T), want faults", err, err)
	}
	if c != nil {
		t.Error("there is a configuration beside the faults")
	}
	for _, f := range faults {
		if f.Message == "" || strings.ContainsAny(f.String(), "\n\r") {
			t.Errorf("the fault %q is not one line with a message", f)
		}
	}
	return faults
}

// dump writes all there is in a configuration, tokens in clear.
func dump(t testing.TB, c *config.Config) string {
	t.Helper()
	var b strings.Builder
	for _, i := range c.Instances {
		fmt.Fprintf(&b, "instance %s name=%q api_url=%s token=%s window=%v whole_read_interval=%v number_prefixes=%v collectors=%v labels=%q\n",
			i.ID, i.Name, i.APIURL, reveal(t, i.Token), i.Window, i.WholeReadInterval, i.NumberPrefixes, i.Collectors, i.Labels)
	}
	if p := c.Partner; p != nil {
		fmt.Fprintf(&b, "partner api_url=%s token=%s refresh_interval=%v instance_api_url=%q include=%q exclude=%q",
			p.APIURL, reveal(t, p.Token), p.RefreshInterval, p.InstanceAPIURLs, p.Include, p.Exclude)
		fmt.Fprintf(&b, " window=%v whole_read_interval=%v number_prefixes=%v collectors=%v labels=%q\n", p.Window, p.WholeReadInterval, p.NumberPrefixes, p.Collectors, p.Labels)
	}
	httpClient, err := yaml.Marshal(c.HTTPClient)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Fprintf(&b, "http_client\n%s", httpClient)
	for _, w := range c.Warnings {
		fmt.Fprintln(&b, w)
	}
	return b.String()
}

func reveal(t testing.TB, source client.TokenSource) string {
	t.Helper()
	token, err := source.Token()
	if err != nil {
		t.Fatal(err)
	}
	return token.Reveal()
}

func TestLoadUnreadable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	large := filepath.Join(dir, "large.yml")
	writeFile(t, large, "")
	if err := os.Truncate(large, 16<<20+1); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "missing.yml"): "cannot be read: no such file or directory",
		dir:                               "is a folder: it must be a regular file",
		large:                             "is larger than 16 MiB",
	} {
		c, err := load(path)
		faults := asFaults(t, c, err)
		if diff := gocmp.Diff(config.Faults{{File: path, Message: want}}, faults); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
}

func TestParseTooLarge(t *testing.T) {
	t.Parallel()
	c, err := config.Parse("large.yml", make([]byte, 16<<20+1), defaults())
	if got, want := asFaults(t, c, err)[0].String(), "large.yml: is larger than 16 MiB: this is not a configuration file"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestFaultPlace(t *testing.T) {
	t.Parallel()
	c, err := config.Parse("file.yml", []byte("instances:\n  - id: 12\n    token: good\n"), defaults())
	want := config.Faults{{
		File: "file.yml", Line: 2, Column: 9, Path: "instances[0].id",
		Message: "must be 5 to 20 digits and nothing else, best in quotes",
	}}
	if diff := gocmp.Diff(want, asFaults(t, c, err)); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	const line = "file.yml:2:9: instances[0].id: must be 5 to 20 digits and nothing else, best in quotes"
	if err.Error() != line {
		t.Errorf("error %q, want %q", err, line)
	}
}

func TestTokenFromEnvironmentVariable(t *testing.T) {
	t.Setenv("GREENAPI_TEST_TOKEN", "from-the-environment")
	t.Setenv("GREENAPI_TEST_EMPTY", "")
	good := []byte("instances: [{id: \"1101000001\", token_env: GREENAPI_TEST_TOKEN}]")
	c, err := config.Parse("file.yml", good, defaults())
	if err != nil {
		t.Fatal(err)
	}
	if got := reveal(t, c.Instances[0].Token); got != "from-the-environment" {
		t.Errorf("token %q", got)
	}
	bad := []byte("instances: [{id: \"1101000001\", token_env: GREENAPI_TEST_EMPTY}]")
	c, err = config.Parse("file.yml", bad, defaults())
	if got := asFaults(t, c, err)[0]; got.Path != "instances[0].token_env" {
		t.Errorf("fault %v", got)
	}
}

func TestBadDefaults(t *testing.T) {
	t.Parallel()
	document := []byte("instances: [{id: \"1101000001\", token: good}]")
	for name, test := range map[string]struct {
		defaults config.Defaults
		want     string
	}{
		"no collectors": {config.Defaults{Window: time.Hour}, "file.yml:1:13: instances[0]: reads nothing"},
		"no window":     {config.Defaults{Collectors: []string{"calls"}}, "--greenapi.window: must be from 1m"},
		"bad collector": {config.Defaults{Window: time.Hour, Collectors: []string{"x"}}, "--collector: is no collector"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := config.Parse("file.yml", document, test.defaults)
			faults := asFaults(t, c, err)
			if len(faults) != 1 || !strings.HasPrefix(faults[0].String(), test.want) {
				t.Errorf("faults %v, want one: %s…", faults, test.want)
			}
		})
	}
}

func TestCheckWindow(t *testing.T) {
	t.Parallel()
	for window, good := range map[time.Duration]bool{
		time.Minute: true, 24 * time.Hour: true, 8760 * time.Hour: true,
		0: false, -time.Hour: false, 59 * time.Second: false, 90 * time.Second: false,
		time.Hour + 1: false, 8760*time.Hour + time.Minute: false,
	} {
		if err := config.CheckWindow(window); (err == nil) != good {
			t.Errorf("CheckWindow(%v) = %v", window, err)
		}
	}
}

func TestShortWindows(t *testing.T) {
	t.Parallel()
	values := map[string]string{"GREENAPI_ID_INSTANCE": "1101000001", "GREENAPI_API_TOKEN_INSTANCE": "good"}
	const document = `instances: [{id: "1101000001", token: good`
	for window, short := range map[time.Duration]bool{time.Minute: true, 4 * time.Minute: true, 5 * time.Minute: false} {
		d := defaults()
		inFile, err1 := config.Parse("file.yml", fmt.Appendf(nil, "%s, window: %v}]", document, window), d)
		d.Window = window
		byFlag, err2 := config.Parse("file.yml", []byte(document+"}]"), d)
		environment, err3 := config.FromEnvironment(environment(values), d)
		if err := errors.Join(err1, err2, err3); err != nil {
			t.Fatal(err)
		}
		for n, c := range []*config.Config{inFile, byFlag, environment} {
			place := []string{"file.yml:1:53: instances[0].window", "--greenapi.window", "--greenapi.window"}[n]
			warned := slices.ContainsFunc(c.Warnings, func(w config.Warning) bool { return strings.HasPrefix(w.String(), place+": is less than 5m: ") })
			if warned != short {
				t.Errorf("a window of %v, %s: warnings %v", window, place, c.Warnings)
			}
		}
	}
}

// Changing what one holder sees must not change what another one does.
func TestConfigSharesNothing(t *testing.T) {
	t.Parallel()
	d := defaults()
	document := []byte("instances: [{id: \"1101000001\", token: good}, {id: \"1101000002\", token: good}]")
	c, err := config.Parse("file.yml", document, d)
	if err != nil {
		t.Fatal(err)
	}
	want := slices.Sorted(slices.Values(d.Collectors))
	c.Instances[0].Collectors[0] = "changed"
	d.Collectors[1] = "changed"
	if diff := gocmp.Diff(want, c.Instances[1].Collectors); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestPartnerSelects(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		partner config.Partner
		id      string
		want    bool
	}{
		"everything by default":        {config.Partner{}, "1101000001", true},
		"included by id":               {config.Partner{Include: []string{"1101000001"}}, "1101000001", true},
		"an id is no prefix":           {config.Partner{Include: []string{"1101000001"}}, "110100000123", false},
		"included by prefix":           {config.Partner{Include: []string{"99*", "11*"}}, "1101000001", true},
		"not included":                 {config.Partner{Include: []string{"99*"}}, "1101000001", false},
		"a prefix matches from 0 on":   {config.Partner{Include: []string{"0001*"}}, "1101000001", false},
		"excluded by id":               {config.Partner{Exclude: []string{"1101000001"}}, "1101000001", false},
		"excluded by prefix":           {config.Partner{Exclude: []string{"11*"}}, "1101000001", false},
		"exclusion beats inclusion":    {config.Partner{Include: []string{"1101000001"}, Exclude: []string{"11*"}}, "1101000001", false},
		"others are left by exclusion": {config.Partner{Exclude: []string{"11*"}}, "7105000001", true},
	} {
		if got := test.partner.Selects(test.id); got != test.want {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func TestPartnerInstanceAPIURL(t *testing.T) {
	t.Parallel()
	p := config.Partner{
		APIURL:          "https://own",
		InstanceAPIURLs: map[string]string{"7": "https://7", "7105": "https://7105", "1101000001": "https://one"},
	}
	for id, want := range map[string]string{
		"7105000001": "https://7105", "7104000001": "https://7", "1101000001": "https://one", "1101000002": "https://own", "": "https://own",
	} {
		if got := p.InstanceAPIURL(id); got != want {
			t.Errorf("InstanceAPIURL(%q) = %s, want %s", id, got, want)
		}
	}
}
