package client

import (
	"container/heap"
	"context"
	"errors"
	"sync"
	"time"
)

// ErrBusy says that a request got no turn before its deadline.
var ErrBusy = errors.New("no turn before the deadline")

// waitingPerBody is how many requests may wait for their first byte for each
// body that may be read. A request that waits costs a connection, a body that
// is read costs processor time and buffers.
const waitingPerBody = 8

// Gate bounds how much many clients do at once: how many bodies are read, and,
// apart from these, how many requests wait for their first byte. So accounts
// whose server hangs hold places to wait in, but none to read in.
//
// The client served longest ago goes first. Where clients ask different hosts, none of
// these gets so many places that nothing is left for the others. The zero Gate has no
// bounds.
type Gate struct {
	waiting, bodies turns
}

// NewGate returns a gate for that many bodies at a time.
func NewGate(bodies int) *Gate {
	return &Gate{
		waiting: turns{bounded: true, free: bodies * waitingPerBody},
		bodies:  turns{bounded: true, free: bodies},
	}
}

// SetHosts says how many hosts the clients ask. By default, it is one, which may have
// all places.
func (g *Gate) SetHosts(hosts int) {
	g.waiting.share(hosts > 1)
	g.bodies.share(hosts > 1)
}

// turns is a semaphore whose waiters are served by age, and in the order in which
// they came where that is equal.
type turns struct {
	bounded bool

	mu     sync.Mutex
	free   int
	shared bool // between several hosts
	hosts  map[string]*hostTurns
	came   uint64 // waiters so far
}

// hostTurns are the turns of one host; there are none where it neither holds nor
// waits for any.
type hostTurns struct {
	held  int
	queue waiters
}

type waiter struct {
	lastServed time.Time
	number     uint64        // in the order in which they came
	turn       chan struct{} // closed when the turn is given
	index      int           // in the heap; -1 when it has left
}

// share says whether the places are shared between hosts.
func (t *turns) share(shared bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.shared = shared
	t.hand()
}

// admits tells whether a host may have one more turn. Where there are other hosts, it
// may while more turns are free than it holds: one host that hangs gets half of them, a
// second one half of the rest, and so on, so that there is a turn left for the next.
func (t *turns) admits(h *hostTurns) bool {
	return t.free > 0 && (!t.shared || h.held < t.free)
}

// take waits for a turn. It returns ErrBusy when the context ends first. A turn that is
// free is given even then: the request was late, not the turn, and fails by itself.
func (t *turns) take(ctx context.Context, host string, lastServed time.Time) error {
	if !t.bounded {
		return nil
	}
	t.mu.Lock()
	if t.hosts == nil {
		t.hosts = make(map[string]*hostTurns)
	}
	h := t.hosts[host]
	if h == nil {
		h = new(hostTurns)
		t.hosts[host] = h
	}
	if t.admits(h) && len(h.queue) == 0 {
		t.free--
		h.held++
		t.mu.Unlock()
		return nil
	}
	t.came++
	w := &waiter{lastServed: lastServed, number: t.came, turn: make(chan struct{})}
	heap.Push(&h.queue, w)
	t.mu.Unlock()

	select {
	case <-w.turn:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if w.index >= 0 {
		heap.Remove(&h.queue, w.index)
	} else { // the turn came at the same moment: pass it on
		t.free++
		h.held--
	}
	t.hand()
	t.forget(host)
	return ErrBusy
}

// give returns a turn.
func (t *turns) give(host string) {
	if !t.bounded {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.free++
	t.hosts[host].held--
	t.hand()
	t.forget(host)
}

// hand gives free turns to the waiters that may have one, those served longest ago
// first; the mutex is held.
func (t *turns) hand() {
	for {
		var next *hostTurns
		for _, h := range t.hosts {
			if len(h.queue) > 0 && t.admits(h) && (next == nil || h.queue[0].before(next.queue[0])) {
				next = h
			}
		}
		if next == nil {
			return
		}
		w, _ := heap.Pop(&next.queue).(*waiter)
		t.free--
		next.held++
		close(w.turn)
	}
}

// forget leaves out a host that has nothing here; the mutex is held.
func (t *turns) forget(host string) {
	if h := t.hosts[host]; h != nil && h.held == 0 && len(h.queue) == 0 {
		delete(t.hosts, host)
	}
}

// waiters is a heap.Interface, served longest ago first.
type waiters []*waiter

func (w *waiter) before(other *waiter) bool {
	if !w.lastServed.Equal(other.lastServed) {
		return w.lastServed.Before(other.lastServed)
	}
	return w.number < other.number
}

func (q waiters) Len() int           { return len(q) }
func (q waiters) Less(i, j int) bool { return q[i].before(q[j]) }
func (q waiters) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

// Push implements heap.Interface.
func (q *waiters) Push(x any) {
	w, _ := x.(*waiter)
	w.index = len(*q)
	*q = append(*q, w)
}

// Pop implements heap.Interface.
func (q *waiters) Pop() any {
	last := len(*q) - 1
	w := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	w.index = -1
	return w
}
