package collector_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
)

// raw are rows of the partner API, as they are.
func raw(rows ...string) (list []greenapitest.PartnerInstance) {
	for _, row := range rows {
		list = append(list, greenapitest.PartnerInstance{Raw: json.RawMessage(row)})
	}
	return list
}

// TestRowsThatCannotBeUsed lists three instances, then once more with rows that
// cannot be used: these take nobody away, and keep nobody of whom another row says
// that it goes.
func TestRowsThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	const a, b, c = `{"idInstance":2202000001,"apiTokenInstance":"a"}`, `{"idInstance":2202000002,"apiTokenInstance":"b"}`, `{"idInstance":2202000003,"apiTokenInstance":"c"}`
	for name, test := range map[string]struct {
		rows []string
		want string // after the id of the configuration
	}{
		"not listed":               {[]string{a}, " 2202000001"},
		"deleted, expired":         {[]string{`{"idInstance":2202000001,"deleted":true}`, `{"idInstance":2202000002,"apiTokenInstance":"b","isExpired":"true"}`, c}, " 2202000002 2202000003"},
		"no object":                {[]string{a, `null`}, " 2202000001 2202000002 2202000003"},
		"no object, others leave":  {[]string{`[]`, `{"idInstance":2202000001,"deleted":1}`, `{"idInstance":2202000002,"isExpired":true}`}, " 2202000002 2202000003"},
		"id too short":             {[]string{`{"idInstance":22,"apiTokenInstance":"x"}`, a}, " 2202000001 2202000002 2202000003"},
		"no token":                 {[]string{`{"idInstance":2202000001}`}, " 2202000001"},
		"no token, never known":    {[]string{a, b, c, `{"idInstance":2202000004}`}, " 2202000001 2202000002 2202000003"},
		"token of the wrong type":  {[]string{`{"idInstance":2202000001,"apiTokenInstance":7}`, b}, " 2202000001 2202000002"},
		"token that is no token":   {[]string{a, `{"idInstance":2202000002,"apiTokenInstance":"b"}`, `{"idInstance":2202000004,"apiTokenInstance":"x/y?z"}`}, " 2202000001 2202000002"},
		"neither deleted nor not":  {[]string{`{"idInstance":2202000001,"apiTokenInstance":"a","deleted":"?"}`}, " 2202000001"},
		"a bad row beside another": {[]string{`{"idInstance":2202000001}`, a}, " 2202000001"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				bench := newBench(t, nil, "")
				partner := bench.srv.AddPartner("partner-token")
				partner.SetInstances(raw(a, b, c)...)
				bench.apply(t, partnerYAML(bench, ""))
				go bench.Discover(t.Context())
				synctest.Wait()
				if got, want := bench.ids(), id+" 2202000001 2202000002 2202000003"; got != want {
					t.Fatalf("instances %s, want %s", got, want)
				}
				partner.SetInstances(raw(test.rows...)...)
				for range 3 {
					time.Sleep(6 * time.Minute)
					if got, want := bench.ids(), id+test.want; got != want {
						t.Errorf("instances %s, want %s", got, want)
					}
				}
			})
		})
	}
}

// asked returns how often the partner API was asked.
func asked(partner *greenapitest.Partner) int { return partner.Count(greenapitest.MethodGetInstances) }

func TestThePartnerIsAskedOnceAtStart(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		partner := b.srv.AddPartner("partner-token")
		b.apply(t, partnerYAML(b, ""))
		go b.Discover(t.Context())
		time.Sleep(4 * time.Minute)
		if n := asked(partner); n != 1 {
			t.Errorf("asked %d times, want once", n)
		}
		b.apply(t, partnerYAML(b, ""))
		synctest.Wait()
		if n := asked(partner); n != 2 {
			t.Errorf("asked %d times after a reload, want twice", n)
		}
		// Reloads do not get round the rate limit.
		for range 10 {
			b.apply(t, partnerYAML(b, ""))
			time.Sleep(100 * time.Millisecond)
		}
		if n := asked(partner); n > 3 {
			t.Errorf("asked %d times within a second", n-2)
		}
	})
}

func TestARefusedPartnerIsNotHammered(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		partner, next := b.srv.AddPartner("partner-token"), b.srv.AddPartner("next-token")
		file := filepath.Join(t.TempDir(), "token")
		write := func(token string) {
			if err := os.WriteFile(file, []byte(token), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		write("partner-token")
		partner.Fault(greenapitest.MethodGetInstances, greenapitest.FaultStatus(401, ""), 0)
		b.apply(t, fmt.Sprintf("partner: {token_file: %q, api_url: %s}", file, b.srv.URL))
		go b.Discover(t.Context())
		time.Sleep(2 * time.Hour)
		if n := asked(partner); n < 12 || n > 24 {
			t.Errorf("asked %d times in two hours with a revoked token", n)
		}
		families := gather(t, b.Metrics()[0])
		if v, _ := value(families, "greenapi_discovery_last_refresh_successful"); v != 0 {
			t.Error("the discovery succeeded with a revoked token")
		}
		// Another token is tried without a reload, and soon.
		write("next-token")
		time.Sleep(time.Minute)
		if n := asked(next); n != 1 {
			t.Errorf("asked %d times with the next token, want once", n)
		}
		// Without a partner, none fails.
		next.Fault(greenapitest.MethodGetInstances, greenapitest.FaultStatus(401, ""), 0)
		time.Sleep(5 * time.Minute)
		b.apply(t, accountYAML(b, "state"))
		synctest.Wait()
		families = gather(t, b.Metrics()[0])
		if v, _ := value(families, "greenapi_discovery_last_refresh_successful"); v != 1 {
			t.Error("the discovery fails without a partner")
		}
	})
}

func TestThePartnersRetryAfterIsHonoured(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		partner := b.srv.AddPartner("partner-token")
		fault := greenapitest.FaultStatus(503, "")
		fault.Header = map[string][]string{"Retry-After": {"1800"}}
		partner.Fault(greenapitest.MethodGetInstances, fault, 1)
		b.apply(t, partnerYAML(b, ""))
		go b.Discover(t.Context())
		time.Sleep(20 * time.Minute)
		b.apply(t, partnerYAML(b, "")) // which changes nothing
		time.Sleep(9 * time.Minute)
		if n := asked(partner); n != 1 {
			t.Errorf("asked %d times within the half hour that the server asked for", n)
		}
		time.Sleep(3 * time.Minute)
		if n := asked(partner); n != 2 {
			t.Errorf("asked %d times, want twice", n)
		}
	})
}

// TestAReloadShowsBeforeThePartnerAnswers changes what the configuration says of a
// partner's instances while the partner API fails.
func TestAReloadShowsBeforeThePartnerAnswers(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		partner := b.srv.AddPartner("partner-token")
		partner.SetInstances(greenapitest.PartnerInstance{IDInstance: "2202000001", APITokenInstance: "a", ExpirationDate: "2026-12-31T00:00:00"})
		b.apply(t, partnerYAML(b, ""))
		go b.Discover(t.Context())
		synctest.Wait()
		before := b.Roster().Lookup("2202000001")
		partner.Fault(greenapitest.MethodGetInstances, greenapitest.FaultStatus(500, ""), 0)
		b.apply(t, fmt.Sprintf(`partner: {token: partner-token, api_url: %s, labels: {team: others}, window: 2h, collectors: [queue],
  instance_api_url: {"22": "http://elsewhere.invalid"}}`, b.srv.URL))
		target := b.Roster().Targets[0]
		s := b.within(t, time.Second)
		if target.Instance != before || target.Labels["team"] != "others" || s.Window != 2*time.Hour || s.APIHost != "elsewhere.invalid" ||
			len(s.Results) != 1 || s.Results[0].Collector != "queue" {
			t.Errorf("labels %v, %+v", target.Labels, s)
		}
		if _, there := value(gather(t, collector.Collector{s}), "greenapi_instance_expiration_timestamp_seconds"); !there {
			t.Error("what the partner API said is forgotten")
		}
	})
}

// TestANameThatIsADiscoveredID gives an instance of the configuration the id of
// another one for its name: that one is
// left out, and somebody is told once.
// TestAListThatComesTooLate applies another configuration while the partner API answers:
// what it lists is not what is asked for any more.
func TestAListThatComesTooLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		partner := b.srv.AddPartner("partner-token")
		partner.SetInstances(greenapitest.PartnerInstance{IDInstance: "2202000001", APITokenInstance: "a"})
		partner.Fault(greenapitest.MethodGetInstances, greenapitest.Fault{Delay: 10 * time.Second}, 0)
		b.apply(t, partnerYAML(b, ""))
		go b.Discover(t.Context())
		time.Sleep(5 * time.Second)
		b.apply(t, accountYAML(b, "state"))
		time.Sleep(time.Minute)
		if got := b.ids(); asked(partner) != 1 || got != id {
			t.Errorf("asked %d times, and then there are %s; want once, and %s", asked(partner), got, id)
		}
	})
}

func TestANameThatIsADiscoveredID(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		partner := b.srv.AddPartner("partner-token")
		partner.SetInstances(raw(`{"idInstance":2202000001,"apiTokenInstance":"a"}`, `{"idInstance":2202000002,"apiTokenInstance":"b"}`)...)
		apply := func(name string) {
			b.apply(t, fmt.Sprintf(`
instances: [{id: %q, name: %q, token: x}, {id: "2202000002", token: y}]
partner: {token: partner-token, api_url: %s}`, id, name, b.srv.URL))
			time.Sleep(20 * time.Minute)
		}
		expect := func(warnings int, ids string) {
			t.Helper()
			if got := b.ids(); got != ids {
				t.Errorf("instances %s, want %s", got, ids)
			}
			if n := strings.Count(b.log.String(), "is left out"); n != warnings {
				t.Errorf("%d warnings, want %d:\n%s", n, warnings, b.log)
			}
		}
		go b.Discover(t.Context())
		apply("2202000001")
		expect(1, id+" 2202000002")
		apply("support")
		expect(1, id+" 2202000002 2202000001")
		apply("2202000001")
		expect(2, id+" 2202000002")
	})
}

// TestExpiredInstancesStay lists an account that has expired: it stays with its
// expiration and its reason, whatever the API answers for it, is asked seldom, and is
// back when it was paid for.
func TestExpiredInstancesStay(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]greenapitest.Fault{
		"expired":   greenapitest.FaultStatus(400, "Instance account is expired"),
		"401":       greenapitest.FaultStatus(401, ""),
		"403":       greenapitest.FaultStatus(403, ""),
		"not found": greenapitest.FaultStatus(404, ""),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, nil, "")
				instance := b.srv.AddInstance("2202000001", "a")
				partner := b.srv.AddPartner("partner-token")
				row := greenapitest.PartnerInstance{IDInstance: "2202000001", APITokenInstance: "a", ExpirationDate: "2026-12-31T00:00:00"}
				partner.SetInstances(row)
				b.apply(t, fmt.Sprintf(`partner: {token: partner-token, api_url: %s, collectors: [calls, messages]}`, b.srv.URL))
				go b.Discover(t.Context())
				synctest.Wait()
				if s := b.within(t, time.Second); !s.Up() {
					t.Fatalf("not up: %v", s.Results)
				}
				row.IsExpired = true
				partner.SetInstances(row)
				instance.Fault(greenapitest.AnyMethod, fault, 0)
				time.Sleep(6 * time.Minute)
				before := instance.Count(greenapitest.AnyMethod)
				for range 180 {
					families := gather(t, collector.Collector{b.within(t, time.Second)})
					if _, there := value(families, "greenapi_scrape_collector_failure", "collector=messages", "reason=expired"); !there {
						t.Fatal("no reason expired")
					}
					if at, _ := value(families, "greenapi_instance_expiration_timestamp_seconds"); at != 1798675200 {
						t.Fatalf("expires %v", at)
					}
					time.Sleep(time.Minute)
				}
				if n := instance.Count(greenapitest.AnyMethod) - before; n > 60 {
					t.Errorf("%d requests in three hours for an account that has expired", n)
				}
				row.IsExpired = false
				partner.SetInstances(row)
				instance.ClearFaults()
				time.Sleep(6 * time.Minute)
				if s := b.within(t, time.Second); !s.Up() {
					t.Errorf("not up after it was paid for: %v", s.Results)
				}
				row.Deleted = true
				partner.SetInstances(row)
				time.Sleep(6 * time.Minute)
				if got := b.ids(); got != "" {
					t.Errorf("instances %s, want none", got)
				}
			})
		})
	}
}

// TestUnreadableRecordsAreShown counts rows and dates that cannot be read, and says so
// once.
func TestUnreadableRecordsAreShown(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		partner := b.srv.AddPartner("partner-token")
		partner.SetInstances(raw(`{"idInstance":2202000001,"apiTokenInstance":"a","expirationDate":"end of May"}`,
			`{"idInstance":2202000002,"apiTokenInstance":"b","expirationDate":"31.12.2026"}`, `null`)...)
		b.apply(t, partnerYAML(b, ""))
		go b.Discover(t.Context())
		time.Sleep(time.Hour)
		for _, c := range b.Metrics() {
			if v, there := value(gather(t, c), "greenapi_discovery_unreadable_records"); there && v != 2 {
				t.Errorf("%v unreadable records, want 2", v)
			}
		}
		if n := strings.Count(b.log.String(), "in no known form"); n != 1 {
			t.Errorf("said %d times, want once:\n%s", n, b.log)
		}
		if n := strings.Count(b.log.String(), "that cannot be read"); n != 1 {
			t.Errorf("unreadable rows are said %d times, want once", n)
		}
	})
}

// TestMoreInstancesThanAreTaken lists more than --partner.max-instances: those that are
// known stay, the others are counted and said once.
func TestMoreInstancesThanAreTaken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, func(o *collector.Options) { o.MaxPartner = 3 }, "")
		partner := b.srv.AddPartner("partner-token")
		row := func(n int) string { return fmt.Sprintf(`{"idInstance":220200000%d,"apiTokenInstance":"a"}`, n) }
		partner.SetInstances(raw(row(7), row(8))...)
		b.apply(t, partnerYAML(b, ""))
		go b.Discover(t.Context())
		synctest.Wait()
		partner.SetInstances(raw(row(1), row(2), row(3), row(7), row(8), row(9))...)
		time.Sleep(time.Hour)
		if got, want := b.ids(), id+" 2202000001 2202000007 2202000008"; got != want {
			t.Errorf("instances %s, want %s", got, want)
		}
		for _, c := range b.Metrics() {
			if v, there := value(gather(t, c), "greenapi_discovery_left_out_instances"); there && v != 3 {
				t.Errorf("%v left out, want 3", v)
			}
		}
		if n := strings.Count(b.log.String(), "--partner.max-instances"); n != 1 {
			t.Errorf("said %d times, want once", n)
		}
	})
}

// TestTokenFilesThatFail takes away the files of tokens that are in use: they stay in
// use, and the log says it once.
func TestTokenFilesThatFail(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, nil, "")
		b.srv.AddPartner("partner-token")
		folder := t.TempDir()
		files := map[string]string{"support": token, "partner": "partner-token"}
		write := func() {
			for name, token := range files {
				if err := os.WriteFile(filepath.Join(folder, name), []byte(token), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		write()
		b.apply(t, fmt.Sprintf(`
instances: [{id: %q, token_file: %s/support, api_url: %s, collectors: [state]}]
partner: {token_file: %s/partner, api_url: %s}`, id, folder, b.srv.URL, folder, b.srv.URL))
		go b.Discover(t.Context())
		said := func(what string, times int) {
			t.Helper()
			time.Sleep(12 * time.Minute)
			for range 2 {
				b.refresh(t)
			}
			for _, of := range []string{"id_instance=" + id, "partner=true"} {
				n := 0
				for line := range strings.Lines(b.log.String()) {
					if strings.Contains(line, what) && strings.Contains(line, of) {
						n++
					}
				}
				if n != times {
					t.Errorf("%s: the log says %d times %q, want %d times", of, n, what, times)
				}
			}
		}
		said("token file", 0)
		for name := range files {
			if err := os.Remove(filepath.Join(folder, name)); err != nil {
				t.Fatal(err)
			}
		}
		said("token file not usable", 1)
		write()
		said("token file usable again", 1)
		if strings.Contains(b.log.String(), "discovery failed") {
			t.Error("the last token of the partner was not used")
		}
	})
}
