package web_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/collector/web"
	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
)

// Every Accept-Encoding gets the coding that it asks for most, and says what it got.
// Who refuses all of them gets the plain text, and nothing is logged about it.
func TestAcceptEncoding(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		accept []string // lines of the header
		want   string   // Content-Encoding
	}{
		{nil, ""},
		{[]string{""}, ""},
		{[]string{"identity"}, ""},
		{[]string{"gzip"}, "gzip"},
		{[]string{"x-gzip"}, "gzip"},
		{[]string{"GZIP"}, "gzip"},
		{[]string{"zstd"}, "zstd"},
		{[]string{"gzip, deflate, br"}, "gzip"}, // curl --compressed
		{[]string{"gzip, deflate, br, zstd"}, "gzip"},
		{[]string{"zstd, gzip;q=0.9"}, "zstd"},
		{[]string{"zstd;q=0.5, gzip;q=0.9"}, "gzip"},
		{[]string{"gzip;q=0.1", "zstd;q=0.2"}, "zstd"}, // two lines
		{[]string{"gzip ; Q = 0.1 , zstd ; q = 0.2"}, "zstd"},
		{[]string{"gzip;q=0"}, ""},
		{[]string{"gzip;q=0.0, zstd;q=0.000"}, ""},
		{[]string{"gzip;q=0, zstd"}, "zstd"},
		{[]string{"identity;q=0.5, gzip;q=0.4"}, ""},
		{[]string{"identity;q=0.4, gzip;q=0.5"}, "gzip"},
		{[]string{"*"}, ""},
		{[]string{"*;q=0"}, ""},
		{[]string{"*;q=0, gzip"}, "gzip"},
		{[]string{"identity;q=0, *"}, "gzip"},
		{[]string{"identity;q=0, gzip;q=0, *"}, "zstd"},
		{[]string{"identity;q=0, gzip;q=0, zstd;q=0"}, ""},
		{[]string{"br"}, ""},
		{[]string{"gzip;q=2"}, ""},
		{[]string{"gzip;q=-1"}, ""},
		{[]string{"gzip;q=NaN"}, ""},
		{[]string{"gzip;q="}, ""},
		{[]string{"gzip;q=high"}, ""},
		{[]string{"gzip;level=9"}, "gzip"},
		{[]string{",;,=,;q,"}, ""},
	} {
		t.Run(strings.Join(test.accept, "|"), func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				var logged bytes.Buffer
				f := newFace(t, func(o *web.Options) { o.Logger = slog.New(slog.NewTextHandler(&logged, nil)) })
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil)
				r.Header["Accept-Encoding"] = test.accept
				w := httptest.NewRecorder()
				f.ServeHTTP(w, r)
				if got := w.Header().Get("Content-Encoding"); got != test.want {
					t.Errorf("Content-Encoding %q, want %q", got, test.want)
				}
				if got := strings.Join(w.Header().Values("Vary"), ","); !strings.Contains(got, "Accept-Encoding") || !strings.Contains(got, "Accept,") {
					t.Errorf("Vary %q names not both headers", got)
				}
				if body := decoded(t, w); !bytes.Contains(body, []byte("greenapi_up{")) || !bytes.HasSuffix(body, []byte("\n")) {
					t.Errorf("no exposition:\n%.300s", body)
				}
				if logged.Len() > 0 {
					t.Errorf("logged:\n%s", &logged)
				}
			})
		})
	}
}

// An error is plain text, whatever coding was asked for.
func TestErrorsAreNotCompressed(t *testing.T) {
	t.Parallel()
	for _, accept := range []string{"gzip", "zstd"} {
		f := newFace(t, func(o *web.Options) {
			o.InstancesOnMetrics = false
			o.Own = prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) { return nil, errors.New("nothing gathered") })
		})
		w := f.get(t, "/metrics", "Accept-Encoding", accept)
		if got := w.Header().Get("Content-Encoding"); w.Code != http.StatusInternalServerError || got != "" || !strings.Contains(w.Body.String(), "nothing gathered") {
			t.Errorf("%s: %d, Content-Encoding %q: %q", accept, w.Code, got, w.Body)
		}
	}
}

// decoded undoes the content coding of an answer.
func decoded(t *testing.T, w *httptest.ResponseRecorder) []byte {
	t.Helper()
	var plain io.Reader = w.Body
	var err error
	switch w.Header().Get("Content-Encoding") {
	case "gzip":
		plain, err = gzip.NewReader(w.Body)
	case "zstd":
		var decoder *zstd.Decoder
		decoder, err = zstd.NewReader(w.Body, zstd.WithDecoderConcurrency(1))
		plain = decoder
		defer decoder.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(plain)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

const (
	textFormat        = "text/plain; version=0.0.4; charset=utf-8; escaping="
	openMetrics1      = "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping="
	openMetrics2      = "application/openmetrics-text; version=2.0.0; charset=utf-8; escaping="
	openMetricsOldest = "application/openmetrics-text; version=0.0.1; charset=utf-8; escaping="
	protobuf          = "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping="
	acceptProtobuf    = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
)

// Every Accept gets the format that it asks for most.
func TestAccept(t *testing.T) {
	t.Parallel()
	for accept, want := range map[string]string{
		"":                         textFormat,
		"*/*":                      textFormat,
		"text/html,*/*;q=0.8":      textFormat,
		"text/plain":               textFormat,
		"text/plain;version=0.0.4": textFormat,
		"text/plain;version=1.0.0": textFormat, // there is no other
		"application/json":         textFormat,
		"application/openmetrics-text;version=1.0.0":                                                                  openMetrics1,
		"application/openmetrics-text;version=2.0.0":                                                                  openMetrics2,
		"application/openmetrics-text; version=2.0.0; charset=utf-8":                                                  openMetrics2,
		"application/openmetrics-text":                                                                                openMetricsOldest,
		"application/openmetrics-text;version=3.0.0,text/plain;q=0.1":                                                 textFormat,
		"application/openmetrics-text;version=2.0.0;q=0.4,application/openmetrics-text;version=1.0.0;q=0.5":           openMetrics1,
		"application/openmetrics-text;version=1.0.0;q=0.4,application/openmetrics-text;version=2.0.0;q=0.5,*/*;q=0.1": openMetrics2,
		"application/openmetrics-text;version=1.0.0;q=0":                                                              textFormat,
		"application/openmetrics-text;version=1.0.0;q=0.000,*/*":                                                      textFormat,
		"application/openmetrics-text;version=1.0.0;q=0,application/openmetrics-text;version=2.0.0;q=0.1":             openMetrics2,
		"text/plain;q=0.3,application/openmetrics-text;version=1.0.0;q=0.2":                                           textFormat,
		acceptProtobuf: protobuf,
		acceptProtobuf + ";q=0.2,text/plain;version=0.0.4;q=0.3": textFormat,
		acceptProtobuf + ";q=0":                                  textFormat,
		// What Prometheus 3 sends by itself, and with native histograms.
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2":                         openMetrics1,
		acceptProtobuf + ";q=0.7,application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2": protobuf,
		// Prometheus 2.53.
		"application/openmetrics-text;version=1.0.0;q=0.5,application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2": openMetrics1,
	} {
		t.Run(accept, func(t *testing.T) {
			t.Parallel()
			inBubble(t, func(t *testing.T) {
				f := newFace(t, nil)
				w := f.get(t, "/metrics", "Accept", accept)
				if got := w.Header().Get("Content-Type"); !strings.HasPrefix(got, want) {
					t.Errorf("Content-Type %q, want %q", got, want)
				}
				body := w.Body.String()
				if strings.Contains(body, "_created") || strings.Contains(body, "st@") {
					t.Error("created timestamps in text")
				}
				if ended := strings.HasSuffix(body, "# EOF\n"); ended != strings.HasPrefix(want, "application/openmetrics") {
					t.Errorf("ends in # EOF: %t", ended)
				}
			})
		})
	}
}

// Created timestamps travel by protobuf, in which Prometheus takes them for what
// they are.
func TestCreatedTimestampsInProtobuf(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		f := newFace(t, nil)
		f.support.SetMessages(greenapitest.Message{IDMessage: "A", ChatID: "79000000001@c.us", Status: "read", Timestamp: time.Now().Unix()})
		w := f.get(t, "/probe?target=support", "Accept", acceptProtobuf)
		decoder := expfmt.NewDecoder(w.Body, expfmt.ResponseFormat(w.Header()))
		created := map[string]bool{}
		for {
			var family dto.MetricFamily
			if err := decoder.Decode(&family); err != nil {
				if !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
				break
			}
			for _, metric := range family.GetMetric() {
				if metric.GetCounter().GetCreatedTimestamp() != nil {
					created[family.GetName()] = true
				}
			}
		}
		if !created["greenapi_messages_read_total"] {
			t.Errorf("created timestamps of %v only", created)
		}
	})
}

// The two versions of OpenMetrics say the same; only the second writes a histogram
// as one sample.
func TestOpenMetricsVersionsAgree(t *testing.T) {
	t.Parallel()
	inBubble(t, func(t *testing.T) {
		f := newFace(t, nil)
		samples := func(accept string) []string {
			var lines []string
			for line := range strings.Lines(f.get(t, "/probe?target=support", "Accept", accept).Body.String()) {
				if strings.HasPrefix(line, "greenapi_") && !strings.Contains(line, "duration_seconds") && !strings.Contains(line, "delay_seconds") && !strings.Contains(line, "greenapi_api_") {
					lines = append(lines, strings.Replace(line, "_total{", "{", 1))
				}
			}
			return lines
		}
		one, two := samples("application/openmetrics-text;version=1.0.0"), samples("application/openmetrics-text;version=2.0.0")
		if diff := cmp.Diff(one, two); diff != "" || len(one) < 100 {
			t.Errorf("%d samples; 1.0 (-) and 2.0 (+):\n%s", len(one), diff)
		}
	})
}
