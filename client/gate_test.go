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
		gate := &turns{free: 1}
		ctx := context.Background()
		if err := gate.take(ctx, time.Time{}); err != nil {
			t.Fatal(err)
		}
		now := time.Now()
		order := make(chan int, 3)
		for n, lastServed := range []time.Time{now, now.Add(-time.Hour), now.Add(-time.Minute)} {
			go func() {
				if err := gate.take(ctx, lastServed); err != nil {
					t.Error(err)
				}
				order <- n
				gate.give()
			}()
		}
		synctest.Wait()
		gate.give()
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
		gate := &turns{free: 2}
		for n := range 100 {
			go func() {
				ctx, cancel := context.WithTimeout(context.Background(), time.Duration(n)*time.Millisecond)
				defer cancel()
				err := gate.take(ctx, time.Time{})
				if err != nil {
					if !errors.Is(err, ErrBusy) {
						t.Error(err)
					}
					return
				}
				time.Sleep(10 * time.Millisecond)
				gate.give()
			}()
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if gate.free != 2 || len(gate.queue) != 0 {
			t.Errorf("%d turns free and %d waiting, want 2 and 0", gate.free, len(gate.queue))
		}
	})
}

func TestGateWithoutTurnIsBusy(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		gate := &turns{free: 0}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := gate.take(ctx, time.Time{}); !errors.Is(err, ErrBusy) {
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
