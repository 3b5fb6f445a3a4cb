package collector_test

import (
	"encoding/json"
	"testing"
	"testing/synctest"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
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
		"deleted, expired":         {[]string{`{"idInstance":2202000001,"deleted":true}`, `{"idInstance":2202000002,"apiTokenInstance":"b","isExpired":"true"}`, c}, " 2202000003"},
		"no object":                {[]string{a, `null`}, " 2202000001 2202000002 2202000003"},
		"no object, others leave":  {[]string{`[]`, `{"idInstance":2202000001,"deleted":1}`, `{"idInstance":2202000002,"isExpired":true}`}, " 2202000003"},
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
