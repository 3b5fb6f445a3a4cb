package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
)

// ask asks for metrics, which may come or not.
func (p *program) ask(ctx context.Context) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/metrics", nil)
	if err != nil {
		return
	}
	if res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req); err == nil {
		_ = res.Body.Close()
	}
}

// hangingConfig is a configuration with an account whose API hangs; asked tells when it
// was asked.
func hangingConfig(t *testing.T) (path string, asked <-chan struct{}) {
	t.Helper()
	srv := greenapitest.NewServer()
	t.Cleanup(srv.Close)
	told, release := make(chan struct{}, 8), make(chan struct{})
	t.Cleanup(func() { close(release) })
	srv.AddInstance("1101000001", "abc").SetBodyFunc(greenapitest.MethodLastOutgoingCalls, func(io.Writer) error {
		told <- struct{}{}
		<-release
		return nil
	})
	return writeFile(t, "instances: [{id: '1101000001', token: abc, api_url: '"+srv.URL+"', collectors: [calls]}]"), told
}

// TestShutdownEndsBeforeTheKill holds the order of an end: scrapes under way may go on,
// then are answered with what there is, then are broken off; then the state files and
// the log are written; all before whoever stops the exporter kills it.
func TestShutdownEndsBeforeTheKill(t *testing.T) {
	t.Parallel()
	const toAnswer, toSave = 5 * time.Second, 5 * time.Second
	if scrapesGrace <= 0 || shutdownGrace < scrapesGrace+toAnswer {
		t.Errorf("scrapes may go on for %s, and %s after the signal they are broken off", scrapesGrace, shutdownGrace)
	}
	for path, pattern := range map[string]string{
		"deploy/systemd/greenapi_exporter.service": `(?m)^TimeoutStopSec=([0-9]+)s$`,
		"deploy/kubernetes/stateless.yaml":         `terminationGracePeriodSeconds: ([0-9]+)\n`,
		"deploy/kubernetes/ledger.yaml":            `terminationGracePeriodSeconds: ([0-9]+)\n`,
		"deploy/kubernetes/sharded.yaml":           `terminationGracePeriodSeconds: ([0-9]+)\n`,
		"deploy/compose.yaml":                      `stop_grace_period: ([0-9]+)s `,
	} {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		match := regexp.MustCompile(pattern).FindSubmatch(text)
		if match == nil {
			t.Errorf("%s does not say how long the exporter may take to end", path)
			continue
		}
		if kill, err := time.ParseDuration(string(match[1]) + "s"); err != nil || kill < shutdownGrace+toSave+logGrace {
			t.Errorf("%s gives %s to end, and %s are needed (%v)", path, kill, shutdownGrace+toSave+logGrace, err)
		}
	}
}

// TestASecondSignalEndsAtOnce interrupts the exporter while a scrape is under way that
// may go on for 15 s, and once more.
func TestASecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	path, asked := hangingConfig(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "--web.listen-address=127.0.0.1:0", "--no-web.first-read", "--config.file="+path)
	cmd.Env = append(os.Environ(), asProcess+"=1")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(stderr)
	await := func(text string) string {
		for lines.Scan() {
			if strings.Contains(lines.Text(), text) {
				return lines.Text()
			}
		}
		t.Fatalf("the exporter ended before it said %q", text)
		return ""
	}
	match := listening.FindStringSubmatch(await("Listening on") + "\n")
	if match == nil {
		t.Fatal("it does not say where it listens")
	}
	p := &program{url: "http://" + match[1]}
	scraping, leave := context.WithCancel(t.Context())
	defer leave()
	go p.ask(scraping)
	<-asked
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	await("stopping")
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	var ended *exec.ExitError
	_, _ = io.Copy(io.Discard, stderr)
	if err := cmd.Wait(); !errors.As(err, &ended) || ended.ExitCode() != -1 {
		t.Errorf("it ended with %v, want by the signal", err)
	}
}

// TestShutdownHasADeadline stops the exporter while a scrape is under way that does not
// end: it is broken off.
func TestShutdownHasADeadline(t *testing.T) {
	t.Parallel()
	path, asked := hangingConfig(t)
	p := &program{stdout: newOutput(), stderr: newOutput()}
	flags, _, _ := parseFlags([]string{"--web.listen-address=127.0.0.1:0", "--no-web.first-read", "--config.file=" + path}, p.stdout, p.stderr)
	_, load := flags.configuration(noEnvironment)
	cfg, err := load()
	if err != nil {
		t.Fatal(err)
	}
	e := &exporter{
		flags: flags, load: load, stdout: p.stdout, logLost: new(atomic.Uint64), log: newLogger(p.stderr, "logfmt", slog.LevelInfo),
		scrapesGrace: time.Hour, shutdownGrace: time.Millisecond,
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- e.serve(ctx, cfg, nil) }()
	var match []string
	for match == nil {
		<-p.stderr.lines
		match = listening.FindStringSubmatch(p.stderr.String())
	}
	p.url = "http://" + match[1]
	scraped := make(chan struct{})
	go func() {
		p.ask(t.Context())
		close(scraped)
	}()
	<-asked
	stop()
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "scrapes did not end within 1ms") {
		t.Errorf("it ended with %v", err)
	}
	<-scraped
}
