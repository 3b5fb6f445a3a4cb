//go:build unix

package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// TestNobodyReadsTheLog has whoever reads the log of a process go, and asks on: the
// process serves, counts the lines that are lost, and ends in order.
func TestNobodyReadsTheLog(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	process := exec.CommandContext(t.Context(), os.Args[0], "--demo", "--web.listen-address=127.0.0.1:0", "--log.level=debug")
	process.Env = append(os.Environ(), asProcess+"=1")
	process.Stdout, process.Stderr = write, write
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	write.Close()
	var url string
	for lines := bufio.NewScanner(read); url == "" && lines.Scan(); {
		if match := listening.FindStringSubmatch(lines.Text()); match != nil {
			url = "http://" + match[1]
		}
	}
	read.Close()
	if url == "" {
		t.Fatal("it does not listen")
	}
	for n := 0; ; n++ {
		body := fetch(t, url+"/metrics")
		if !strings.Contains(body, `greenapi_up{id_instance="1101000001"} 1`) {
			t.Fatalf("it does not serve:\n%s", body)
		}
		// The lines are written by somebody else than who serves.
		if strings.Contains(body, "\ngreenapi_log_lost_lines_total ") && !strings.Contains(body, "\ngreenapi_log_lost_lines_total 0\n") {
			break
		}
		if n == 1000 {
			t.Fatal("no line is lost")
		}
	}
	if err := process.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := process.Wait(); err != nil {
		t.Errorf("it ended with %v", err)
	}
}

func fetch(t *testing.T, url string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
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
	return string(body)
}
