package dashboards_test

import (
	"encoding/json"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/greenapi-exporter/greenapi_exporter/dashboards"
)

// format is how a field is shown: by the panel's defaults, and what overrides them.
type format struct {
	unit     string
	decimals *int
	mappings []dashboards.Mapping
}

// formatOf returns the format of a query's values; of a label's, where the table shows
// it.
func formatOf(p dashboards.Panel, field string) format {
	f := format{p.FieldConfig.Defaults.Unit, p.FieldConfig.Defaults.Decimals, p.FieldConfig.Defaults.Mappings}
	if p.Type != "table" {
		return f
	}
	order, ok := columnsOf(p)
	if !ok {
		return f
	}
	title := order.RenameByName[field]
	if unit, ok := property(p, title, "unit").(string); ok {
		f.unit = unit
	}
	if decimals, ok := property(p, title, "decimals").(int); ok {
		f.decimals = &decimals
	}
	if mappings, ok := property(p, title, "mappings").([]dashboards.Mapping); ok {
		f.mappings = mappings
	}
	return f
}

// show formats a value as Grafana 12 does, as far as these dashboards need it.
func (f format) show(value string) string {
	number, err := strconv.ParseFloat(value, 64)
	isNumber := err == nil && f.unit != "string"
	for _, m := range f.mappings {
		for key, result := range results(m) {
			isMissing := m.Type == "special" && (value == "" || isNumber && math.IsNaN(number))
			if isMissing || m.Type == "value" && key == value {
				return result.Text
			}
			if m.Type == "regex" && !isNumber {
				if pattern := regexp.MustCompile(key); pattern.MatchString(value) {
					return pattern.ReplaceAllString(value, result.Text)
				}
			}
		}
	}
	if !isNumber {
		return value
	}
	prefix, _ := strings.CutPrefix(f.unit, "prefix:")
	suffix, hasSuffix := strings.CutPrefix(f.unit, "suffix:")
	switch {
	case f.unit == "percentunit":
		return f.fixed(number*100, 1) + "%"
	case f.unit == "locale":
		return grouped(f.fixed(number, -1))
	case hasSuffix:
		return f.fixed(number, -1) + " " + suffix
	case prefix != f.unit:
		return prefix + f.fixed(number, -1)
	case f.unit == "s":
		return f.lasting(number)
	default:
		return f.fixed(number, -1)
	}
}

func (f format) fixed(number float64, decimals int) string {
	if f.decimals != nil {
		decimals = *f.decimals
	}
	return strconv.FormatFloat(number, 'f', decimals, 64)
}

// lasting is Grafana's toSeconds.
func (f format) lasting(seconds float64) string {
	for _, unit := range []struct {
		least, of float64
		name      string
	}{{31536000, 31536000, "years"}, {604800, 604800, "weeks"}, {86400, 86400, "days"}, {3600, 3600, "hours"}, {60, 60, "mins"}} {
		if math.Abs(seconds) >= unit.least {
			return f.fixed(seconds/unit.of, -1) + " " + unit.name
		}
	}
	return f.fixed(seconds, -1) + " s"
}

// grouped puts commas between thousands.
func grouped(digits string) string {
	whole, fraction, _ := strings.Cut(digits, ".")
	for n := len(whole) - 3; n > 0 && whole[n-1] != '-'; n -= 3 {
		whole = whole[:n] + "," + whole[n:]
	}
	if fraction != "" {
		whole += "." + fraction
	}
	return whole
}

// TestAnswersAreShown shows real answers of Prometheus' HTTP API as panels do.
func TestAnswersAreShown(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		board, panel, field string
		answer              string // data.result[0] of /api/v1/query
		want                string
	}{
		{"greenapi-fleet", "Every account", "id_instance", `{"metric":{"id_instance":"1101000001","name":"support"},"value":[1780000000,"1"]}`, "1101000001"},
		{"greenapi-fleet", "Every account", "Value #A", `{"metric":{"id_instance":"1101000005"},"value":[1780000000,"2"]}`, "✖ not authorized"},
		{"greenapi-fleet", "Every account", "Value #A", `{"metric":{"id_instance":"1101000001"},"value":[1780000000,"10"]}`, "✔ authorized"},
		{"greenapi-fleet", "Every account", "Value #A", `{"metric":{"id_instance":"1101000001"},"value":[1780000000,"9"]}`, "? unknown"},
		{"greenapi-fleet", "Every account", "Value #B", `{"metric":{"id_instance":"1101000003"},"value":[1780000000,"10000"]}`, "10,000"},
		{"greenapi-fleet", "Every account", "Value #C", `{"metric":{"id_instance":"1101000004"},"value":[1780000000,"0.11583011583011583"]}`, "11.6%"},
		{"greenapi-fleet", "Every account", "Value #F", `{"metric":{"id_instance":"1101000005"},"value":[1780000000,"83088.241"]}`, "23 hours"},
		{"greenapi-fleet", "State of the accounts", "", `{"metric":{"account":"restricted · 1101000004"},"value":[1780000000,"3"]}`, "▲ suspended"},
		{"greenapi-fleet", "Alerts firing", "", `{"metric":{},"value":[1780000000,"-1"]}`, "no rules"},
		{"greenapi-fleet", "Which, and since when?", "Value #B", `{"metric":{"id_instance":"1101000005"},"value":[1780000000,"NaN"]}`, "earlier"},
		{"greenapi-fleet", "What fires, and since when?", "severity", `{"metric":{"severity":"critical"},"value":[1780000000,"1"]}`, "✖ critical"},
		{"greenapi-fleet", "What fires, and since when?", "message", `{"metric":{"message":"✔ No alert fires"},"value":[1780000000,"NaN"]}`, "✔ No alert fires"},
		{"greenapi-fleet", "State of the accounts", "", `{"metric":{"account":"restricted · 1101000004"},"value":[1780000000,"NaN"]}`, "no data"},
		{"greenapi-account", "Oldest pending message", "", `{"metric":{},"value":[1780000000,"7.5"]}`, "7.5 min"},
		{"greenapi-account", "State", "", `{"metric":{"id_instance":"1101000001"},"value":[1780000000,"1"]}`, "✖ blocked"},
		{"greenapi-account", "Failed", "", `{"metric":{},"value":[1780000000,"0.8803088803088803"]}`, "88.0%"},
		{"greenapi-exporter", "Collectors that failed", "", `{"metric":{"collector":"calls"},"value":[1780000000,"0"]}`, "✖ fails"},
		{"greenapi-exporter", "Config", "", `{"metric":{},"value":[1780000000,"1"]}`, "✔ loaded"},
	} {
		var sample struct {
			Metric map[string]string `json:"metric"`
			Value  [2]any            `json:"value"`
		}
		if err := json.Unmarshal([]byte(tc.answer), &sample); err != nil {
			t.Fatal(err)
		}
		value, isLabel := sample.Metric[tc.field]
		if !isLabel {
			value, _ = sample.Value[1].(string)
		}
		if got := formatOf(panel(t, tc.board, tc.panel), tc.field).show(value); got != tc.want {
			t.Errorf("%s, %s %s: %s is shown as %q, and not %q", tc.board, tc.panel, tc.field, tc.answer, got, tc.want)
		}
	}
}

// panel returns a panel by its title.
func panel(t *testing.T, board, title string) dashboards.Panel {
	t.Helper()
	for _, d := range dashboards.All() {
		for _, p := range shown(d) {
			if d.UID == board && p.Title == title {
				return p
			}
		}
	}
	t.Fatalf("%s has no panel %q", board, title)
	return dashboards.Panel{}
}
