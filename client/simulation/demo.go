package simulation

import (
	"bytes"
	"cmp"
	"fmt"
	"strconv"
	"time"
)

// Demo returns a simulation of a small company's accounts, good and bad ones,
// for the exporter's --demo: support, sales-eu, campaigns (its journal of 24
// hours is always truncated), restricted, logged-out, calls-only, tiny-shop,
// and telegram, which has numeric chat ids, no call journal and an id of 12
// digits.
func Demo(seed uint64, clock func() time.Time) *Simulation {
	always := func(kind IncidentKind, share float64) []Incident {
		return []Incident{{Kind: kind, Share: share}}
	}
	accounts := []Account{
		{ID: "1101000001", Name: "support", MessagesPerDay: 260, CallsPerDay: 45, Groups: 6, ThumbnailBytes: 2500},
		{ID: "1101000002", Name: "sales-eu", MessagesPerDay: 520, CallsPerDay: 130, Groups: 12, UTCOffset: time.Hour, Contacts: 600},
		{ID: "1101000003", Name: "campaigns", MessagesPerDay: 14000, Rhythm: RhythmCampaign(), Contacts: 9000, Behaviour: campaigning()},
		{ID: "1101000004", Name: "restricted", MessagesPerDay: 180, CallsPerDay: 10, Incidents: always(IncidentRestriction, 0.9)},
		{ID: "1101000005", Name: "logged-out", MessagesPerDay: 25, CallsPerDay: 5, Incidents: always(IncidentLogout, 1)},
		{ID: "1101000006", Name: "calls-only", CallsPerDay: 280, Groups: 5},
		{ID: "1101000007", Name: "tiny-shop", MessagesPerDay: 20, CallsPerDay: 3, Rhythm: RhythmShop(), Contacts: 40, OldSpelling: true},
		{
			ID: "110100000008", Name: "telegram", MessagesPerDay: 90, Groups: 8, Rhythm: RhythmShop(), NumericChats: true,
			Unsupported: []string{MethodLastOutgoingCalls, MethodLastIncomingCalls, MethodGetWaSettings},
		},
	}
	for i := range accounts {
		accounts[i].Token = fakeToken(seed, accounts[i].ID)
	}
	return New(Settings{Seed: seed, Clock: clock}, accounts...)
}

// campaigning is bulk sending to lists that are not too clean: by API alone,
// to people alone, few of whom read.
func campaigning() *Behaviour {
	b := UsualBehaviour()
	b.GroupMessages, b.FromPhone = 0, 0
	b.NoAccount, b.Read = 0.03, 0.55
	return &b
}

// Fleet returns n accounts of a common kind, all different: perDay messages a
// day on average, a tenth as many calls. Their ids are 10 digits from
// 1200000001, their names account-1 and so on.
func Fleet(seed uint64, n int, perDay float64) []Account {
	rhythms := []Rhythm{RhythmBusiness(), RhythmShop()}
	accounts := make([]Account, n)
	for i := range accounts {
		d := newDice(seed, uint64(i))
		volume := perDay * (0.4 + 1.2*d.float())
		id := strconv.Itoa(1200000001 + i)
		accounts[i] = Account{
			ID:             id,
			Name:           fmt.Sprintf("account-%d", i+1),
			Token:          fakeToken(seed, id),
			MessagesPerDay: volume,
			CallsPerDay:    volume / 10,
			Rhythm:         rhythms[d.below(len(rhythms))],
			UTCOffset:      time.Duration(d.below(8)-3) * time.Hour,
			Contacts:       50 + d.below(400),
			Groups:         d.below(10),
		}
	}
	return accounts
}

// fakeToken has the form of a real one: 50 hexadecimal digits.
func fakeToken(seed uint64, id string) string {
	d := newDice(seed, saltToken, hashString(id))
	return fmt.Sprintf("%016x%016x%016x%02x", d.next(), d.next(), d.next(), d.next()>>56)
}

// Configuration is the exporter's configuration file for the accounts of a
// simulation that is served at a URL.
func (s *Simulation) Configuration(url string) []byte {
	var yaml bytes.Buffer
	yaml.WriteString("instances:\n")
	for _, account := range s.Accounts() {
		fmt.Fprintf(&yaml, "- {id: %q, name: %q, token: %q, api_url: %q}\n",
			account.ID, cmp.Or(account.Name, account.ID), account.Token, url)
	}
	return yaml.Bytes()
}
