//go:build e2e && linux

package deploy_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// TestMain takes away what differs from machine to machine: variables of the
// exporter, which the programs would inherit, and the umask.
func TestMain(m *testing.M) {
	for _, variable := range os.Environ() {
		if name, _, _ := strings.Cut(variable, "="); strings.HasPrefix(name, "GREENAPI_") {
			if err := os.Unsetenv(name); err != nil {
				panic(err)
			}
		}
	}
	syscall.Umask(0o022) // Docker's
	os.Exit(m.Run())
}

// patience is how long a program may take to serve, and to end.
const patience = time.Minute

// listening is how exporter-toolkit names the port that the system chose.
var listening = regexp.MustCompile(`msg="Listening on" .*\baddress="?([^\s"]+)`)

// server is a running exporter.
type server struct {
	address string // host:port
	output  *watchedBuffer
	cmd     *exec.Cmd
	ended   chan struct{} // closed once it was waited for; then err says how it ended
	err     error
}

// serve starts the exporter and waits until it listens. It ends with the test.
func serve(t *testing.T, cmd *exec.Cmd) *server {
	t.Helper()
	s := &server{cmd: cmd, output: &watchedBuffer{grown: make(chan struct{}, 1)}, ended: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = s.output, s.output
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", cmd.Path, err)
	}
	go func() {
		defer close(s.ended)
		s.err = cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended
		<-s.ended
		if t.Failed() {
			t.Logf("the exporter wrote:\n%s", s.output)
		}
	})
	s.address = s.await(t, listening)[1]
	return s
}

// await waits until what the exporter wrote matches, and returns the submatches.
func (s *server) await(t *testing.T, wanted *regexp.Regexp) []string {
	t.Helper()
	timeout := time.After(patience)
	for {
		if match := wanted.FindStringSubmatch(s.output.String()); match != nil {
			return match
		}
		select {
		case <-s.output.grown:
		case <-s.ended:
			t.Fatalf("the exporter ended (%v) before it wrote %q:\n%s", s.err, wanted, s.output)
		case <-timeout:
			t.Fatalf("the exporter did not write %q:\n%s", wanted, s.output)
		}
	}
}

// stop ends the exporter by SIGTERM, and expects it to say that all was well.
func (s *server) stop(t *testing.T) {
	t.Helper()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case <-s.ended:
		if s.err != nil {
			t.Errorf("after SIGTERM, the exporter ended with %v", s.err)
		}
	case <-time.After(patience):
		t.Error("the exporter did not end after SIGTERM")
	}
}

// get returns the status and the body of a page.
func get(t *testing.T, client *http.Client, url string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// wantMetrics asserts that the exporter serves its simulated accounts.
func wantMetrics(t *testing.T, s *server, wants ...string) {
	t.Helper()
	status, body := get(t, http.DefaultClient, "http://"+s.address+"/metrics")
	if status != http.StatusOK {
		t.Fatalf("/metrics answers %d:\n%s", status, body)
	}
	for _, want := range append(wants, "greenapi_up{", "greenapi_exporter_build_info{") {
		if !strings.Contains(body, want) {
			t.Errorf("/metrics shows no %s", want)
		}
	}
}

// run runs a program to its end and returns what it wrote.
func run(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 8*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	if env != nil {
		cmd.Env = append(cmd.Environ(), env...)
	}
	text, err := cmd.CombinedOutput()
	if err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			t.Fatalf("%v: install it (systemd-analyze is part of systemd)", err)
		}
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, text)
	}
	return string(text)
}

// watchedBuffer is a buffer that says when it has grown.
type watchedBuffer struct {
	mu    sync.Mutex
	bytes bytes.Buffer
	grown chan struct{}
}

func (b *watchedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	n, err := b.bytes.Write(p)
	select {
	case b.grown <- struct{}{}:
	default:
	}
	return n, err
}

func (b *watchedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes.String()
}
