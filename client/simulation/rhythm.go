package simulation

import "time"

// A Rhythm is how an account's traffic spreads over the week, in the account's
// own time zone. Only the proportions count.
type Rhythm struct {
	Hours [24]float64 // from midnight
	Days  [7]float64  // from Sunday, as in time.Weekday
}

// share is the part of an average day's traffic that falls into this hour of
// this weekday. Over a week the shares sum up to 7.
func (r *Rhythm) share(day time.Weekday, hour int) float64 {
	var hours, days float64
	for _, w := range r.Hours {
		hours += w
	}
	for _, w := range r.Days {
		days += w
	}
	if hours == 0 || days == 0 {
		return 0
	}
	return r.Hours[hour] / hours * r.Days[day] / days * 7
}

// RhythmFlat is the same every hour of every day.
func RhythmFlat() Rhythm {
	var r Rhythm
	for h := range r.Hours {
		r.Hours[h] = 1
	}
	for d := range r.Days {
		r.Days[d] = 1
	}
	return r
}

// RhythmBusiness is office hours: two peaks, little at weekends, hardly
// anything at night.
func RhythmBusiness() Rhythm {
	return Rhythm{
		Hours: [24]float64{
			0.2, 0.1, 0.1, 0.1, 0.1, 0.2, 0.5, 2, 6, 10, 12, 11,
			8, 9, 11, 11, 10, 7, 4, 2, 1.2, 0.8, 0.5, 0.3,
		},
		Days: [7]float64{2.5, 10.5, 10, 10, 10, 9.5, 4},
	}
}

// RhythmShop follows customers: late mornings, longer evenings, busy weekends.
func RhythmShop() Rhythm {
	return Rhythm{
		Hours: [24]float64{
			1, 0.5, 0.3, 0.2, 0.2, 0.4, 1, 2, 4, 6, 8, 9,
			9, 8, 7, 7, 8, 9, 10, 11, 11, 9, 6, 3,
		},
		Days: [7]float64{9, 9, 9, 9, 10, 12, 12},
	}
}

// RhythmCampaign is bulk sending: most of a day's messages within a few
// hours, every day.
func RhythmCampaign() Rhythm {
	return Rhythm{
		Hours: [24]float64{
			0.2, 0.2, 0.2, 0.2, 0.2, 0.2, 0.5, 1, 3, 20, 30, 12,
			3, 3, 8, 8, 3, 3, 2, 1, 0.5, 0.2, 0.2, 0.2,
		},
		Days: [7]float64{1, 1, 1, 1, 1, 1, 1},
	}
}
