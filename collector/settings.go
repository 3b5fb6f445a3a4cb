package collector

import (
	"context"
	"log/slog"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
)

var (
	settingEnabled = newFamily(Gauge, "instance_setting_enabled",
		"1 if the setting is on, else 0. The journals depend on these settings: outgoingWebhook (message statuses), outgoingMessageWebhook (messages sent from the phone), outgoingCallWebhook (calls). Read once an hour and shared between scrapes.",
		"setting")

	settingFamilies = []*Family{settingEnabled}
)

// settingsShared is how long settings are shared between scrapes: they change
// rarely, and only by hand.
const settingsShared = time.Hour

// settingsSource asks for the settings of the instance.
type settingsSource struct {
	client *client.Client
}

func (settingsSource) name() string          { return settings }
func (settingsSource) optional() bool        { return true }
func (settingsSource) shared() time.Duration { return settingsShared }

func (s settingsSource) fetch(ctx context.Context, _ *slog.Logger) (finding, error) {
	found, err := s.client.Settings(ctx)
	if err != nil {
		return nil, err
	}
	return enabledSettings(found), nil
}

// enabledSettings are the settings of an instance.
type enabledSettings client.Settings

func (s enabledSettings) collect(e *emitter) {
	for name, enabled := range s {
		e.gauge(settingEnabled, boolValue(enabled), name)
	}
}
