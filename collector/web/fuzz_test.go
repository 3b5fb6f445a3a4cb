package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// FuzzRequests asks for anything in any way: the answer has a status that stands to
// reason and the headers that every page has, and gives back no markup of the
// question's and no token.
func FuzzRequests(f *testing.F) {
	face := newFace(f, nil)
	for _, seed := range [][4]string{
		{"GET", "/probe", "target=support", "10"},
		{"GET", "/probe", "target=1101000001&debug=true", "1e300"},
		{"GET", "/probe", "target=support&target=<sentinel&debug=maybe", "NaN"},
		{"GET", "/probe", "target=%3Csentinel%3E&debug=1", "-1"},
		{"GET", "/probe", "target=%zz;&\x00=%00", ""},
		{"GET", "/metrics", "name[]=up", "0.001"},
		{"GET", "/history", "id=9223372036854775808&target=%3Csentinel%20a%3Db%3E", ""},
		{"GET", "/../etc/passwd", "", ""},
		{"GET", "/metrics", "", "gzip;q=0, zstd;q=0.5"},
		{"GET", "/probe", "target=support", "application/openmetrics-text;version=2.0.0;q=,;,*;q=1e9"},
		{"POST", "/-/reload", "", ""},
		{"HEAD", "/sd", "x=" + strings.Repeat("y", 9000), ""},
		{"DELETE", "/", "", "\r\nX: y"},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3])
	}
	statuses := []int{
		http.StatusOK, http.StatusMovedPermanently, http.StatusTemporaryRedirect, http.StatusBadRequest, http.StatusNotFound,
		http.StatusMethodNotAllowed, http.StatusNotAcceptable, http.StatusServiceUnavailable,
	}
	f.Fuzz(func(t *testing.T, method, path, query, header string) {
		if path == "/-/reload" && method == http.MethodPost {
			return // has its own tests; this face has nothing to load
		}
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
		r.Method, r.URL.Path, r.URL.RawQuery = method, "/"+strings.TrimPrefix(path, "/"), query
		for _, name := range []string{"X-Prometheus-Scrape-Timeout-Seconds", "Accept", "Accept-Encoding", "Origin"} {
			r.Header.Set(name, header)
		}
		w := httptest.NewRecorder()
		face.ServeHTTP(w, r)
		if !slices.Contains(statuses, w.Code) {
			t.Errorf("status %d", w.Code)
		}
		if got := w.Header().Get("X-Content-Type-Options"); got != "nosniff" {
			t.Errorf("X-Content-Type-Options: %q", got)
		}
		body := w.Body.String()
		if strings.Contains(body, "token1") || strings.Contains(body, "token2") {
			t.Errorf("a token shows:\n%s", body)
		}
		if !strings.HasPrefix(w.Header().Get("Content-Type"), "text/html") {
			return
		}
		values, _ := url.ParseQuery(query) // what can be read of it
		for _, all := range values {
			for _, value := range all {
				if strings.Contains(value, "<sentinel") && strings.Contains(body, value) {
					t.Errorf("%q comes back as it is", value)
				}
			}
		}
	})
}
