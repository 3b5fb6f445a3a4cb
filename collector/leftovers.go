package collector

import (
	"context"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

const (
	// leftoversAfter is when files that are left over are looked for first. By then the
	// partner's account has listed its instances, whose files may be old after a long
	// stop.
	leftoversAfter    = time.Hour
	leftoversInterval = 24 * time.Hour
)

// RemoveLeftovers removes from the folder of ledgers, from time to time until the
// context ends, what has been left over for 30 days, or as long as records are
// remembered: files that were set aside, and those of instances that have left.
func (f *Fleet) RemoveLeftovers(ctx context.Context) {
	if f.opts.Ledgers == nil {
		return
	}
	timer := time.NewTimer(leftoversAfter)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		timer.Reset(leftoversInterval)
		if !f.allKnown() {
			continue
		}
		age := max(ledger.LeftoverAge, f.opts.Ledger.Retention)
		if err := f.opts.Ledgers.RemoveLeftovers(time.Now(), age, f.opts.Logger); err != nil {
			f.opts.Logger.WarnContext(ctx, "files that are left over cannot be removed from the ledger folder", "err", err)
		}
	}
}

// allKnown reports whether the roster has all instances that the configuration asks
// for: those of a partner's account once the partner API has listed them.
func (f *Fleet) allKnown() bool {
	roster := f.Roster()
	return roster.partner() == nil || roster.listed
}
