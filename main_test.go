package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// What must never be seen, wherever the binary writes.
const (
	sentinelToken = "SENTINEL0TOKEN0d75b3a2"
	sentinelPhone = "79995550123"
	sentinelText  = "SENTINEL TEXT"
)

// output is what a run wrote.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	lines chan struct{} // gets something whenever something was written
}

func newOutput() *output { return &output{lines: make(chan struct{}, 1)} }

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	select {
	case o.lines <- struct{}{}:
	default:
	}
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// program is a run of the exporter, in this process.
type program struct {
	url    string
	stdout *output
	stderr *output
	stop   context.CancelFunc
	code   chan int
}

var listening = regexp.MustCompile(`msg="Listening on" address=(\S+)`)

// start runs the exporter on a port of the system's choice until it listens.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	p := &program{stdout: newOutput(), stderr: newOutput(), stop: stop, code: make(chan int, 1)}
	args = append([]string{"--web.listen-address=127.0.0.1:0", "--log.level=debug"}, args...)
	go func() { p.code <- run(ctx, args, noEnvironment, p.stdout, p.stderr) }()
	t.Cleanup(stop)
	for {
		if match := listening.FindStringSubmatch(p.stderr.String()); match != nil {
			p.url = "http://" + match[1]
			return p
		}
		select {
		case <-p.stderr.lines:
		case code := <-p.code:
			t.Fatalf("ended with %d before it listened:\n%s", code, p.stderr)
		}
	}
}

// end stops the exporter and returns its exit code.
func (p *program) end() int {
	p.stop()
	return <-p.code
}

func noEnvironment(string) (string, bool) { return "", false }

// get returns the body of an answer.
func (p *program) get(t *testing.T, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, p.url+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("X-Prometheus-Scrape-Timeout-Seconds", "20")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, fmt.Sprint(res.Header, "\n", string(body))
}

func writeFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "greenapi.yml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestDemo(t *testing.T) {
	t.Parallel()
	p := start(t, "--demo")
	code, body := p.get(t, "/metrics")
	if code != 200 || !strings.Contains(body, `greenapi_up{id_instance="1101000001"} 1`) {
		t.Errorf("%d:\n%s", code, body)
	}
	if !strings.Contains(p.stdout.String(), "/probe?target=") {
		t.Errorf("does not say where to look:\n%s", p.stdout)
	}
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, p.stderr)
	}
}

// TestSecretsStayInside runs the exporter through every fault the API can have, at
// debug level, and looks for a token, a phone number and a text in everything it
// wrote.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	srv := greenapitest.NewServer()
	defer srv.Close()
	var config strings.Builder
	config.WriteString("instances:\n")
	faults := append([]greenapitest.NamedFault{{Name: "none"}}, greenapitest.Faults()...)
	for n, fault := range faults {
		id := fmt.Sprint(1101000000 + n)
		instance := srv.AddInstance(id, sentinelToken)
		chat := sentinelPhone + "@c.us"
		instance.SetCalls(
			greenapitest.Call{IDMessage: sentinelText, ChatID: chat, Status: "pickUp", Participants: []greenapitest.Participant{{ID: chat, Status: sentinelText}}},
			greenapitest.Call{ChatID: sentinelPhone, Status: sentinelText, Fields: greenapitest.Fields{sentinelText: sentinelText}},
		)
		instance.SetMessages(
			greenapitest.Message{IDMessage: sentinelText, ChatID: chat, Status: sentinelText, TypeMessage: sentinelText, Text: sentinelText},
			greenapitest.Message{ChatID: sentinelText, Status: "sent", Fields: greenapitest.Fields{"timestamp": sentinelText}},
		)
		instance.Fault(greenapitest.AnyMethod, fault.Fault, 0)
		fmt.Fprintf(&config, "- {id: %q, token: %s, api_url: %q}\n", id, sentinelToken, srv.URL)
	}
	p := start(t, "--config.file="+writeFile(t, config.String()),
		"--greenapi.timeout=1s", "--greenapi.max-body-bytes=1MiB", "--greenapi.min-interval=0s")
	var seen strings.Builder
	for _, path := range []string{
		"/metrics", "/probe?target=1101000000", "/probe?target=" + sentinelToken, "/probe", "/sd", "/", "/-/ready", "/nothing",
	} {
		_, body := p.get(t, path)
		seen.WriteString(body)
	}
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if up := `greenapi_up{id_instance="1101000000"} 1`; !strings.Contains(seen.String(), up) {
		t.Errorf("the healthy instance is not up")
	}
	everything := seen.String() + p.stdout.String() + p.stderr.String()
	for _, secret := range []string{sentinelToken, sentinelPhone, sentinelText, "SENTINEL"} {
		if n := strings.Index(everything, secret); n >= 0 {
			t.Errorf("%q got out: …%s…", secret, everything[max(0, n-300):min(len(everything), n+100)])
		}
	}
}

func TestBadCommandLines(t *testing.T) {
	t.Parallel()
	good := writeFile(t, "instances: [{id: '1101000001', token: abc}]")
	bad := writeFile(t, "instances:\n- {id: '1', token: "+sentinelToken+", surprise: 1}\n- {id: '1101000001', api_url: nonsense}\n")
	tests := map[string]struct {
		args []string
		code int
		want []string // on stdout or stderr
	}{
		"nothing at all":   {nil, 1, []string{"GREENAPI_ID_INSTANCE", "GREENAPI_API_TOKEN_INSTANCE", "--config.file", "--demo"}},
		"help":             {[]string{"--help"}, 0, []string{"--greenapi.window", "GREENAPI_EXPORTER_GREENAPI_WINDOW"}},
		"version":          {[]string{"--version"}, 0, []string{"greenapi_exporter, version"}},
		"unknown flag":     {[]string{"--token=" + sentinelToken}, 1, []string{"--token", "--help"}},
		"argument":         {[]string{sentinelToken}, 1, []string{"--help"}},
		"missing file":     {[]string{"--config.file=/nonexistent.yml"}, 1, []string{"/nonexistent.yml"}},
		"bad file":         {[]string{"--config.file=" + bad}, 1, []string{":2:", ":3:", "instances[0].id", `unknown key "surprise"`, "instances[1].api_url", "token_file"}},
		"check good":       {[]string{"--config.check", "--config.file=" + good}, 0, []string{"valid", "1101000001"}},
		"check bad":        {[]string{"--config.check", "--config.file=" + bad}, 1, []string{"instances[0].id", "instances[1].api_url"}},
		"check web config": {[]string{"--config.check", "--config.file=" + good, "--web.config.file=/nonexistent.yml"}, 1, []string{"/nonexistent.yml"}},
		"check everything": {[]string{"--config.check", "--config.file=" + bad, "--web.config.file=/nonexistent.yml"}, 1, []string{"instances[0].id", "/nonexistent.yml"}},
		"seconds":          {[]string{"--greenapi.window=90s", "--config.file=" + good}, 1, []string{"--greenapi.window", "minutes"}},
		"many bad flags":   {[]string{"--greenapi.window=0s", "--greenapi.concurrency=0", "--greenapi.timeout=0s", "--web.max-requests=-1"}, 1, []string{"--greenapi.window", "--greenapi.concurrency", "--greenapi.timeout", "--web.max-requests"}},
		"bad duration":     {[]string{"--greenapi.timeout=soon"}, 1, []string{"soon"}},
		"bad path":         {[]string{"--web.telemetry-path=probe", "--config.file=" + good}, 1, []string{"--web.telemetry-path"}},
		"bad address":      {[]string{"--web.listen-address=nonsense", "--config.file=" + good}, 1, []string{"nonsense"}},
		"demo and file":    {[]string{"--demo", "--config.file=" + good}, 1, []string{"--demo", "--config.file"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var out bytes.Buffer
			if code := run(ctx, test.args, noEnvironment, &out, &out); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			for _, want := range test.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("does not say %s:\n%s", want, &out)
				}
			}
			if strings.Contains(out.String(), sentinelToken) {
				t.Errorf("a token was printed:\n%s", &out)
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	environment := map[string]string{
		"GREENAPI_ID_INSTANCE": "1101000001", "GREENAPI_API_TOKEN_INSTANCE": sentinelToken, "GREENAPI_API_URL": "https://7105.api.greenapi.com",
	}
	lookup := func(name string) (string, bool) { v, ok := environment[name]; return v, ok }
	var out bytes.Buffer
	if code := run(t.Context(), []string{"--config.check"}, lookup, &out, &out); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if text := out.String(); !strings.Contains(text, "7105.api.greenapi.com") || strings.Contains(text, sentinelToken) {
		t.Errorf("says:\n%s", text)
	}
}

// TestScrapesEndGracefully stops the exporter while a scrape waits for the API.
func TestScrapesEndGracefully(t *testing.T) {
	t.Parallel()
	srv := greenapitest.NewServer()
	defer srv.Close()
	instance := srv.AddInstance("1101000001", "abc")
	release := make(chan struct{})
	asked := make(chan struct{}, 8)
	instance.SetBodyFunc(greenapitest.MethodLastOutgoingCalls, func(w io.Writer) error {
		asked <- struct{}{}
		<-release
		_, err := io.WriteString(w, "[]")
		return err
	})
	p := start(t, "--config.file="+writeFile(t, "instances: [{id: '1101000001', token: abc, api_url: '"+srv.URL+"'}]"))
	answered := make(chan string, 1)
	go func() {
		_, body := p.get(t, "/metrics")
		answered <- body
	}()
	<-asked
	p.stop()
	for !strings.Contains(p.stderr.String(), "stopping") {
		<-p.stderr.lines
	}
	close(release)
	if body := <-answered; !strings.Contains(body, `greenapi_up{id_instance="1101000001"} 1`) {
		t.Errorf("the scrape was broken off:\n%s", body)
	}
	if code := <-p.code; code != 0 {
		t.Errorf("exit code %d:\n%s", code, p.stderr)
	}
}
