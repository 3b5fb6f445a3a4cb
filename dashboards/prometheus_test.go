//go:build e2e

package dashboards_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"testing"
	"time"
)

const startTimeout = time.Minute

var listening = regexp.MustCompile(`msg="Listening on" .*\baddress="?([^\s"]+)`)

// tool is the path of a program that the Makefile builds.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.Join("..", "bin", name))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("%v; make tools builds it", err)
	}
	return path
}

// promtool runs promtool, and fails the test when it fails.
func promtool(t *testing.T, args ...string) {
	t.Helper()
	if text, err := exec.CommandContext(t.Context(), tool(t, "promtool"), args...).CombinedOutput(); err != nil {
		t.Fatalf("promtool %q: %v\n%s", args, err, text)
	}
}

// server is a Prometheus over blocks that are there already.
type server struct {
	url  string
	stop func()
}

// startServer starts a Prometheus that serves the blocks of a folder, and waits until
// it is ready. It ends with the test at the latest.
func startServer(t *testing.T, data, text string, args ...string) *server {
	t.Helper()
	config := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// The test's context ends before its clean-up, and would not let it end in order.
	ctx := context.WithoutCancel(t.Context())
	cmd := exec.CommandContext(ctx, tool(t, "prometheus"), append(args,
		"--config.file="+config, "--storage.tsdb.path="+data, "--storage.tsdb.retention.time=1y",
		"--web.listen-address=127.0.0.1:0", "--query.lookback-delta="+(interval+time.Minute).String())...)
	cmd.Env = []string{}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	s := &server{}
	address, drained := make(chan string, 1), make(chan struct{})
	go func() {
		defer close(drained)
		defer close(address)
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			if found := listening.FindStringSubmatch(lines.Text()); found != nil && len(address) == 0 {
				address <- found[1]
				break
			}
		}
		_, _ = io.Copy(io.Discard, stderr) // ends with the program
	}()
	s.stop = func() {
		if cmd.ProcessState != nil {
			return
		}
		if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		<-drained
		if err := cmd.Wait(); err != nil {
			t.Errorf("prometheus ended with %v", err)
		}
	}
	t.Cleanup(s.stop)
	at, ok := <-address
	if !ok {
		t.Fatal("prometheus ended before it listened")
	}
	s.url = "http://" + at
	s.awaitReady(t)
	return s
}

func (s *server) awaitReady(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/-/ready", nil)
		if err != nil {
			t.Fatal(err)
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("prometheus did not become ready")
		}
	}
}
