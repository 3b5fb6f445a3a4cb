package e2e_test

import (
	"math"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/model"

	"github.com/greenapi-exporter/greenapi_exporter/deploy/e2e"
)

// metrics serves one metric of each kind, a NaN and an awkward label value.
func metrics() http.Handler {
	registry := prometheus.NewRegistry()
	calls := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "calls_total", Help: "Calls.\nSecond line."}, []string{"status", "empty"})
	calls.WithLabelValues("a \"b\"\n# c", "").Add(2)
	ratio := prometheus.NewGauge(prometheus.GaugeOpts{Name: "ratio", Help: "Ratio."})
	ratio.Set(math.NaN())
	duration := prometheus.NewHistogram(prometheus.HistogramOpts{Name: "duration_seconds", Help: "Duration.", Buckets: []float64{0.5, 6, 1e6}})
	duration.Observe(5)
	wait := prometheus.NewSummary(prometheus.SummaryOpts{Name: "wait_seconds", Help: "Wait.", Objectives: map[float64]float64{1: 0}})
	wait.Observe(3)
	registry.MustRegister(calls, ratio, duration, wait)
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

func TestParseSamples(t *testing.T) {
	t.Parallel()
	want := e2e.Samples{
		`calls_total{job="x", status="a \"b\"\n# c"}`: 2,
		`ratio{job="x"}`: math.NaN(),
		`duration_seconds_bucket{job="x", le="0.5"}`:   0,
		`duration_seconds_bucket{job="x", le="6.0"}`:   1,
		`duration_seconds_bucket{job="x", le="1e+06"}`: 1,
		`duration_seconds_bucket{job="x", le="+Inf"}`:  1,
		`duration_seconds_sum{job="x"}`:                5,
		`duration_seconds_count{job="x"}`:              1,
		`wait_seconds{job="x", quantile="1.0"}`:        3,
		`wait_seconds_sum{job="x"}`:                    3,
		`wait_seconds_count{job="x"}`:                  1,
	}
	for format, accept := range map[string]string{
		"text":        "text/plain",
		"openmetrics": "application/openmetrics-text;version=1.0.0",
		"protobuf":    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
	} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
			request.Header.Set("Accept", accept)
			answer := httptest.NewRecorder()
			metrics().ServeHTTP(answer, request)
			mediaType, _, _ := strings.Cut(accept, ";")
			if got := answer.Header().Get("Content-Type"); !strings.HasPrefix(got, mediaType) {
				t.Fatalf("served as %q", got)
			}
			got, err := e2e.ParseSamples(answer.Header(), answer.Body.Bytes(), model.LabelSet{"job": "x"})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got, cmpopts.EquateNaNs()); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseSamplesRefuses(t *testing.T) {
	t.Parallel()
	const text, openMetrics = "text/plain; version=0.0.4", "application/openmetrics-text; version=1.0.0"
	for name, test := range map[string]struct{ contentType, exposition, want string }{
		"a series twice":          {text, "# TYPE x gauge\nx 1\nx 2\n", "occurs twice"},
		"a label of the target":   {text, "x{job=\"y\"} 1\n", "label job of its target"},
		"a time":                  {text, "x 1 1600000000000\n", "time of its own"},
		"a time in OpenMetrics":   {openMetrics, "x 1 1600000000\n# EOF\n", "time of its own"},
		"no text":                 {text, "<html>", "parse the exposition"},
		"a cut answer":            {openMetrics, "# TYPE x gauge\nx 1\n", "without # EOF"},
		"an unknown format":       {"text/html", "x 1\n", "unknown exposition format"},
		"no format":               {"", "x 1\n", "parse the Content-Type"},
		"a later version of text": {"text/plain; version=9", "x 1\n", "unknown exposition format"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			samples, err := e2e.ParseSamples(http.Header{"Content-Type": {test.contentType}}, []byte(test.exposition), model.LabelSet{"job": "x"})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v and error %v, want one with %q", samples, err, test.want)
			}
		})
	}
}
