package client

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func TestGateServesWhoWaitedLongest(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := &turns{bounded: true, free: 1}
		ctx := context.Background()
		if err := gate.take(ctx, "a", time.Time{}); err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		order := make(chan int, 3)
		for n, lastServed := range []time.Time{now, now.Add(-time.Hour), now.Add(-time.Minute)} {
			go func() {
				if err := gate.take(ctx, "a", lastServed); err != nil {
					t.Error(err)
				}
				order <- n
				gate.give("a")
			}()
		}
		synctest.Wait()
		gate.give("a")
		got := []int{<-order, <-order, <-order}
		if want := []int{1, 2, 0}; !slices.Equal(got, want) {
			t.Errorf("served in the order %v, want %v", got, want)
		}
		synctest.Wait()
		if gate.free != 1 {
			t.Errorf("%d turns left, want 1", gate.free)
		}
	})
}

func TestGateLosesNoTurn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := &turns{bounded: true, free: 2}
		for n := range 100 {
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(n)*time.Millisecond)
				defer cancel()
				err := gate.take(ctx, "a", time.Time{})
				if err != nil {
					if !errors.Is(err, ErrBusy) {
						t.Error(err)
					}
					return
				}
				time.Sleep(10 * time.Millisecond)
				gate.give("a")
			}()
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if gate.free != 2 || len(gate.hosts) != 0 {
			t.Errorf("%d turns free and %d hosts, want 2 and 0", gate.free, len(gate.hosts))
		}
	})
}

// TestATurnThatComesTooLateIsPassedOn gives a turn to a waiter at the very moment its
// context ends: the next one gets it.
func TestATurnThatComesTooLateIsPassedOn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := &turns{bounded: true, free: 1}
		if err := gate.take(t.Context(), "a", time.Time{}); err != nil {
			t.Fatal(err)
		}
		late, end := context.WithCancel(t.Context())
		ended, served := make(chan error, 1), make(chan error, 1)
		go func() { ended <- gate.take(late, "a", time.Time{}) }()
		synctest.Wait()
		go func() { served <- gate.take(t.Context(), "a", time.Time{}) }()
		synctest.Wait()
		gate.mu.Lock() // so that nobody moves between the two
		end()
		gate.free++
		gate.hosts["a"].held--
		gate.hand()
		gate.mu.Unlock()
		if err := <-ended; !errors.Is(err, ErrBusy) {
			t.Errorf("the waiter whose context ended: %v", err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
}

func TestGateWithoutTurnIsBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := &turns{bounded: true, free: 0}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := gate.take(ctx, "a", time.Time{}); !errors.Is(err, ErrBusy) {
			t.Errorf("error %v, want ErrBusy", err)
		}
		if got := fail(ctx, "m", ErrBusy).Reason; got != ReasonBusy {
			t.Errorf("reason %s, want busy", got)
		}
		canceled, cancel := context.WithCancel(context.Background())
		cancel()
		if got := fail(canceled, "m", ErrBusy).Reason; got != ReasonCanceled {
			t.Errorf("reason %s, want canceled: nobody waits any more", got)
		}
	})
}

// TestGateServesInOrder lets waiters of the same age have their turn in the order in
// which they came.
func TestGateServesInOrder(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := &turns{bounded: true, free: 1}
		if err := gate.take(t.Context(), "a", time.Time{}); err != nil {
			t.Fatal(err)
		}
		var order []int
		for n := range 20 {
			go func() {
				if err := gate.take(t.Context(), "a", time.Time{}); err != nil {
					t.Error(err)
				}
				order = append(order, n)
				gate.give("a")
			}()
			synctest.Wait() // so that it waits before the next one comes
		}
		gate.give("a")
		synctest.Wait()
		if !slices.IsSorted(order) || len(order) != 20 {
			t.Errorf("served in the order %v", order)
		}
	})
}

// TestGateLeavesPlacesToOtherHosts has hosts that never give a place back: each gets
// half of what the others have left, and one alone gets all of them.
func TestGateLeavesPlacesToOtherHosts(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := NewGate(16)
		take := func(host string, wanted int) (got int) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			for range wanted {
				if err := gate.bodies.take(ctx, host, time.Time{}); err == nil {
					got++
				}
			}
			return got
		}
		if got := take("a", 20); got != 16 {
			t.Errorf("one host alone got %d places of 16", got)
		}
		for range 16 {
			gate.bodies.give("a")
		}
		gate.SetHosts(4)
		for _, test := range []struct {
			host string
			want int
		}{{"a", 8}, {"b", 4}, {"c", 2}, {"d", 1}, {"e", 1}} {
			if got := take(test.host, 20); got != test.want {
				t.Errorf("host %s got %d places, want %d", test.host, got, test.want)
			}
		}
		for host, held := range map[string]int{"a": 8, "b": 4, "c": 2, "d": 1, "e": 1} {
			for range held {
				gate.bodies.give(host)
			}
		}
		if gate.bodies.free != 16 || len(gate.bodies.hosts) != 0 {
			t.Errorf("%d places free, %d hosts known", gate.bodies.free, len(gate.bodies.hosts))
		}
	})
}
