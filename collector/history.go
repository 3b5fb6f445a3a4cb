package collector

import (
	"slices"
	"sync"
)

// How many refreshes are remembered, over all instances: the last ones, and of
// those that failed some that are older.
const (
	maxRecent   = 100
	maxFailures = 100
)

// history remembers the last refreshes, and failures longer.
type history struct {
	mu               sync.Mutex
	recent, failures []*Snapshot // oldest first
}

func (h *history) add(s *Snapshot) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.recent = append(h.recent, s)
	if len(h.recent) <= maxRecent {
		return
	}
	if oldest := h.recent[0]; !oldest.Up() {
		h.failures = append(h.failures, oldest)
		h.failures = h.failures[max(0, len(h.failures)-maxFailures):]
	}
	h.recent = slices.Delete(h.recent, 0, 1)
}

// remember makes a snapshot the last one, and adds it to what the pages show of the
// past.
func (i *Instance) remember(s *Snapshot) {
	i.trend.note(s)
	i.last.Store(s)
	i.history.add(s)
}

// History returns the last refreshes of all instances, the newest first. Those that
// failed are kept longer.
func (f *Fleet) History() []*Snapshot {
	f.history.mu.Lock()
	defer f.history.mu.Unlock()
	all := slices.Concat(f.history.failures, f.history.recent)
	slices.Reverse(all)
	return all
}
