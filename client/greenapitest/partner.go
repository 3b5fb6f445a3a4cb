package greenapitest

import (
	"encoding/json"
	"net/http"
	"strconv"
	"sync"

	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
)

// Partner is a partner account of the server: it lists instances, tokens
// included, at /partner/getInstances/{partnerToken}. An unknown partner token
// gets 200 and {"code":401,"description":"Unauthorized"}, as documented.
type Partner struct {
	script

	listMu sync.Mutex
	list   []byte
}

// AddPartner adds a partner account without instances.
func (s *Server) AddPartner(token string) *Partner {
	p := &Partner{script: script{keep: keptRequests}, list: []byte("[]")}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.partners[token] = p
	return p
}

// SetInstances sets what getInstances lists. It panics when an instance cannot
// be written as JSON.
func (p *Partner) SetInstances(instances ...PartnerInstance) {
	list := journal(instances)
	p.listMu.Lock()
	defer p.listMu.Unlock()
	p.list = list
}

func (p *Partner) answer(a *answer) {
	a.status = http.StatusOK
	if body, _ := p.arranged(MethodGetInstances); body != nil {
		a.stream(body)
		return
	}
	p.listMu.Lock()
	defer p.listMu.Unlock()
	a.body = p.list
}

// A PartnerInstance is an element of getInstances.
type PartnerInstance struct {
	IDInstance       string // written as a number when it is one
	Name             string // free text of the customer's
	TypeInstance     string // "whatsapp" when empty
	APITokenInstance string
	Deleted          bool
	IsExpired        bool
	ExpirationDate   string // as documented: 2022-06-09T18:39:44

	Fields Fields          // overrides and additions
	Raw    json.RawMessage // when set, the whole element
}

// PartnerOf is a simulated account as the partner API lists it.
func PartnerOf(a simulation.Account) PartnerInstance {
	p := PartnerInstance{IDInstance: a.ID, Name: a.Name, APITokenInstance: a.Token}
	if !a.Expires.IsZero() {
		p.ExpirationDate = a.Expires.UTC().Format("2006-01-02T15:04:05")
	}
	return p
}

// MarshalJSON implements json.Marshaler.
func (p PartnerInstance) MarshalJSON() ([]byte, error) {
	var id any = p.IDInstance
	if n, err := strconv.ParseInt(p.IDInstance, 10, 64); err == nil {
		id = n
	}
	kind := p.TypeInstance
	if kind == "" {
		kind = "whatsapp"
	}
	return marshalRow(p.Raw, p.Fields, []field{
		{"idInstance", id},
		{"name", p.Name},
		{"typeInstance", kind},
		{"tariff", "BUSINESS_USD"},
		{"apiTokenInstance", p.APITokenInstance},
		{"deleted", p.Deleted},
		{"isExpired", p.IsExpired},
		{"expirationDate", p.ExpirationDate},
		{"isPartner", true},
	})
}
