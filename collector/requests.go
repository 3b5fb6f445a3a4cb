package collector

import (
	"maps"
	"sync"

	"github.com/greenapi-exporter/greenapi_exporter/client"
)

var (
	apiRequests = newFamily(Counter, "api_requests_total",
		"Requests sent to the API.",
		"method")
	apiFailures = newFamily(Counter, "api_request_failures_total",
		"Requests sent to the API that failed, by the reason.",
		"method", "reason")

	requestFamilies = []*Family{apiRequests, apiFailures}
)

// requestCounts counts what was asked for an instance since the exporter started.
type requestCounts struct {
	mu       sync.Mutex
	requests map[string]int // by method
	failures map[failureKey]int
}

type failureKey struct {
	method string
	reason client.Reason
}

func newRequestCounts() *requestCounts {
	return &requestCounts{requests: make(map[string]int), failures: make(map[failureKey]int)}
}

func (c *requestCounts) add(x client.Exchange) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests[x.Method]++
	if x.Err != nil {
		c.failures[failureKey{x.Method, x.Err.Reason}]++
	}
}

// collect sends the counts as they are now. They are not part of a snapshot: a
// counter that went back to an older snapshot would look like one that was reset.
func (c *requestCounts) collect(e emitter) {
	c.mu.Lock()
	requests, failures := maps.Clone(c.requests), maps.Clone(c.failures)
	c.mu.Unlock()
	for method, n := range requests {
		e.counter(apiRequests, float64(n), noTime, method)
	}
	for key, n := range failures {
		e.counter(apiFailures, float64(n), noTime, key.method, string(key.reason))
	}
}
