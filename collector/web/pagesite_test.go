package web_test

import (
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
	"github.com/greenapi-exporter/greenapi_exporter/collector/web"
)

var update = flag.Bool("update", false, "rewrite the golden pages")

// site is a server over a fleet of its own making.
type site struct {
	*face
	fleet *collector.Fleet
	api   *greenapitest.Server
}

// newSite serves a configuration; {api} in it stands for the URL of the API.
func newSite(t *testing.T, yaml string, change func(*web.Options)) *site {
	t.Helper()
	s := &site{face: new(face), api: greenapitest.NewPipeServer()}
	t.Cleanup(s.api.Close)
	log := slog.New(slog.DiscardHandler)
	s.fleet = collector.NewFleet(collector.Options{
		Concurrency: 4, Timeout: time.Minute, MinInterval: 10 * time.Second, MaxBodyBytes: 2 << 20, Logger: log, Dial: s.api.DialContext,
	})
	t.Cleanup(s.fleet.Close)
	s.apply(t, yaml)
	opts := web.Options{
		Fleet: s.fleet, Own: web.NewOwn(s.fleet.Metrics()...), TelemetryPath: "/metrics", InstancesOnMetrics: true,
		MaxRequests: 2, Logger: log,
	}
	if change != nil {
		change(&opts)
	}
	var err error
	if s.Server, err = web.NewServer(opts); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *site) apply(t *testing.T, yaml string) {
	t.Helper()
	cfg, err := config.Parse("test.yml", []byte(strings.ReplaceAll(yaml, "{api}", s.api.URL)), config.Defaults{
		Window: 24 * time.Hour, Collectors: []string{"calls", "messages", "state", "settings"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.fleet.Apply(cfg); err != nil {
		t.Fatal(err)
	}
}

// page asks for a page and checks what every page must be.
func (s *site) page(t *testing.T, path string) string {
	t.Helper()
	w := s.get(t, path)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d: %s", path, w.Code, w.Body)
	}
	for name, want := range map[string]string{"Content-Type": "text/html; charset=utf-8", "Cache-Control": "no-store"} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %s is %q, want %q", path, name, got, want)
		}
	}
	body := w.Body.String()
	checkMarkup(t, path, body)
	return body
}

// checkMarkup reads a page as XML, which it is written to be as well: every element
// closed, every attribute quoted. Nothing in it may need a script, a style of its
// own, or another host.
func checkMarkup(t *testing.T, path, body string) {
	t.Helper()
	in := xml.NewDecoder(strings.NewReader(body))
	elements := make(map[string]int)
	drawing := false
	for {
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: not well-formed: %v\n%s", path, err, body)
		}
		if end, ok := token.(xml.EndElement); ok && end.Name.Local == "svg" {
			drawing = false
		}
		element, ok := token.(xml.StartElement)
		if !ok {
			continue
		}
		drawing = drawing || element.Name.Local == "svg"
		if !drawing { // a drawing has a title of its own
			elements[element.Name.Local]++
		}
		for _, a := range element.Attr {
			name := a.Name.Local
			if name == "style" || strings.HasPrefix(name, "on") {
				t.Errorf("%s: attribute %s", path, name)
			}
			if (name == "href" || name == "src") && !strings.HasPrefix(a.Value, "./") && a.Value != web.DocumentationURL {
				t.Errorf("%s: the link %q is not relative", path, a.Value)
			}
		}
	}
	for _, unwanted := range []string{"script", "style", "form", "iframe", "img"} {
		if elements[unwanted] > 0 {
			t.Errorf("%s: has a %s", path, unwanted)
		}
	}
	for _, once := range []string{"html", "title", "main", "h1", "nav"} {
		if elements[once] != 1 {
			t.Errorf("%s: %d of %s, want one", path, elements[once], once)
		}
	}
	if !strings.HasPrefix(body, "<!doctype html>\n<html lang=\"en\">") || !strings.Contains(body, `name="viewport"`) {
		t.Errorf("%s: no doctype, language or viewport", path)
	}
}

// golden compares a page with the file of this name.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("..", "..", "testdata", "pages", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; -update rewrites it):\n%s", name, diff)
	}
}

// journals are what most instances of these tests answer.
func journals(in *greenapitest.Instance) {
	in.SetCalls(
		greenapitest.Call{IDMessage: "C1", Timestamp: 946684000, ChatID: "79990000001@c.us", Duration: 42, Status: "pickUp"},
		greenapitest.Call{IDMessage: "C2", Timestamp: 946684100, ChatID: "79990000002@c.us", Status: "hungUp"},
	)
	in.SetMessages(greenapitest.Message{
		IDMessage: "M1", Timestamp: 946684200, ChatID: "79990000001@c.us", Status: "read", TypeMessage: "textMessage",
	})
}

// stagger makes each method of an instance answer at a time of its own, so that what a
// refresh did has an order.
func stagger(in *greenapitest.Instance) {
	for n, method := range []string{
		greenapitest.MethodGetStateInstance, greenapitest.MethodGetSettings,
		greenapitest.MethodLastOutgoingCalls, greenapitest.MethodLastOutgoingMessages,
	} {
		in.Fault(method, greenapitest.Fault{Delay: time.Duration(80+110*n) * time.Millisecond}, 1)
	}
}

const companyYAML = `instances:
- {id: "1101000001", name: support, token: token1, api_url: "{api}", labels: {team: helpdesk, region: eu}}
- {id: "1101000002", name: sales, token: token2, api_url: "{api}"}
- {id: "1101000003", name: campaigns, token: token3, api_url: "{api}"}
- {id: "1101000004", name: restricted, token: token4, api_url: "{api}"}
- {id: "1101000005", name: logged-out, token: token5, api_url: "{api}"}
- {id: "1101000006", name: telegram, token: token6, api_url: "{api}"}
- {id: "1101000007", token: token7, api_url: "{api}", collectors: [messages]}
- {id: "1101000008", name: warehouse, token: token8, api_url: "{api}"}
- {id: "1101000009", name: archive, token: wrong, api_url: "{api}"}`

// newCompany is a site with instances in every condition, refreshed in the order of
// the configuration but for warehouse.
func newCompany(t *testing.T) *site {
	t.Helper()
	s := newSite(t, companyYAML, nil)
	instances := make([]*greenapitest.Instance, 10)
	for n := 1; n <= 9; n++ {
		instances[n] = s.api.AddInstance(fmt.Sprintf("110100000%d", n), fmt.Sprintf("token%d", n))
		journals(instances[n])
		stagger(instances[n])
	}
	instances[2].ClearFaults()
	instances[2].Fault(greenapitest.MethodLastOutgoingCalls, greenapitest.Fault{Status: 502, Delay: 200 * time.Millisecond, Body: []byte("<html>Bad Gateway</html>")}, 1)
	instances[2].Fault(greenapitest.MethodLastOutgoingMessages, greenapitest.FaultHang(), 1)
	instances[2].Fault(greenapitest.MethodGetStateInstance, greenapitest.Fault{Delay: 90 * time.Millisecond}, 1)
	instances[2].Fault(greenapitest.MethodGetSettings, greenapitest.Fault{Delay: 110 * time.Millisecond}, 1)
	instances[3].SetMessages(slices.Repeat([]greenapitest.Message{{IDMessage: "M", ChatID: "79990000001@c.us", Status: "sent"}}, 10_000)...)
	instances[4].SetState("yellowCard")
	instances[4].SetWaSettings(greenapitest.Fields{"suspendedUntil": 946771200})
	instances[5].SetState("notAuthorized")
	instances[6].SetUnsupported(greenapitest.MethodLastOutgoingCalls)
	for _, name := range []string{"support", "sales", "campaigns", "restricted", "logged-out", "telegram", "1101000007", "archive"} {
		s.get(t, "/probe?target="+name, "X-Prometheus-Scrape-Timeout-Seconds", "10")
		time.Sleep(5 * time.Second)
	}
	return s
}

// requests counts the requests to the API so far.
func (s *site) requests() (n int) {
	for _, t := range s.fleet.Roster().Targets {
		if in := s.api.Instance(t.Instance.ID); in != nil {
			n += in.Count(greenapitest.AnyMethod)
		}
	}
	return n
}
