package web_test

import (
	"fmt"
	"html"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
)

func TestPagesEscape(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const name = `<script>alert("1")</script>&amp;'/?a=b%20ü`
		s := newSite(t, `instances:
- {id: "1101000001", name: '<script>alert("1")</script>&amp;''/?a=b%20ü', token: token1, api_url: "{api}", labels: {team: '"><img src=x onerror=alert(1)>'}}`, nil)
		s.api.AddInstance("1101000001", "token1")
		probe := "/probe?target=" + url.QueryEscape(name)
		if w := s.get(t, probe); w.Code != http.StatusOK {
			t.Fatalf("the name does not reach the probe: %d", w.Code)
		}
		page := "/instance?target=" + url.QueryEscape(name)
		for _, path := range []string{"/", "/history", page, s.lastRefresh(t, name), probe + "&debug=true"} {
			body := s.page(t, path) // which finds elements that come from the name
			if !strings.Contains(html.UnescapeString(body), name) {
				t.Errorf("%s does not show the name as it is", path)
			}
		}
		body := s.page(t, "/")
		if !strings.Contains(html.UnescapeString(body), `team="><img src=x onerror=alert(1)>`) {
			t.Error("the label is not shown as it is")
		}
		links := regexp.MustCompile(`href="(\./(?:probe|instance)[^"]*)"`).FindAllStringSubmatch(body+s.page(t, page), -1)
		if len(links) != 3 {
			t.Fatalf("%d links, want 3", len(links))
		}
		for _, link := range links {
			at, err := url.Parse(html.UnescapeString(link[1]))
			if err != nil {
				t.Fatal(err)
			}
			if got := at.Query().Get("target"); got != name {
				t.Errorf("%s leads to %q", link[1], got)
			}
		}
	})
}

func TestPagesTellNoSecrets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const (
			// A token that URLs, HTML and quotes write differently.
			token = `sentinel+token<&"'=0d75b3a2`
			phone = "79995550123"
			chat  = "79995550123@c.us"
			text  = `Sentinel <b>"text" & co</b>`
			id    = "SENTINEL<&>MESSAGE"
		)
		secrets := []string{token, phone, chat, text, id, greenapitest.SecretWebhookToken, greenapitest.SecretPhone, "UPSTREAM"}
		s := newSite(t, fmt.Sprintf(`instances:
- {id: "1101000001", name: good, token: '%[1]s', api_url: "{api}", collectors: [calls, messages, state, settings, queue]}
- {id: "1101000002", name: bad, token: '%[1]s', api_url: "{api}", collectors: [calls, messages, state, settings, queue]}`, strings.ReplaceAll(token, "'", "''")), nil)
		good, bad := s.api.AddInstance("1101000001", token), s.api.AddInstance("1101000002", token)
		for _, in := range []*greenapitest.Instance{good, bad} {
			in.SetCalls(greenapitest.Call{IDMessage: id, ChatID: chat, Timestamp: 946684000, Status: "UPSTREAM", Participants: []greenapitest.Participant{{ID: chat, Status: text}}})
			in.SetMessages(greenapitest.Message{IDMessage: id, ChatID: chat, Timestamp: 946684000, Status: "UPSTREAM", TypeMessage: text, Fields: greenapitest.Fields{"textMessage": text}})
			in.SetState("UPSTREAM " + text)
		}
		var faults []greenapitest.Fault
		for _, fault := range greenapitest.Faults() {
			faults = append(faults, fault.Fault)
		}
		for _, status := range []int{200, 301, 400, 401, 403, 404, 429, 466, 500, 502} {
			faults = append(faults, greenapitest.FaultEcho(status)) // which quotes the token
		}
		for _, fault := range faults {
			bad.ClearFaults()
			bad.Fault(greenapitest.AnyMethod, fault, 0)
			s.checkNoSecret(t, "/probe?target=bad&debug=true", secrets)
			s.checkNoSecret(t, s.lastRefresh(t, "bad"), secrets)
			s.checkNoSecret(t, "/instance?target=bad", secrets)
			time.Sleep(20 * time.Minute) // past every back-off
		}
		for _, path := range []string{"/probe?target=good&debug=true", "/history", "/", "/instance?target=good"} {
			if body := s.checkNoSecret(t, path, secrets); !strings.Contains(body, "1101000001") {
				t.Errorf("%s does not show the instance", path)
			}
		}
		if n := good.Count(greenapitest.AnyMethod); n < 5 {
			t.Errorf("only %d requests with the token", n)
		}
	})
}

// checkNoSecret asks for a page and looks for secrets in every writing.
func (s *site) checkNoSecret(t *testing.T, path string, secrets []string) string {
	t.Helper()
	w := s.get(t, path)
	body := w.Body.String()
	if w.Code != http.StatusOK {
		t.Errorf("%s: %d: %s", path, w.Code, body)
	}
	if found := findSecret(body, secrets); found != "" {
		t.Errorf("%s shows %q:\n%s", path, found, body)
	}
	return body
}

// findSecret returns a secret that stands in a page, as it is or written as HTML,
// URLs, Go and JavaScript write it.
func findSecret(body string, secrets []string) string {
	bodies := []string{body, html.UnescapeString(body)}
	for _, secret := range secrets {
		quoted := strings.Trim(fmt.Sprintf("%q", secret), `"`)
		writings := []string{
			secret, quoted, html.EscapeString(secret), template.HTMLEscapeString(secret), template.JSEscapeString(secret),
			url.PathEscape(secret), url.QueryEscape(secret), strings.ToLower(url.PathEscape(secret)),
			html.EscapeString(quoted), html.EscapeString(url.PathEscape(secret)),
		}
		for _, body := range bodies {
			if slices.ContainsFunc(writings, func(w string) bool { return strings.Contains(body, w) }) {
				return secret
			}
		}
	}
	return ""
}

func TestFindSecret(t *testing.T) {
	t.Parallel()
	const secret = `a+b/<&"'=`
	for _, body := range []string{
		`x a+b/<&"'= y`, `a&#43;b/&lt;&amp;&#34;&#39;=`, "a+b%2F%3C&%22%27=", "a%2Bb%2F%3C%26%22%27%3D", `err="a+b/<&\"'="`,
		"a&#43;b%2F%3C&amp;%22%27=",
	} {
		if findSecret(body, []string{secret}) == "" {
			t.Errorf("not found in %s", body)
		}
	}
	if findSecret("a+b", []string{secret}) != "" {
		t.Error("found what is not there")
	}
}
