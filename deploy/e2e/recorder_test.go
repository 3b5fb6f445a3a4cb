package e2e_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/deploy/e2e"
)

func TestRecorder(t *testing.T) {
	t.Parallel()
	hosts := make(chan string, 3)
	upstream := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		hosts <- r.Host
		if r.URL.Path == "/missing" {
			http.NotFound(w, r)
			return
		}
		metrics().ServeHTTP(w, r)
	}))
	t.Cleanup(upstream.Close)
	recorder := e2e.StartRecorder(t, upstream.URL)

	direct := e2e.Get(t, upstream.URL+"/metrics?x=1")
	<-hosts
	passed := e2e.Get(t, "http://"+recorder.Host+"/metrics?x=1") // gzip, inflated by net/http
	missing := e2e.Get(t, "http://"+recorder.Host+"/missing")

	if host := <-hosts; host != recorder.Host {
		t.Errorf("upstream was asked as %q, want %q", host, recorder.Host)
	}
	if diff := cmp.Diff(string(direct.Body), string(passed.Body)); diff != "" {
		t.Errorf("the answer changed on its way (-direct +passed):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"/metrics?x=1", "/missing"}, recorder.Asked()); diff != "" {
		t.Errorf("what was asked for (-want +got):\n%s", diff)
	}
	kept := recorder.Answers("/metrics?x=1")
	if len(kept) != 1 || kept[0].Header.Get("Content-Encoding") != "gzip" {
		t.Fatalf("kept %d answers, want 1 that came as gzip", len(kept))
	}
	if diff := cmp.Diff(string(direct.Body), string(kept[0].Body)); diff != "" {
		t.Errorf("kept answer (-want +got):\n%s", diff)
	}
	kept = recorder.Answers("/missing")
	if len(kept) != 1 || kept[0].Status != http.StatusNotFound || missing.Status != http.StatusNotFound {
		t.Errorf("kept %+v and got status %d of what is missing, want one 404", kept, missing.Status)
	}
}
