package main

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
)

// TestSaysWhereToLook starts the exporter on ports of the system's choice, and asks
// where it says that something is.
func TestSaysWhereToLook(t *testing.T) {
	t.Parallel()
	srv := greenapitest.NewServer()
	defer srv.Close()
	srv.AddInstance("1101000001", "abc")
	config := writeFile(t, "instances: [{id: '1101000001', name: a b, token: abc, api_url: '"+srv.URL+"'}]")
	p := start(t, "--config.file="+config, "--web.listen-address=127.0.0.1:0")
	links := regexp.MustCompile(`http://127\.0\.0\.1:\d+(/\S*)`)
	seen := 0
	for strings.Count(p.stdout.String(), "Documentation:") < 2 {
		<-p.stdout.lines
	}
	for _, link := range links.FindAllStringSubmatch(p.stdout.String(), -1) {
		seen++
		if code, body := p.get(t, link[1]); code != 200 {
			t.Errorf("%s: %d: %s", link[0], code, body)
		}
	}
	if seen != 10 {
		t.Errorf("%d addresses, want 5 of each of two listeners:\n%s", seen, p.stdout)
	}
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, p.stderr)
	}
}

func TestSaysWhereToLookInJSON(t *testing.T) {
	t.Parallel()
	p := start(t, "--demo", "--log.format=json")
	for !strings.Contains(p.stderr.String(), `"msg":"serving"`) {
		<-p.stderr.lines
	}
	if text := p.stdout.String(); text != "" {
		t.Errorf("text among JSON:\n%s", text)
	}
	p.end()
}

// TestNothingIsSaidOfATakenPort makes sure that no address is named as if it served.
func TestNothingIsSaidOfATakenPort(t *testing.T) {
	t.Parallel()
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	var stdout, stderr bytes.Buffer
	code := run(t.Context(), []string{"--demo", "--web.listen-address=127.0.0.1:0", "--web.listen-address=" + taken.Addr().String()}, noEnvironment, nil, &stdout, &stderr)
	if code != 1 || stdout.Len() > 0 || strings.Contains(stderr.String(), "first read") ||
		!strings.Contains(stderr.String(), "--web.listen-address: listen tcp "+taken.Addr().String()) || !strings.Contains(stderr.String(), "another process listens there") {
		t.Errorf("exit code %d, stdout %q, stderr:\n%s", code, &stdout, &stderr)
	}
}

func TestBaseURL(t *testing.T) {
	t.Parallel()
	for want, at := range map[string]struct {
		address net.Addr
		tls     bool
	}{
		"http://localhost:10174":  {address: &net.TCPAddr{IP: net.IPv6zero, Port: 10174}},
		"http://localhost:1":      {address: &net.TCPAddr{IP: net.IPv4zero, Port: 1}},
		"https://127.0.0.1:10174": {&net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 10174}, true},
		"http://[::1]:10174":      {address: &net.TCPAddr{IP: net.IPv6loopback, Port: 10174}},
		"http:///run/socket":      {address: &net.UnixAddr{Name: "/run/socket"}},
	} {
		if got := baseURL(at.address, at.tls); got != want {
			t.Errorf("%v: %s, want %s", at, got, want)
		}
	}
}

// TestDemoIsAlive looks at the pages of the demo before anybody scrapes: every account
// was read, and those that have traffic have graphs of a day.
func TestDemoIsAlive(t *testing.T) {
	t.Parallel()
	p := start(t, "--demo", "--web.first-read")
	for !strings.Contains(p.stderr.String(), "first read done") {
		<-p.stderr.lines
	}
	_, body := p.get(t, "/")
	if graphs := strings.Count(body, `class="area"`); graphs < 10 || strings.Contains(body, "not read yet") {
		t.Errorf("%d graphs:\n%s", graphs, body)
	}
	_, body = p.get(t, "/instance?target=sales-eu")
	for _, want := range []string{"How far they got", "min in need of action or not readable", "Duration of answered calls"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page of an account does not show %q:\n%s", want, body)
		}
	}
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// TestReadyBeforeTheFirstReadEnds starts the exporter for an account that hangs: it is
// ready all the same, and stops when it is told to.
func TestReadyBeforeTheFirstReadEnds(t *testing.T) {
	t.Parallel()
	srv := greenapitest.NewServer()
	defer srv.Close()
	srv.AddInstance("1101000001", "abc").Fault(greenapitest.AnyMethod, greenapitest.FaultHang(), 0)
	p := start(t, "--config.file="+writeFile(t, "instances: [{id: '1101000001', token: abc, api_url: '"+srv.URL+"'}]"), "--web.first-read")
	if code, _ := p.get(t, "/-/ready"); code != 200 {
		t.Errorf("not ready: %d", code)
	}
	if _, body := p.get(t, "/"); !strings.Contains(body, "No account was read yet.") {
		t.Errorf("the page says:\n%s", body)
	}
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, p.stderr)
	}
}

// TestDemoReadsEachMinute lets time pass for an account of the demo that nobody scrapes.
func TestDemoReadsEachMinute(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		api := greenapitest.NewPipeServer()
		defer api.Close()
		account := api.AddInstance("1101000001", "abc")
		e := &exporter{flags: &flags{demo: true, firstRead: true}}
		fleet := collector.NewFleet(collector.Options{Concurrency: 4, Timeout: time.Minute, MinInterval: 10 * time.Second, Dial: api.DialContext, Logger: slog.New(slog.DiscardHandler)})
		defer fleet.Close()
		cfg, err := config.Parse("test", fmt.Appendf(nil, "instances: [{id: '1101000001', token: abc, api_url: %q}]", api.URL), config.Defaults{Window: time.Hour, Collectors: []string{"messages"}})
		if err != nil {
			t.Fatal(err)
		}
		if err := fleet.Apply(cfg); err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		bound, ended := make(chan struct{}), make(chan struct{})
		go func() {
			e.firstRead(ctx, fleet, bound)
			close(ended)
		}()
		time.Sleep(time.Minute)
		if n := account.Count(greenapitest.AnyMethod); n != 0 {
			t.Errorf("read %d times before the port was bound", n)
		}
		close(bound)
		time.Sleep(150 * time.Second)
		if n := account.Count(greenapitest.AnyMethod); n != 3 {
			t.Errorf("read %d times in two minutes and a half, want 3", n)
		}
		stop()
		<-ended
	})
}

// TestFirstRead starts the exporter for two accounts, of which one has a wrong token,
// and waits until the log says so: nobody scrapes.
func TestFirstRead(t *testing.T) {
	t.Parallel()
	srv := greenapitest.NewServer()
	defer srv.Close()
	good := srv.AddInstance("1101000001", "abc")
	srv.AddInstance("1101000002", "abc")
	config := writeFile(t, "instances: [{id: '1101000001', token: abc, api_url: '"+srv.URL+"'}, {id: '1101000002', token: wrong, api_url: '"+srv.URL+"'}]")
	p := start(t, "--config.file="+config, "--web.first-read")
	for !strings.Contains(p.stderr.String(), "first read done") {
		<-p.stderr.lines
	}
	if n := good.Count(greenapitest.MethodLastOutgoingCalls); n != 1 {
		t.Errorf("the journal was read %d times, want once", n)
	}
	text := p.stderr.String()
	if !strings.Contains(text, `instances=2 fine=1 in_trouble=1`) || !strings.Contains(text, `remedy="copy the instance's token`) {
		t.Errorf("the log says:\n%s", text)
	}
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}
