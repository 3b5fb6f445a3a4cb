//go:build e2e

package e2e_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/deploy/e2e"
)

// Chats and a text that must come out nowhere.
const (
	person = "999000000101@c.us"
	friend = "999000000102@c.us"
	group  = "999000000103-1600000000@g.us"
	text   = "sentinel-text-that-nobody-may-see"
)

// fleet is a GREEN-API server with a few accounts whose numbers are known.
type fleet struct {
	server   *greenapitest.Server
	accounts []*account
	secrets  []string
}

type account struct {
	id, name string
	labels   model.LabelSet
	// token is what the exporter is told, right or wrong.
	token    string
	instance *greenapitest.Instance
	// numbers are expected values by selector, without id_instance.
	numbers map[string]float64
}

// targetLabels are those that /sd promises for the account.
func (a *account) targetLabels() model.LabelSet {
	return a.labels.Merge(model.LabelSet{"target": model.LabelValue(a.name)})
}

func startFleet(t *testing.T) *fleet {
	t.Helper()
	f := &fleet{
		server: greenapitest.NewServer(),
		secrets: []string{
			person, friend, group, "999000000101", "999000000102", text,
			greenapitest.SecretPhone, greenapitest.SecretWebhookToken,
		},
	}
	t.Cleanup(f.server.Close)
	f.server.EnforceRateLimit(true)
	f.addSupport(time.Now())
	f.addCampaigns(time.Now())
	f.addRevoked()
	return f
}

func (f *fleet) add(a *account, token string) {
	a.instance = f.server.AddInstance(a.id, token)
	f.accounts = append(f.accounts, a)
	f.secrets = append(f.secrets, token, a.token)
}

// addSupport adds an account with calls and messages of several kinds. Three
// calls share id, chat and time, as in GREEN-API's own example.
func (f *fleet) addSupport(now time.Time) {
	a := &account{id: "1101000001", name: "support", token: "sentinel-token-support", labels: model.LabelSet{"team": "support"}}
	f.add(a, a.token)
	past := now.Add(-time.Hour).Unix()
	a.instance.SetCalls(
		greenapitest.Call{IDMessage: "CALL1", Timestamp: past, ChatID: person, Status: "pickUp", Duration: 65},
		greenapitest.Call{IDMessage: "CALL1", Timestamp: past, ChatID: person, Status: "declined"},
		greenapitest.Call{IDMessage: "CALL1", Timestamp: past, ChatID: person, Status: "invalid"},
		greenapitest.Call{IDMessage: "CALL2", Timestamp: past, ChatID: friend, Status: "pickUp", Duration: 12, Video: true},
		greenapitest.Call{IDMessage: "CALL3", Timestamp: past, ChatID: group, Status: "pickUp", Duration: 700, Participants: []greenapitest.Participant{
			{ID: person, Status: "pickUp"}, {ID: friend, Status: "declined"},
		}},
	)
	a.instance.SetMessages(
		message("M1", past, person, "sent"), message("M2", past, person, "delivered"), message("M3", past, friend, "delivered"),
		message("M4", past, person, "read"), message("M5", past, friend, "noAccount"),
	)
	a.numbers = map[string]float64{
		`greenapi_up`: 1,
		`greenapi_scrape_collector_success{collector="calls"}`:                                               1,
		`greenapi_scrape_collector_success{collector="messages"}`:                                            1,
		`greenapi_window_records{journal="calls"}`:                                                           5,
		`greenapi_window_records{journal="messages"}`:                                                        5,
		`greenapi_window_truncated{journal="calls"}`:                                                         0,
		`greenapi_window_lookback_seconds`:                                                                   86400,
		`greenapi_window_calls{status="pickUp",media="voice",chat_type="private"}`:                           1,
		`greenapi_window_calls{status="declined",media="voice",chat_type="private"}`:                         1,
		`greenapi_window_calls{status="invalid",media="voice",chat_type="private"}`:                          1,
		`greenapi_window_calls{status="pickUp",media="video",chat_type="private"}`:                           1,
		`greenapi_window_calls{status="pickUp",media="voice",chat_type="group"}`:                             1,
		`greenapi_window_calls{status="hungUp",media="video",chat_type="group"}`:                             0,
		`greenapi_window_call_participants{status="declined",media="voice",chat_type="group"}`:               1,
		`greenapi_window_call_duration_seconds_sum{media="voice",chat_type="group"}`:                         700,
		`greenapi_window_call_duration_seconds_bucket{media="voice",chat_type="private",le=~"60(\\.0)?"}`:    0,
		`greenapi_window_call_duration_seconds_bucket{media="voice",chat_type="private",le=~"120(\\.0)?"}`:   1,
		`greenapi_window_call_answer_ratio{media="voice",chat_type="private"}`:                               0.5,
		`greenapi_window_messages{status="delivered",message_type="textMessage",chat_type="private"}`:        2,
		`greenapi_window_message_delivery_ratio{chat_type="private"}`:                                        0.75,
		`greenapi_window_message_failure_ratio{chat_type="private"}`:                                         0.2,
		`greenapi_window_newest_record_timestamp_seconds{journal="messages"} - ` + fmt.Sprint(past):          0,
		`greenapi_api_requests_total{method="lastOutgoingCalls"} > bool 1`:                                   1,
		`greenapi_api_request_failures_total{method="lastOutgoingCalls",reason="rate_limited"} or vector(0)`: 0,
	}
}

// addCampaigns adds an account that only writes to groups.
func (f *fleet) addCampaigns(now time.Time) {
	a := &account{
		id: "110100000002", name: "campaigns", token: "sentinel-token-campaigns",
		labels: model.LabelSet{"team": "marketing", "region": "eu"},
	}
	f.add(a, a.token)
	past := now.Add(-2 * time.Hour).Unix()
	image := message("M2", past, group, "read")
	image.TypeMessage = "imageMessage"
	a.instance.SetMessages(message("M1", past, group, "notInGroup"), image)
	a.numbers = map[string]float64{
		`greenapi_up`: 1,
		`greenapi_window_records{journal="calls"}`:                                                   0,
		`greenapi_window_messages{status="notInGroup",message_type="textMessage",chat_type="group"}`: 1,
		`greenapi_window_messages{status="read",message_type="imageMessage",chat_type="group"}`:      1,
		`greenapi_window_message_failure_ratio{chat_type="group"}`:                                   0.5,
	}
}

// addRevoked adds an account whose token is no longer the right one.
func (f *fleet) addRevoked() {
	a := &account{id: "1101000003", name: "revoked", token: "sentinel-token-old"}
	f.add(a, "sentinel-token-new")
	a.numbers = map[string]float64{
		`greenapi_up`: 0,
		`greenapi_scrape_collector_success{collector="calls"}`:                          0,
		`greenapi_scrape_collector_failure{collector="messages",reason="unauthorized"}`: 1,
	}
}

func message(id string, timestamp int64, chat, status string) greenapitest.Message {
	return greenapitest.Message{IDMessage: id, Timestamp: timestamp, ChatID: chat, Status: status, SendByAPI: true, Text: text}
}

// config writes the tokens to files and returns the exporter's configuration.
func (f *fleet) config(t *testing.T) string {
	t.Helper()
	var config strings.Builder
	config.WriteString("instances:\n")
	for _, a := range f.accounts {
		file := filepath.Join(t.TempDir(), "token")
		if err := os.WriteFile(file, []byte(a.token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&config, "  - id: %q\n    name: %s\n    api_url: %s\n    token_file: %s\n", a.id, a.name, f.server.URL, file)
		if len(a.labels) > 0 {
			config.WriteString("    labels:\n")
		}
		for name, value := range a.labels {
			fmt.Fprintf(&config, "      %s: %s\n", name, value)
		}
	}
	return config.String()
}

// checkNumbers queries back what each account's rows amount to.
func (f *fleet) checkNumbers(t *testing.T, prometheus *e2e.Prometheus, target model.LabelSet) {
	t.Helper()
	for _, a := range f.accounts {
		for selector, want := range a.numbers {
			query := withLabels(selector, target.Merge(model.LabelSet{"id_instance": model.LabelValue(a.id)}))
			vector := prometheus.Vector(t, query)
			if len(vector) != 1 {
				t.Errorf("%s gives %d series, want 1: %v", query, len(vector), vector)
			} else if got := float64(vector[0].Value); got != want {
				t.Errorf("%s is %v, want %v", query, got, want)
			}
		}
	}
}

// withLabels adds matchers to the series that a query begins with.
func withLabels(query string, labels model.LabelSet) string {
	matchers := strings.Trim(labels.String(), "{}")
	name, rest, ok := strings.Cut(query, "{")
	if ok {
		return name + "{" + matchers + "," + rest
	}
	name, rest, _ = strings.Cut(query, " ")
	return name + "{" + matchers + "} " + rest
}
