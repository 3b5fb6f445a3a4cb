package ledger_test

import (
	"errors"
	"reflect"
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

// knowsTruth reports whether it is certain which read was the last one, and the
// server is one whose answers can be relied on.
func (m *model) knowsTruth() bool {
	return len(m.beliefs) == 1 && !m.glitches && !m.undated && !m.backwards
}

// mustTell fails when rows were lost upstream and no gap was reported.
func (m *model) mustTell(lost bool, before, after ledger.JournalTotals) {
	m.t.Helper()
	if !lost {
		return
	}
	m.did.Lost++
	saved := m.ledger.Totals().LastWriteOK
	sameBaseline := !before.Baseline.IsZero() && before.Baseline.Equal(after.Baseline)
	if saved && sameBaseline && after.Gaps == before.Gaps {
		m.t.Fatalf("%s: after %+v: rows were lost, and no gap was reported", m.name, m.did)
	}
}

// committed compares the ledger with the references after a commit.
func (m *model) committed(err error, before *ledger.Totals, read func(*reference) []*reference) {
	m.t.Helper()
	m.did.Reads++
	if err != nil {
		if !errors.Is(err, ledger.ErrTooManyRows) {
			m.t.Fatalf("%s: Commit: %v", m.name, err)
		}
		m.did.TooMany++
	}
	var next []*reference
	for _, b := range m.beliefs {
		next = append(next, read(b.clone())...)
	}
	m.did.Doubts += len(next) - len(m.beliefs)
	m.beliefs = distinct(next)
	shown := m.ledger.Totals()
	m.neverLess(before, shown)
	if !shown.LastWriteOK {
		m.filed = distinct(append(m.filed, m.beliefs...))
		if len(m.filed) > 25 {
			m.fs.fault = nil // What may be in the file must not grow with the fuzzer's patience.
		}
		m.agreeing(m.filed, shown, "with trouble on the disk")
		return
	}
	m.beliefs = m.agreeing(m.beliefs, shown, "after a commit")
	m.filed = m.beliefs
}

// agreeing returns the references that have these totals. There must be one.
func (m *model) agreeing(all []*reference, shown *ledger.Totals, when string) []*reference {
	m.t.Helper()
	sought := m.comparable(shown)
	var agree []*reference
	for _, r := range all {
		if reflect.DeepEqual(m.comparable(r.totals), sought) {
			agree = append(agree, r)
		}
	}
	if len(agree) == 0 {
		m.t.Fatalf("%s: %s, after %+v: totals differ from those of all %d references; from the last (-reference +ledger):\n%s",
			m.name, when, m.did, len(all), cmp.Diff(m.comparable(all[len(all)-1].totals), sought))
	}
	return agree
}

// comparable returns totals without what the reference does not count, and without what
// is not certain after a crash: the file may lack the times of the last reads.
func (m *model) comparable(t *ledger.Totals) *ledger.Totals {
	c := *t
	c.LastWriteOK = true
	c.DeliveryDelays, c.ReadDelays, c.DelaysBounded = nil, nil, nil
	if m.crashed {
		for _, j := range []*ledger.JournalTotals{&c.CallJournal, &c.MessageJournal} {
			j.LateChanges, j.Filter = 0, ledger.FilterUnknown
		}
	}
	return &c
}

// viewed compares what the window shows with the references.
func (m *model) viewed(got shown, of func(*reference) *refJournal) {
	m.t.Helper()
	var last shown
	for _, r := range m.beliefs {
		if last = of(r).shown(); reflect.DeepEqual(last, got) {
			for _, row := range of(r).view {
				if row.beyond {
					m.did.Beyond++
				}
			}
			return
		}
	}
	// Chats that have moved count once where the ledger saw them move.
	if m.world.moves {
		last.Chats = got.Chats
	}
	if diff := cmp.Diff(last, got); diff != "" {
		m.t.Fatalf("%s: after %+v: the window shows (-reference +ledger):\n%s", m.name, m.did, diff)
	}
}

func distinct(all []*reference) []*reference {
	var some []*reference
	for _, r := range all {
		if !slices.ContainsFunc(some, func(o *reference) bool { return r.like(o) && reflect.DeepEqual(r, o) }) {
			some = append(some, r)
		}
	}
	return some
}

// like tells quickly that most references which differ are not equal.
func (r *reference) like(o *reference) bool {
	return r.calls.lastDate == o.calls.lastDate && r.messages.lastDate == o.messages.lastDate &&
		r.totals.CallJournal.Gaps == o.totals.CallJournal.Gaps && r.totals.MessageJournal.Gaps == o.totals.MessageJournal.Gaps &&
		len(r.calls.view) == len(o.calls.view) && len(r.messages.view) == len(o.messages.view)
}

// neverLess fails when a counter that was shown falls.
func (m *model) neverLess(before, after *ledger.Totals) {
	m.t.Helper()
	for name, fell := range map[string]bool{
		"calls":        falls(before.Calls, after.Calls),
		"participants": falls(before.Participants, after.Participants),
		"observed":     falls(before.Observed, after.Observed),
		"sent":         falls(before.Sent, after.Sent),
		"delivered":    falls(before.Delivered, after.Delivered),
		"read":         falls(before.Read, after.Read),
		"failed":       falls(before.Failed, after.Failed),
		"call gaps":    before.CallJournal.Gaps > after.CallJournal.Gaps || before.CallJournal.Evictions > after.CallJournal.Evictions,
		"message gaps": before.MessageJournal.Gaps > after.MessageJournal.Gaps || before.MessageJournal.Evictions > after.MessageJournal.Evictions,
	} {
		if fell {
			m.t.Fatalf("%s: after %+v: %s fell:\n%s", m.name, m.did, name, cmp.Diff(before, after))
		}
	}
	for labels, h := range before.Durations {
		now := after.Durations[labels]
		fell := now.Count < h.Count || now.Sum < h.Sum
		for i := range h.Buckets {
			fell = fell || now.Buckets[i] < h.Buckets[i]
		}
		if fell {
			m.t.Fatalf("%s: after %+v: durations %v fell from %v to %v", m.name, m.did, labels, h, now)
		}
	}
}

func falls[K comparable](before, after map[K]uint64) bool {
	for labels, n := range before {
		if after[labels] < n {
			return true
		}
	}
	return false
}
