package collector

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"net/http"
	"slices"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
	"github.com/prometheus/client_golang/prometheus"
)

var (
	expiration = newFamily(Gauge, "instance_expiration_timestamp_seconds",
		"End of the instance's plan, from the partner API. Absent for instances that the partner API does not list.")

	expirationFamilies = []*Family{expiration}
)

// expires tells until when an instance is paid for.
type expires time.Time

func (x expires) collect(e *emitter) { e.timestamp(expiration, time.Time(x)) }

// discoveryRetry is how soon after a failed discovery the next one is thought of.
const discoveryRetry = time.Minute

// discoveryMetrics tell how the discovery fares.
type discoveryMetrics struct {
	success, at, instances, leftOut, unreadable prometheus.Gauge
}

func newDiscoveryMetrics() discoveryMetrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: prometheus.BuildFQName(namespace, "discovery", name), Help: help})
	}
	return discoveryMetrics{
		success:   gauge("last_refresh_successful", "1 if the last request for the partner API's list of instances succeeded, else 0. Also 1 without a partner in the configuration."),
		at:        gauge("last_refresh_success_timestamp_seconds", "Time when the partner API last returned its list of instances; 0 before the first time."),
		instances: gauge("instances", "Number of instances that come from the partner API."),
		leftOut:   gauge("left_out_instances", "Number of instances that the partner API lists beyond --partner.max-instances. They are not scraped."),
		unreadable: gauge("unreadable_records",
			"Number of records in the last list of the partner API that could not be read, or whose expiration date has an unknown format. If it is above 0, the API has changed: look for a newer exporter."),
	}
}

func (m discoveryMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.success, m.at, m.instances, m.leftOut, m.unreadable}
}

// discovery is what a fleet knows of the partner API from one request to the next.
type discovery struct {
	fleet      *Fleet
	partner    *config.Partner // whom the configuration names now
	token      client.Token    // of the last request
	api        *client.Partner // holds the rate limit; kept while it asks the same URL in the same way
	apiURL     string
	httpClient *http.Client
	backoff    backoff

	unusable, undated, leftOut int // of the last list, so that it is said once
}

// Token implements client.TokenSource with the token of the present configuration.
func (d *discovery) Token() (client.Token, error) {
	return d.partner.Token.Token()
}

// Discover keeps the fleet in step with the partner's account that the
// configuration names, if it does, until the context ends. When the partner API
// fails, the instances that are known stay.
func (f *Fleet) Discover(ctx context.Context) {
	d := &discovery{fleet: f}
	for ctx.Err() == nil {
		select {
		case <-f.applied: // which is what is asked for now
		default:
		}
		wait := time.Duration(forever)
		if d.partner = f.Roster().partner(); d.partner != nil {
			wait = d.refresh(ctx)
		} else {
			f.discovery.success.Set(1)
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-f.applied:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// forever is until something else happens.
const forever = math.MaxInt64

// refresh asks once, unless it is too soon after a failure, and returns when to
// think of it again.
func (d *discovery) refresh(ctx context.Context) time.Duration {
	f := d.fleet
	err := d.connect()
	if _, tooSoon := d.backoff.held(time.Now()); tooSoon {
		return jitter(discoveryRetry)
	}
	var list []spec
	if err == nil {
		list, err = d.list(ctx)
	}
	if err == nil {
		err = f.adopt(d.partner, list)
	}
	if ctx.Err() != nil {
		return 0
	}
	if err != nil {
		d.backoff.ended(Result{Err: asFailure(client.MethodPartnerInstances, err)}, 0, f.opts.Timeout)
		f.discovery.success.Set(0)
		f.opts.Logger.WarnContext(ctx, "discovery failed, the instances that are known stay", "err", err)
		return jitter(discoveryRetry)
	}
	d.backoff.ended(Result{}, 0, f.opts.Timeout)
	f.discovery.success.Set(1)
	f.discovery.at.SetToCurrentTime()
	select {
	case <-f.listed:
	default:
		close(f.listed)
	}
	return d.partner.RefreshInterval
}

// DiscoverOnce asks the partner API that the configuration names for its instances,
// and takes them over.
func (f *Fleet) DiscoverOnce(ctx context.Context) error {
	d := &discovery{fleet: f, partner: f.Roster().partner()}
	if d.partner == nil {
		return nil
	}
	if err := d.connect(); err != nil {
		return err
	}
	list, err := d.list(ctx)
	if err != nil {
		return err
	}
	return f.adopt(d.partner, list)
}

// connect makes the client anew when the configuration has changed where it asks or
// how, and forgets about failures when another token, or that, may mend them.
func (d *discovery) connect() error {
	f := d.fleet
	if token, err := d.Token(); err == nil && token.Reveal() != d.token.Reveal() {
		d.token = token
		d.backoff.reset()
	}
	f.mu.Lock()
	httpClient := f.httpClient
	f.mu.Unlock()
	if d.api != nil && d.apiURL == d.partner.APIURL && d.httpClient == httpClient {
		return nil
	}
	d.backoff.reset()
	api, err := client.NewPartner(client.Options{
		APIURL: d.partner.APIURL, Token: d, HTTPClient: httpClient, Gate: f.gate,
		Timeout: f.opts.Timeout, MaxBodyBytes: f.opts.MaxBodyBytes, UserAgent: f.opts.UserAgent,
		Observe: func(x client.Exchange) { f.duration.WithLabelValues(x.Method).Observe(x.Duration.Seconds()) },
	})
	if err != nil {
		return fmt.Errorf("partner API: %w", err)
	}
	d.api, d.apiURL, d.httpClient = api, d.partner.APIURL, httpClient
	return nil
}

// list asks the partner API for the instances that are wanted.
func (d *discovery) list(ctx context.Context) ([]spec, error) {
	answer, err := d.api.Instances(ctx)
	if err != nil {
		return nil, fmt.Errorf("partner API: %w", err)
	}
	defer answer.Close()
	found := newListed(d)
	for row := range answer.Records() {
		found.add(row)
	}
	if err := answer.Err(); err != nil {
		return nil, fmt.Errorf("partner API: %w", err)
	}
	return found.instances(ctx), nil
}

// listed is what a list of the partner API says.
type listed struct {
	discovery *discovery
	known     map[string]spec // of the last list
	wanted    map[string]spec
	stays     map[string]bool // of the ids whose row makes no instance: whether the one that is known stays

	unusable, anonymous int // rows that make no instance, and those among them that do not say whom they are about
	undated             int // rows whose expiration date is in no known form
}

func newListed(d *discovery) *listed {
	l := &listed{discovery: d, known: make(map[string]spec), wanted: make(map[string]spec), stays: make(map[string]bool)}
	for _, s := range d.fleet.Roster().discovered {
		l.known[s.ID] = s
	}
	return l
}

// add notes a row.
func (l *listed) add(row *client.PartnerInstance) {
	partner := l.discovery.partner
	if row.UnreadableDate {
		l.undated++
	}
	known, isKnown := l.known[row.ID]
	switch {
	case config.CheckID(row.ID) != nil:
		l.unusable++
		l.anonymous++
	case row.Deleted || !partner.Selects(row.ID):
		l.stays[row.ID] = false
	case !row.Unreadable && config.CheckToken(row.Token.Reveal()) == nil:
		l.want(partnerSpec(partner, row.ID, row.Token), row)
	case !row.Unreadable && row.Expired && row.Token.IsZero() && isKnown:
		l.want(known, row) // its token may be gone with the plan
	default:
		l.unusable++
		l.stays[row.ID] = true
	}
}

func (l *listed) want(s spec, row *client.PartnerInstance) {
	s.expires, s.expired = row.Expires, row.Expired
	l.wanted[row.ID] = s
}

// instances returns those that are wanted, by their ids: of more than
// --partner.max-instances, those that are known already, then the first ones.
func (l *listed) instances(ctx context.Context) []spec {
	// Nobody leaves because of a row that cannot be used.
	for id, known := range l.known {
		stays, told := l.stays[id]
		if _, listed := l.wanted[id]; !listed && (stays || !told && l.anonymous > 0) {
			l.wanted[id] = known
		}
	}
	most := l.discovery.fleet.opts.MaxPartner
	all := slices.SortedFunc(maps.Values(l.wanted), func(a, b spec) int { return cmp.Compare(a.ID, b.ID) })
	left := max(0, len(all)-most)
	if left > 0 {
		slices.SortStableFunc(all, func(a, b spec) int {
			_, aKnown := l.known[a.ID]
			_, bKnown := l.known[b.ID]
			return cmp.Compare(boolValue(bKnown), boolValue(aKnown))
		})
		all = all[:most]
		slices.SortFunc(all, func(a, b spec) int { return cmp.Compare(a.ID, b.ID) })
	}
	l.tell(ctx, left)
	return all
}

// tell shows what is wrong with the list, and logs what is news.
func (l *listed) tell(ctx context.Context, left int) {
	d, log := l.discovery, l.discovery.fleet.opts.Logger
	d.fleet.discovery.unreadable.Set(float64(l.unusable + l.undated))
	d.fleet.discovery.leftOut.Set(float64(left))
	if l.unusable > 0 && l.unusable != d.unusable {
		log.WarnContext(ctx, "the partner API lists instances that cannot be read", "instances", l.unusable)
	}
	if l.undated > 0 && l.undated != d.undated {
		log.WarnContext(ctx, "the partner API lists instances whose expiration date is in no known form: nothing will tell that they are about to expire", "instances", l.undated)
	}
	if left > 0 && left != d.leftOut {
		log.WarnContext(ctx, "the partner API lists more instances than are taken: raise --partner.max-instances, or select with include and exclude",
			"left_out", left, "taken", d.fleet.opts.MaxPartner)
	}
	d.unusable, d.undated, d.leftOut = l.unusable, l.undated, left
}

// partnerSpec is an instance of a partner's account. Its name is its id: the one
// that the API has is free text, and perhaps a phone number.
func partnerSpec(partner *config.Partner, id string, token client.TokenSource) spec {
	return spec{Instance: config.Instance{
		ID: id, Name: id, APIURL: partner.InstanceAPIURL(id), Token: token,
		Window: partner.Window, WholeReadInterval: partner.WholeReadInterval, NumberPrefixes: partner.NumberPrefixes,
		Collectors: partner.Collectors, Labels: partner.Labels,
	}}
}

// adopt makes the instances of a list those of the fleet, unless the configuration
// has changed meanwhile.
func (f *Fleet) adopt(partner *config.Partner, list []spec) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Roster().partner() != partner {
		return nil
	}
	if err := f.change(f.Roster().config, f.httpClient, list, true); err != nil {
		return fmt.Errorf("take over the partner's instances: %w", err)
	}
	return nil
}
