package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"strconv"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// Samples are the values of one scrape, by series: name and labels in the order
// of their names, as in PromQL. Labels are written as Prometheus 3 stores them: le
// and quantile as "6.0" for 6, empty ones not at all.
type Samples map[string]float64

// openMetricsType is the media type of OpenMetrics text.
const openMetricsType = "application/openmetrics-text"

// ParseSamples reads an exposition in any format that Prometheus asks for, and
// adds the target's labels to every series. A series that occurs twice, and a
// sample with a time of its own, are errors.
func ParseSamples(header http.Header, exposition []byte, target model.LabelSet) (Samples, error) {
	families, err := parseFamilies(header, exposition)
	if err != nil {
		return nil, err
	}
	vector, err := expfmt.ExtractSamples(&expfmt.DecodeOptions{}, families...)
	if err != nil {
		return nil, fmt.Errorf("extract the samples: %w", err)
	}
	samples := make(Samples, len(vector))
	for _, sample := range vector {
		for name, value := range target {
			if _, ok := sample.Metric[name]; ok {
				return nil, fmt.Errorf("series %v has the label %s of its target", sample.Metric, name)
			}
			sample.Metric[name] = value
		}
		key := SeriesKey(sample.Metric)
		if _, ok := samples[key]; ok {
			return nil, fmt.Errorf("series %s occurs twice", key)
		}
		if sample.Timestamp != 0 {
			return nil, fmt.Errorf("series %s has a time of its own", key)
		}
		samples[key] = float64(sample.Value)
	}
	return samples, nil
}

func parseFamilies(header http.Header, exposition []byte) ([]*dto.MetricFamily, error) {
	mediaType, _, err := mime.ParseMediaType(header.Get("Content-Type"))
	if err != nil {
		return nil, fmt.Errorf("parse the Content-Type: %w", err)
	}
	format := expfmt.ResponseFormat(header)
	if mediaType == openMetricsType {
		// expfmt writes OpenMetrics but does not read it. Without its comments,
		// and with no exemplars, it is classic text whose series have no type.
		exposition, err = openMetricsSamples(exposition)
		if err != nil {
			return nil, err
		}
		format = expfmt.NewFormat(expfmt.TypeTextPlain)
	}
	if format == expfmt.FmtUnknown {
		return nil, fmt.Errorf("unknown exposition format %q", header.Get("Content-Type"))
	}
	var families []*dto.MetricFamily
	decoder := expfmt.NewDecoder(bytes.NewReader(exposition), format)
	for {
		var family dto.MetricFamily
		switch err := decoder.Decode(&family); {
		case errors.Is(err, io.EOF):
			return families, nil
		case err != nil:
			return nil, fmt.Errorf("parse the exposition: %w", err)
		}
		families = append(families, &family)
	}
}

func openMetricsSamples(exposition []byte) ([]byte, error) {
	body, ended := bytes.CutSuffix(exposition, []byte("# EOF\n"))
	if !ended {
		return nil, errors.New("parse the exposition: OpenMetrics without # EOF")
	}
	var samples bytes.Buffer
	for line := range bytes.Lines(body) {
		if !bytes.HasPrefix(line, []byte("#")) {
			samples.Write(line)
		}
	}
	return samples.Bytes(), nil
}

// SeriesKey writes a series' name and labels as Prometheus stores them, whoever
// they came from. To Prometheus, an empty label is no label.
func SeriesKey(metric model.Metric) string {
	metric = metric.Clone()
	maps.DeleteFunc(metric, func(_ model.LabelName, value model.LabelValue) bool { return value == "" })
	for _, name := range []model.LabelName{model.BucketLabel, model.QuantileLabel} {
		if bound, err := strconv.ParseFloat(string(metric[name]), 64); err == nil {
			text := strconv.FormatFloat(bound, 'g', -1, 64)
			if !strings.ContainsAny(text, ".eIN") {
				text += ".0"
			}
			metric[name] = model.LabelValue(text)
		}
	}
	return metric.String()
}
