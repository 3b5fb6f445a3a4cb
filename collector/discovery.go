package collector

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/client/config"
	"github.com/prometheus/client_golang/prometheus"
)

var (
	expiration = newFamily(Gauge, "instance_expiration_timestamp_seconds",
		"Until when the instance is paid for, as the partner API says. Absent for instances that it does not list.")

	expirationFamilies = []*Family{expiration}
)

// expires tells until when an instance is paid for.
type expires time.Time

func (x expires) collect(e emitter) { e.timestamp(expiration, time.Time(x)) }

// discoveryRetry is how soon a failed discovery is tried again, where that is
// sooner than the next one.
const discoveryRetry = time.Minute

// discoveryMetrics tell how the discovery fares.
type discoveryMetrics struct {
	success, at, instances prometheus.Gauge
}

func newDiscoveryMetrics() discoveryMetrics {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Name: prometheus.BuildFQName(namespace, "discovery", name), Help: help})
	}
	return discoveryMetrics{
		success:   gauge("last_refresh_successful", "Whether the partner API listed the instances of the account when it was last asked. 1 without a partner in the configuration."),
		at:        gauge("last_refresh_success_timestamp_seconds", "When the partner API last listed the instances of the account; 0 before."),
		instances: gauge("instances", "Instances that come from the partner API."),
	}
}

func (m discoveryMetrics) collectors() []prometheus.Collector {
	return []prometheus.Collector{m.success, m.at, m.instances}
}

// Discover keeps the fleet in step with the partner's account that the
// configuration names, if it does, until the context ends. When the partner API
// fails, the instances that are known stay.
func (f *Fleet) Discover(ctx context.Context) {
	for ctx.Err() == nil {
		wait := time.Duration(forever)
		if partner := f.Roster().partner(); partner != nil {
			wait = f.discover(ctx, partner)
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

// discover asks once and returns when to ask again.
func (f *Fleet) discover(ctx context.Context, partner *config.Partner) time.Duration {
	list, err := f.list(ctx, partner)
	if err == nil {
		err = f.adopt(partner, list)
	}
	if ctx.Err() != nil {
		return 0
	}
	if err != nil {
		f.discovery.success.Set(0)
		f.opts.Logger.WarnContext(ctx, "discovery failed, the instances that are known stay", "err", err)
		return jitter(min(discoveryRetry, partner.RefreshInterval))
	}
	f.discovery.success.Set(1)
	f.discovery.at.SetToCurrentTime()
	return partner.RefreshInterval
}

// list asks the partner API for the instances that are wanted.
func (f *Fleet) list(ctx context.Context, partner *config.Partner) ([]spec, error) {
	f.mu.Lock()
	httpClient := f.httpClient
	f.mu.Unlock()
	api, err := client.NewPartner(client.Options{
		APIURL: partner.APIURL, Token: partner.Token, HTTPClient: httpClient, Gate: f.gate,
		Timeout: f.opts.Timeout, MaxBodyBytes: f.opts.MaxBodyBytes, UserAgent: f.opts.UserAgent,
		Observe: func(x client.Exchange) { f.duration.WithLabelValues(x.Method).Observe(x.Duration.Seconds()) },
	})
	if err != nil {
		return nil, fmt.Errorf("partner API: %w", err)
	}
	answer, err := api.Instances(ctx)
	if err != nil {
		return nil, fmt.Errorf("partner API: %w", err)
	}
	defer answer.Close()
	wanted := make(map[string]spec)
	stays := make(map[string]bool) // of the ids whose row makes no instance: whether the one that is known stays
	unusable, anonymous := 0, 0    // rows, and those among them that do not say whom they are about
	for row := range answer.Records() {
		switch {
		case config.CheckID(row.ID) != nil:
			unusable++
			anonymous++
		case row.Deleted || row.Expired || !partner.Selects(row.ID):
			stays[row.ID] = false
		case row.Unreadable || config.CheckToken(row.Token.Reveal()) != nil:
			unusable++
			stays[row.ID] = true
		default:
			wanted[row.ID] = partnerSpec(partner, row)
		}
	}
	if err := answer.Err(); err != nil {
		return nil, fmt.Errorf("partner API: %w", err)
	}
	if unusable > 0 {
		f.opts.Logger.WarnContext(ctx, "the partner API lists instances that cannot be read", "instances", unusable)
	}
	// Nobody leaves because of a row that cannot be used.
	for _, known := range f.Roster().discovered {
		stay, told := stays[known.ID]
		if _, listed := wanted[known.ID]; !listed && (stay || !told && anonymous > 0) {
			wanted[known.ID] = known
		}
	}
	return slices.SortedFunc(maps.Values(wanted), func(a, b spec) int { return cmp.Compare(a.ID, b.ID) }), nil
}

// partnerSpec is an instance of a partner's account. Its name is its id: the one
// that the API has is free text, and perhaps a phone number.
func partnerSpec(partner *config.Partner, row *client.PartnerInstance) spec {
	return spec{
		Instance: config.Instance{
			ID: row.ID, Name: row.ID, APIURL: partner.InstanceAPIURL(row.ID), Token: row.Token,
			Window: partner.Window, Collectors: partner.Collectors, Labels: partner.Labels,
		},
		expires: row.Expires,
	}
}

// adopt makes the instances of a list those of the fleet, unless the configuration
// has changed meanwhile.
func (f *Fleet) adopt(partner *config.Partner, list []spec) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.Roster().partner() != partner {
		return nil
	}
	if err := f.change(f.Roster().config, f.httpClient, list); err != nil {
		return fmt.Errorf("take over the partner's instances: %w", err)
	}
	return nil
}
