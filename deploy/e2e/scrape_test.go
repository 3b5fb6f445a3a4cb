//go:build e2e

package e2e_test

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	promv1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/greenapi-exporter/greenapi_exporter/deploy/e2e"
)

// scrapesCompared is how many scrapes of each target must be stored before they
// are compared: the first, one from a shared snapshot and one from a new one.
const scrapesCompared = 4

// prometheusConfig scrapes /metrics in each format that Prometheus asks for, and
// /probe as /sd tells it to; each job through a recorder of its own.
const prometheusConfig = `
global:
  scrape_interval: 3s
  scrape_timeout: 3s
scrape_configs:
  - job_name: text
    scrape_protocols: [PrometheusText0.0.4]
    static_configs: [{targets: [%q]}]
  - job_name: openmetrics
    scrape_protocols: [OpenMetricsText1.0.0]
    static_configs: [{targets: [%q]}]
  - job_name: protobuf
    scrape_protocols: [PrometheusProto]
    static_configs: [{targets: [%q]}]
  - job_name: probe
    http_sd_configs: [{url: "http://%s/sd", refresh_interval: 5s}]
`

// world is everything that one test runs.
type world struct {
	fleet      *fleet
	exporter   *e2e.Exporter
	recorders  map[string]*e2e.Recorder // by job
	prometheus *e2e.Prometheus
}

func startWorld(t *testing.T) *world {
	t.Helper()
	w := &world{fleet: startFleet(t), recorders: map[string]*e2e.Recorder{}}
	w.exporter = e2e.StartExporter(t, e2e.ExporterOptions{
		Config: w.fleet.config(t),
		// Longer than GREEN-API's second between two requests of a method, shorter than the scrape interval.
		Args: []string{"--greenapi.min-interval=1500ms", "--log.level=debug"},
	})
	for _, job := range []string{"text", "openmetrics", "protobuf", "probe"} {
		w.recorders[job] = e2e.StartRecorder(t, w.exporter.URL)
	}
	w.prometheus = e2e.StartPrometheus(t, fmt.Sprintf(prometheusConfig,
		w.recorders["text"].Host, w.recorders["openmetrics"].Host, w.recorders["protobuf"].Host, w.recorders["probe"].Host))
	return w
}

func TestPrometheusStoresWhatIsServed(t *testing.T) {
	t.Parallel()
	w := startWorld(t)
	targets := 3 + len(w.fleet.accounts)
	w.prometheus.Await(t, 2*time.Minute, fmt.Sprintf("count(count_over_time(up[1h]) >= %d) == bool %d", scrapesCompared, targets))

	for job, mediaType := range map[string]string{
		"text":        "text/plain",
		"openmetrics": "application/openmetrics-text",
		"protobuf":    "application/vnd.google.protobuf",
	} {
		t.Run("metrics as "+job, func(t *testing.T) {
			w.compare(t, job, "/metrics", mediaType, model.LabelSet{})
			w.fleet.checkNumbers(t, w.prometheus, model.LabelSet{"job": model.LabelValue(job)})
		})
	}
	for _, account := range w.fleet.accounts {
		t.Run("probe of "+account.name, func(t *testing.T) {
			// What Prometheus asks for first when nothing is set.
			w.compare(t, "probe", "/probe?target="+account.name, "application/openmetrics-text", account.targetLabels())
		})
	}
	t.Run("probes of all", func(t *testing.T) {
		w.fleet.checkNumbers(t, w.prometheus, model.LabelSet{"job": "probe"})
	})
	t.Run("targets", w.checkTargets)
	t.Run("complaints", w.checkComplaints)
	t.Run("upstream", w.checkUpstream)
	t.Run("secrets", w.checkSecrets)
	t.Run("stop", func(t *testing.T) {
		if code := w.exporter.Stop(t); code != 0 {
			t.Errorf("after SIGTERM the exporter ended with exit code %d, want 0", code)
		}
	})
}

// compare checks every stored scrape of a target, sample by sample, against the
// answer that it came from.
func (w *world) compare(t *testing.T, job, uri, mediaType string, labels model.LabelSet) {
	t.Helper()
	recorder := w.recorders[job]
	target := labels.Merge(model.LabelSet{"job": model.LabelValue(job), "instance": model.LabelValue(recorder.Host)})
	stored := w.prometheus.Scrapes(t, target)
	answers := recorder.Answers(uri)
	if len(stored) < scrapesCompared || len(stored) > len(answers) {
		t.Fatalf("%d scrapes are stored of %d answers, want at least %d", len(stored), len(answers), scrapesCompared)
	}
	for i, got := range stored {
		answer := answers[i]
		if answer.Status != http.StatusOK || !strings.HasPrefix(answer.Header.Get("Content-Type"), mediaType) {
			t.Fatalf("scrape %d was answered with status %d as %q, want %s", i, answer.Status, answer.Header.Get("Content-Type"), mediaType)
		}
		want, err := e2e.ParseSamples(answer.Header, answer.Body, target)
		if err != nil {
			t.Fatalf("scrape %d: %v", i, err)
		}
		if diff := cmp.Diff(want, got.Samples, cmpopts.EquateNaNs()); diff != "" {
			t.Fatalf("scrape %d: what was served (-) and what was stored (+) differ:\n%s", i, diff)
		}
		report := map[string]float64{
			"up":                                    1,
			"scrape_samples_scraped":                float64(len(want)),
			"scrape_samples_post_metric_relabeling": float64(len(want)),
		}
		for name, value := range report {
			if got.Report[name] != value {
				t.Errorf("scrape %d: %s is %v, want %v", i, name, got.Report[name], value)
			}
		}
	}
}

// checkTargets checks what /sd made of the configuration.
func (w *world) checkTargets(t *testing.T) {
	result, err := w.prometheus.API.Targets(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]model.LabelSet{}
	for _, account := range w.fleet.accounts {
		want[account.id+" "+account.name] = account.targetLabels().Merge(model.LabelSet{
			"job": "probe", "instance": model.LabelValue(w.recorders["probe"].Host),
		})
	}
	got := map[string]model.LabelSet{}
	for _, target := range result.Active {
		if target.Health != promv1.HealthGood || target.LastError != "" {
			t.Errorf("target %v is %s: %s", target.Labels, target.Health, target.LastError)
		}
		if target.ScrapePool == "probe" {
			key := target.DiscoveredLabels["__meta_greenapi_id_instance"] + " " + target.DiscoveredLabels["__meta_greenapi_name"]
			got[key] = target.Labels
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("targets of /sd, by meta labels (-want +got):\n%s", diff)
	}
}

// checkComplaints checks that Prometheus found nothing wrong with any scrape.
func (w *world) checkComplaints(t *testing.T) {
	own := e2e.Get(t, w.prometheus.URL+"/metrics")
	samples, err := e2e.ParseSamples(own.Header, own.Body, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"prometheus_target_scrapes_sample_duplicate_timestamp_total",
		"prometheus_target_scrapes_sample_out_of_order_total",
		"prometheus_target_scrapes_sample_out_of_bounds_total",
		"prometheus_target_scrapes_exceeded_body_size_limit_total",
		"prometheus_sd_http_failures_total",
	} {
		if value, ok := samples[name]; !ok || value != 0 {
			t.Errorf("%s is %v (there: %t), want 0", name, value, ok)
		}
	}
	complaint := regexp.MustCompile(`(?m)^.*level=(?:WARN|ERROR).*(?:component="?(?:scrape|discovery)|scrape_pool).*$`)
	for _, line := range complaint.FindAllString(w.prometheus.Output(), 5) {
		t.Errorf("prometheus complained: %s", line)
	}
}

// checkUpstream checks that four jobs cost GREEN-API what one may cost.
func (w *world) checkUpstream(t *testing.T) {
	for _, violation := range w.fleet.server.Violations() {
		t.Errorf("the exporter must never call %s", violation)
	}
	for _, account := range w.fleet.accounts {
		want := 2 // snapshots at least
		if account.token != account.instance.Token() {
			want = 1 // then the exporter backs off
		}
		for _, method := range []string{"lastOutgoingCalls", "lastOutgoingMessages"} {
			requests := account.instance.Requests(method)
			if len(requests) < want {
				t.Errorf("%s of %s was asked for %d times, want at least %d", method, account.name, len(requests), want)
			}
			for _, request := range requests {
				if request.Status == http.StatusTooManyRequests {
					t.Errorf("%s of %s was asked for more than once a second", method, account.name)
				}
			}
		}
	}
}

// checkSecrets looks for tokens and personal data in all that the exporter ever
// wrote, at debug level.
func (w *world) checkSecrets(t *testing.T) {
	written := map[string]string{"its log": w.exporter.Output()}
	for _, path := range []string{"/", "/sd", "/probe?target=" + w.fleet.accounts[0].name + "&debug=true"} {
		written[path] = string(e2e.Get(t, w.exporter.URL+path).Body)
	}
	for job, recorder := range w.recorders {
		for _, uri := range recorder.Asked() {
			for _, answer := range recorder.Answers(uri) {
				written[job+" "+uri] += string(answer.Body)
			}
		}
	}
	for _, place := range slices.Sorted(maps.Keys(written)) {
		if written[place] == "" {
			t.Errorf("nothing in %s: nothing to search", place)
		}
		for _, secret := range w.fleet.secrets {
			if strings.Contains(written[place], secret) {
				t.Errorf("%s holds a secret that begins with %.4q", place, secret)
			}
		}
	}
}
