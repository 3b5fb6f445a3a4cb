package dashboards_test

import (
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/dashboards"
)

// TestThresholdsAreThoseOfTheRules holds that what panels draw, colour or say is what
// the alerts judge by.
func TestThresholdsAreThoseOfTheRules(t *testing.T) {
	t.Parallel()
	last := regexp.MustCompile(`[-+] ([\d.]+)(?: \* ([\d.]+))?\s*$`)
	rules := make(map[string]float64)
	for _, r := range readRules(t) {
		name, ok := strings.CutPrefix(r.Record, "id_instance:greenapi_threshold:")
		if !ok {
			continue
		}
		found := last.FindStringSubmatch(r.Expr)
		if found == nil {
			t.Fatalf("%s has no number at its end: %s", r.Record, r.Expr)
		}
		value := 1.0
		for _, factor := range found[1:] {
			if n, err := strconv.ParseFloat(factor, 64); err == nil {
				value *= n
			}
		}
		rules[name] = value
	}
	for name, value := range dashboards.Limits {
		if rules[name] != value {
			t.Errorf("%s is %v in the dashboards, and %v in the rules", name, value, rules[name])
		}
	}
}

// TestThresholdsAreShown holds that the panels show the thresholds that they are to.
func TestThresholdsAreShown(t *testing.T) {
	t.Parallel()
	steps := make(map[string][]float64)
	texts := make(map[string]string)
	for _, d := range dashboards.All() {
		for _, p := range shown(d) {
			texts[p.Title] = p.Description
			for _, step := range p.FieldConfig.Defaults.Thresholds.Steps[2:] {
				steps[d.UID+" "+p.Title] = append(steps[d.UID+" "+p.Title], *step.Value)
			}
		}
	}
	limits := dashboards.Limits
	for panel, critical := range map[string]float64{
		"greenapi-exporter Largest journals":      client.JournalCap,
		"greenapi-account Pending":                limits["pending_seconds"],
		"greenapi-account Oldest pending message": limits["pending_seconds"] / 60,
		"greenapi-account Data age":               limits["data_age_seconds"],
		"greenapi-fleet Data age":                 limits["data_age_seconds"],
	} {
		if got := steps[panel]; len(got) != 2 || got[1] != critical {
			t.Errorf("%s draws %v, and not %v", panel, got, critical)
		}
	}
	if got := steps["greenapi-fleet Delivered"]; len(got) != 2 || got[0] != limits["delivery_ratio"] {
		t.Errorf("the share delivered is coloured from %v", got)
	}
	for panel, threshold := range map[string]string{
		"Fewest delivered": "delivery_messages", "Most failed": "delivery_messages", "Fewest calls answered": "answer_calls",
	} {
		if want := " fewer than " + strconv.FormatFloat(limits[threshold], 'f', -1, 64) + " "; !strings.Contains(texts[panel], want) {
			t.Errorf("%s does not say%s: %q", panel, want, texts[panel])
		}
	}
}
