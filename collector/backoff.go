package collector

import (
	"math/rand/v2"
	"sync"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
)

// unsupportedRetry is how long an instance is believed to lack a method.
const unsupportedRetry = time.Hour

// Bounds of the back-off after failures that asking again makes worse, or does not
// mend: a token that was refused, a rate limit that other clients of the instance use
// up, an account that has expired or is gone.
const (
	minBackoff = 30 * time.Second
	maxBackoff = 10 * time.Minute
)

// An instance that hangs holds connections and a scrape's place until the deadline,
// each time. After some timeouts in a row it is left alone for a scrape or so. Scrapers
// with a short deadline must not cause that for those with a longer one: only what
// lasted for longTimeout, or all the time that a request has, counts.
const (
	patientTimeouts = 2
	longTimeout     = 20 * time.Second
	timeoutBackoff  = time.Minute
)

// backoff says when one collector of an instance asks the API again. Until then, the
// last result stands.
type backoff struct {
	mu       sync.Mutex
	last     Result
	next     time.Time // not before; zero for at once
	failures int       // in a row, of one reason
}

// held returns the last result, and whether it stands.
func (b *backoff) held(now time.Time) (Result, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last, now.Before(b.next)
}

// previous returns the last result, the zero one before the first.
func (b *backoff) previous() Result {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.last
}

// ended notes a result, how long a good one is shared, and how long a request may
// take (0 for no bound).
func (b *backoff) ended(r Result, shared, timeout time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	before := b.last
	b.last = r
	now := time.Now()
	switch {
	case r.Unsupported:
		b.failures, b.next = 0, now.Add(jitter(unsupportedRetry))
	case r.Err == nil:
		b.failures, b.next = 0, now.Add(shared)
	case r.Err.Reason == client.ReasonTimeout && r.Duration < longTimeout && (timeout <= 0 || r.Duration < timeout):
		b.next = time.Time{}
	default:
		if before.Err != nil && before.Err.Reason == r.Err.Reason {
			b.failures++
		} else {
			b.failures = 1
		}
		b.next = now.Add(max(jitter(delayAfter(r.Err.Reason, b.failures)), r.Err.RetryAfter))
	}
}

// reset lets the collector ask at once.
func (b *backoff) reset() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.failures, b.next = 0, time.Time{}
}

// delayAfter returns how long a collector is not asked after so many failures in a row.
func delayAfter(reason client.Reason, failures int) time.Duration {
	switch reason {
	case client.ReasonUnauthorized, client.ReasonForbidden, client.ReasonRateLimited, client.ReasonExpired, client.ReasonDeleted:
		return min(minBackoff<<min(failures-1, 10), maxBackoff)
	case client.ReasonTimeout:
		if failures <= patientTimeouts {
			return 0
		}
		return timeoutBackoff
	default:
		return 0
	}
}

// jitter returns between three quarters of a time and all of it, so that what
// failed together is not tried again together.
func jitter(d time.Duration) time.Duration {
	return d - time.Duration(rand.Int64N(int64(d)/4+1)) //nolint:gosec // no secret
}
