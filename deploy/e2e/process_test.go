package e2e

import (
	"context"
	"regexp"
	"strings"
	"testing"
)

func TestProcess(t *testing.T) {
	t.Parallel()
	shell := func(t *testing.T, script string) *Process {
		t.Helper()
		return startProcess(t, "shell", "/bin/sh", []string{"GREETING=hello"}, "-c", script)
	}

	t.Run("says where it listens", func(t *testing.T) {
		t.Parallel()
		p := shell(t, `echo 'ts=1 msg="TLS is disabled." address=127.0.0.1:1'; echo 'ts=1 msg="Listening on" component=web address=127.0.0.1:4711 x=y'; exec sleep 60`)
		if got := p.awaitAddress(t); got != "127.0.0.1:4711" {
			t.Errorf("got %q", got)
		}
	})
	t.Run("sees its own environment only", func(t *testing.T) {
		t.Parallel()
		p := shell(t, `echo "$GREETING, home is '$HOME'" >&2`)
		if _, err := p.Await(t.Context(), regexp.MustCompile(`(?m)^hello, home is ''$`)); err != nil {
			t.Errorf("%v; it wrote %q", err, p.Output())
		}
	})
	t.Run("ends before it says so", func(t *testing.T) {
		t.Parallel()
		p := shell(t, `echo goodbye; exit 7`)
		_, err := p.Await(t.Context(), regexp.MustCompile(`welcome`))
		if err == nil || !strings.Contains(err.Error(), "exit code 7") || !strings.Contains(p.Output(), "goodbye") {
			t.Errorf("got %v and the output %q", err, p.Output())
		}
	})
	t.Run("is not waited for past the deadline", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := shell(t, `exec sleep 60`).Await(ctx, regexp.MustCompile(`welcome`)); err == nil {
			t.Error("got no error")
		}
	})
	t.Run("stops when asked", func(t *testing.T) {
		t.Parallel()
		p := shell(t, `trap 'exit 3' TERM; echo ready; while :; do sleep 0.01; done`)
		if _, err := p.Await(t.Context(), regexp.MustCompile(`ready`)); err != nil {
			t.Fatal(err)
		}
		if code := p.Stop(t); code != 3 {
			t.Errorf("got exit code %d, want 3", code)
		}
	})
	t.Run("is killed with its children", func(t *testing.T) {
		t.Parallel()
		// The child keeps the pipe open: Kill returns only once it is dead too.
		p := shell(t, `trap '' TERM; (trap '' TERM; sleep 60) & echo ready; wait`)
		if _, err := p.Await(t.Context(), regexp.MustCompile(`ready`)); err != nil {
			t.Fatal(err)
		}
		p.Kill()
		p.Kill()
		if code := p.cmd.ProcessState.ExitCode(); code != -1 {
			t.Errorf("got exit code %d, want -1: ended by a signal", code)
		}
	})
}

func TestLastLines(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text string
		n    int
		want string
	}{
		{"", 2, ""},
		{"a\n", 2, "a"},
		{"a\nb\nc\n", 2, "b\nc"},
	} {
		if got := lastLines(test.text, test.n); got != test.want {
			t.Errorf("lastLines(%q, %d) = %q, want %q", test.text, test.n, got, test.want)
		}
	}
}
