package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kingpin/v2"
)

// wrongValues are no values of any flag but those that take any text.
func wrongValues() []string {
	return []string{
		sentinelToken, "24", "30", "many", "-1", "-1s", "1.5.2", "no", "yes", "off", "10174", "256X", "0.0", "2021-01-01",
		"NaN", "1e3x", "24 hours", "true!", "http://localhost:10174", "[::1", ":99999", ":port", "metrics", "/-/x", "Debug", " ",
	}
}

// plainTexts are the flags that take any text: names of files and folders.
func plainTexts() []string { return []string{"config.file", "web.config.file", "ledger.path"} }

// TestEveryFlagSaysWhatItTakes gives each flag what it does not take, on the command
// line and in the environment: the message names where it was given, and an example
// that is fine.
func TestEveryFlagSaysWhatItTakes(t *testing.T) {
	t.Setenv("GREENAPI_EXPORTER_VERSION", "0.1.0") // which disturbs nobody
	app, _ := newApplication()
	if _, err := app.ParseContext(nil); err != nil { // which names the variables
		t.Fatal(err)
	}
	for _, flag := range app.Model().Flags {
		v, ours := flag.Value.(*value)
		if flag.Hidden || flag.Name == "help" || flag.Name == "version" || slices.Contains(plainTexts(), flag.Name) {
			if ours && !flag.Hidden {
				t.Errorf("--%s says what it takes: take it off the list", flag.Name)
			}
			continue
		}
		if !ours {
			t.Errorf("--%s has a value of kingpin's, whose messages do not name the flag: use one of arguments.go", flag.Name)
			continue
		}
		if err := v.Set(v.example); err != nil {
			t.Errorf("--%s does not take its own example %s", flag.Name, v.example)
		}
		wrong := 0
		for _, text := range wrongValues() {
			if v.Set(text) == nil {
				continue
			}
			wrong++
			if !v.boolean {
				mistakeIn(t, []string{"--" + flag.Name + "=" + text}, "--"+flag.Name+": must be ", "such as --"+flag.Name+"="+v.example)
			}
			t.Setenv(flag.Envar, text)
			mistakeIn(t, nil, flag.Envar+": must be ", "such as "+flag.Envar+"="+v.example)
		}
		if err := os.Unsetenv(flag.Envar); err != nil {
			t.Fatal(err)
		}
		if wrong < 5 {
			t.Errorf("only %d values are wrong for --%s", wrong, flag.Name)
		}
		if v.boolean {
			mistakeIn(t, []string{"--" + flag.Name + "=false"}, "--"+flag.Name+" takes no value: ", "--no-"+flag.Name)
			mistakeIn(t, []string{"--no-" + flag.Name + "=1"}, "--no-"+flag.Name+" takes no value: ", "--no-"+flag.Name)
		} else {
			mistakeIn(t, []string{"--" + flag.Name}, "--"+flag.Name+" needs a value, such as --"+flag.Name+"="+v.example)
			mistakeIn(t, []string{"--" + flag.Name, "--demo"}, "--"+flag.Name+" needs a value, such as --"+flag.Name+"="+v.example)
		}
	}
}

// mistakeIn expects a command line to be refused with a message that says all that is
// wanted, in the words of no library, and without a secret.
func mistakeIn(t *testing.T, args []string, want ...string) {
	t.Helper()
	var out bytes.Buffer
	if _, code, done := parseFlags(args, io.Discard, &out); !done || code != 1 {
		t.Errorf("%q is fine", args)
	}
	for _, want := range want {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q: does not say %q:\n%s", args, want, &out)
		}
	}
	for _, word := range []string{"strconv", "units:", "missing unit", "unexpected", "parsing", sentinelToken, sentinelToken[:7]} {
		if strings.Contains(out.String(), word) {
			t.Errorf("%q: it says %q:\n%s", args, word, &out)
		}
	}
}

// TestMisplacedArguments has mistakes that are none of a value.
func TestMisplacedArguments(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		want []string
	}{
		{[]string{sentinelToken}, []string{"there are flags only, and no arguments"}},
		{[]string{"--collector.calls", "false"}, []string{"--collector.calls takes no value", "--no-collector.calls off"}},
		{[]string{"--no-demo", "true", "--greenapi.timeout", "many"}, []string{"--no-demo takes no value", "--greenapi.timeout: must be"}},
		{[]string{"--demo", sentinelToken}, []string{"there are flags only"}},
		{[]string{"@" + sentinelToken}, []string{"there are flags only"}},
		{[]string{"--", "--demo"}, []string{"there are flags only"}},
		{[]string{"-demo"}, []string{"two dashes: did you mean --demo?"}},
		{[]string{"-" + sentinelToken}, []string{"two dashes: --help lists the flags"}},
		{[]string{"--window=1h"}, []string{`unknown flag "--window": did you mean --greenapi.window?`}},
		{[]string{"--greenapi.windw=1h", "--max-requests=3"}, []string{"did you mean --greenapi.window?", "did you mean --web.max-requests?"}},
		{[]string{"--no-calls"}, []string{"did you mean --collector.calls?"}},
		{[]string{"--no-greenapi.window"}, []string{`unknown flag "--no-greenapi.window"`}},
		{[]string{"--config"}, []string{"did you mean --config.file?"}},
		{[]string{"--" + sentinelToken}, []string{"unknown flag (not shown, it may be a secret): --help lists the flags"}},
		{[]string{"--token=" + sentinelToken}, []string{`unknown flag "--token": --help lists the flags`}},
		{[]string{"--greenapi.window=1h", "--greenapi.window=2h"}, []string{"greenapi.window", "repeated"}},
		{[]string{"--toekn=x", "--greenapi.timeout=many"}, []string{`unknown flag "--toekn"`, "--greenapi.timeout: must be"}},
	} {
		mistakeIn(t, test.args, test.want...)
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int64{
		"256MiB": 256 << 20, "256M": 256 << 20, "256MB": 256 << 20, "268435456": 256 << 20, "268435456B": 256 << 20,
		"1k": 1 << 10, "1.5GiB": 3 << 29, "256 MiB": 256 << 20, "1": 1, "2T": 2 << 40,
	} {
		var got int64
		if err := sizeValue(&got, "").Set(text); err != nil || got != want {
			t.Errorf("%s: %d, %v", text, got, err)
		}
	}
}

// TestDaysInFlags has a flag take what the file takes.
func TestDaysInFlags(t *testing.T) {
	t.Parallel()
	f, _, done := parseFlags([]string{"--greenapi.window=7d", "--ledger.retention=2w"}, io.Discard, io.Discard)
	if done || f.window.Hours() != 168 || f.ledgerRetention.Hours() != 336 {
		t.Errorf("%+v", f)
	}
}

func TestUnknownVariables(t *testing.T) {
	t.Parallel()
	app, _ := newApplication()
	if _, err := app.ParseContext(nil); err != nil { // which names the variables
		t.Fatal(err)
	}
	for variable, want := range map[string]string{
		"GREENAPI_EXPORTER_WINDOW=" + sentinelToken:              "did you mean GREENAPI_EXPORTER_GREENAPI_WINDOW?",
		"GREENAPI_EXPORTER_GREENAPI_WINDOWS=1h":                  "did you mean GREENAPI_EXPORTER_GREENAPI_WINDOW?",
		"GREENAPI_EXPORTER_LISTEN_ADDRESS=:1":                    "did you mean GREENAPI_EXPORTER_WEB_LISTEN_ADDRESS?",
		"GREENAPI_EXPORTER_CONFIG=x":                             "did you mean GREENAPI_EXPORTER_CONFIG_FILE?",
		"GREENAPI_EXPORTER_NO_COLLECTOR_CALLS=1":                 "did you mean GREENAPI_EXPORTER_COLLECTOR_CALLS?",
		"GREENAPI_EXPORTER_SOMETHING_ELSE=1":                     "--help lists the flags, and their variables",
		"GREENAPI_EXPORTER_D75B3A66374942C5B3C019C698ABC2067E=1": "(not shown, it may be a secret)",
		"GREENAPI_EXPORTER_GREENAPI_WINDOW=1h":                   "",
		"GREENAPI_EXPORTER_VERSION=0.1.0":                        "",
		"GREENAPI_EXPORTER_HELP=1":                               "",
		// What Kubernetes sets for the service of the chart.
		"GREENAPI_EXPORTER_SERVICE_HOST=10.0.0.1":               "",
		"GREENAPI_EXPORTER_SERVICE_PORT=10174":                  "",
		"GREENAPI_EXPORTER_SERVICE_PORT_METRICS=10174":          "",
		"GREENAPI_EXPORTER_PORT=tcp://10.0.0.1:10174":           "",
		"GREENAPI_EXPORTER_PORT_10174_TCP_ADDR=10.0.0.1":        "",
		"GREENAPI_EXPORTER_HEADLESS_PORT_10174_TCP=10.0.0.1":    "",
		"GREENAPI_SUPPORT_TOKEN=" + sentinelToken:               "",
		"OTHER_GREENAPI_EXPORTER_WINDOW=" + sentinelToken + "1": "",
	} {
		warnings := unknownVariables(app.Model().Flags, []string{variable})
		var got string
		if len(warnings) > 0 {
			got = warnings[0].String()
		}
		if (want == "") != (got == "") || !strings.Contains(got, want) || strings.Contains(got, sentinelToken) {
			t.Errorf("%s: %q, want %q", variable, got, want)
		}
	}
}

func TestMisnamedAccount(t *testing.T) {
	t.Parallel()
	for variable, want := range map[string]string{
		"GREENAPI_TOKEN":               "GREENAPI_API_TOKEN_INSTANCE",
		"GREENAPI_API_TOKEN":           "GREENAPI_API_TOKEN_INSTANCE",
		"GREEN_API_TOKEN_INSTANCE":     "GREENAPI_API_TOKEN_INSTANCE",
		"GREENAPI_ID":                  "GREENAPI_ID_INSTANCE",
		"GREEN_API_ID_INSTANCE":        "GREENAPI_ID_INSTANCE",
		"GREENAPI_INSTANCE_ID":         "GREENAPI_ID_INSTANCE",
		"GREENAPI_URL":                 "GREENAPI_API_URL",
		"GREENAPI_API_HOST":            "GREENAPI_API_URL",
		"GREENAPI_ID_INSTANCE":         "",
		"GREENAPI_API_TOKEN_INSTANCE":  "",
		"GREENAPI_API_URL":             "",
		"GREENAPI_EXPORTER_API_TOKEN":  "",
		"GREENAPI_SOMETHING":           "",
		"OTHER_GREENAPI_API_TOKEN":     "",
		"GREENAPI_TOKEN_" + "0d75b3a2": "GREENAPI_API_TOKEN_INSTANCE",
	} {
		got := fmt.Sprint(misnamedAccount([]string{variable + "=" + sentinelToken}))
		if (want == "") != (got == "[]") || want != "" && !strings.HasSuffix(got, "did you mean "+want+"?]") || strings.Contains(got, sentinelToken) {
			t.Errorf("%s: %s, want %s", variable, got, want)
		}
	}
}

// TestVersionFromTheEnvironment has variables that builds of images set.
func TestVersionFromTheEnvironment(t *testing.T) {
	t.Setenv("GREENAPI_EXPORTER_VERSION", "0.1.0")
	t.Setenv("GREENAPI_EXPORTER_HELP", "see the manual")
	t.Setenv("GREENAPI_EXPORTER_HELP_LONG", "1")
	var out bytes.Buffer
	if f, _, done := parseFlags([]string{"--demo"}, &out, &out); done || !f.demo || out.Len() > 0 {
		t.Errorf("it says:\n%s", &out)
	}
}

// TestMistakesAsJSON makes mistakes of each kind when the log is to be JSON.
func TestMistakesAsJSON(t *testing.T) {
	bad := writeFile(t, "instances:\n- {id: '1', token: a b}\n- {id: '1101000001', token: abc, colectors: []}\n")
	check := func(args []string, want ...string) {
		t.Helper()
		var out bytes.Buffer
		if code := run(t.Context(), args, noEnvironment, nil, io.Discard, &out); code != 1 {
			t.Errorf("%q: exit code %d", args, code)
		}
		for line := range strings.Lines(out.String()) {
			var record struct{ Level, Msg, Err string }
			if err := json.Unmarshal([]byte(line), &record); err != nil || record.Level == "" || record.Msg == "" {
				t.Errorf("%q: %v: %s", args, err, line)
			}
		}
		for _, want := range want {
			if !strings.Contains(out.String(), want) {
				t.Errorf("%q: does not say %s:\n%s", args, want, &out)
			}
		}
	}
	check([]string{"--log.format=json", "--greenapi.timeout=many"}, `"err":"--greenapi.timeout: must be`)
	check([]string{"--greenapi.timeout=many", "--log.format", "json"}, `"err":"--greenapi.timeout: must be`)
	check([]string{"--log.format=json", "--config.file=" + bad}, "instances[0].id", "instances[0].token", "colectors")
	check([]string{"--log.format=json", "--config.check", "--config.file=" + bad}, "instances[0].id")
	check([]string{"--log.format=json"}, "no instance is configured")
	t.Setenv("GREENAPI_EXPORTER_LOG_FORMAT", "json")
	t.Setenv("GREENAPI_EXPORTER_WINDOW", "1h")
	check([]string{"--greenapi.timeout=many"}, `"err":"--greenapi.timeout: must be`, "GREENAPI_EXPORTER_GREENAPI_WINDOW")
	check(nil, "no instance is configured", "GREENAPI_EXPORTER_GREENAPI_WINDOW")
}

var _ kingpin.Value = (*value)(nil)

// FuzzArguments puts a secret on the command line, in any of many wrong ways: nothing
// that is said quotes it.
func FuzzArguments(f *testing.F) {
	for _, arg := range []string{"", "--", "-", "--greenapi.timeout=", "--greenapi.window", "--no-", "--demo=", "@", "-h", "--token=", "--web.listen-address=:", "--log.format="} {
		f.Add(arg, "")
		f.Add("--demo", arg)
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		var out bytes.Buffer
		for _, args := range [][]string{{before + sentinelToken, after}, {before, sentinelToken + after}, {before, after, sentinelToken}} {
			_, _, _ = parseFlags(args, io.Discard, &out)
		}
		if strings.Contains(out.String(), sentinelToken) {
			t.Errorf("%q, %q:\n%s", before, after, &out)
		}
	})
}
