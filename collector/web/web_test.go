package web_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
	"github.com/greenapi-exporter/greenapi_exporter/collector/web"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// face is a server over a fleet of two instances, and the API behind it.
type face struct {
	*web.Server
	support, sales *greenapitest.Instance
}

func newFace(t testing.TB, change func(*web.Options)) *face {
	t.Helper()
	srv := greenapitest.NewPipeServer()
	t.Cleanup(srv.Close)
	f := &face{support: srv.AddInstance("1101000001", "token1"), sales: srv.AddInstance("1101000002", "token2")}
	log := slog.New(slog.DiscardHandler)
	fleet := collector.NewFleet(collector.Options{Concurrency: 4, Timeout: time.Minute, MinInterval: 10 * time.Second, Logger: log, Dial: srv.DialContext})
	t.Cleanup(fleet.Close)
	cfg, err := config.Parse("test.yml", fmt.Appendf(nil, `instances:
- {id: "1101000001", name: support, token: token1, api_url: %[1]q, labels: {team: helpdesk}}
- {id: "1101000002", token: token2, api_url: %[1]q}`, srv.URL), config.Defaults{Window: time.Hour, Collectors: []string{"calls", "messages"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := fleet.Apply(cfg); err != nil {
		t.Fatal(err)
	}
	own := web.NewOwn(fleet.Metrics()...)
	own.Reloaded(true, nil)
	opts := web.Options{Fleet: fleet, Own: own, TelemetryPath: "/metrics", InstancesOnMetrics: true, MaxRequests: 2, Logger: log}
	if change != nil {
		change(&opts)
	}
	if f.Server, err = web.NewServer(opts); err != nil {
		t.Fatal(err)
	}
	return f
}

// get asks for a path; header is pairs of names and values.
func (f *face) get(t testing.TB, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	return f.do(t, http.MethodGet, path, header...)
}

func (f *face) do(t testing.TB, method, path string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, nil)
	for n := 0; n < len(header); n += 2 {
		r.Header.Set(header[n], header[n+1])
	}
	w := httptest.NewRecorder()
	f.ServeHTTP(w, r)
	return w
}

// inBubble runs a test on a fake clock.
func inBubble(t *testing.T, test func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, test)
}

func TestMetricsShowsEverything(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		f := newFace(t, nil)
		body := f.get(t, "/metrics").Body.String()
		for _, want := range []string{
			`greenapi_up{id_instance="1101000001"} 1`, `greenapi_up{id_instance="1101000002"} 1`,
			"go_goroutines", "process_cpu_seconds_total", "greenapi_exporter_build_info{",
			"greenapi_config_last_reload_successful 1", `greenapi_api_request_duration_seconds_count{method="lastOutgoingCalls"} 2`,
		} {
			if !strings.Contains(body, want) {
				t.Errorf("no %s", want)
			}
		}
		problems, err := promlint.New(strings.NewReader(body)).Lint()
		if err != nil || len(problems) > 0 {
			t.Errorf("promlint: %v %v", err, problems)
		}
	})
}

func TestInstancesOnMetricsOff(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		f := newFace(t, func(o *web.Options) { o.InstancesOnMetrics = false })
		if body := f.get(t, "/metrics").Body.String(); strings.Contains(body, "id_instance") || !strings.Contains(body, "go_goroutines") {
			t.Error("not the exporter's own metrics only")
		}
		if n := f.support.Count(greenapitest.AnyMethod); n != 0 {
			t.Errorf("%d requests to the API for nothing", n)
		}
		if body := f.get(t, "/probe?target=support").Body.String(); !strings.Contains(body, `greenapi_up{id_instance="1101000001"} 1`) {
			t.Error("no instance at /probe")
		}
	})
}

func TestProbeShowsOneInstance(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		f := newFace(t, nil)
		body := f.get(t, "/probe?target=support").Body.String()
		if !strings.Contains(body, `greenapi_up{id_instance="1101000001"} 1`) {
			t.Error("the instance is missing")
		}
		for _, unwanted := range []string{"1101000002", "go_goroutines", "greenapi_exporter_build_info"} {
			if strings.Contains(body, unwanted) {
				t.Errorf("%s at /probe", unwanted)
			}
		}
		if n := f.sales.Count(greenapitest.AnyMethod); n != 0 {
			t.Errorf("%d requests for an instance that nobody asked for", n)
		}
	})
}

func TestProbeOfNoTarget(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		f := newFace(t, nil)
		for path, want := range map[string]int{
			"/probe": 400, "/probe?target=": 400, "/probe?target=support&target=1101000002": 400,
			"/probe?target=nobody": 404, "/probe?target=1101000001": 404, "/probe?target=http://127.0.0.1/": 404,
			"/probe?target=%3Cscript%3E": 404, "/probe?target=1101000002": 200,
		} {
			w := f.get(t, path)
			if w.Code != want {
				t.Errorf("%s: %d, want %d", path, w.Code, want)
			}
			if body := w.Body.String(); want != 200 && (!strings.Contains(body, "/sd") || strings.Contains(body, "nobody") || strings.Contains(body, "script")) {
				t.Errorf("%s: %s", path, body)
			}
		}
	})
}

func TestServiceDiscovery(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		f := newFace(t, nil)
		w := f.get(t, "http://exporter-2.example:10174/sd")
		if got := w.Header().Get("Content-Type"); got != "application/json" {
			t.Errorf("content type %s", got)
		}
		var got any
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		target := func(id, name string, more map[string]any) any {
			labels := map[string]any{
				"__metrics_path__": "/probe", "__param_target": name, "target": name,
				"__meta_greenapi_id_instance": id, "__meta_greenapi_name": name,
			}
			maps.Copy(labels, more)
			return map[string]any{"targets": []any{"exporter-2.example:10174"}, "labels": labels}
		}
		want := []any{target("1101000001", "support", map[string]any{"team": "helpdesk"}), target("1101000002", "1101000002", nil)}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestScrapeIsAnsweredBeforeItsDeadline(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]time.Duration{
		"": 30 * time.Second, "10": 9500 * time.Millisecond, "1": 500 * time.Millisecond, "0.5": 250 * time.Millisecond,
		"nonsense": 30 * time.Second, "-1": 30 * time.Second, "0": 30 * time.Second, "NaN": 30 * time.Second, "+Inf": 30 * time.Second,
		"1e300": time.Minute, "121": time.Minute, // the bound of a request, in this test
		"59.25": 58750 * time.Millisecond,
	} {
		t.Run(header, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				f := newFace(t, nil)
				f.sales.Fault(greenapitest.AnyMethod, greenapitest.FaultHang(), 0)
				start := time.Now()
				body := f.get(t, "/metrics", "X-Prometheus-Scrape-Timeout-Seconds", header).Body.String()
				if took := time.Since(start); took < want || took > want+250*time.Millisecond {
					t.Errorf("answered after %v, want %v", took, want)
				}
				for _, series := range []string{
					`greenapi_up{id_instance="1101000001"} 1`, `greenapi_up{id_instance="1101000002"} 0`,
					`greenapi_scrape_collector_failure{collector="calls",id_instance="1101000002",reason="timeout"} 1`,
					`greenapi_window_records{id_instance="1101000001",journal="calls"} 0`,
				} {
					if !strings.Contains(body, series) {
						t.Errorf("no %s", series)
					}
				}
			})
		})
	}
}

func TestTooManyScrapes(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		f := newFace(t, nil)
		f.support.Fault(greenapitest.AnyMethod, greenapitest.FaultHang(), 0)
		for range 2 {
			go f.get(t, "/probe?target=support")
		}
		synctest.Wait()
		if w := f.get(t, "/metrics"); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "--web.max-requests") {
			t.Errorf("the third scrape got %d: %s", w.Code, w.Body)
		}
		if w := f.get(t, "/-/healthy"); w.Code != 200 {
			t.Errorf("not healthy: %d", w.Code)
		}
		time.Sleep(time.Minute)
		if w := f.get(t, "/probe?target=1101000002"); w.Code != 200 {
			t.Errorf("a place was not given back: %d", w.Code)
		}
	})
}

func TestEndpoints(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		f := newFace(t, nil)
		for _, test := range []struct {
			method, path string
			want         int
		}{
			{"GET", "/", 200},
			{"HEAD", "/", 200},
			{"POST", "/", 405},
			{"GET", "/nothing", 404},
			{"GET", "/debug/pprof/", 404},
			{"GET", "/-/healthy", 200},
			{"HEAD", "/-/healthy", 200},
			{"GET", "/-/ready", 200},
			{"POST", "/-/ready", 405},
			{"POST", "/metrics", 405},
			{"DELETE", "/probe?target=support", 405},
			{"PUT", "/sd", 405},
			{"GET", "/sd/../metrics/x", 404},
		} {
			w := f.do(t, test.method, test.path)
			if w.Code != test.want && (w.Code != http.StatusTemporaryRedirect || test.want != 404) {
				t.Errorf("%s %s: %d, want %d", test.method, test.path, w.Code, test.want)
			}
			for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer"} {
				if got := w.Header().Get(name); got != want {
					t.Errorf("%s %s: header %s is %q", test.method, test.path, name, got)
				}
			}
		}
		if body := f.get(t, "/").Body.String(); strings.Contains(body, "debug/pprof") || !strings.Contains(body, "/metrics") {
			t.Errorf("landing page:\n%s", body)
		}
	})
}

func TestTelemetryPath(t *testing.T) {
	t.Parallel()
	for path, good := range map[string]bool{
		"/metrics": true, "/": true, "/a/b": true, "": false, "metrics": false, "/probe": false, "/sd": false, "/-/ready": false,
		"/{x}": false, "/a/": false, "/a b": false, "/a//b": false, "/a/../b": false, "/./m": false, "//": false,
	} {
		_, err := web.NewServer(web.Options{Fleet: collector.NewFleet(collector.Options{Concurrency: 1}), TelemetryPath: path})
		if (err == nil) != good {
			t.Errorf("%q: %v", path, err)
		}
	}
}
