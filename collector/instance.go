package collector

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

// Instance is the runtime of one instance: what outlives scrapes and reloads of
// the configuration. It is safe for concurrent use.
type Instance struct {
	ID string

	log      *slog.Logger
	requests *requestCounts
	ledger   *ledger.Ledger
	history  *history
	trend    trend
	setup    atomic.Pointer[setup]
	last     atomic.Pointer[Snapshot]
	token    atomic.Pointer[client.Token] // of the last refresh
	served   atomic.Pointer[time.Time]    // when the last request was sent that is over

	mu      sync.Mutex
	running *refresh // nil when none is
	closed  bool     // the instance has left the configuration
}

// noticeToken lets the collectors ask at once when the token is another one.
func (i *Instance) noticeToken(s *setup) {
	token, err := i.Token()
	if err != nil {
		return // the requests fail with it
	}
	if before := i.token.Swap(&token); before != nil && before.Reveal() != token.Reveal() {
		for _, b := range s.backoffs {
			b.reset()
		}
	}
}

// Last returns the last snapshot, nil before the first.
func (i *Instance) Last() *Snapshot { return i.last.Load() }

// fairTurn is how long a request without an answer has to last to count as a turn:
// one that was sent just before the scrape's deadline had none.
const fairTurn = 5 * time.Second

// lastServed tells the gate when a request of the instance last had its turn: an
// instance that got none goes first next time.
func (i *Instance) lastServed() time.Time {
	if at := i.served.Load(); at != nil {
		return *at
	}
	return time.Time{}
}

// Token implements client.TokenSource with the token of the present configuration.
func (i *Instance) Token() (client.Token, error) {
	return i.setup.Load().spec.Token.Token()
}

// turn notes whether a request has its turn, to be sent or to be read.
func (i *Instance) turn(method string, has bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.running != nil {
		i.running.turns[method] = has
	}
}

// observed notes a request that is over.
func (i *Instance) observed(x client.Exchange) {
	skew, before := i.requests.add(x)
	if most := i.setup.Load().maxSkew; most > 0 && skew.Abs() > most && before.Abs() <= most {
		i.log.Warn("the clock of the API is too far from that of the exporter: its dates are not used for counting until it is nearer; check both clocks",
			"id_instance", i.ID, "skew_seconds", skew.Seconds())
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	wanted := false
	if i.running != nil {
		i.running.exchanges = append(i.running.exchanges, x)
		wanted = i.running.waiting > 0
	}
	if hadTurn(x, wanted) {
		i.served.Store(&x.Sent)
	}
}

// hadTurn tells whether a request that is over counts as a turn of its instance. It does
// not when its answer had no turn to be read, when it was given up soon, or when it
// ended too late for every scrape that had waited.
func hadTurn(x client.Exchange, wanted bool) bool {
	if x.Err != nil {
		switch x.Err.Reason {
		case client.ReasonBusy, client.ReasonCanceled:
			return false
		case client.ReasonTimeout:
			return x.Duration >= fairTurn
		}
	}
	return wanted
}

// end ends the refresh under way and makes the instance serve what it has from now
// on.
func (i *Instance) end() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.closed = true
	if i.running != nil {
		i.running.cancel(context.Canceled)
	}
}

// close is end, and saves what the instance counted.
func (i *Instance) close() error {
	i.end()
	i.mu.Lock()
	running := i.running
	i.mu.Unlock()
	if running != nil {
		<-running.done // which waits for nothing outside: every request ends with its context
	}
	if err := i.ledger.Close(); err != nil {
		return fmt.Errorf("save the ledger of instance %s: %w", i.ID, err)
	}
	return nil
}
