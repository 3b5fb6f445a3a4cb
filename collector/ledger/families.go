package ledger

import (
	"slices"
)

// family is a family of counters in the state file. To keep another one there, add
// it to families. Versions that do not know it leave a file that has it alone.
type family struct {
	name           string
	labels, values int // How many a series has.

	// series calls add for the series in t that of has.
	series func(t, of *Totals, add func(values []uint64, labels ...string))
	// set takes over a series, and reports whether it can be one.
	set func(t *Totals, labels []string, values []uint64) bool
}

// families are all of them, in the order in which they are written. Neither names
// nor the order of labels may change.
var families = []family{
	counts("calls", 3, func(t *Totals) map[CallLabels]uint64 { return t.Calls }, CallLabels.list, callLabels),
	counts("participants", 3, func(t *Totals) map[CallLabels]uint64 { return t.Participants }, CallLabels.list, callLabels),
	histograms("call_durations", 2, DurationBuckets[:], func(t *Totals) map[DurationLabels]Histogram { return t.Durations },
		func(k DurationLabels) []string { return []string{k.Media, k.ChatType} },
		func(l []string) DurationLabels { return DurationLabels{l[0], l[1]} }),
	counts("observed", 3, func(t *Totals) map[ObservedLabels]uint64 { return t.Observed },
		func(k ObservedLabels) []string { return []string{k.Type, k.ChatType, k.Origin} },
		func(l []string) ObservedLabels { return ObservedLabels{l[0], l[1], l[2]} }),
	counts("sent", 1, func(t *Totals) map[string]uint64 { return t.Sent }, oneLabel, onlyLabel),
	counts("delivered", 1, func(t *Totals) map[string]uint64 { return t.Delivered }, oneLabel, onlyLabel),
	counts("read", 1, func(t *Totals) map[string]uint64 { return t.Read }, oneLabel, onlyLabel),
	counts("failed", 2, func(t *Totals) map[FailureLabels]uint64 { return t.Failed },
		func(k FailureLabels) []string { return []string{k.Reason, k.ChatType} },
		func(l []string) FailureLabels { return FailureLabels{l[0], l[1]} }),
	histograms("delivery_delays", 1, DelayBuckets[:], func(t *Totals) map[string]Histogram { return t.DeliveryDelays }, oneLabel, onlyLabel),
	histograms("read_delays", 1, DelayBuckets[:], func(t *Totals) map[string]Histogram { return t.ReadDelays }, oneLabel, onlyLabel),
	counts("delays_bounded", 2, func(t *Totals) map[StageLabels]uint64 { return t.DelaysBounded },
		func(k StageLabels) []string { return []string{k.Stage, k.ChatType} },
		func(l []string) StageLabels { return StageLabels{l[0], l[1]} }),
	counts("destination_messages", 2, func(t *Totals) map[DestinationLabels]uint64 { return t.DestinationMessages }, DestinationLabels.list, destinationLabels),
	counts("destination_calls", 2, func(t *Totals) map[DestinationLabels]uint64 { return t.DestinationCalls }, DestinationLabels.list, destinationLabels),
}

func (k DestinationLabels) list() []string           { return []string{k.Prefix, k.Outcome} }
func destinationLabels(l []string) DestinationLabels { return DestinationLabels{l[0], l[1]} }

func (k CallLabels) list() []string    { return []string{k.Status, k.Media, k.ChatType} }
func callLabels(l []string) CallLabels { return CallLabels{l[0], l[1], l[2]} }
func oneLabel(label string) []string   { return []string{label} }
func onlyLabel(labels []string) string { return labels[0] }

// counts is a family of counters that Totals has in a map. List and labels turn the
// map's keys into labels and back.
func counts[K comparable](name string, labels int, of func(*Totals) map[K]uint64, list func(K) []string, key func([]string) K) family {
	return family{
		name: name, labels: labels, values: 1,
		series: func(t, some *Totals, add func([]uint64, ...string)) {
			for k := range of(some) {
				add([]uint64{of(t)[k]}, list(k)...)
			}
		},
		set: func(t *Totals, labels []string, values []uint64) bool {
			of(t)[key(labels)] = values[0]
			return true
		},
	}
}

// histograms is a family of histograms that Totals has in a map. Its values are the
// count, the sum and the cumulative buckets.
func histograms[K comparable](name string, labels int, bounds []float64, of func(*Totals) map[K]Histogram, list func(K) []string, key func([]string) K) family {
	return family{
		name: name, labels: labels, values: 2 + len(bounds),
		series: func(t, some *Totals, add func([]uint64, ...string)) {
			for k := range of(some) {
				h := of(t)[k]
				add(append([]uint64{h.Count, uint64(h.Sum)}, h.Buckets[:len(bounds)]...), list(k)...)
			}
		},
		set: func(t *Totals, labels []string, values []uint64) bool {
			h := Histogram{Count: values[0], Sum: int64(values[1])}
			buckets := h.Buckets[:len(bounds)]
			copy(buckets, values[2:])
			of(t)[key(labels)] = h
			return h.Sum >= 0 && slices.IsSorted(buckets) && buckets[len(buckets)-1] <= h.Count
		},
	}
}

// sample is a series of a family.
type sample struct {
	labels []string
	values []uint64
}

// samples returns the series of a family in t that of has, in the order of their labels.
func (f *family) samples(t, of *Totals) []sample {
	var all []sample
	f.series(t, of, func(values []uint64, labels ...string) { all = append(all, sample{labels, values}) })
	slices.SortFunc(all, func(a, b sample) int { return slices.Compare(a.labels, b.labels) })
	return all
}

// take takes over a series of a family, and reports whether it can be one.
func (f *family) take(t *Totals, s sample) bool {
	return len(s.labels) == f.labels && len(s.values) == f.values && f.set(t, s.labels, s.values)
}

// familyNamed returns the family that has a name, nil when there is none.
func familyNamed(name string) *family {
	i := slices.IndexFunc(families, func(f family) bool { return f.name == name })
	if i < 0 {
		return nil
	}
	return &families[i]
}
