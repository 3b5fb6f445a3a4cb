//go:build e2e

package e2e_test

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/deploy/e2e"
)

// TestHostileRequests sends what no friend sends: paths that climb, headers in
// parameters, methods that do not belong, two requests in one. Nothing of it comes
// back, no file is shown, no place elsewhere is named, and every answer that the
// exporter itself gives has the headers that protect a browser.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	exporter := e2e.StartExporter(t, e2e.ExporterOptions{Args: []string{"--demo"}})
	const host = "\r\nHost: exporter\r\nConnection: close\r\n\r\n"
	get := func(target string) string { return "GET " + target + " HTTP/1.1" + host }
	for name, test := range map[string]struct {
		request string
		wants   []int
	}{
		"climb":                  {get("/../../../../etc/passwd"), []int{307, 404}},
		"climb from a page":      {get("/static/../../../../etc/passwd"), []int{307, 404}},
		"climb, escaped":         {get("/static/%2e%2e/%2e%2e/etc/passwd"), []int{307, 404}},
		"climb, slashes escaped": {get("/static/..%2f..%2f..%2fetc%2fpasswd"), []int{307, 404}},
		"climb, backslashes":     {get(`/static/..\..\etc\passwd`), []int{307, 400, 404}},
		"climb, twice escaped":   {get("/static/%252e%252e/etc/passwd"), []int{404}},
		"template":               {get("/static/landing.html"), []int{404}},
		"templates":              {get("/templates/landing.html"), []int{404}},
		"nul":                    {get("/static/style.css%00.html"), []int{404}},
		"two slashes":            {get("//evil.example/metrics"), []int{307, 404}},
		"two slashes and climb":  {get("//evil.example/%2e%2e"), []int{307, 404}},
		"slash and backslash":    {get(`/\evil.example`), []int{307, 404}},
		"elsewhere":              {get("http://evil.example/nothing"), []int{404}},
		"pprof":                  {get("/debug/pprof/"), []int{404}},
		"pprof heap":             {get("/debug/pprof/heap"), []int{404}},
		"vars":                   {get("/debug/vars"), []int{404}},
		"header in a parameter":  {get("/probe?target=x%0d%0aSet-Cookie:%20evil=1"), []int{404}},
		"header in a path":       {get("/x%0d%0aSet-Cookie:%20evil=1"), []int{404}},
		"header in a story":      {get("/history?instance=%0d%0aSet-Cookie:evil=1&at=1"), []int{404}},
		"script in a parameter":  {get("/probe?target=%3Cscript%3Eevil%3C/script%3E"), []int{404}},
		"script in a story":      {get("/history?instance=%3Cscript%3Eevil&at=%3Cscript%3E"), []int{404}},
		"address as target":      {get("/probe?target=http://evil.example/"), []int{404}},
		"semicolons":             {get("/probe?target=support;evil"), []int{400, 404}},
		"bad escape":             {get("/probe?target=%zz"), []int{400, 404}},
		"bad path":               {get("/%zz"), []int{400}},
		"bare line feed":         {"GET /metrics HTTP/1.1\r\nHost: exporter\r\nX: a\rSet-Cookie: evil=1" + host, []int{400}},
		"no host":                {"GET /sd HTTP/1.1\r\nConnection: close\r\n\r\n", []int{400}},
		"two hosts":              {"GET /sd HTTP/1.1\r\nHost: exporter\r\nHost: evil.example\r\n\r\n", []int{400}},
		"script as host":         {"GET /sd HTTP/1.1\r\nHost: <script>evil\r\nConnection: close\r\n\r\n", []int{400}},
		"quote as host":          {"GET /sd HTTP/1.1\r\nHost: a\",\"evil\r\nConnection: close\r\n\r\n", []int{400}},
		"two lengths":            {"POST /-/reload HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2" + host + "ab", []int{400}},
		"length and chunks":      {"POST /-/reload HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked" + host + "0\r\n\r\nGET /evil HTTP/1.1" + host, []int{200, 400}},
		"unknown encoding":       {"POST /-/reload HTTP/1.1\r\nTransfer-Encoding: evil" + host, []int{400, 501}},
		"from another site":      {"POST /-/reload HTTP/1.1\r\nOrigin: http://evil.example" + host, []int{403}},
		"reload by GET":          {get("/-/reload"), []int{405}},
		"connect":                {"CONNECT evil.example:443 HTTP/1.1" + host, []int{404, 405}},
		"trace":                  {"TRACE / HTTP/1.1\r\nX-Evil: evil" + host, []int{405}},
		"options of all":         {"OPTIONS * HTTP/1.1" + host, []int{200, 404, 405}},
		"put":                    {"PUT /metrics HTTP/1.1\r\nContent-Length: 0" + host, []int{405}},
		"no method":              {"EVIL / HTTP/1.1" + host, []int{405}},
		"old HTTP":               {"GET /metrics\r\n\r\n", []int{400}},
		"next HTTP":              {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", []int{400, 404, 405, 505}},
		"garbage":                {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03evil\r\n\r\n", []int{400}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response, text := speak(t, exporter, test.request)
			ok := false
			for _, want := range test.wants {
				ok = ok || response.StatusCode == want
			}
			if !ok {
				t.Errorf("answered with %d, want one of %v:\n%s", response.StatusCode, test.wants, text)
			}
			for _, unwanted := range []string{"evil", "root:", "{{", "Set-Cookie"} {
				// A redirect names the path that was asked for, without what climbs, on this host.
				if response.StatusCode != http.StatusTemporaryRedirect && strings.Contains(text, unwanted) {
					t.Errorf("%q comes back:\n%s", unwanted, text)
				}
			}
			if location := response.Header.Get("Location"); location != "" && (!strings.HasPrefix(location, "/") || strings.HasPrefix(location, "//") || strings.HasPrefix(location, `/\`)) {
				t.Errorf("leads to %q", location)
			}
			if len(response.Cookies()) > 0 {
				t.Errorf("sets a cookie: %v", response.Header)
			}
			// net/http answers 400, 501 and 505 before the exporter sees the request.
			if response.StatusCode < 500 && response.StatusCode != http.StatusBadRequest && !strings.HasPrefix(test.request, "OPTIONS *") {
				checkHeaders(t, response.Header)
			}
		})
	}
}

// speak sends bytes and returns the answer, and all of its text.
func speak(t *testing.T, exporter *e2e.Exporter, request string) (*http.Response, string) {
	t.Helper()
	conn := connect(t, exporter.Address)
	if err := conn.SetDeadline(time.Now().Add(requestLimit)); err != nil {
		t.Fatal(err)
	}
	say(t, conn, request)
	response, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, fmt.Sprint(response.Header, "\n", string(body))
}

// TestHeaders asks for everything and looks at the headers.
func TestHeaders(t *testing.T) {
	t.Parallel()
	exporter := e2e.StartExporter(t, e2e.ExporterOptions{Args: []string{"--demo"}})
	for _, path := range append(webPaths, "/probe", "/probe?target=nobody", "/-/reload", "/history?instance=1&at=1") {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodDelete} {
			answer, err := send(t.Context(), method, exporter.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			t.Run(method+" "+path, func(t *testing.T) { checkHeaders(t, answer.Header) })
		}
	}
}

// checkHeaders checks the headers that every answer has.
func checkHeaders(t *testing.T, header http.Header) {
	t.Helper()
	for name, want := range map[string]string{
		"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY", "Referrer-Policy": "no-referrer",
		"Content-Security-Policy": "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	} {
		if got := header.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if server := header.Get("Server"); server != "" {
		t.Errorf("it says what it is: %s", server)
	}
}
