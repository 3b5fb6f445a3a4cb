package web

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"google.golang.org/protobuf/proto"
)

// offeredEncodings are the content codings of an exposition; of those that a client
// likes equally well, the first is taken.
var offeredEncodings = []promhttp.Compression{promhttp.Identity, promhttp.Gzip, promhttp.Zstd}

// offeredFormats are the formats of an exposition: those of promhttp, and the
// experimental OpenMetrics 2.0, which only clients get that name it.
func offeredFormats() []expfmt.Format {
	return append(expfmt.DefaultOpenMetricsAcceptedFormats(), expfmt.FmtOpenMetrics_2_0_0)
}

// negotiated returns the request as promhttp has to see it to serve what was asked
// for, and the coding of the answer. By itself, promhttp takes a format of weight 0
// for acceptable, and it logs an error for each scrape whose client refuses all
// codings; it is told to compress nothing, see [compressions].
func negotiated(r *http.Request) (*http.Request, promhttp.Compression) {
	encoding := contentEncoding(r.Header)
	r = r.Clone(r.Context())
	r.Header.Set("Accept-Encoding", string(promhttp.Identity))
	r.Header.Set("Accept", acceptable(r.Header))
	return r, encoding
}

// formatOf returns what the bytes of an exposition depend on, apart from what was found: the
// format and the coding that a request gets, and the families that it names, which
// promhttp takes from the query.
func formatOf(r *http.Request) string {
	r, encoding := negotiated(r)
	return fmt.Sprintf("%s %s %q", expfmt.NegotiateAccept(r.Header, offeredFormats()...), encoding, r.URL.Query()["name[]"])
}

// contentEncoding returns the coding that suits the Accept-Encoding of a request best
// (RFC 9110, section 12.5.3). Who accepts none of them gets the plain exposition.
func contentEncoding(header http.Header) promhttp.Compression {
	weights := map[string]float64{}
	for element := range elements(header, "Accept-Encoding") {
		name, weight := weighted(element)
		weights[strings.TrimPrefix(name, "x-")] = weight // x-gzip is gzip
	}
	best, bestWeight := promhttp.Identity, 0.0
	for _, offered := range offeredEncodings {
		weight, named := weights[string(offered)]
		if !named {
			weight = weights["*"]
		}
		if weight > bestWeight {
			best, bestWeight = offered, weight
		}
	}
	return best
}

// acceptable returns the Accept of a request without what has the weight 0.
func acceptable(header http.Header) string {
	var kept []string
	for element := range elements(header, "Accept") {
		if _, weight := weighted(element); weight > 0 {
			kept = append(kept, element)
		}
	}
	return strings.Join(kept, ",")
}

// elements yields the elements of a header that is a list, over all its lines.
func elements(header http.Header, name string) func(yield func(string) bool) {
	return strings.SplitSeq(strings.Join(header.Values(name), ","), ",")
}

// weighted splits an element into what it names, in small letters, and its weight.
// A weight that is no number from 0 to 1 refuses the element.
func weighted(element string) (name string, weight float64) {
	name, parameters, _ := strings.Cut(element, ";")
	name, weight = strings.ToLower(strings.TrimSpace(name)), 1
	for parameter := range strings.SplitSeq(parameters, ";") {
		key, value, _ := strings.Cut(parameter, "=")
		if !strings.EqualFold(strings.TrimSpace(key), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
		if err != nil || !(q >= 0 && q <= 1) { // NaN too
			q = 0
		}
		weight = q
	}
	return name, weight
}

// withoutCreated takes the created timestamps out of what is gathered for a client
// that gets OpenMetrics 2.0. They travel by protobuf only, and this is the one text
// format whose encoder cannot be told to leave them out.
func withoutCreated(gatherer prometheus.Gatherer, r *http.Request) prometheus.Gatherer {
	format := expfmt.NegotiateAccept(r.Header, offeredFormats()...)
	if !strings.HasPrefix(string(format), string(expfmt.FmtOpenMetrics_2_0_0)) {
		return gatherer
	}
	return prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		families, err := gatherer.Gather()
		for n, family := range families {
			copied := proto.CloneOf(family) // others may have the same
			for _, metric := range copied.GetMetric() {
				if counter := metric.GetCounter(); counter != nil {
					counter.CreatedTimestamp = nil
				}
				if summary := metric.GetSummary(); summary != nil {
					summary.CreatedTimestamp = nil
				}
				if histogram := metric.GetHistogram(); histogram != nil {
					histogram.CreatedTimestamp = nil
				}
			}
			families[n] = copied
		}
		return families, err //nolint:wrapcheck // who gathers through this sees the error as it was
	})
}
