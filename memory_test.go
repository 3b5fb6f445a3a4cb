package main

import (
	"context"
	"runtime/debug"
	"testing"
)

// TestGCPercent holds how much garbage a heap may have: as much as it holds up to
// 64 MB, and a fifth of what it holds from 320 MB on.
func TestGCPercent(t *testing.T) {
	t.Parallel()
	for live, want := range map[uint64]int{
		0: 100, 4 << 20: 100, 64 << 20: 100, 80 << 20: 80, 128 << 20: 50, 320 << 20: 20, 600 << 20: 20, 1 << 40: 20,
	} {
		if got := gcPercent(live); got != want {
			t.Errorf("a heap of %d bytes: %d %%, want %d", live, got, want)
		}
	}
}

// TestLimitGarbageEnds holds that the percentage is afterwards what it was.
//
//nolint:paralleltest // It changes a setting of the whole process.
func TestLimitGarbageEnds(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(70))
	ended, end := context.WithCancel(t.Context())
	end()
	limitGarbage(ended)
	if got := debug.SetGCPercent(70); got != 70 {
		t.Errorf("%d %% after it has ended, want 70", got)
	}
}
