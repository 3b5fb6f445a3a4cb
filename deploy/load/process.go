package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// startTimeout is how long a program may take until it says that it serves.
	startTimeout = 30 * time.Second
	// stopTimeout is how long it may take to end after SIGTERM.
	stopTimeout = 15 * time.Second
	// shownWords bounds what is shown of a program that did not start, in bytes.
	shownWords = 4 << 10
)

// listening is how exporter-toolkit names the port that the system chose; the
// other roles of this program say it in the same words.
var listening = regexp.MustCompile(`msg="Listening on" .*\baddress="?([^\s"]+)`)

func sayListening(w io.Writer, address string) error {
	if _, err := fmt.Fprintf(w, "msg=\"Listening on\" role=load address=%s\n", address); err != nil {
		return fmt.Errorf("say where to look: %w", err)
	}
	return nil
}

// process is a running program that serves over HTTP and is measured.
type process struct {
	url    string // without a trailing slash
	cmd    *exec.Cmd
	exited chan struct{} // closed once it ended and was waited for
}

// start starts a program and waits until it serves. It ends with the context at
// the latest.
func start(ctx context.Context, path string, args ...string) (*process, error) {
	p := &process{
		cmd:    exec.CommandContext(ctx, path, args...), //nolint:gosec // who measures says what
		exited: make(chan struct{}),
	}
	p.cmd.Env = []string{} // no proxy, and no flag of the exporter's
	p.cmd.SysProcAttr = endWithParent()
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) }
	p.cmd.WaitDelay = stopTimeout
	output, err := p.cmd.StderrPipe()
	if err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", path, err)
	}
	address := make(chan string, 1)
	words := new(strings.Builder) // the first that it says; read after exited
	go func() {
		follow(output, words, address)
		_ = p.cmd.Wait() // how it ended stands in its ProcessState
		close(p.exited)
	}()
	timer := time.NewTimer(startTimeout)
	defer timer.Stop()
	select {
	case a := <-address:
		p.url = "http://" + a
		return p, nil
	case <-p.exited:
		return nil, fmt.Errorf("%s ended before it served:\n%s", path, words)
	case <-timer.C:
		return nil, errors.Join(fmt.Errorf("%s does not serve after %s", path, startTimeout), p.stop())
	}
}

// follow reads what a program says to its end, and finds where it listens.
func follow(output io.Reader, words *strings.Builder, address chan<- string) {
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		if words.Len() < shownWords {
			words.WriteString(lines.Text() + "\n")
		}
		if match := listening.FindStringSubmatch(lines.Text()); match != nil {
			address <- match[1]
			break
		}
	}
	_, _ = io.Copy(io.Discard, output) // so that it never waits for a reader; it ends with the program
}

// stop ends the program and waits for it.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("stop %s: %w", p.cmd.Path, err)
	}
	timer := time.NewTimer(stopTimeout)
	defer timer.Stop()
	select {
	case <-p.exited:
		return nil
	case <-timer.C:
	}
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("kill %s: %w", p.cmd.Path, err)
	}
	<-p.exited
	return fmt.Errorf("%s did not end within %s of SIGTERM", p.cmd.Path, stopTimeout)
}

// peak returns the largest resident set of the program so far, in bytes. The
// system's other figure, the ru_maxrss of wait4, begins with that of the parent.
func (p *process) peak() (int64, error) { return p.memory("VmHWM") }

// resident returns the resident set of the program now, in bytes.
func (p *process) resident() (int64, error) { return p.memory("VmRSS") }

func (p *process) memory(field string) (int64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("read the memory: %w", err)
	}
	return memoryOf(string(text), field)
}

// memoryOf finds a field in the text of /proc/PID/status.
func memoryOf(status, field string) (int64, error) {
	for line := range strings.Lines(status) {
		value, found := strings.CutPrefix(line, field+":")
		if !found {
			continue
		}
		kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(value), " kB"), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("read the memory: %w", err)
		}
		return kilobytes << 10, nil
	}
	return 0, fmt.Errorf("the system does not tell %s", field)
}
