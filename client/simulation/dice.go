package simulation

import "math"

// dice are a stream of random numbers (splitmix64) that begins at a hash:
// equal hashes, equal throws. Every event of the simulation has dice of its
// own, so it can be computed without computing those before it.
type dice struct {
	state uint64
}

// newDice returns dice for a thing named by parts.
func newDice(parts ...uint64) dice {
	return dice{state: hash(parts...)}
}

// hash mixes parts, in their order, into one number.
func hash(parts ...uint64) uint64 {
	h := uint64(0x9e3779b97f4a7c15)
	for _, p := range parts {
		h = mix(h ^ mix(p+0x9e3779b97f4a7c15))
	}
	return h
}

// hashString mixes a text into a number (FNV-1a, then mixed).
func hashString(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return mix(h)
}

func mix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

func (d *dice) next() uint64 {
	d.state += 0x9e3779b97f4a7c15
	return mix(d.state)
}

// float returns a number in [0, 1).
func (d *dice) float() float64 {
	return float64(d.next()>>11) / (1 << 53)
}

// chance is true with probability p.
func (d *dice) chance(p float64) bool { return d.float() < p }

// below returns a number in [0, n).
func (d *dice) below(n int) int { return int(d.float() * float64(n)) }

// exponential returns a delay with that mean.
func (d *dice) exponential(mean float64) float64 {
	return -mean * math.Log(1-d.float())
}

// normal returns a number of mean 0 and deviation 1 (Box and Muller).
func (d *dice) normal() float64 {
	return math.Sqrt(-2*math.Log(1-d.float())) * math.Cos(2*math.Pi*d.float())
}

// logNormal returns a delay with that median; sigma is its spread.
func (d *dice) logNormal(median, sigma float64) float64 {
	return median * math.Exp(sigma*d.normal())
}

// poisson returns how many events happen where mean are expected.
func (d *dice) poisson(mean float64) int {
	switch {
	case mean <= 0:
		return 0
	case mean > 60:
		return max(0, int(math.Round(mean+math.Sqrt(mean)*d.normal())))
	}
	n, end := 0, math.Exp(-mean)
	for p := d.float(); p > end; p *= d.float() {
		n++
	}
	return n
}
