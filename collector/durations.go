package collector

// durationBuckets are the upper bounds of the duration histograms, in seconds. A
// short call (carriers often say 6 s) and a minute are among them, so that rules
// can count these exactly.
var durationBuckets = [...]int64{3, 6, 10, 30, 60, 120, 300, 600, 1800, 3600}

// durations is a histogram of the durations of answered calls.
type durations struct {
	count   uint64
	sum     int64                        // seconds
	buckets [len(durationBuckets)]uint64 // each its own, not cumulative; what is above the last is in count only
}

func (d *durations) observe(seconds int64) {
	d.count++
	d.sum += seconds
	for i, bound := range durationBuckets {
		if seconds <= bound {
			d.buckets[i]++
			return
		}
	}
}

// cumulative returns the buckets as client_golang wants them.
func (d *durations) cumulative() map[float64]uint64 {
	cumulative := make(map[float64]uint64, len(durationBuckets))
	var n uint64
	for i, bound := range durationBuckets {
		n += d.buckets[i]
		cumulative[float64(bound)] = n
	}
	return cumulative
}
