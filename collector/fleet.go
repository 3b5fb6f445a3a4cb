package collector

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
	"github.com/prometheus/client_golang/prometheus"
	promconfig "github.com/prometheus/common/config"
)

// Defaults of the flags --greenapi.concurrency and --partner.max-instances.
const (
	defaultConcurrency = 64
	defaultMaxPartner  = 10_000
)

// Options say how a fleet works. All fields may be left out.
type Options struct {
	Concurrency  int           // bodies read at a time; by default, 64
	Timeout      time.Duration // of one request to the API; by default, only the context ends it
	MinInterval  time.Duration // scrapes closer than this to the last attempt share its snapshot; by default, none do
	MaxBodyBytes int64         // of one answer, inflated; by default, 256 MiB
	// MaxClockSkew is how far the Date of an answer may be from the clock here to be
	// used for counting. By default, every Date is.
	MaxClockSkew time.Duration
	// MaxPartner is how many instances are taken from the list of a partner's account.
	// By default, 10,000.
	MaxPartner int
	UserAgent  string       // by default, "greenapi_exporter"
	Logger     *slog.Logger // by default, nothing is logged
	// Ledgers is the folder of the ledgers' state files. By default, they live in
	// memory.
	Ledgers *ledger.Dir
	// Ledger is how the ledgers remember.
	Ledger ledger.Options
	// Dial connects to the API. By default, over the network.
	Dial promconfig.DialContextFunc
}

// Fleet is all instances of the configuration, and those that a partner's account
// has.
type Fleet struct {
	opts      Options
	gate      *client.Gate
	duration  *prometheus.HistogramVec
	discovery discoveryMetrics
	history   history
	applied   chan struct{} // gets something when a configuration was applied
	listed    chan struct{} // closed once the partner API has listed instances

	roster atomic.Pointer[Roster]

	mu         sync.Mutex // one change of the roster at a time
	httpClient *http.Client
}

// Roster is the targets of one moment, immutable.
type Roster struct {
	Targets []Target // in the order of the configuration, then those of the partner's account

	config     *config.Config
	discovered []spec
	listed     bool     // the partner API has listed them since this configuration was applied
	hidden     []string // ids of those discovered whose name another instance has
	byName     map[string]*Instance
}

// Target is an instance as it can be scraped.
type Target struct {
	Instance *Instance
	Name     string
	Labels   map[string]string // for service discovery
}

// spec is what is known of an instance before it is asked.
type spec struct {
	config.Instance
	expires time.Time // zero when it is not known
	expired bool      // as the partner API says
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

func (r *Roster) partner() *config.Partner {
	if r.config == nil {
		return nil
	}
	return r.config.Partner
}

// NewFleet returns a fleet without instances.
func NewFleet(opts Options) *Fleet {
	opts.Concurrency = cmp.Or(opts.Concurrency, defaultConcurrency)
	opts.MaxPartner = cmp.Or(opts.MaxPartner, defaultMaxPartner)
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	f := &Fleet{
		opts: opts,
		gate: client.NewGate(opts.Concurrency),
		duration: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    prometheus.BuildFQName(namespace, "", "api_request_duration_seconds"),
			Help:    "Duration of requests to the API, from sending the request to the end of the response body, over all instances.",
			Buckets: []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60},
		}, []string{"method"}),
		discovery: newDiscoveryMetrics(),
		applied:   make(chan struct{}, 1),
		listed:    make(chan struct{}),
	}
	f.discovery.success.Set(1)
	f.roster.Store(&Roster{})
	return f
}

// Metrics returns the metrics of the fleet that belong to no instance.
func (f *Fleet) Metrics() []prometheus.Collector {
	return append(f.discovery.collectors(), f.duration)
}

// Roster returns the instances as they are now.
func (f *Fleet) Roster() *Roster { return f.roster.Load() }

// Apply makes a configuration the present one. Instances that are in the old one
// too keep what they know; on an error everything stays as it was.
func (f *Fleet) Apply(cfg *config.Config) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	old := f.Roster()
	httpClient := f.httpClient
	if httpClient == nil || !reflect.DeepEqual(old.config.HTTPClient, cfg.HTTPClient) {
		var err error
		if httpClient, err = client.NewHTTPClient(cfg.HTTPClient, f.opts.Concurrency, f.opts.Dial); err != nil {
			return fmt.Errorf("apply the configuration: %w", err)
		}
	}
	var discovered []spec
	if cfg.Partner != nil {
		// They stay until the partner API was asked again, as they are wanted now.
		for _, known := range old.discovered {
			if cfg.Partner.Selects(known.ID) {
				kept := partnerSpec(cfg.Partner, known.ID, known.Token)
				kept.expires, kept.expired = known.expires, known.expired
				discovered = append(discovered, kept)
			}
		}
	}
	if err := f.change(cfg, httpClient, discovered, false); err != nil {
		return fmt.Errorf("apply the configuration: %w", err)
	}
	select {
	case f.applied <- struct{}{}:
	default:
	}
	return nil
}

// change replaces the roster; the mutex is held. Listed tells whether the instances
// discovered are all that the configuration asks for. On an error everything stays as
// it was.
func (f *Fleet) change(cfg *config.Config, httpClient *http.Client, discovered []spec, listed bool) error {
	old := f.Roster()
	next, setups, err := f.prepare(cfg, httpClient, discovered)
	if err != nil {
		return err
	}
	next.listed = listed
	// Nothing can fail any more.
	for n, t := range next.Targets {
		t.Instance.setup.Store(setups[n])
	}
	if f.httpClient != nil && f.httpClient != httpClient {
		f.httpClient.CloseIdleConnections()
	}
	f.httpClient = httpClient
	if partner := next.partner(); partner != nil {
		logTokenFile(partner.Token, f.opts.Logger.With("partner", true))
	}
	f.roster.Store(next)
	f.gate.SetHosts(hosts(next, setups))
	f.discovery.instances.Set(float64(len(discovered)))
	for _, id := range next.hidden {
		if !slices.Contains(old.hidden, id) {
			f.opts.Logger.Warn("an instance of the partner's account is left out, because its id is the name of another one in the configuration", "id_instance", id)
		}
	}
	stays := make(map[*Instance]bool, len(next.Targets))
	for _, t := range next.Targets {
		stays[t.Instance] = true
	}
	f.closeAll(slices.DeleteFunc(old.Instances(), func(i *Instance) bool { return stays[i] }))
	return nil
}

// hosts counts the hosts that are asked for a roster.
func hosts(roster *Roster, setups []*setup) int {
	distinct := make(map[string]bool)
	for _, s := range setups {
		distinct[s.apiHost] = true
	}
	if partner := roster.partner(); partner != nil {
		if at, err := url.Parse(partner.APIURL); err == nil {
			distinct[at.Host] = true
		}
	}
	return len(distinct)
}

// prepare makes a roster, and what it says of each instance, without a change to
// the instances that are there.
func (f *Fleet) prepare(cfg *config.Config, httpClient *http.Client, discovered []spec) (*Roster, []*setup, error) {
	known := make(map[string]*Instance)
	for _, i := range f.Roster().Instances() {
		known[i.ID] = i
	}
	all, hidden := merged(cfg.Instances, discovered)
	next := &Roster{config: cfg, discovered: discovered, hidden: hidden, byName: make(map[string]*Instance)}
	var setups []*setup
	var created []*Instance
	for _, spec := range all {
		i := known[spec.ID]
		var err error
		if i == nil {
			if i, err = f.newInstance(spec.ID); err == nil {
				created = append(created, i)
			}
		}
		var s *setup
		if err == nil {
			s, err = f.setup(i, spec, httpClient)
		}
		if err != nil {
			f.closeAll(created)
			return nil, nil, fmt.Errorf("instance %s: %w", spec.ID, err)
		}
		setups = append(setups, s)
		next.Targets = append(next.Targets, Target{Instance: i, Name: spec.Name, Labels: spec.Labels})
		next.byName[spec.Name] = i
	}
	return next, setups, nil
}

// merged returns the instances of the configuration and those discovered. What the
// configuration says goes before: of an id, and of a name, which hides another
// instance that has it for its id.
func merged(configured []config.Instance, discovered []spec) (all []spec, hidden []string) {
	ids, names := make(map[string]bool), make(map[string]bool)
	for _, c := range configured {
		all = append(all, spec{Instance: c})
		ids[c.ID], names[c.Name] = true, true
	}
	listed := make(map[string]spec, len(discovered))
	for _, d := range discovered {
		listed[d.ID] = d
		switch {
		case ids[d.ID]:
		case names[d.ID]:
			hidden = append(hidden, d.ID)
		default:
			all = append(all, d)
		}
	}
	for n := range configured {
		all[n].expires, all[n].expired = listed[all[n].ID].expires, listed[all[n].ID].expired
	}
	return all, hidden
}

// closeAtOnce is how many instances are closed at a time. What closing one waits for
// is the disk, which syncs many files in about the time that it takes for one.
const closeAtOnce = 64

// closeAll closes instances. That one could not be saved is logged, and no reason
// to leave others open.
func (f *Fleet) closeAll(instances []*Instance) {
	for _, i := range instances {
		i.end()
	}
	atOnce(closeAtOnce, instances, func(i *Instance) {
		if err := i.close(); err != nil {
			f.opts.Logger.Error("ledger not saved", "id_instance", i.ID, "err", err)
		}
	})
}

// atOnce calls do for all items, for at most n of them at a time.
func atOnce[T any](n int, items []T, do func(T)) {
	next := make(chan T)
	var all sync.WaitGroup
	for range min(n, len(items)) {
		all.Go(func() {
			for item := range next {
				do(item)
			}
		})
	}
	for _, item := range items {
		next <- item
	}
	close(next)
	all.Wait()
}

// allAtOnce calls do for 0 to before n, for all at a time. The last one needs no
// goroutine of its own: a scrape of one account starts fewer.
func allAtOnce(n int, do func(int)) {
	var others sync.WaitGroup
	for i := range n - 1 {
		others.Go(func() { do(i) })
	}
	if n > 0 {
		do(n - 1)
	}
	others.Wait()
}

// Close saves what was counted and lets go of connections that are kept. Instances
// serve what they have from then on.
func (f *Fleet) Close() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.closeAll(f.Roster().Instances())
	if f.httpClient != nil {
		f.httpClient.CloseIdleConnections()
	}
}

// Refresh refreshes instances at once and returns their snapshots, in the same
// order. It comes back when the context ends at the latest. Those served longest ago
// begin first, so that they are at the gate before it is full.
func Refresh(ctx context.Context, instances []*Instance) Collector {
	order := make([]int, len(instances))
	for n := range order {
		order[n] = n
	}
	slices.SortStableFunc(order, func(a, b int) int {
		return instances[a].lastServed().Compare(instances[b].lastServed())
	})
	snapshots := make(Collector, len(instances))
	allAtOnce(len(order), func(n int) { snapshots[order[n]] = instances[order[n]].Refresh(ctx) })
	return snapshots
}
