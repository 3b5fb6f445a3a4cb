package web

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// places bound how much is done at once, over all clients and for each one: no client
// gets all places, so that some are left for a Prometheus when another one takes what
// it can get. A nil places has no bound.
type places struct {
	all, each int // for all clients, and for each of them

	mu    sync.Mutex
	held  map[string]int // by client
	total int
	freed chan struct{} // closed, and made anew, when a place becomes free
}

// newPlaces returns so many places. An eleventh of them is kept from a client that has
// the others: where there are a tenth more than one Prometheus needs, as the
// documentation says, that one still gets all it needs. Of few places none is kept: one
// would be of no use.
func newPlaces(all int) *places {
	kept := all / 11
	if kept < 2 {
		kept = 0
	}
	return &places{all: all, each: all - kept, held: make(map[string]int), freed: make(chan struct{})}
}

// take returns whether the client got a place.
func (p *places) take(client string) bool {
	if p == nil {
		return true
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.total >= p.all || p.held[client] >= p.each {
		return false
	}
	p.total++
	p.held[client]++
	return true
}

// wait is take that waits until there is a place, or the context ends.
func (p *places) wait(ctx context.Context, client string) bool {
	for ctx.Err() == nil {
		p.mu.Lock()
		freed := p.freed
		p.mu.Unlock()
		if p.take(client) {
			return true
		}
		select {
		case <-freed:
		case <-ctx.Done():
		}
	}
	return false
}

// give returns a client's place.
func (p *places) give(client string) {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.total--
	if p.held[client]--; p.held[client] == 0 {
		delete(p.held, client)
	}
	close(p.freed)
	p.freed = make(chan struct{})
}

// serve lets a handler serve when there is a place for the client; else it says why
// not.
func (p *places) serve(w http.ResponseWriter, r *http.Request, next http.Handler, full string) {
	client := clientOf(r)
	if !p.take(client) {
		w.Header().Set("Retry-After", "1")
		say(w, http.StatusServiceUnavailable, full)
		return
	}
	defer p.give(client)
	next.ServeHTTP(w, r)
}

// clientOf returns who asks: an address, or of IPv6 the network of 64 bits, all of
// which one client may have. Without an address (a socket of the file system) all are
// one.
func clientOf(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return ""
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return ""
	}
	address = address.Unmap().WithZone("")
	if address.Is6() {
		network, _ := address.Prefix(64) // which every IPv6 address has
		return network.String()
	}
	return address.String()
}
