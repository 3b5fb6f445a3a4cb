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
// Who was served longest ago goes first.
type Gate struct {
	waiting, bodies turns
}

// NewGate returns a gate for that many bodies at a time.
func NewGate(bodies int) *Gate {
	return &Gate{
		waiting: turns{free: bodies * waitingPerBody},
		bodies:  turns{free: bodies},
	}
}

// turns is a semaphore whose waiters are served by age.
type turns struct {
	mu    sync.Mutex
	free  int
	queue waiters
}

type waiter struct {
	lastServed time.Time
	turn       chan struct{} // closed when the turn is given
	index      int           // in the heap; -1 when it has left
}

// take waits for a turn. It returns ErrBusy when the context ends first.
func (t *turns) take(ctx context.Context, lastServed time.Time) error {
	if ctx.Err() != nil {
		return ErrBusy
	}
	t.mu.Lock()
	if t.free > 0 {
		t.free--
		t.mu.Unlock()
		return nil
	}
	w := &waiter{lastServed: lastServed, turn: make(chan struct{})}
	heap.Push(&t.queue, w)
	t.mu.Unlock()

	select {
	case <-w.turn:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	if w.index >= 0 {
		heap.Remove(&t.queue, w.index)
		t.mu.Unlock()
		return ErrBusy
	}
	t.mu.Unlock()
	t.give() // the turn came at the same moment: pass it on
	return ErrBusy
}

// give returns a turn, to the waiter served longest ago if there is one.
func (t *turns) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queue) == 0 {
		t.free++
		return
	}
	w, _ := heap.Pop(&t.queue).(*waiter)
	close(w.turn)
}

// waiters is a heap.Interface, served longest ago first.
type waiters []*waiter

func (q waiters) Len() int           { return len(q) }
func (q waiters) Less(i, j int) bool { return q[i].lastServed.Before(q[j].lastServed) }
func (q waiters) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

func (q *waiters) Push(x any) {
	w, _ := x.(*waiter)
	w.index = len(*q)
	*q = append(*q, w)
}

func (q *waiters) Pop() any {
	last := len(*q) - 1
	w := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	w.index = -1
	return w
}
