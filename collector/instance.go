package collector

import (
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/client/config"
)

// Instance is the runtime of one instance: what outlives scrapes and reloads of
// the configuration. It is safe for concurrent use.
type Instance struct {
	ID string

	log      *slog.Logger
	requests *requestCounts
	counters []finding
	setup    atomic.Pointer[setup]
	last     atomic.Pointer[Snapshot]
	token    atomic.Pointer[client.Token] // of the last refresh

	mu      sync.Mutex
	running *refresh // nil when none is
	closed  bool     // the instance has left the configuration
}

// setup is what the configuration says of an instance. A reload makes a new one;
// a refresh keeps the one it began with.
type setup struct {
	config      config.Instance
	name        string
	apiHost     string
	window      time.Duration
	minInterval time.Duration
	client      *client.Client
	sources     []source
	paces       map[string]*pace // by the sources' names
}

// noticeToken lets the collectors ask at once when the token is another one.
func (i *Instance) noticeToken(s *setup) {
	token, err := i.Token()
	if err != nil {
		return // who uses it says so
	}
	if before := i.token.Swap(&token); before != nil && before.Reveal() != token.Reveal() {
		for _, p := range s.paces {
			p.reset()
		}
	}
}

// Last returns the last snapshot, nil before the first.
func (i *Instance) Last() *Snapshot { return i.last.Load() }

// lastServed tells the gate who waits longest.
func (i *Instance) lastServed() time.Time {
	if last := i.last.Load(); last != nil {
		return last.Attempted
	}
	return time.Time{}
}

// Token implements client.TokenSource with the token of the present configuration.
func (i *Instance) Token() (client.Token, error) {
	return i.setup.Load().config.Token.Token() //nolint:wrapcheck // the source says it all
}

// close makes the instance serve what it has from now on.
func (i *Instance) close() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closed = true
}

// sources returns the sources that are turned on, in a fixed order.
func sources(c *client.Client, window time.Duration, enabled []string) []source {
	all := []source{
		callSource{c, window},
		messageSource{c, window},
	}
	return slices.DeleteFunc(all, func(s source) bool { return !slices.Contains(enabled, s.name()) })
}
