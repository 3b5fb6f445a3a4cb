package collector_test

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
	dto "github.com/prometheus/client_model/go"
)

// accountYAML turns on what is asked about the account itself.
func accountYAML(b *bench, collectors string) string {
	return fmt.Sprintf("instances: [{id: %q, name: support, token: %s, api_url: %s, collectors: [%s]}]", id, token, b.srv.URL, collectors)
}

// only returns the series of the families that are named, as text.
func only(t *testing.T, families []*dto.MetricFamily, names ...string) string {
	t.Helper()
	var kept []*dto.MetricFamily
	for _, family := range families {
		for _, name := range names {
			if family.GetName() == "greenapi_"+name {
				kept = append(kept, family)
			}
		}
	}
	var lines []string
	for line := range strings.Lines(exposition(t, kept)) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, strings.ReplaceAll(strings.TrimSpace(line), `id_instance="`+id+`"`, ""))
		}
	}
	return strings.Join(lines, "\n")
}

func TestStates(t *testing.T) {
	t.Parallel()
	for reported, want := range map[string]string{
		"authorized": "authorized", "notAuthorized": "notAuthorized", "blocked": "blocked", "starting": "starting", "": "starting",
		"sleepMode": "sleepMode", "suspended": "suspended", "yellowCard": "suspended", "pendingCode": "pendingCode",
		"pendingPassword": "pendingPassword", "dancing": "other",
	} {
		t.Run(reported, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil, "")
				b.apply(t, accountYAML(b, "state"))
				b.instance.SetState(reported)
				b.instance.SetWaSettings(greenapitest.Fields{"suspendedUntil": 1790000000, "phone": "79995550123"})
				families := gather(t, b.refresh(t))
				lint(t, families)
				ones := 0
				for _, state := range []string{"authorized", "notAuthorized", "blocked", "starting", "sleepMode", "suspended", "pendingCode", "pendingPassword", "other"} {
					v, there := value(families, "greenapi_instance_state", "state="+state)
					if !there || (v == 1) != (state == want) {
						t.Errorf("state %s is %v", state, v)
					}
					ones += int(v)
				}
				if until, there := value(families, "greenapi_instance_suspended_until_timestamp_seconds"); ones != 1 || there != (want == "suspended") || there && until != 1790000000 {
					t.Errorf("%d states, suspended until %v", ones, until)
				}
			})
		})
	}
}

func TestSuspensionWithoutAnEnd(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		b.apply(t, accountYAML(b, "state"))
		b.instance.SetState("suspended")
		b.instance.SetUnsupported("getWaSettings", "getAccountSettings")
		families := gather(t, b.refresh(t))
		if up, _ := value(families, "greenapi_up"); up != 1 {
			t.Error("not up, though the state is known")
		}
		if _, there := value(families, "greenapi_instance_suspended_until_timestamp_seconds"); there {
			t.Error("an end that nobody knows")
		}
	})
}

// TestTheEndOfASuspensionIsNoBurden asks until when an account is suspended, which
// answers, is limited, hangs, and is missing: the state is there all the time, and
// the last end that was known.
func TestTheEndOfASuspensionIsNoBurden(t *testing.T) {
	t.Parallel()
	limited := greenapitest.FaultStatus(429, "")
	limited.Header = map[string][]string{"Retry-After": {"1800"}}
	for name, test := range map[string]struct {
		fault        greenapitest.Fault
		fewest, most int           // requests in an hour
		longest      time.Duration // of a scrape
	}{
		"answers": {slow(0), 11, 12, 0},
		"limited": {limited, 2, 2, 0},
		"hangs":   {greenapitest.FaultHang(), 9, 12, 2 * time.Second},
		"missing": {greenapitest.FaultStatus(404, ""), 11, 12, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil, "")
				b.apply(t, accountYAML(b, "state"))
				b.instance.SetState("suspended")
				b.instance.SetUnsupported("getAccountSettings")
				b.instance.SetWaSettings(greenapitest.Fields{"suspendedUntil": 1790000000})
				b.within(t, 10*time.Second)
				time.Sleep(5 * time.Minute)
				b.instance.Fault("getWaSettings", test.fault, 0)
				before := b.instance.Count("getWaSettings")
				for range 60 {
					start := time.Now()
					s := b.within(t, 10*time.Second)
					if took := time.Since(start); !s.Up() || took > test.longest {
						t.Fatalf("after %v: %+v", took, s)
					}
					if v, _ := value(gather(t, collector.Collector{s}), "greenapi_instance_suspended_until_timestamp_seconds"); v != 1790000000 {
						t.Fatalf("until %v", v)
					}
					time.Sleep(time.Minute - time.Since(start))
				}
				if n := b.instance.Count("getWaSettings") - before; n < test.fewest || n > test.most {
					t.Errorf("%d requests in an hour", n)
				}
			})
		})
	}
}

func TestSettingsAreSharedForAnHour(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		b.apply(t, accountYAML(b, "settings"))
		b.instance.SetSettings(greenapitest.Fields{
			"outgoingWebhook": "yes", "outgoingMessageWebhook": "no", "outgoingCallWebhook": "yes",
			"webhookUrlToken": "SENTINEL", "wid": "79995550123@c.us", "incomingWebhook": "yes",
		})
		want := strings.Join([]string{
			`greenapi_instance_setting_enabled{,setting="outgoingCallWebhook"} 1`,
			`greenapi_instance_setting_enabled{,setting="outgoingMessageWebhook"} 0`,
			`greenapi_instance_setting_enabled{,setting="outgoingWebhook"} 1`,
		}, "\n")
		for range 120 {
			families := gather(t, b.refresh(t))
			if diff := cmp.Diff(want, only(t, families, "instance_setting_enabled")); diff != "" {
				t.Fatalf("(-want +got):\n%s", diff)
			}
			time.Sleep(time.Minute)
		}
		if n := b.instance.Count("getSettings"); n != 2 {
			t.Errorf("%d requests in two hours, want 2", n)
		}
	})
}

func TestQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		b.apply(t, accountYAML(b, "queue"))
		b.instance.SetQueue(42)
		families := gather(t, b.refresh(t))
		lint(t, families)
		if got := only(t, families, "instance_queue_messages", "up"); got != "greenapi_instance_queue_messages{} 42\ngreenapi_up{} 1" {
			t.Errorf("got %s", got)
		}
	})
}

// TestAccountMethodsMissing is an instance of a messenger that lacks them all.
func TestAccountMethodsMissing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		b.apply(t, accountYAML(b, "calls, messages, state, settings, queue"))
		b.instance.SetUnsupported("lastOutgoingCalls", "getStateInstance", "getSettings", "getMessagesCount")
		families := gather(t, b.refresh(t))
		if got := only(t, families, "scrape_collector_success", "scrape_collector_failure", "up"); got != "greenapi_scrape_collector_success{collector=\"messages\",} 1\ngreenapi_up{} 1" {
			t.Errorf("got %s", got)
		}
		// The journal of messages is what every instance has: without it, it fails.
		b.instance.SetUnsupported("lastOutgoingMessages")
		time.Sleep(time.Minute)
		families = gather(t, b.refresh(t))
		if v, _ := value(families, "greenapi_scrape_collector_failure", "collector=messages", "reason=not_found"); v != 1 {
			t.Error("no failure without the journal of messages")
		}
	})
}

// TestWhatWorkedIsOfferedAfterRestart has calls answer 404 after a restart: the state
// file knows that they have worked, so that it is a failure.
func TestWhatWorkedIsOfferedAfterRestart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		path := t.TempDir()
		for _, missing := range []bool{false, true} {
			dir := folder(t, path)
			b := newBench(t, func(o *collector.Options) { o.Ledgers = dir }, "")
			if missing {
				b.instance.SetUnsupported("lastOutgoingCalls")
			}
			families := gather(t, b.refresh(t))
			if up, _ := value(families, "greenapi_up"); (up == 1) == missing {
				t.Errorf("up is %v, and that calls answer 404 is %v", up, missing)
			}
			if got, _ := value(families, "greenapi_scrape_collector_failure", "collector=calls", "reason=not_found"); (got == 1) != missing {
				t.Errorf("the failure of calls is %v, and that they answer 404 is %v", got, missing)
			}
			b.Close()
			if err := dir.Close(); err != nil {
				t.Error(err)
			}
			time.Sleep(time.Minute)
		}
	})
}

// TestLyingAccountAnswers puts nonsense in place of the account's answers.
func TestLyingAccountAnswers(t *testing.T) {
	t.Parallel()
	for _, body := range []string{
		"", "[]", "{}", "true", `"authorized"`, "<html>", `{"stateInstance":1,"count":"x","outgoingWebhook":1}`,
		`{"stateInstance":"authorized"`, `{"stateInstance":"authorized","count":1,"outgoingWebhook":"yes"}x`,
		`{"count":null}`, `{"count":-1}`, `{"count":1.5}`, `{"count":1e400}`, strings.Repeat(" ", 2<<20), `{"a":"` + strings.Repeat("x", 2<<20) + `"}`,
	} {
		t.Run(fmt.Sprintf("%.40s", body), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil, "")
				b.apply(t, accountYAML(b, "state, settings, queue"))
				for _, method := range []string{"getStateInstance", "getSettings", "getMessagesCount"} {
					b.instance.SetBody(method, []byte(body))
				}
				snapshot := b.within(t, time.Minute)
				for _, r := range snapshot.Results {
					if r.Err == nil || r.Err.Reason != "malformed" && r.Err.Reason != "too_large" {
						t.Errorf("%s: %v", r.Collector, r.Err)
					}
				}
				for _, x := range snapshot.Exchanges {
					if x.Err == nil {
						t.Errorf("the request %s passes for good", x.Method)
					}
				}
			})
		})
	}
}

func TestErrorObjectUnder200(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		b.apply(t, accountYAML(b, "calls, messages, state, settings, queue"))
		b.instance.Fault(greenapitest.AnyMethod, greenapitest.Fault{Body: []byte(`{"code":401,"description":"Unauthorized"}`)}, 0)
		for _, r := range b.within(t, time.Minute).Results {
			if r.Err == nil || r.Err.Reason != "unauthorized" {
				t.Errorf("%s: %v", r.Collector, r.Err)
			}
		}
	})
}

// partnerYAML is a configuration of one instance and a partner.
func partnerYAML(b *bench, more string) string {
	return fmt.Sprintf(`
instances: [{id: %q, name: support, token: %s, api_url: %s}]
partner: {token: partner-token, api_url: %s, labels: {team: partners}, collectors: [state] %s}`, id, token, b.srv.URL, b.srv.URL, more)
}

func (b *bench) ids() string {
	var ids []string
	for _, target := range b.Roster().Targets {
		ids = append(ids, target.Instance.ID)
	}
	return strings.Join(ids, " ")
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		partner := b.srv.AddPartner("partner-token")
		row := func(id, token string) greenapitest.PartnerInstance {
			b.srv.AddInstance(id, token)
			return greenapitest.PartnerInstance{IDInstance: id, APITokenInstance: token, Name: "79995550123"}
		}
		paid := row("2202000001", "a")
		paid.ExpirationDate = "2026-12-31T00:00:00"
		deleted := row("2202000003", "c")
		deleted.Deleted = true
		partner.SetInstances(paid, deleted, row("110100000234", "d"), row("3303000001", "e"))

		b.apply(t, partnerYAML(b, `, exclude: ["33*"]`))
		go b.Discover(t.Context())
		synctest.Wait()
		if got, want := b.ids(), "1101000001 110100000234 2202000001"; got != want {
			t.Fatalf("instances %s, want %s", got, want)
		}
		families := gather(t, b.refresh(t))
		for name, want := range map[string]string{
			"up":                                    "greenapi_up{} 1\ngreenapi_up{id_instance=\"110100000234\"} 1\ngreenapi_up{id_instance=\"2202000001\"} 1",
			"instance_expiration_timestamp_seconds": `greenapi_instance_expiration_timestamp_seconds{id_instance="2202000001"} 1.7986752e+09`,
		} {
			if diff := cmp.Diff(want, only(t, families, name)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
		if text := exposition(t, families) + b.log.String(); strings.Contains(text, "79995550123") || strings.Contains(text, "partner-token") {
			t.Error("a name or a token of the partner's account got out")
		}
		kept := b.Roster().Lookup("2202000001")

		// An API that fails takes nobody away.
		for _, fault := range []greenapitest.Fault{
			greenapitest.FaultStatus(500, ""), {Body: []byte(`{"code":401,"description":"Unauthorized"}`)}, {Body: []byte(`[{"idInstance":`)}, {Body: []byte("null")},
		} {
			partner.Fault(greenapitest.MethodGetInstances, fault, 1)
			time.Sleep(6 * time.Minute)
			if got, want := b.ids(), "1101000001 110100000234 2202000001"; got != want {
				t.Errorf("instances %s after a failure, want %s", got, want)
			}
		}
		// Some go, some come, and who stays keeps what it knows.
		partner.SetInstances(paid, row("4404000001", "f"))
		time.Sleep(6 * time.Minute)
		if got, want := b.ids(), "1101000001 2202000001 4404000001"; got != want {
			t.Errorf("instances %s, want %s", got, want)
		}
		if b.Roster().Lookup("2202000001") != kept {
			t.Error("an instance that stayed was begun anew")
		}
		// Without the section, all of them go.
		b.apply(t, fmt.Sprintf("instances: [{id: %q, token: %s, api_url: %s}]", id, token, b.srv.URL))
		synctest.Wait()
		if got := b.ids(); got != id {
			t.Errorf("instances %s, want %s", got, id)
		}
	})
}

// TestDiscoveryOfMany lists 10,000 instances.
func TestDiscoveryOfMany(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		var rows []greenapitest.PartnerInstance
		for n := range 10_000 {
			rows = append(rows, greenapitest.PartnerInstance{IDInstance: fmt.Sprint(2202000000 + n), APITokenInstance: "x"})
		}
		b.srv.AddPartner("partner-token").SetInstances(rows...)
		b.apply(t, partnerYAML(b, ""))
		go b.Discover(t.Context())
		synctest.Wait()
		if n := len(b.Roster().Targets); n != 10_001 {
			t.Errorf("%d instances, want 10,001", n)
		}
	})
}

func TestReloadKeepsWhatIsKnown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		b.refresh(t)
		before := b.Roster().Targets[0].Instance
		time.Sleep(time.Minute)
		b.instance.SetMessages(greenapitest.Message{IDMessage: "A", ChatID: "1@c.us", Status: "sent", SendByAPI: true, Timestamp: time.Now().Unix()})
		b.apply(t, fmt.Sprintf("instances: [{id: %q, name: renamed, token: %s, api_url: %s, window: 2h}]", id, token, b.srv.URL))
		after := b.Roster().Lookup("renamed")
		if after != before {
			t.Fatal("the instance was begun anew")
		}
		families := gather(t, b.refresh(t))
		if v, _ := value(families, "greenapi_messages_sent_total", "chat_type=private"); v != 1 {
			t.Errorf("%v messages counted over the reload, want 1", v)
		}
		if v, _ := value(families, "greenapi_window_lookback_seconds"); v != 7200 {
			t.Errorf("looks back %v s, want 7200", v)
		}
		// Gone and back again, it begins anew, and the scrape that still holds it is served.
		b.apply(t, fmt.Sprintf("instances: [{id: '1101000009', token: x, api_url: %s}]", b.srv.URL))
		if s := before.Refresh(t.Context()); s == nil || s.ID != id {
			t.Error("an instance that has left serves nothing")
		}
		if b.Roster().Lookup("renamed") != nil {
			t.Error("an instance that has left is still a target")
		}
	})
}

func TestRotatedTokenIsTriedAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		b.apply(t, fmt.Sprintf("instances: [{id: %q, token: old, api_url: %s}]", id, b.srv.URL))
		for range 10 {
			if s := b.within(t, time.Second); s.Up() {
				t.Fatal("up with a wrong token")
			}
			time.Sleep(time.Minute)
		}
		b.apply(t, fmt.Sprintf("instances: [{id: %q, token: %s, api_url: %s}]", id, token, b.srv.URL))
		if s := b.within(t, time.Second); !s.Up() {
			t.Errorf("not up with the right token: %+v", s.Results)
		}
	})
}

// TestReloadsAndScrapesAtOnce is for the race detector, too: no scrape sees half a
// configuration.
func TestReloadsAndScrapesAtOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *collector.Options) { o.MinInterval = 0 }, "")
		yaml := func(generation int) string {
			var text strings.Builder
			text.WriteString("instances:\n")
			for n := range 5 {
				fmt.Fprintf(&text, "- {id: '%d', name: 'g%d-%d', token: %s, api_url: %s}\n", 1101000001+n+generation%3, generation%2, n, token, b.srv.URL)
			}
			return text.String()
		}
		b.apply(t, yaml(0))
		done := make(chan struct{})
		for range 4 {
			go func() {
				defer func() { done <- struct{}{} }()
				for range 100 {
					roster := b.Roster()
					names := make(map[string]bool)
					for _, target := range roster.Targets {
						names[target.Name[:2]] = true
						if roster.Lookup(target.Name) != target.Instance {
							t.Error("a target that cannot be looked up")
						}
					}
					if len(names) != 1 || len(roster.Targets) != 5 {
						t.Errorf("targets of two configurations: %v", names)
					}
					gather(t, collector.Refresh(t.Context(), roster.Instances()))
					time.Sleep(100 * time.Millisecond)
				}
			}()
		}
		for generation := range 50 {
			b.apply(t, yaml(generation))
			time.Sleep(170 * time.Millisecond)
		}
		for range 4 {
			<-done
		}
	})
}
