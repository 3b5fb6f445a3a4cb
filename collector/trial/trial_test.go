package trial_test

import (
	"bytes"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
	"github.com/greenapi-exporter/greenapi_exporter/collector/trial"
)

var update = flag.Bool("update", false, "write the golden files anew")

// What must never be seen.
const (
	sentinelToken = "SENTINEL0d75b3a2"
	sentinelPhone = "79995550123"
)

// run tries a configuration, in which {api} is the server, and returns what is
// written.
func run(t *testing.T, srv *greenapitest.Server, yaml string, timeout time.Duration) (trial.Result, string) {
	t.Helper()
	cfg, err := config.Parse("test.yml", []byte(strings.ReplaceAll(yaml, "{api}", srv.URL)), config.Defaults{
		Window: 24 * time.Hour, Collectors: []string{"calls", "messages", "state", "settings"},
	})
	if err != nil {
		t.Fatal(err)
	}
	fleet := collector.NewFleet(collector.Options{
		Concurrency: 4, Timeout: timeout, MaxBodyBytes: 1 << 20, Dial: srv.DialContext, Logger: slog.New(slog.DiscardHandler),
	})
	defer fleet.Close()
	if err := fleet.Apply(cfg); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	result := trial.Run(t.Context(), fleet, cfg, timeout, &out)
	text := strings.ReplaceAll(out.String(), strings.TrimPrefix(srv.URL, "http://"), "HOST")
	for _, secret := range []string{"SENTINEL", sentinelPhone} {
		if strings.Contains(text, secret) {
			t.Errorf("%s is shown:\n%s", secret, text)
		}
	}
	return result, text
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// TestAccounts tries accounts of all kinds.
func TestAccounts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := greenapitest.NewPipeServer()
		defer srv.Close()
		var yaml strings.Builder
		yaml.WriteString("instances:\n")
		for n, account := range []struct {
			name string
			set  func(i *greenapitest.Instance)
		}{
			{"all well", func(*greenapitest.Instance) {}},
			{"wrong token", func(i *greenapitest.Instance) {
				i.Fault(greenapitest.AnyMethod, greenapitest.FaultStatus(401, sentinelToken), 0)
			}},
			{"settings off", func(i *greenapitest.Instance) {
				i.SetSettings(map[string]any{"outgoingWebhook": "no", "outgoingMessageWebhook": "yes", "outgoingCallWebhook": "no"})
			}},
			{"logged out", func(i *greenapitest.Instance) { i.SetState("notAuthorized") }},
			{"asleep", func(i *greenapitest.Instance) { i.SetState("sleepMode") }},
			{"a wrong path", func(i *greenapitest.Instance) {
				i.Fault(greenapitest.AnyMethod, greenapitest.FaultStatus(404, ""), 0)
			}},
			{"no calls offered", func(i *greenapitest.Instance) {
				i.Fault(greenapitest.MethodLastOutgoingCalls, greenapitest.FaultStatus(404, ""), 0)
			}},
			{"two causes, and a name that is very long indeed", func(i *greenapitest.Instance) {
				i.Fault(greenapitest.MethodLastOutgoingCalls, greenapitest.FaultStatus(466, ""), 0)
				i.Fault(greenapitest.MethodLastOutgoingMessages, greenapitest.FaultStatus(502, sentinelPhone), 0)
			}},
			{"hangs", func(i *greenapitest.Instance) { i.Fault(greenapitest.AnyMethod, greenapitest.FaultHang(), 0) }},
		} {
			id := fmt.Sprint(1101000001 + n)
			instance := srv.AddInstance(id, sentinelToken)
			instance.SetCalls(greenapitest.Call{IDMessage: "a", ChatID: sentinelPhone + "@c.us", Status: "pickUp", Timestamp: time.Now().Unix()})
			instance.SetMessages(
				greenapitest.Message{IDMessage: "a", ChatID: sentinelPhone + "@c.us", Status: "sent", Timestamp: time.Now().Unix()},
				greenapitest.Message{IDMessage: "b", ChatID: sentinelPhone + "@c.us", Status: "read", Timestamp: time.Now().Unix()},
			)
			account.set(instance)
			fmt.Fprintf(&yaml, "- {id: %q, name: %q, token: %s, api_url: '{api}'}\n", id, account.name, sentinelToken)
		}
		result, text := run(t, srv, yaml.String(), 5*time.Second)
		if want := (trial.Result{Accounts: 9, Failed: 4, Troubled: 1}); result != want {
			t.Errorf("%+v, want %+v", result, want)
		}
		golden(t, "accounts", text)
		if violations := srv.Violations(); len(violations) > 0 {
			t.Errorf("it asks too often: %q", violations)
		}
	})
}

func TestAllWell(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := greenapitest.NewPipeServer()
		defer srv.Close()
		srv.AddInstance("1101000001", sentinelToken)
		result, text := run(t, srv, "instances: [{id: '1101000001', token: "+sentinelToken+", api_url: '{api}', window: 90m}]", time.Second)
		if want := (trial.Result{Accounts: 1}); result != want {
			t.Errorf("%+v, want %+v", result, want)
		}
		golden(t, "well", text)
	})
}

// TestPartner tries the accounts that a partner's account has, beside one of the file.
func TestPartner(t *testing.T) {
	t.Parallel()
	const yaml = "{instances: [{id: '1101000001', name: own, token: " + sentinelToken + ", api_url: '{api}'}], partner: {token: " + sentinelToken + ", api_url: '{api}', exclude: ['1101000003']}}"
	synctest.Test(t, func(t *testing.T) {
		srv := greenapitest.NewPipeServer()
		defer srv.Close()
		partner := srv.AddPartner(sentinelToken)
		var listed []greenapitest.PartnerInstance
		for n := range 3 {
			id := fmt.Sprint(1101000001 + n)
			srv.AddInstance(id, sentinelToken)
			listed = append(listed, greenapitest.PartnerInstance{IDInstance: id, APITokenInstance: sentinelToken, Name: sentinelPhone})
		}
		partner.SetInstances(listed[1:]...)
		result, text := run(t, srv, yaml, time.Second)
		if want := (trial.Result{Accounts: 2}); result != want {
			t.Errorf("%+v, want %+v", result, want)
		}
		golden(t, "partner", text)
		partner.Fault(greenapitest.MethodGetInstances, greenapitest.FaultStatus(401, sentinelToken), 0)
		time.Sleep(time.Minute)
		result, text = run(t, srv, yaml, time.Second)
		if want := (trial.Result{Accounts: 1, Partner: true}); result != want {
			t.Errorf("%+v, want %+v", result, want)
		}
		golden(t, "partner-refused", text)
	})
}

// TestManyThatHang has more accounts hang than there is time for.
func TestManyThatHang(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		srv := greenapitest.NewPipeServer()
		defer srv.Close()
		var yaml strings.Builder
		yaml.WriteString("instances:\n")
		for n := range 100 {
			id := fmt.Sprint(1101000001 + n)
			srv.AddInstance(id, sentinelToken).Fault(greenapitest.AnyMethod, greenapitest.FaultHang(), 0)
			fmt.Fprintf(&yaml, "- {id: %q, token: %s, api_url: '{api}'}\n", id, sentinelToken)
		}
		started := time.Now()
		result, text := run(t, srv, yaml.String(), time.Minute)
		if result.Failed != 100 || time.Since(started) > 11*time.Minute {
			t.Errorf("%+v after %v", result, time.Since(started))
		}
		if !strings.Contains(text, "not read: there was no time left") || !strings.Contains(text, "\n0 of 100 accounts work. Fix the others as described after ->, and test again.\n") {
			t.Errorf("it says\n%s", text)
		}
	})
}
