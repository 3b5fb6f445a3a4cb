package collector

import (
	"maps"
	"sync"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
)

var (
	apiRequests = newFamily(Counter, "api_requests_total",
		"Number of requests sent to the API.",
		"method")
	apiFailures = newFamily(Counter, "api_request_failures_total",
		"Number of requests sent to the API that failed, by reason.",
		"method", "reason")

	apiBytes = newFamily(Counter, "api_response_bytes_total",
		"Size of the API's responses in bytes, after decompression.",
		"method")
	apiSkew = newFamily(Gauge, "api_clock_skew_seconds",
		"Clock of the API minus clock of the exporter, from the Date header of the last response, which has whole seconds. Absent before the first response. A Date that differs by more than --greenapi.max-clock-skew is not used for counting.")

	requestFamilies = []*Family{apiRequests, apiFailures, apiBytes, apiSkew}
)

// requestCounts counts what was asked for an instance since the exporter started.
type requestCounts struct {
	mu       sync.Mutex
	requests map[string]int // by method
	failures map[failureKey]int
	bytes    map[string]int64 // by method
	skew     time.Duration
	dated    bool // whether skew is known
}

type failureKey struct {
	method string
	reason client.Reason
}

func newRequestCounts() *requestCounts {
	return &requestCounts{requests: make(map[string]int), failures: make(map[failureKey]int), bytes: make(map[string]int64)}
}

// add counts a request. It returns how far the API's clock is from ours now, and was
// before.
func (c *requestCounts) add(x client.Exchange) (skew, before time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests[x.Method]++
	c.bytes[x.Method] += x.Bytes
	if x.Err != nil {
		c.failures[failureKey{x.Method, x.Err.Reason}]++
	}
	before = c.skew
	if !x.Date.IsZero() {
		c.skew, c.dated = x.Date.Sub(x.Sent.Add(x.FirstByte)), true
	}
	return c.skew, before
}

// collect sends the counts as they are now. They are not part of a snapshot: a
// counter that went back to an older snapshot would look like one that was reset.
func (c *requestCounts) collect(e *emitter) {
	c.mu.Lock()
	requests, failures, bytes := maps.Clone(c.requests), maps.Clone(c.failures), maps.Clone(c.bytes)
	skew, dated := c.skew, c.dated
	c.mu.Unlock()
	for method, n := range requests {
		e.counter(apiRequests, float64(n), noTime, method)
	}
	for key, n := range failures {
		e.counter(apiFailures, float64(n), noTime, key.method, string(key.reason))
	}
	for method, n := range bytes {
		e.counter(apiBytes, float64(n), noTime, method)
	}
	if dated {
		e.gauge(apiSkew, skew.Seconds())
	}
}
