package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/greenapi-exporter/greenapi_exporter/collector/web"
	dto "github.com/prometheus/client_model/go"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"
)

// asProcess is the variable that makes this test binary the exporter, for tests that
// need a process of its own.
const asProcess = "TEST_AS_EXPORTER"

// TestMain takes what is set for an exporter on this machine out of the environment,
// for flags read it.
func TestMain(m *testing.M) {
	if os.Getenv(asProcess) != "" {
		main()
	}
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "GREENAPI_") || strings.HasSuffix(strings.ToUpper(name), "_PROXY") {
			if err := os.Unsetenv(name); err != nil {
				panic(err)
			}
		}
	}
	goleak.VerifyTestMain(m)
}

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
	url     string
	stdout  *output
	stderr  *output
	hangUps chan os.Signal
	stop    context.CancelFunc
	code    chan int
}

var listening = regexp.MustCompile(`msg="Listening on" address=(\S+)|"address":"([^"]+)",[^\n]*"msg":"Listening on"`)

// start runs the exporter on a port of the system's choice until it listens.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	p := &program{stdout: newOutput(), stderr: newOutput(), hangUps: make(chan os.Signal), stop: stop, code: make(chan int, 1)}
	args = append([]string{"--web.listen-address=127.0.0.1:0", "--log.level=debug"}, args...)
	if !slices.Contains(args, "--web.first-read") {
		args = append(args, "--no-web.first-read") // tests decide themselves when the API is asked
	}
	go func() { p.code <- run(ctx, args, noEnvironment, p.hangUps, p.stdout, p.stderr) }()
	t.Cleanup(stop)
	for {
		if match := listening.FindStringSubmatch(p.stderr.String()); match != nil {
			p.url = "http://" + match[1] + match[2]
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
	return p.do(t, req)
}

// do sends a request and returns the answer's status, and header and body as text.
func (p *program) do(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
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
	if n := strings.Count(p.stderr.String(), "Listening on"); n != 1 {
		t.Errorf("it listens %d times", n)
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

// TestLibrariesPrintNothing prints as libraries do.
func TestLibrariesPrintNothing(t *testing.T) { //nolint:paralleltest // Go's logger is one for all
	p := start(t, "--demo")
	log.Printf("Unsolicited response received on idle HTTP channel starting with %q", sentinelToken)
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if text := p.stderr.String(); !strings.Contains(text, `level=warn msg="a library printed`) || strings.Contains(text, sentinelToken) {
		t.Errorf("it says:\n%s", text)
	}
}

func TestBadCommandLines(t *testing.T) {
	t.Parallel()
	good := writeFile(t, "instances: [{id: '1101000001', token: abc}]")
	bad := writeFile(t, "instances:\n- {id: '1', token: "+sentinelToken+", surprise: 1}\n- {id: '1101000001', api_url: nonsense}\n")
	badUsers := writeFile(t, "basic_auth_users: "+sentinelToken)
	badHash := writeFile(t, "basic_auth_users: {admin: "+sentinelToken+"}")
	loose := writeFile(t, "tls_server_config: {}")
	if err := os.Chmod(loose, 0o622); err != nil {
		t.Fatal(err)
	}
	partner := writeFile(t, "partner: {token: "+sentinelToken+", api_url: 'https://7105.api.greenapi.com', refresh_interval: 7m, "+
		"include: ['7105*', '7106000001'], exclude: ['7105000001'], collectors: [state], window: 2h}")
	tests := map[string]struct {
		args []string
		code int
		want []string // on stdout or stderr
	}{
		"nothing at all":    {nil, 1, []string{"GREENAPI_ID_INSTANCE", "GREENAPI_API_TOKEN_INSTANCE", "--config.file", "--demo"}},
		"help":              {[]string{"--help"}, 0, []string{"--greenapi.window", "GREENAPI_EXPORTER_GREENAPI_WINDOW"}},
		"version":           {[]string{"--version"}, 0, []string{"greenapi_exporter, version"}},
		"unknown flag":      {[]string{"--token=" + sentinelToken}, 1, []string{"--token", "--help"}},
		"argument":          {[]string{sentinelToken}, 1, []string{"--help"}},
		"missing file":      {[]string{"--config.file=/nonexistent.yml"}, 1, []string{"/nonexistent.yml"}},
		"bad file":          {[]string{"--config.file=" + bad}, 1, []string{":2:", ":3:", "instances[0].id", `unknown key "surprise"`, "instances[1].api_url", "token_file"}},
		"check good":        {[]string{"--config.check", "--config.file=" + good}, 0, []string{"valid", "1101000001"}},
		"check bad":         {[]string{"--config.check", "--config.file=" + bad}, 1, []string{"instances[0].id", "instances[1].api_url"}},
		"check web config":  {[]string{"--config.check", "--config.file=" + good, "--web.config.file=/nonexistent.yml"}, 1, []string{"/nonexistent.yml"}},
		"check loose web":   {[]string{"--config.check", "--config.file=" + good, "--web.config.file=" + loose}, 0, []string{"warning: " + loose + ": the web configuration can be changed by others"}},
		"check everything":  {[]string{"--config.check", "--config.file=" + bad, "--web.config.file=/nonexistent.yml"}, 1, []string{"instances[0].id", "/nonexistent.yml"}},
		"seconds":           {[]string{"--greenapi.window=90s", "--config.file=" + good}, 1, []string{"--greenapi.window", "minutes"}},
		"many bad flags":    {[]string{"--greenapi.window=0s", "--greenapi.concurrency=0", "--greenapi.timeout=0s", "--web.max-requests=-1"}, 1, []string{"--greenapi.window", "--greenapi.concurrency", "--greenapi.timeout", "--web.max-requests"}},
		"bad values":        {[]string{"--greenapi.timeout=" + sentinelToken, "--log.format", sentinelToken}, 1, []string{"--greenapi.timeout", "--log.format", "logfmt, json"}},
		"bad path":          {[]string{"--web.telemetry-path=probe", "--config.file=" + good}, 1, []string{"--web.telemetry-path"}},
		"check taken path":  {[]string{"--config.check", "--web.telemetry-path=/sd", "--config.file=" + good}, 1, []string{"--web.telemetry-path", "no other endpoint"}},
		"secret for users":  {[]string{"--config.file=" + good, "--web.config.file=" + badUsers}, 1, []string{"--web.config.file=" + badUsers, "line 1"}},
		"password, no hash": {[]string{"--config.file=" + good, "--web.config.file=" + badHash}, 1, []string{"--web.config.file=" + badHash, "htpasswd -nBC 10"}},
		"ledger is a file":  {[]string{"--config.file=" + good, "--ledger.path=" + good}, 1, []string{"--ledger.path: " + good + " is not a folder"}},
		"check the ledger":  {[]string{"--config.check", "--config.file=" + bad, "--ledger.path=" + good + "/below"}, 1, []string{"--ledger.path: " + good + " is not a folder", "instances[0].id"}},
		"test the ledger":   {[]string{"--config.test", "--config.file=" + good, "--ledger.path=" + good}, 1, []string{"--ledger.path: "}},
		"no such host":      {[]string{"--config.file=" + good, "--web.listen-address=192.0.2.1:10174"}, 1, []string{"--web.listen-address: ", "an address of this machine"}},
		"check partner":     {[]string{"--config.check", "--config.file=" + partner}, 0, []string{"https://7105.api.greenapi.com", "7m", "only 7105*, 71", "but not 7105000001", "state of the last 2h", "--config.test"}},
		"bad address":       {[]string{"--web.listen-address=nonsense", "--config.file=" + good}, 1, []string{"--web.listen-address", ":10174"}},
		"demo and file":     {[]string{"--demo", "--config.file=" + good}, 1, []string{"--demo", "--config.file"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			var out bytes.Buffer
			if code := run(ctx, test.args, noEnvironment, nil, &out, &out); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			for _, want := range test.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("does not say %s:\n%s", want, &out)
				}
			}
			if strings.Contains(out.String(), sentinelToken[:7]) { // messages cut what they quote
				t.Errorf("a token was printed:\n%s", &out)
			}
		})
	}
}

// TestConfigTest reads accounts once, in each way that a configuration can come.
func TestConfigTest(t *testing.T) {
	t.Parallel()
	srv := greenapitest.NewServer()
	t.Cleanup(srv.Close)
	instance := srv.AddInstance("1101000001", sentinelToken)
	instance.SetMessages(greenapitest.Message{IDMessage: "a", ChatID: sentinelPhone + "@c.us", Status: "sent", Timestamp: time.Now().Unix()})
	srv.AddInstance("1101000002", sentinelToken).SetState("notAuthorized")
	srv.AddPartner(sentinelToken).SetInstances(greenapitest.PartnerInstance{IDInstance: "1101000001", APITokenInstance: sentinelToken})
	account := func(id, token string) string {
		return "instances: [{id: '" + id + "', name: support, token: " + token + ", api_url: '" + srv.URL + "'}]"
	}
	environment := map[string]string{
		"GREENAPI_ID_INSTANCE": "1101000001", "GREENAPI_API_TOKEN_INSTANCE": sentinelToken, "GREENAPI_API_URL": srv.URL,
	}
	lookup := func(name string) (string, bool) { v, ok := environment[name]; return v, ok }
	for name, test := range map[string]struct {
		args   []string
		lookup func(string) (string, bool)
		code   int
		want   []string
	}{
		"environment": {nil, lookup, 0, []string{"1101000001", "authorized", "All accounts work."}},
		"file":        {[]string{"--config.file=" + writeFile(t, account("1101000001", sentinelToken))}, noEnvironment, 0, []string{"support", "All accounts work."}},
		"demo":        {[]string{"--demo"}, noEnvironment, 0, []string{"logged-out", "notAuthorized", "6 of 8 accounts work."}},
		"partner":     {[]string{"--config.file=" + writeFile(t, "partner: {token: "+sentinelToken+", api_url: '"+srv.URL+"'}")}, noEnvironment, 0, []string{"1101000001", "All accounts work."}},
		"no partner":  {[]string{"--config.file=" + writeFile(t, "partner: {token: wrong, api_url: '"+srv.URL+"'}")}, noEnvironment, 1, []string{"failed: "}},
		"wrong token": {[]string{"--config.file=" + writeFile(t, account("1101000001", "wrong"))}, noEnvironment, 1, []string{"unauthorized", "copy the instance's token"}},
		"logged out":  {[]string{"--config.file=" + writeFile(t, account("1101000002", sentinelToken))}, noEnvironment, 1, []string{"in trouble", "scan the QR code"}},
		"bad file":    {[]string{"--config.file=" + writeFile(t, account("1", sentinelToken))}, noEnvironment, 1, []string{"instances[0].id"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			if code := run(t.Context(), append(test.args, "--config.test"), test.lookup, nil, &out, &out); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			for _, want := range test.want {
				if !strings.Contains(out.String(), want) {
					t.Errorf("does not say %s:\n%s", want, &out)
				}
			}
			if strings.Contains(out.String(), sentinelToken) || strings.Contains(out.String(), sentinelPhone) {
				t.Errorf("a secret was printed:\n%s", &out)
			}
		})
	}
}

func TestBadEnvironment(t *testing.T) {
	t.Setenv("GREENAPI_EXPORTER_GREENAPI_TIMEOUT", sentinelToken)
	t.Setenv("GREENAPI_EXPORTER_WEB_MAX_REQUESTS", sentinelToken)
	var out bytes.Buffer
	if code := run(t.Context(), []string{"--demo"}, noEnvironment, nil, &out, &out); code != 1 {
		t.Errorf("exit code %d", code)
	}
	for _, want := range []string{"GREENAPI_EXPORTER_GREENAPI_TIMEOUT", "GREENAPI_EXPORTER_WEB_MAX_REQUESTS"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("does not say %s:\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), sentinelToken[:7]) {
		t.Errorf("a token was printed:\n%s", &out)
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	environment := map[string]string{
		"GREENAPI_ID_INSTANCE": "1101000001", "GREENAPI_API_TOKEN_INSTANCE": sentinelToken, "GREENAPI_API_URL": "https://7105.api.greenapi.com",
	}
	lookup := func(name string) (string, bool) { v, ok := environment[name]; return v, ok }
	var out bytes.Buffer
	if code := run(t.Context(), []string{"--config.check"}, lookup, nil, &out, &out); code != 0 {
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

// TestScrapesThatDoNotEndAreAnswered stops the exporter while the API hangs: the
// scrape gets what there is by then.
func TestScrapesThatDoNotEndAreAnswered(t *testing.T) {
	t.Parallel()
	srv := greenapitest.NewServer()
	defer srv.Close()
	instance := srv.AddInstance("1101000001", "abc")
	asked := make(chan struct{}, 8)
	release := make(chan struct{})
	defer close(release)
	instance.SetBodyFunc(greenapitest.MethodLastOutgoingCalls, func(io.Writer) error {
		asked <- struct{}{}
		<-release
		return nil
	})
	path := writeFile(t, "instances: [{id: '1101000001', token: abc, api_url: '"+srv.URL+"', collectors: [calls]}]")
	p := &program{stdout: newOutput(), stderr: newOutput()}
	flags, _, _ := parseFlags([]string{"--web.listen-address=127.0.0.1:0", "--no-web.first-read", "--config.file=" + path}, p.stdout, p.stderr)
	_, load := flags.configuration(noEnvironment)
	cfg, err := load()
	if err != nil {
		t.Fatal(err)
	}
	e := &exporter{flags: flags, load: load, stdout: p.stdout, logLost: new(atomic.Uint64), log: newLogger(p.stderr, "logfmt", slog.LevelInfo), shutdownGrace: shutdownGrace} // without any grace for scrapes
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.serve(ctx, cfg, nil) }()
	var match []string
	for match == nil {
		<-p.stderr.lines
		match = listening.FindStringSubmatch(p.stderr.String())
	}
	p.url = "http://" + match[1]
	answered := make(chan string, 1)
	go func() {
		_, body := p.get(t, "/metrics")
		answered <- body
	}()
	<-asked
	stop()
	body := <-answered
	for _, want := range []string{
		`greenapi_up{id_instance="1101000001"} 0`,
		`greenapi_scrape_collector_failure{collector="calls",id_instance="1101000001",reason="timeout"} 1`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in\n%s", want, body)
		}
	}
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v:\n%s", err, p.stderr)
	}
}

// TestReload changes the configuration file and tells the exporter in each way.
func TestReload(t *testing.T) {
	t.Parallel()
	srv := greenapitest.NewServer()
	defer srv.Close()
	config := func(id string) string {
		srv.AddInstance(id, "abc")
		return "instances: [{id: '" + id + "', token: abc, api_url: '" + srv.URL + "'}]"
	}
	path := writeFile(t, config("1101000001"))
	p := start(t, "--config.file="+path)
	rewrite := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	post := func(header ...string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.url+"/-/reload", nil)
		if err != nil {
			t.Fatal(err)
		}
		for n := 0; n < len(header); n += 2 {
			req.Header.Set(header[n], header[n+1])
		}
		return p.do(t, req)
	}
	expect := func(id, successful string) {
		t.Helper()
		if _, body := p.get(t, "/sd"); !strings.Contains(body, `"target":"`+id+`"`) {
			t.Errorf("no target %s:\n%s", id, body)
		}
		if _, body := p.get(t, "/metrics"); !strings.Contains(body, "greenapi_config_last_reload_successful "+successful) {
			t.Errorf("greenapi_config_last_reload_successful is not %s", successful)
		}
	}
	expect("1101000001", "1")

	rewrite(config("1101000002"))
	if code, body := post(); code != 200 {
		t.Errorf("%d: %s", code, body)
	}
	expect("1101000002", "1")

	rewrite("instances: [{id: nonsense, token: " + sentinelToken + "}]")
	if code, body := post(); code != 500 || !strings.Contains(body, "instances[0].id") || strings.Contains(body, sentinelToken) {
		t.Errorf("%d: %s", code, body)
	}
	expect("1101000002", "0")

	rewrite(config("1101000003"))
	if code, _ := post("Sec-Fetch-Site", "cross-site"); code != 403 {
		t.Errorf("a reload from another site got %d, want 403", code)
	}
	if code, _ := p.get(t, "/-/reload"); code != 405 {
		t.Errorf("GET /-/reload got %d, want 405", code)
	}
	expect("1101000002", "0")
	// The second signal is taken only when the first was dealt with.
	p.hangUps <- syscall.SIGHUP
	p.hangUps <- syscall.SIGHUP
	expect("1101000003", "1")

	// Reloads that change nothing are counted, and leave no line each in the log.
	const line = `level=info msg="configuration loaded"`
	said := strings.Count(p.stderr.String(), line)
	_, before := p.get(t, "/metrics")
	for range 20 {
		if code, body := post(); code != 200 {
			t.Errorf("%d: %s", code, body)
		}
	}
	_, after := p.get(t, "/metrics")
	count := func(text string) (n int) {
		_, text, _ = strings.Cut(text, `greenapi_config_reloads_total{result="unchanged"} `)
		_, _ = fmt.Sscan(text, &n) // stays 0
		return n
	}
	if more := count(after) - count(before); more != 20 {
		t.Errorf("%d reloads that change nothing are counted, want 20", more)
	}
	if n := strings.Count(p.stderr.String(), line); n != said || said == 0 {
		t.Errorf("%d lines for reloads that change nothing", n-said)
	}
}

// TestWhatComesLater has a configuration that names a token file before it is there:
// it is loaded as soon as the file has come, and until then the fault is logged once,
// and to who asks by SIGHUP.
func TestWhatComesLater(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const good, names = "instances: [{id: '1101000001', token: abc}]", "instances: [{id: '1101000002', token_file: later}]"
		path := writeFile(t, good)
		stderr := newOutput()
		flags, _, _ := parseFlags([]string{"--config.file=" + path}, stderr, stderr)
		e := &exporter{flags: flags, log: newLogger(stderr, "logfmt", slog.LevelInfo)}
		e.file, e.load = flags.configuration(noEnvironment)
		fleet := collector.NewFleet(e.fleetOptions())
		defer fleet.Close()
		own := web.NewOwn()
		reloader := web.NewReloader(func() error {
			cfg, err := e.load()
			return e.apply(t.Context(), fleet, own, cfg, err)
		})
		if err := reloader.Reload(); err != nil {
			t.Fatal(err)
		}
		hangUps := make(chan os.Signal)
		go e.reloadOn(t.Context(), hangUps, reloader)
		synctest.Wait()
		expect := func(target string, successful float64, faults int) {
			t.Helper()
			time.Sleep(time.Minute)
			families, err := own.Gather()
			if err != nil {
				t.Fatal(err)
			}
			for _, family := range families {
				if v := family.GetMetric()[0].GetGauge().GetValue(); family.GetName() == "greenapi_config_last_reload_successful" && v != successful {
					t.Errorf("greenapi_config_last_reload_successful is %v, want %v", v, successful)
				}
			}
			if fleet.Roster().Lookup(target) == nil {
				t.Errorf("no target %s", target)
			}
			if n := strings.Count(stderr.String(), "configuration not loaded"); n != faults {
				t.Errorf("the fault stands %d times in the log, want %d:\n%s", n, faults, stderr)
			}
		}
		// Whole at once: the exporter may look at the same moment of the fake clock.
		write := func(path, text string) {
			if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(path+".new", path); err != nil {
				t.Fatal(err)
			}
		}
		expect("1101000001", 1, 0)
		write(path, names)
		expect("1101000001", 0, 1)
		hangUps <- syscall.SIGHUP
		expect("1101000001", 0, 2)
		write(filepath.Join(filepath.Dir(path), "later"), "abc")
		expect("1101000002", 1, 2)
		write(path, "nonsense")
		expect("1101000002", 0, 3)
		write(path, good)
		expect("1101000001", 1, 3)
		write(path, "nonsense")
		expect("1101000001", 0, 4)
	})
}

// TestLedgerPath starts the exporter twice on one folder: in turn, and at once.
func TestLedgerPath(t *testing.T) {
	t.Parallel()
	srv := greenapitest.NewServer()
	defer srv.Close()
	instance := srv.AddInstance("1101000001", "abc")
	path := filepath.Join(t.TempDir(), "ledger")
	args := []string{
		"--greenapi.min-interval=0s", "--ledger.path=" + path,
		"--config.file=" + writeFile(t, "instances: [{id: '1101000001', token: abc, api_url: '"+srv.URL+"'}]"),
	}
	var rows []greenapitest.Message
	for n := range 3 {
		p := start(t, args...)
		for range 2 {
			rows = append(rows, greenapitest.Message{
				IDMessage: fmt.Sprint("M", len(rows)), ChatID: sentinelPhone + "@c.us", Status: "sent", SendByAPI: true, Timestamp: time.Now().Unix(),
			})
			instance.SetMessages(rows...)
			_, body := p.get(t, "/metrics")
			if want := fmt.Sprintf(`greenapi_messages_sent_total{chat_type="private",id_instance="1101000001"} %d`, len(rows)-1); !strings.Contains(body, want) {
				t.Errorf("start %d: no %s", n, want)
			}
		}
		var out bytes.Buffer
		if code := run(t.Context(), append(args, "--web.listen-address=127.0.0.1:0"), noEnvironment, nil, &out, &out); code != 1 || !strings.Contains(out.String(), "in use") {
			t.Errorf("a second exporter on the same folder: %d\n%s", code, &out)
		}
		if code := p.end(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	}
	files, err := filepath.Glob(filepath.Join(path, "*"))
	if err != nil || len(files) != 1 {
		t.Fatalf("files %v: %v", files, err)
	}
	state, err := os.ReadFile(files[0])
	if err != nil || bytes.Contains(state, []byte(sentinelPhone)) {
		t.Errorf("a telephone number in the state file: %v", err)
	}
	if info, err := os.Stat(files[0]); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode of the state file: %v %v", info.Mode(), err)
	}
}

// TestLedgerMaxEntries has more rows in a journal than are to be remembered: it counts
// all the same, and what has left it makes room.
func TestLedgerMaxEntries(t *testing.T) {
	t.Parallel()
	srv := greenapitest.NewServer()
	defer srv.Close()
	instance := srv.AddInstance("1101000001", "abc")
	p := start(t, "--greenapi.min-interval=0s", "--ledger.max-entries=2",
		"--config.file="+writeFile(t, "instances: [{id: '1101000001', token: abc, api_url: '"+srv.URL+"'}]"))
	p.get(t, "/metrics")
	var body string
	for n := range 2 {
		var rows []greenapitest.Message
		for m := range 3 {
			rows = append(rows, greenapitest.Message{
				IDMessage: fmt.Sprint("M", 3*n+m), ChatID: sentinelPhone + "@c.us", Status: "sent", SendByAPI: true, Timestamp: time.Now().Unix(),
			})
		}
		instance.SetMessages(rows...)
		_, body = p.get(t, "/metrics")
	}
	for _, want := range []string{
		`greenapi_messages_sent_total{chat_type="private",id_instance="1101000001"} 6`,
		`greenapi_ledger_entries{id_instance="1101000001",journal="messages"} 3`,
		`greenapi_ledger_evictions_total{id_instance="1101000001",journal="messages"} 3`,
	} {
		if !strings.Contains(body, want+"\n") {
			t.Errorf("no %s", want)
		}
	}
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestLedgerRetention looks at the options only: no scrape shows them without waiting.
func TestLedgerRetention(t *testing.T) {
	t.Parallel()
	flags, _, done := parseFlags([]string{"--ledger.retention=3h"}, io.Discard, io.Discard)
	if done {
		t.Fatal("the flag is refused")
	}
	e := &exporter{flags: flags}
	if got := e.fleetOptions().Ledger.Retention; got != 3*time.Hour {
		t.Errorf("the ledgers remember for %v, want 3h", got)
	}
}

var update = flag.Bool("update", false, "rewrite what the README has of the code")

// TestReferencesAreTrue compares the tables of the documents with the flags, metrics
// and labels of the code.
func TestReferencesAreTrue(t *testing.T) {
	t.Parallel()
	for path, blocks := range map[string]map[string]string{
		"README.md":         {"detection": detectionTable(t)},
		"deploy/flags.md":   {"flags": flagTable()},
		"deploy/metrics.md": {"metrics": metricTable(t), "labels": labelTable()},
	} {
		page, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		want := string(page)
		for name, table := range blocks {
			want = replaceBlock(t, want, name, table)
		}
		if *update {
			if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(string(page), "\n")); diff != "" {
			t.Errorf("%s differs from the code; -update rewrites it (-want +got):\n%s", path, diff)
		}
	}
}

// labelTable explains the values of labels, out of the vocabulary.
func labelTable() string {
	var table strings.Builder
	table.WriteString("| label | value | the API's words, if others | meaning |\n|---|---|---|---|\n")
	for _, set := range []struct {
		label string
		words []vocabulary.Word
	}{
		{"`status` of a message", vocabulary.MessageStatuses()},
		{"`status` of a call or participant", vocabulary.CallStatuses()},
		{"`message_type`", vocabulary.MessageTypes()},
		{"`chat_type`", vocabulary.ChatTypes()},
		{"`media`", vocabulary.AllMedia()},
		{"`origin`", vocabulary.Origins()},
		{"`state`", vocabulary.InstanceStates()},
		{"`setting`", vocabulary.Settings()},
	} {
		for i, w := range set.words {
			label := ""
			if i == 0 {
				label = set.label
			}
			var words []string
			for _, alias := range w.Aliases {
				if alias == "" {
					alias = "missing"
				}
				words = append(words, alias)
			}
			fmt.Fprintf(&table, "| %s | `%s` | %s | %s |\n", label, w.Label, strings.Join(words, ", "), w.Meaning)
		}
	}
	var reasons []string
	for _, status := range vocabulary.Failures() {
		reasons = append(reasons, "`"+status.Label()+"`")
	}
	fmt.Fprintf(&table, "| `reason` of a failed message | %s | | the statuses of failed messages |\n", strings.Join(reasons, ", "))
	return table.String()
}

// whyModules says what each module of go.mod is for, and its licence.
func whyModules() map[string][2]string {
	return map[string][2]string{
		"github.com/alecthomas/kingpin/v2":       {"the command line, as all of Prometheus has it", "MIT"},
		"github.com/dchest/siphash":              {"keyed hashes for the ledger; the standard library's cannot be kept in a file", "CC0-1.0"},
		"github.com/go-json-experiment/json":     {"streaming JSON, strict; it becomes part of the standard library", "BSD-3-Clause"},
		"github.com/go-kit/log":                  {"writes the log, behind log/slog", "MIT"},
		"github.com/google/go-cmp":               {"tests only", "BSD-3-Clause"},
		"github.com/klauspost/compress":          {"gzip, cheaper than the standard library's", "BSD-3-Clause, Apache-2.0, MIT"},
		"github.com/prometheus/client_golang":    {"metrics", "Apache-2.0"},
		"github.com/prometheus/client_model":     {"metrics", "Apache-2.0"},
		"github.com/prometheus/common":           {"HTTP client configuration, version, text format", "Apache-2.0"},
		"github.com/prometheus/exporter-toolkit": {"TLS, authentication, socket activation", "Apache-2.0"},
		"go.uber.org/goleak":                     {"tests only", "MIT"},
		"go.yaml.in/yaml/v3":                     {"the configuration file, with places for faults", "MIT, Apache-2.0"},
		"golang.org/x/sync":                      {"tests and benchmarks", "BSD-3-Clause"},
		"golang.org/x/sys":                       {"locks on state files", "BSD-3-Clause"},
		"golang.org/x/time":                      {"the rate limit", "BSD-3-Clause"},
		"google.golang.org/protobuf":             {"the encoding of state files; metrics", "BSD-3-Clause"},
	}
}

// TestModulesAreExplained compares the modules that the security page explains with go.mod.
func TestModulesAreExplained(t *testing.T) {
	t.Parallel()
	const path = ".github/SECURITY.md"
	page, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	module, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	why := whyModules()
	table := "| module | for | licence |\n|---|---|---|\n"
	for _, match := range regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllStringSubmatch(string(module), -1) {
		reason, known := why[match[1]]
		if !known {
			t.Errorf("nobody says what %s is for", match[1])
		}
		delete(why, match[1])
		table += fmt.Sprintf("| `%s` | %s | %s |\n", match[1], reason[0], reason[1])
	}
	for name := range why {
		t.Errorf("%s is explained, but not used", name)
	}
	want := replaceBlock(t, string(page), "modules", table)
	if *update {
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(string(page), "\n")); diff != "" {
		t.Errorf("%s differs from go.mod; -update rewrites it (-want +got):\n%s", path, diff)
	}
}

// replaceBlock replaces what stands between two comments.
func replaceBlock(t *testing.T, text, name, block string) string {
	t.Helper()
	begin, end := "<!-- "+name+":begin -->\n", "<!-- "+name+":end -->"
	before, rest, ok := strings.Cut(text, begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok || !ok2 {
		t.Fatalf("no block %s", name)
	}
	return before + begin + block + end + after
}

// detectionTable is what the replay of incidents has found: which alert told of which
// first, and how soon. Each alert is there once; detection.md has all incidents.
func detectionTable(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("deploy/prometheus/detection.md")
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	table.WriteString("| incident | alert | after |\n|---|---|--:|\n")
	rows := regexp.MustCompile(`(?m)^\| (.*?) +\| (GreenAPI\w+) +\| (\w+(?:; or \w+)*) +\|`).FindAllStringSubmatch(string(page), -1)
	if len(rows) == 0 {
		t.Fatal("no incident was replayed")
	}
	seen := map[string]bool{}
	for _, row := range rows {
		if seen[row[2]] {
			continue
		}
		seen[row[2]] = true
		fmt.Fprintf(&table, "| %s | `%s` | %s |\n", row[1], row[2], strings.ReplaceAll(row[3], ";", ""))
	}
	return table.String()
}

func flagTable() string {
	app, _ := newApplication()
	var table strings.Builder
	table.WriteString("| flag | default | |\n|---|---|---|\n")
	for _, f := range app.Model().Flags {
		if strings.HasPrefix(f.Name, "help") || f.Name == "version" || f.Hidden {
			continue
		}
		name := "--" + f.Name
		if f.IsBoolFlag() && len(f.Default) > 0 && f.Default[0] == "true" {
			name += "`, `--no-" + f.Name
		}
		value := ""
		if len(f.Default) > 0 && f.Default[0] != "" {
			value = "`" + f.Default[0] + "`"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s |\n", name, value, f.Help)
	}
	return table.String()
}

func metricTable(t *testing.T) string {
	t.Helper()
	var table strings.Builder
	table.WriteString("| metric | type | labels beside `id_instance` | |\n|---|---|---|---|\n")
	for _, f := range collector.Families() {
		labels := ""
		if len(f.Labels) > 1 {
			labels = "`" + strings.Join(f.Labels[1:], "`, `") + "`"
		}
		fmt.Fprintf(&table, "| `%s` | %s | %s | %s |\n", f.Name, f.Kind, labels, f.Help)
	}
	own, err := web.NewOwn(append(collector.NewFleet(collector.Options{Concurrency: 1}).Metrics(), logLostMetric(new(atomic.Uint64)))...).Gather()
	if err != nil {
		t.Fatal(err)
	}
	// One that has no series before there was a request.
	own = append(own, &dto.MetricFamily{
		Name: proto.String("greenapi_api_request_duration_seconds"), Type: dto.MetricType_HISTOGRAM.Enum(),
		Help: proto.String("Duration of requests to the API, from sending to the end of the body, over all instances. By method."),
	})
	for _, f := range own {
		if strings.HasPrefix(f.GetName(), "greenapi_") {
			fmt.Fprintf(&table, "| `%s` | %s | without `id_instance`, on `/metrics` only | %s |\n", f.GetName(), strings.ToLower(f.GetType().String()), f.GetHelp())
		}
	}
	table.WriteString("| `go_…`, `process_…` | | without `id_instance`, on `/metrics` only | The Go runtime and the process, as every exporter in Go has them. |\n")
	return table.String()
}
