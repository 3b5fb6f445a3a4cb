package web_test

import (
	"fmt"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/greenapi-exporter/greenapi_exporter/collector/web"
)

func TestGoldenPages(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newCompany(t)
		time.Sleep(17 * time.Second)
		before := s.requests()
		golden(t, "landing.html", s.page(t, "/"))
		golden(t, "history.html", s.page(t, "/history"))
		golden(t, "instance.html", s.page(t, "/instance?target=support"))
		golden(t, "instance-failed.html", s.page(t, "/instance?target=sales"))
		golden(t, "instance-unread.html", s.page(t, "/instance?target=warehouse"))
		golden(t, "refresh.html", s.page(t, s.lastRefresh(t, "sales")))
		if n := s.requests() - before; n != 0 {
			t.Errorf("%d requests to the API for pages that only show", n)
		}
		stagger(s.api.Instance("1101000001"))
		page, metrics := cutMetrics(s.page(t, "/probe?target=support&debug=true"))
		golden(t, "debug.html", page)
		time.Sleep(4 * time.Second)
		page, again := cutMetrics(s.page(t, "/probe?target=support&debug=true"))
		if !strings.Contains(page, "Shared: this refresh began 4.41 s before") {
			t.Errorf("the page does not say that the refresh is shared:\n%s", page)
		}
		want := s.get(t, "/probe?target=support").Body.String()
		if diff := cmp.Diff([]string{want, want}, []string{metrics, again}); diff != "" || !strings.Contains(want, "greenapi_up{") {
			t.Errorf("the metrics of the page are not those of the probe (-want +got):\n%s", diff)
		}
	})
}

// cutMetrics takes the metrics out of a debug page.
func cutMetrics(page string) (rest, metrics string) {
	before, rest, _ := strings.Cut(page, `aria-label="Metrics">`)
	metrics, after, _ := strings.Cut(rest, "</pre>")
	return before + `aria-label="Metrics">…</pre>` + after, html.UnescapeString(metrics)
}

func TestGoldenPagesWithoutInstances(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, `instances: [{id: "1101000001", token: token, api_url: "{api}"}]`, func(o *web.Options) {
			o.Fleet = collector.NewFleet(collector.Options{Concurrency: 1})
		})
		golden(t, "landing-empty.html", s.page(t, "/"))
		golden(t, "history-empty.html", s.page(t, "/history"))
	})
}

// lastRefresh is the address of the last refresh of an instance.
func (s *site) lastRefresh(t *testing.T, name string) string {
	t.Helper()
	last := s.fleet.Roster().Lookup(name).Last()
	if last == nil {
		t.Fatalf("%s was not refreshed", name)
	}
	return fmt.Sprintf("/history?instance=%s&at=%d", last.ID, last.Attempted.UnixNano())
}

func TestTroubleIsOnTop(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newCompany(t)
		want := []string{
			"archive", "logged-out", "restricted", "sales", // need action
			"warehouse", // not read yet
			"1101000007", "campaigns", "support", "telegram",
		}
		if diff := cmp.Diff(want, names(s.page(t, "/"))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// names returns the instances of a landing page, in its order.
func names(body string) (all []string) {
	for _, found := range regexp.MustCompile(`<span class="name">([^<]*)</span>`).FindAllStringSubmatch(body, -1) {
		all = append(all, found[1])
	}
	return all
}

func TestLandingPageOfALargeFleet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const fleet = 10_000
		var yaml strings.Builder
		yaml.WriteString("instances:\n")
		for n := range fleet {
			fmt.Fprintf(&yaml, "- {id: \"%d\", name: account-%05d, token: token, api_url: \"{api}\"}\n", 1200000000+n, n)
		}
		s := newSite(t, yaml.String(), nil)
		s.api.AddInstance("1200009999", "token").SetState("sleepMode")
		s.get(t, "/probe?target=account-09999") // a warning
		s.get(t, "/probe?target=account-09998") // the API does not know it
		body := s.page(t, "/")
		shown := names(body)
		if len(shown) != 500 || shown[0] != "account-09998" || shown[1] != "account-09999" {
			t.Errorf("%d instances, the first %q", len(shown), shown[:2])
		}
		for _, want := range []string{
			"10,000 in all", "✖ 1 need action", "○ 9,998 not read yet", "▲ 1 with a warning",
			"The first 500 are shown, trouble on top; 9,500 more are left out.",
		} {
			if !strings.Contains(body, want) {
				t.Errorf("the page does not say %q", want)
			}
		}
	})
}

func TestHistoryKeepsWhatLeft(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newCompany(t)
		gone := s.lastRefresh(t, "sales")
		s.apply(t, `instances: [{id: "1101000001", name: support, token: token1, api_url: "{api}"}]`)
		if body := s.page(t, "/history"); !strings.Contains(body, "sales") {
			t.Error("a refresh of an instance that has left is gone from the history")
		}
		if body := s.page(t, gone); !strings.Contains(body, "Read of sales") {
			t.Error("no page of a read of an instance that has left")
		}
		for _, path := range []string{
			"/history?instance=1101000001", "/history?at=1", "/history?instance=&at=", "/history?instance=1101000001&at=x",
			"/history?instance=1101000001&at=" + strings.TrimPrefix(gone, "/history?instance=1101000002&at="),
		} {
			if w := s.get(t, path); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "/history") {
				t.Errorf("%s: %d: %s", path, w.Code, w.Body)
			}
		}
	})
}

// The last refresh of an instance can be told for as long as it is the last, be it
// out of the history.
func TestStoryOfTheLastRefreshOfALargeFleet(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, `instances:
- {id: "1101000001", name: busy, token: token, api_url: "{api}", collectors: [state]}
- {id: "1101000002", name: quiet, token: token, api_url: "{api}", collectors: [state]}
- {id: "1101000003", name: broken, token: wrong, api_url: "{api}", collectors: [state]}`, nil)
		for _, id := range []string{"1101000001", "1101000002", "1101000003"} {
			s.api.AddInstance(id, "token")
		}
		s.get(t, "/probe?target=quiet")
		s.get(t, "/probe?target=broken")
		for range 100 {
			s.fleet.Roster().Lookup("busy").Refresh(t.Context())
			time.Sleep(10 * time.Second)
		}
		body := s.page(t, "/history")
		if strings.Contains(body, "quiet") {
			t.Fatal("the history is not full")
		}
		if !strings.Contains(body, "broken") {
			t.Error("failures are not kept longer")
		}
		if body := s.page(t, s.lastRefresh(t, "quiet")); !strings.Contains(body, "Read of quiet") {
			t.Error("another page")
		}
	})
}

// TestLinks follows every link under the prefix of a reverse proxy.
func TestLinks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const prefix = "/behind/a/proxy"
		s := newCompany(t)
		proxy := http.StripPrefix(prefix, s)
		told := s.lastRefresh(t, "campaigns")
		seen := make(map[string]bool)
		todo := []string{prefix + "/"}
		href := regexp.MustCompile(`href="([^"]*)"`)
		for len(todo) > 0 {
			at := todo[0]
			todo = todo[1:]
			if seen[at] {
				continue
			}
			seen[at] = true
			w := httptest.NewRecorder()
			proxy.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, at, nil))
			if w.Code != http.StatusOK || !strings.HasPrefix(at, prefix+"/") {
				t.Errorf("%s: %d", at, w.Code)
			}
			base, err := url.Parse(at)
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
				continue
			}
			for _, found := range href.FindAllStringSubmatch(w.Body.String(), -1) {
				if found[1] == web.DocumentationURL {
					continue
				}
				link, err := base.Parse(html.UnescapeString(found[1]))
				if err != nil {
					t.Fatal(err)
				}
				todo = append(todo, link.String())
			}
		}
		for _, path := range []string{
			"/", "/metrics", "/sd", "/history", "/static/style.css", "/probe?target=warehouse", "/probe?target=sales&debug=true", "/instance?target=telegram",
			told,
		} {
			if !seen[prefix+path] {
				t.Errorf("no link leads to %s", path)
			}
		}
	})
}

func TestPagesWithoutLandingPage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, companyYAML, func(o *web.Options) { o.TelemetryPath = "/" })
		if body := s.get(t, "/").Body.String(); !strings.Contains(body, "go_goroutines") {
			t.Error("no metrics at /")
		}
		for path, want := range map[string]int{"/favicon.ico": http.StatusNotFound, "/metrics": http.StatusNotFound, "/-/reload": http.StatusMethodNotAllowed} {
			if w := s.get(t, path); w.Code != want {
				t.Errorf("%s: %d, want %d", path, w.Code, want)
			}
		}
		body := s.page(t, "/history")
		if !strings.Contains(body, `<a href="./">Metrics</a>`) || strings.Contains(body, ">Accounts</a>") {
			t.Errorf("links:\n%s", body)
		}
	})
}

func TestStyle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, companyYAML, nil)
		w := s.get(t, "/static/style.css")
		if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "text/css; charset=utf-8" || !strings.Contains(w.Body.String(), "prefers-color-scheme: dark") {
			t.Errorf("%d %s", w.Code, w.Header())
		}
		if again := s.get(t, "/static/style.css", "If-None-Match", w.Header().Get("ETag")); again.Code != http.StatusNotModified {
			t.Errorf("sent again: %d", again.Code)
		}
		policy := w.Header().Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'; style-src 'self';") || strings.Contains(policy, "unsafe") {
			t.Errorf("policy %q", policy)
		}
	})
}

func TestPagesAreReadOnly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newCompany(t)
		for _, path := range []string{"/", "/history", "/instance?target=sales", "/static/style.css", "/probe?target=support&debug=true"} {
			if w := s.do(t, http.MethodHead, path); w.Code != http.StatusOK {
				t.Errorf("HEAD %s: %d", path, w.Code)
			}
			for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
				if w := s.do(t, method, path); w.Code != http.StatusMethodNotAllowed {
					t.Errorf("%s %s: %d", method, path, w.Code)
				}
			}
		}
	})
}

func TestDebugPageIsAScrape(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newSite(t, companyYAML, nil)
		s.api.AddInstance("1101000001", "token1").Fault(greenapitest.AnyMethod, greenapitest.FaultHang(), 0)
		for range 2 {
			go s.get(t, "/probe?target=support&debug=true")
		}
		synctest.Wait()
		if w := s.get(t, "/probe?target=support&debug=true"); w.Code != http.StatusServiceUnavailable {
			t.Errorf("the third got %d", w.Code)
		}
		time.Sleep(2 * time.Minute)
		start := time.Now()
		w := s.get(t, "/probe?target=support&debug=true", "X-Prometheus-Scrape-Timeout-Seconds", "2")
		if d := time.Since(start); d < 1500*time.Millisecond || d > 1700*time.Millisecond {
			t.Errorf("answered after %v, want 1.5s", d)
		}
		if body := w.Body.String(); !strings.Contains(body, "no whole answer before the deadline") || !strings.Contains(body, "greenapi_up{id_instance=&#34;1101000001&#34;} 0") {
			t.Errorf("no outcome, or no metrics:\n%s", body)
		}
		if w := s.get(t, "/probe?target=nobody&debug=true"); w.Code != http.StatusNotFound {
			t.Errorf("of no target: %d", w.Code)
		}
		if w := s.get(t, "/probe?target=sales&debug=false"); strings.Contains(w.Header().Get("Content-Type"), "html") {
			t.Error("a page that nobody asked for")
		}
	})
}

func TestPagesKeepTheirPaths(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/history", "/instance", "/static/style.css"} {
		_, err := web.NewServer(web.Options{Fleet: collector.NewFleet(collector.Options{Concurrency: 1}), TelemetryPath: path})
		if err == nil || !strings.Contains(err.Error(), "taken") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestSizeOfTheLandingPage shows 500 accounts, the most there are, whose graphs have
// a height of its own at each step: the page is no larger than 3.1 kB an account.
func TestSizeOfTheLandingPage(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const accounts, bound = 500, 3_100
		var yaml strings.Builder
		yaml.WriteString("instances:\n")
		for n := range accounts {
			fmt.Fprintf(&yaml, "- {id: \"%d\", name: account-%03d, token: token, api_url: \"{api}\"}\n", 1200000000+n, n)
		}
		s := newSite(t, yaml.String(), nil)
		points := make([]collector.TrendPoint, collector.TrendLength/collector.TrendStep)
		for n := range points {
			points[n] = collector.TrendPoint{Messages: n / 6 * 37 % 24, Delivered: n / 6 * 31 % 24, Calls: n / 6 * 41 % 24, Answered: n / 6 * 29 % 24, Reads: 1}
		}
		for _, target := range s.fleet.Roster().Targets {
			target.Instance.SetPast(time.Now(), points)
			s.get(t, "/probe?target="+target.Name) // the API does not know it
		}
		body := s.page(t, "/")
		if size := len(body) / accounts; strings.Count(body, `class="area"`) != 2*accounts || size > bound {
			t.Errorf("%d bytes an account, %d graphs", size, strings.Count(body, `class="area"`))
		}
		if size := len(s.page(t, "/instance?target=account-000")); size > 20_000 {
			t.Errorf("the page of one account has %d bytes", size)
		}
	})
}

func TestInstancePageOfNobody(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newCompany(t)
		for path, want := range map[string]int{
			"/instance": http.StatusBadRequest, "/instance?target=": http.StatusBadRequest,
			"/instance?target=sales&target=support": http.StatusBadRequest, "/instance?target=nobody": http.StatusNotFound,
			"/instance?target=1101000001": http.StatusNotFound, // an id is a name only where nothing else is
		} {
			if w := s.get(t, path); w.Code != want || !strings.Contains(w.Body.String(), "/sd") {
				t.Errorf("%s: %d: %s", path, w.Code, w.Body)
			}
		}
	})
}

// TestSeverityIsTheSameEverywhere looks for the badge of each account on every page
// that names it.
func TestSeverityIsTheSameEverywhere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newCompany(t)
		s.api.Instance("1101000005").SetState("sleepMode")
		time.Sleep(time.Minute)
		s.get(t, "/probe?target=logged-out")
		landing, history := s.page(t, "/"), s.page(t, "/history")
		for name, badge := range map[string]string{
			"archive":    `<span class="badge critical">✖ read failed</span>`,
			"restricted": `<span class="badge critical">✖ suspended</span>`,
			"logged-out": `<span class="badge warning">▲ sleepMode</span>`,
			"support":    `<span class="badge fine">✔ authorized</span>`,
			"1101000007": `<span class="badge fine">✔ fine</span>`, // its state is not asked for
		} {
			row := regexp.MustCompile(`<span class="name">` + name + `</span>(?s:.*?)(<span class="badge.*?</span>)`)
			for page, body := range map[string]string{"/": landing, "/history": history} {
				if found := row.FindStringSubmatch(body); found == nil || found[1] != badge {
					t.Errorf("%s: %s has %q, want %q", page, name, found, badge)
				}
			}
			for _, path := range []string{"/instance?target=" + name, s.lastRefresh(t, name), "/probe?target=" + name + "&debug=true"} {
				if body := s.page(t, path); !strings.Contains(body, badge) {
					t.Errorf("%s has no %s:\n%s", path, badge, body)
				}
			}
		}
	})
}

// Pages that cost nothing load themselves again; the debug page asks the API.
func TestPagesReload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := newCompany(t)
		for path, want := range map[string]bool{
			"/": true, "/history": true, "/instance?target=sales": true,
			s.lastRefresh(t, "sales"): false, "/probe?target=sales&debug=true": false,
		} {
			if got := strings.Contains(s.page(t, path), `<meta http-equiv="refresh" content="60"/>`); got != want {
				t.Errorf("%s reloads itself: %v", path, got)
			}
		}
	})
}
