package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const (
	// startTimeout is how long a program may take until it says that it serves.
	startTimeout = time.Minute
	// stopTimeout is how long it may take to end after SIGTERM: longer than the exporter
	// waits for scrapes under way.
	stopTimeout = time.Minute
	// shownLines of what a program wrote are shown when its test failed.
	shownLines = 200
)

// listening is how programs name the port that the system chose: those that
// exporter-toolkit serves, and VictoriaMetrics'.
var listening = regexp.MustCompile(`(?:msg="Listening on" .*\baddress="?|started server at http://)([^\s"/]+)`)

// Process is a running program, in a process group of its own.
type Process struct {
	name   string
	cmd    *exec.Cmd
	output *output
	exited chan struct{} // closed once the program ended and was waited for
}

// startProcess runs a program until it ends, is stopped, or the test ends. It
// inherits nothing from the test's environment: a proxy or a flag's variable
// that is set on this machine must not change what is tested.
func startProcess(t testing.TB, name, path string, env []string, args ...string) *Process {
	t.Helper()
	// The test's context ends before its clean-up, and would kill the process but not its group.
	ctx := context.WithoutCancel(t.Context())
	p := &Process{
		name:   name,
		cmd:    exec.CommandContext(ctx, path, args...), //nolint:gosec // the test says what to run
		output: newOutput(),
		exited: make(chan struct{}),
	}
	p.cmd.Env = append([]string{}, env...)
	p.cmd.Dir = t.TempDir()
	p.cmd.Stdout, p.cmd.Stderr = p.output, p.output
	p.cmd.SysProcAttr = processGroup()
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", name, err)
	}
	go func() {
		defer close(p.exited)
		// How it ended stands in cmd.ProcessState; ExitCode tells.
		_ = p.cmd.Wait()
	}()
	t.Cleanup(func() {
		p.Kill()
		if t.Failed() {
			t.Logf("the last %d lines of %s:\n%s", shownLines, name, lastLines(p.Output(), shownLines))
		}
	})
	return p
}

// Output is all that the program wrote so far, to standard output and error.
func (p *Process) Output() string {
	text, _ := p.output.read()
	return text
}

// Await waits until a line of the output matches, and returns the submatches.
func (p *Process) Await(ctx context.Context, line *regexp.Regexp) ([]string, error) {
	for ended := false; ; {
		text, grown := p.output.read()
		if match := line.FindStringSubmatch(text); match != nil {
			return match, nil
		}
		if ended {
			return nil, fmt.Errorf("%s ended with exit code %d before it wrote %q", p.name, p.cmd.ProcessState.ExitCode(), line)
		}
		select {
		case <-grown:
		case <-p.exited:
			ended = true // and look once more at its last words
		case <-ctx.Done():
			return nil, fmt.Errorf("%s did not write %q: %w", p.name, line, context.Cause(ctx))
		}
	}
}

// awaitAddress waits until the program serves, and returns where.
func (p *Process) awaitAddress(t testing.TB) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startTimeout)
	defer cancel()
	match, err := p.Await(ctx, listening)
	if err != nil {
		t.Fatal(err)
	}
	return match[1]
}

// Signal sends a signal to the program's whole process group.
func (p *Process) Signal(t testing.TB, signal syscall.Signal) {
	t.Helper()
	if err := p.signal(signal); err != nil {
		t.Fatalf("send %v to %s: %v", signal, p.name, err)
	}
}

func (p *Process) signal(signal syscall.Signal) error {
	if err := syscall.Kill(-p.cmd.Process.Pid, signal); err != nil && !errors.Is(err, syscall.ESRCH) {
		return fmt.Errorf("kill the process group: %w", err)
	}
	return nil
}

// Stop asks the program to end, waits for it, and returns its exit code. One
// that does not end in time fails the test.
func (p *Process) Stop(t testing.TB) int {
	t.Helper()
	p.Signal(t, syscall.SIGTERM)
	select {
	case <-p.exited:
	case <-time.After(stopTimeout):
		p.Kill()
		t.Fatalf("%s had not ended %v after SIGTERM", p.name, stopTimeout)
	}
	return p.cmd.ProcessState.ExitCode()
}

// Kill ends the program and its children at once, as kill -9 does. Killing what
// has ended already does nothing.
func (p *Process) Kill() {
	select {
	case <-p.exited:
		return
	default:
	}
	if err := p.signal(syscall.SIGKILL); err != nil {
		panic(err) // nothing of ours may outlive the test
	}
	<-p.exited
}

// output gathers what a program writes, and tells who waits for more.
type output struct {
	mu    sync.Mutex
	text  bytes.Buffer
	grown chan struct{} // closed, and made anew, by every write
}

func newOutput() *output { return &output{grown: make(chan struct{})} }

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.text.Write(p)
	close(o.grown)
	o.grown = make(chan struct{})
	return len(p), nil
}

// read returns the text so far, and a channel that is closed when there is more.
func (o *output) read() (string, <-chan struct{}) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String(), o.grown
}

func lastLines(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
