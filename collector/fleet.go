package collector

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"reflect"
	"sync"
	"sync/atomic"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/client/config"
	"github.com/prometheus/client_golang/prometheus"
	promconfig "github.com/prometheus/common/config"
)

// Options say how a fleet works.
type Options struct {
	Concurrency  int           // bodies read at a time
	Timeout      time.Duration // of one request to the API
	MinInterval  time.Duration // scrapes closer than this to the last attempt share its snapshot
	MaxBodyBytes int64         // of one answer, inflated
	UserAgent    string
	Logger       *slog.Logger
	// Dial connects to the API. By default, over the network.
	Dial promconfig.DialContextFunc
}

// Fleet is all instances of the configuration.
type Fleet struct {
	opts     Options
	gate     *client.Gate
	duration *prometheus.HistogramVec
	roster   atomic.Pointer[Roster]

	mu         sync.Mutex // one Apply at a time
	httpClient *http.Client
}

// Roster is the targets of one configuration, immutable.
type Roster struct {
	Targets []Target // in the order of the configuration
	config  *config.Config
	byName  map[string]*Instance
}

// Target is an instance as it can be scraped.
type Target struct {
	Instance *Instance
	Name     string
	Labels   map[string]string // for service discovery
}

// Lookup returns the instance of a target's name, nil when there is none.
func (r *Roster) Lookup(name string) *Instance { return r.byName[name] }

// Instances returns all instances.
func (r *Roster) Instances() []*Instance {
	all := make([]*Instance, len(r.Targets))
	for n, t := range r.Targets {
		all[n] = t.Instance
	}
	return all
}

// NewFleet returns a fleet without instances.
func NewFleet(opts Options) *Fleet {
	f := &Fleet{
		opts: opts,
		gate: client.NewGate(opts.Concurrency),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    prometheus.BuildFQName(namespace, "", "api_request_duration_seconds"),
			Help:    "Duration of requests to the API, from sending to the end of the body, over all instances.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"method"}),
	}
	f.roster.Store(&Roster{})
	return f
}

// Metrics returns the metrics of the fleet that belong to no instance.
func (f *Fleet) Metrics() prometheus.Collector { return f.duration }

// Roster returns the instances as they are configured now.
func (f *Fleet) Roster() *Roster { return f.roster.Load() }

// Close lets go of connections that are kept. Instances serve what they have from
// then on.
func (f *Fleet) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, i := range f.Roster().Instances() {
		i.close()
	}
	if f.httpClient != nil {
		f.httpClient.CloseIdleConnections()
	}
}

// Apply makes a configuration the present one. Instances that are in the old one
// too keep what they know; on an error everything stays as it was.
func (f *Fleet) Apply(cfg *config.Config) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.roster.Load()

	httpClient := f.httpClient
	if httpClient == nil || !reflect.DeepEqual(old.config.HTTPClient, cfg.HTTPClient) {
		var err error
		if httpClient, err = client.NewHTTPClient(cfg.HTTPClient, f.opts.Concurrency, f.opts.Dial); err != nil {
			return fmt.Errorf("apply the configuration: %w", err)
		}
	}
	known := make(map[string]*Instance, len(old.Targets))
	for _, t := range old.Targets {
		known[t.Instance.ID] = t.Instance
	}
	next := &Roster{config: cfg, byName: make(map[string]*Instance, len(cfg.Instances))}
	setups := make([]*setup, len(cfg.Instances))
	for n, spec := range cfg.Instances {
		i := known[spec.ID]
		if i == nil {
			i = f.newInstance(spec.ID)
		}
		delete(known, spec.ID)
		var err error
		if setups[n], err = f.setup(i, spec, httpClient); err != nil {
			return fmt.Errorf("apply the configuration: instance %s: %w", spec.ID, err)
		}
		next.Targets = append(next.Targets, Target{Instance: i, Name: spec.Name, Labels: spec.Labels})
		next.byName[spec.Name] = i
	}
	// Nothing can fail any more.
	for n, t := range next.Targets {
		t.Instance.setup.Store(setups[n])
	}
	if f.httpClient != nil && f.httpClient != httpClient {
		f.httpClient.CloseIdleConnections()
	}
	f.httpClient = httpClient
	f.roster.Store(next)
	for _, gone := range known {
		gone.close()
	}
	return nil
}

func (f *Fleet) newInstance(id string) *Instance {
	requests := newRequestCounts()
	return &Instance{
		ID: id, log: f.opts.Logger, requests: requests, counters: []finding{requests},
	}
}

// setup makes what the configuration says of an instance work. The client, which
// holds the rate limits, is kept while it asks the same host.
func (f *Fleet) setup(i *Instance, spec config.Instance, httpClient *http.Client) (*setup, error) {
	s := &setup{config: spec, name: spec.Name, window: spec.Window, minInterval: f.opts.MinInterval}
	if now := i.setup.Load(); now != nil && now.config.APIURL == spec.APIURL && f.httpClient == httpClient {
		s.client = now.client
	} else {
		var err error
		s.client, err = client.New(client.Options{
			APIURL: spec.APIURL, IDInstance: spec.ID, Token: i,
			HTTPClient: httpClient, Gate: f.gate, LastServed: i.lastServed,
			Timeout: f.opts.Timeout, MaxBodyBytes: f.opts.MaxBodyBytes, UserAgent: f.opts.UserAgent,
			Observe: func(x client.Exchange) {
				i.requests.add(x)
				f.duration.WithLabelValues(x.Method).Observe(x.Duration.Seconds())
			},
		})
		if err != nil {
			return nil, err //nolint:wrapcheck // Apply says which instance
		}
	}
	s.apiHost = s.client.APIHost()
	s.sources = sources(s.client, spec.Window, spec.Collectors)
	s.paces = make(map[string]*pace, len(s.sources))
	for _, source := range s.sources {
		s.paces[source.name()] = new(pace)
	}
	return s, nil
}

// Refresh refreshes instances at once and returns their snapshots, in the same
// order. It comes back when the context ends at the latest.
func Refresh(ctx context.Context, instances []*Instance) Collector {
	snapshots := make(Collector, len(instances))
	var all sync.WaitGroup
	for n, i := range instances {
		all.Go(func() { snapshots[n] = i.Refresh(ctx) })
	}
	all.Wait()
	return snapshots
}
