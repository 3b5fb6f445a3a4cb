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
