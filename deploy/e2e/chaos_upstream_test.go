//go:build e2e

package e2e_test

import (
	"context"
	"encoding/pem"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
)

// faultShare of the requests get a fault while the upstream rages.
const faultShare = 0.3

// upstream is GREEN-API, plain and over TLS, each behind a proxy that harms
// connections. Bits are turned behind TLS only: nothing tells a number that was
// changed in plain text from the right one.
type upstream struct {
	api        *greenapitest.Server
	urls       []string // plain, TLS
	proxies    []*greenapitest.Proxy
	authority  []byte // of the certificate, in PEM
	accounts   []simulation.Account
	simulation func(simulation.Account) *simulation.Simulation // of one account

	mu       sync.Mutex
	raging   bool
	dice     *rand.Rand
	deck     []greenapitest.NamedFault // whose turn is next
	injected map[string]int            // by name
	tokens   map[string]string         // by id
}

func startUpstream(t *testing.T, c *chaos) *upstream {
	t.Helper()
	u := &upstream{
		api:      greenapitest.NewUnstartedServer(greenapitest.WithClock(c.clock.now)),
		accounts: c.sim.Accounts(),
		dice:     rand.New(rand.NewPCG(c.seed, c.seed)),
		injected: map[string]int{}, tokens: map[string]string{},
	}
	u.simulation = func(account simulation.Account) *simulation.Simulation {
		return simulation.New(simulation.Settings{Seed: c.seed, Clock: c.clock.now}, account)
	}
	u.api.AddSimulation(c.sim)
	u.api.SetEncoding(greenapitest.EncodingPlain) // to zip is dear; some faults zip
	for _, account := range u.accounts {
		u.tokens[account.ID] = account.Token
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(func() {
		cancel() // lets go of what hangs
		u.api.Close()
	})
	for n, scheme := range []string{"http", "https"} {
		server := httptest.NewUnstartedServer(u)
		server.Config.BaseContext = func(net.Listener) context.Context { return ctx }
		server.Config.ErrorLog = log.New(io.Discard, "", 0) // it would log every fault
		if scheme == "https" {
			server.StartTLS()
			u.authority = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
		} else {
			server.Start()
		}
		proxy := greenapitest.NewProxy(server.Listener.Addr().String(), c.seed+uint64(n))
		t.Cleanup(func() {
			proxy.Close()
			cancel()
			server.Close()
		})
		u.proxies = append(u.proxies, proxy)
		u.urls = append(u.urls, scheme+"://"+proxy.Address)
	}
	return u
}

// url is where the n-th account is served.
func (u *upstream) url(n int) string { return u.urls[n%len(u.urls)] }

// rage lets requests fail, and harms connections.
func (u *upstream) rage() {
	harm := greenapitest.Harm{Refuse: 0.05, Close: 0.08, Reset: 0.08, Stall: 0.05, Delay: 0.15}
	u.proxies[0].SetHarm(harm)
	harm.Corrupt = 0.2
	u.proxies[1].SetHarm(harm)
	u.mu.Lock()
	defer u.mu.Unlock()
	u.raging = true
}

// calm ends all of that.
func (u *upstream) calm() {
	u.mu.Lock()
	u.raging = false
	u.mu.Unlock()
	for _, account := range u.accounts {
		u.api.Instance(account.ID).ClearFaults()
	}
	for _, proxy := range u.proxies {
		proxy.SetHarm(greenapitest.Harm{})
	}
	u.disconnect()
}

// rehearse asks for every journal, so that the simulation has made all its past
// before the exporter waits for it.
func (u *upstream) rehearse(t *testing.T) {
	t.Helper()
	for _, account := range u.accounts {
		for _, method := range []string{greenapitest.MethodLastOutgoingCalls, greenapitest.MethodLastOutgoingMessages} {
			u.mu.Lock()
			path := "/waInstance" + account.ID + "/" + method + "/" + u.tokens[account.ID] + "?minutes=1440"
			u.mu.Unlock()
			recorder := httptest.NewRecorder()
			u.ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, http.NoBody))
			if recorder.Code != http.StatusOK {
				t.Fatalf("the journals of account %s answer %d", account.ID, recorder.Code)
			}
		}
	}
}

// disconnect closes all connections.
func (u *upstream) disconnect() {
	for _, proxy := range u.proxies {
		proxy.Disconnect()
	}
}

// harmed counts what befell connections.
func (u *upstream) harmed() map[string]int {
	sum := map[string]int{}
	for _, proxy := range u.proxies {
		for what, n := range proxy.Counts() {
			sum[what] += n
		}
	}
	return sum
}

// rotate gives an account another token.
func (u *upstream) rotate(account simulation.Account, token string) {
	account.Token = token
	u.mu.Lock()
	defer u.mu.Unlock()
	u.tokens[account.ID] = token
	u.api.AddSimulation(u.simulation(account))
}

// ServeHTTP implements http.Handler.
func (u *upstream) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	u.mayFail(r.URL.Path)
	u.api.ServeHTTP(w, r)
}

// mayFail gives a request that would be answered a fault, or none.
func (u *upstream) mayFail(path string) {
	parts := strings.Split(strings.TrimPrefix(path, "/waInstance"), "/")
	if len(parts) != 3 {
		return
	}
	id, method, token := parts[0], parts[1], parts[2]
	u.mu.Lock()
	defer u.mu.Unlock()
	if !u.raging || u.tokens[id] != token || u.dice.Float64() >= faultShare {
		return
	}
	if len(u.deck) == 0 {
		u.deck = greenapitest.Faults()
		u.dice.Shuffle(len(u.deck), func(i, j int) { u.deck[i], u.deck[j] = u.deck[j], u.deck[i] })
	}
	fault := u.deck[0]
	journal := strings.HasPrefix(method, "last")
	// A journal that can be read is no fault, and one with another body tells of
	// what never happened: no exporter can know.
	invents := len(fault.Fault.Body) > 0 && slices.Contains(fault.Reasons, "")
	if journal && invents || !journal && fault.JournalOnly {
		return
	}
	u.deck = u.deck[1:]
	u.injected[fault.Name]++
	u.api.Instance(id).Fault(method, fault.Fault, 1)
}
