package collector_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
)

// TestFirstRead reads accounts in every condition: each in trouble is one line, with
// what to do, and all together are one.
func TestFirstRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		const accounts = 20
		var yaml strings.Builder
		yaml.WriteString("instances:\n")
		instances := make([]*greenapitest.Instance, accounts)
		for n := range accounts {
			instanceID := fmt.Sprint(1102000000 + n)
			instances[n] = b.srv.AddInstance(instanceID, token)
			instances[n].Fault(greenapitest.AnyMethod, slow(time.Second), 0)
			fmt.Fprintf(&yaml, "- {id: %q, name: account-%d, token: %s, api_url: %s, collectors: [calls, messages, state, settings]}\n", instanceID, n, token, b.srv.URL)
		}
		b.apply(t, yaml.String())
		instances[1].SetState("notAuthorized")
		instances[2].SetSettings(greenapitest.Fields{"outgoingWebhook": "no"})
		instances[3].ClearFaults()
		instances[3].Fault(greenapitest.AnyMethod, greenapitest.FaultStatus(401, ""), 0)
		started := time.Now()
		b.FirstRead(t.Context())
		// Four at a time would be 5 s; a quarter of the places is one at a time.
		if took := time.Since(started); took != 19*time.Second {
			t.Errorf("took %v", took)
		}
		var lines []string
		volatile := regexp.MustCompile(`time=\S+ | duration_seconds=\S+`)
		for line := range strings.Lines(b.log.String()) {
			if !strings.Contains(line, "level=DEBUG") {
				lines = append(lines, volatile.ReplaceAllString(strings.TrimSpace(line), ""))
			}
		}
		want := []string{
			`level=WARN msg="first read: account in trouble" id_instance=1102000001 name=account-1 state=notAuthorized remedy="log in again: scan the QR code in the GREEN-API console"`,
			`level=WARN msg="first read: account in trouble" id_instance=1102000002 name=account-2 setting_off=outgoingWebhook remedy="turn it on in the GREEN-API console; without it the status of a message is not recorded"`,
			`level=WARN msg="first read: account in trouble" id_instance=1102000003 name=account-3 collectors=calls,messages,settings,state reason=unauthorized err="lastOutgoingCalls: the API does not accept the token: HTTP 401, 0 bytes" remedy="copy the instance's token (apiTokenInstance) from the GREEN-API console again"`,
			`level=INFO msg="first read done" instances=20 fine=17 in_trouble=3`,
		}
		if diff := cmp.Diff(want, lines); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for n, in := range instances {
			if got := in.Count(greenapitest.MethodLastOutgoingMessages); got != 1 {
				t.Errorf("account %d was asked %d times", n, got)
			}
		}
	})
}

// A scrape that comes during the first read finds a place, and shares what was read.
func TestScrapesDuringTheFirstRead(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *collector.Options) { o.Concurrency = 8 }, "")
		var yaml strings.Builder
		yaml.WriteString("instances:\n")
		for n := range 50 {
			instanceID := fmt.Sprint(1102000000 + n)
			b.srv.AddInstance(instanceID, token).Fault(greenapitest.AnyMethod, slow(2*time.Second), 0)
			fmt.Fprintf(&yaml, "- {id: %q, token: %s, api_url: %s, collectors: [messages]}\n", instanceID, token, b.srv.URL)
		}
		b.apply(t, yaml.String())
		done := make(chan struct{})
		go func() {
			defer close(done)
			b.FirstRead(t.Context())
		}()
		synctest.Wait()
		last := b.Roster().Lookup("1102000049")
		started := time.Now()
		if s := last.Refresh(t.Context()); !s.Up() || time.Since(started) != 2*time.Second {
			t.Errorf("the scrape took %v, up %v", time.Since(started), s.Up())
		}
		<-done
		if n := b.srv.Instance("1102000000").Count(greenapitest.AnyMethod); n != 1 {
			t.Errorf("asked %d times", n)
		}
	})
}

// The accounts of a partner are read once the partner API has listed them.
func TestFirstReadOfAPartner(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		b.srv.AddPartner("partner-token").SetInstances(greenapitest.PartnerInstance{IDInstance: "2202000001", APITokenInstance: "a"})
		listed := b.srv.AddInstance("2202000001", "a")
		b.apply(t, partnerYAML(b, ""))
		done := make(chan struct{})
		go func() {
			defer close(done)
			b.FirstRead(t.Context())
		}()
		synctest.Wait()
		if n := b.instance.Count(greenapitest.AnyMethod); n != 2 {
			t.Errorf("the account of the configuration was asked %d times, want for calls and messages", n)
		}
		go b.Discover(t.Context())
		<-done
		if n := listed.Count(greenapitest.MethodGetStateInstance); n != 1 {
			t.Errorf("the account of the partner was asked %d times", n)
		}
	})
}
