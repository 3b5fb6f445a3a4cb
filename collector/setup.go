package collector

import (
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

// setup is what the configuration says of an instance, at work. A reload makes a
// new one; a refresh keeps the one it began with.
type setup struct {
	spec        spec
	apiHost     string
	minInterval time.Duration
	timeout     time.Duration // of one request; 0 for none
	maxSkew     time.Duration // of the API's clock, for counting; 0 for none
	client      *client.Client
	sources     []source
	backoffs    map[string]*backoff // by the sources' names, and suspension
	counters    []finding           // what outlives snapshots
}

func (f *Fleet) newInstance(id string) (*Instance, error) {
	i := &Instance{ID: id, log: f.opts.Logger, requests: newRequestCounts(), history: &f.history}
	if f.opts.Ledgers == nil {
		i.ledger = ledger.New(f.opts.Ledger)
		return i, nil
	}
	var err error
	if i.ledger, err = f.opts.Ledgers.Open(id, f.opts.Ledger); err != nil {
		return nil, fmt.Errorf("open the ledger: %w", err)
	}
	return i, nil
}

// setup makes what is known of an instance work. The client, which holds the rate
// limits, is kept while it asks the same host, and what its collectors know of when
// to ask again while nothing but the token has changed.
func (f *Fleet) setup(i *Instance, spec spec, httpClient *http.Client) (*setup, error) {
	s := &setup{spec: spec, minInterval: f.opts.MinInterval, timeout: f.opts.Timeout, maxSkew: f.opts.MaxClockSkew}
	old := i.setup.Load()
	if old != nil && old.spec.APIURL == spec.APIURL && f.httpClient == httpClient {
		s.client = old.client
	} else {
		var err error
		if s.client, err = f.newClient(i, spec, httpClient); err != nil {
			return nil, err
		}
	}
	s.apiHost = s.client.APIHost()
	unchanged := old != nil && old.client == s.client && old.spec.Window == spec.Window &&
		slices.Equal(old.spec.Collectors, spec.Collectors) && old.spec.expired == spec.expired
	if unchanged {
		s.backoffs = old.backoffs
	} else {
		s.backoffs = newBackoffs(old, spec)
	}
	s.addSources(i)
	logTokenFile(spec.Token, f.opts.Logger.With("id_instance", spec.ID))
	if f.opts.Ledgers != nil {
		s.counters = append(s.counters, savedLedger{i.ledger})
	}
	return s, nil
}

// newBackoffs lets every collector ask at once. What has worked before at the same
// place is remembered: a method that is missing there later is a failure.
func newBackoffs(old *setup, spec spec) map[string]*backoff {
	backoffs := make(map[string]*backoff)
	for _, name := range append([]string{suspension}, spec.Collectors...) {
		backoffs[name] = new(backoff)
		if old != nil && old.spec.APIURL == spec.APIURL && old.backoffs[name] != nil {
			backoffs[name].last.LastSuccess = old.backoffs[name].previous().LastSuccess
		}
	}
	return backoffs
}

// addSources adds what is turned on.
func (s *setup) addSources(i *Instance) {
	s.counters = []finding{i.requests, expires(s.spec.expires)}
	kinds := kinds()
	for _, name := range s.spec.Collectors {
		kind := kinds[name]
		s.sources = append(s.sources, kind.source(s, i.ledger))
		if kind.counters != nil {
			s.counters = append(s.counters, kind.counters(s, i.ledger))
		}
	}
}

func (f *Fleet) newClient(i *Instance, spec spec, httpClient *http.Client) (*client.Client, error) {
	c, err := client.New(client.Options{
		APIURL: spec.APIURL, IDInstance: spec.ID, Token: i,
		HTTPClient: httpClient, Gate: f.gate, LastServed: i.lastServed, Turn: i.turn,
		Timeout: f.opts.Timeout, MaxClockSkew: f.opts.MaxClockSkew, MaxBodyBytes: f.opts.MaxBodyBytes, UserAgent: f.opts.UserAgent,
		Observe: func(x client.Exchange) {
			i.observed(x)
			f.duration.WithLabelValues(x.Method).Observe(x.Duration.Seconds())
		},
	})
	if err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	return c, nil
}

// logTokenFile logs when a token file cannot be used any more, and when it can be again.
// Other sources of tokens have nothing to say.
func logTokenFile(token client.TokenSource, log *slog.Logger) {
	file, ok := token.(*config.TokenFile)
	if !ok {
		return
	}
	file.Notify(func(err error) {
		if err != nil {
			log.Warn("token file not usable, the last token stays in use", "err", err)
		} else {
			log.Info("token file usable again")
		}
	})
}
