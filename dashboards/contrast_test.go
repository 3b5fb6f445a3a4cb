package dashboards_test

import (
	"math"
	"slices"
	"strconv"
	"testing"

	"github.com/greenapi-exporter/greenapi_exporter/dashboards"
)

// The panels of Grafana's themes.
const (
	lightPanel = "#FFFFFF"
	darkPanel  = "#181B1F"
)

// TestTextsCanBeRead holds that texts stand out from the panels of both themes by 3 to
// 1 at least: what the guidelines for accessible content (WCAG 2, 1.4.3) ask of large
// texts. Thresholds and mappings colour texts; lines may be lighter.
func TestTextsCanBeRead(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		for _, p := range shown(d) {
			for _, color := range textColors(p) {
				for _, panel := range []string{lightPanel, darkPanel} {
					if c := contrast(t, color, panel); c < 3 {
						t.Errorf("%s: %s on %s has a contrast of %.2f only", p.Title, color, panel, c)
					}
				}
			}
		}
	})
}

// textColors returns the colours of the texts of a panel.
func textColors(p dashboards.Panel) []string {
	thresholds := []*dashboards.Thresholds{p.FieldConfig.Defaults.Thresholds}
	mappings := slices.Clone(p.FieldConfig.Defaults.Mappings)
	for _, o := range p.FieldConfig.Overrides {
		for _, property := range o.Properties {
			switch value := property.Value.(type) {
			case *dashboards.Thresholds:
				thresholds = append(thresholds, value)
			case []dashboards.Mapping:
				mappings = append(mappings, value...)
			}
		}
	}
	var colors []string
	for _, found := range thresholds {
		for _, step := range found.Steps {
			colors = append(colors, step.Color)
		}
	}
	for _, m := range mappings {
		for _, result := range results(m) {
			colors = append(colors, result.Color)
		}
	}
	// Grafana's own colour of texts is dark or light as the theme is; a background may be none.
	colors = slices.DeleteFunc(colors, func(c string) bool { return c == "text" || c == "transparent" || c == "" })
	slices.Sort(colors)
	return slices.Compact(colors)
}

// results returns what a mapping shows values as, by the value.
func results(m dashboards.Mapping) map[string]dashboards.MappingResult {
	switch options := m.Options.(type) {
	case map[string]dashboards.MappingResult:
		return options
	case dashboards.RegexOptions:
		return map[string]dashboards.MappingResult{options.Pattern: options.Result}
	case dashboards.SpecialOptions:
		return map[string]dashboards.MappingResult{options.Match: options.Result}
	default:
		return nil
	}
}

// contrast is that of WCAG 2, from 1 to 21.
func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	one, other := luminance(t, a), luminance(t, b)
	return (max(one, other) + 0.05) / (min(one, other) + 0.05)
}

func luminance(t *testing.T, color string) float64 {
	t.Helper()
	sum := 0.0
	for n, weight := range []float64{0.2126, 0.7152, 0.0722} {
		part, err := strconv.ParseUint(color[1+2*n:3+2*n], 16, 8)
		if err != nil {
			t.Fatal(err)
		}
		linear := float64(part) / 255 / 12.92
		if linear > 0.003 {
			linear = math.Pow((float64(part)/255+0.055)/1.055, 2.4)
		}
		sum += weight * linear
	}
	return sum
}

func TestContrast(t *testing.T) {
	t.Parallel()
	if c := contrast(t, "#000000", "#FFFFFF"); math.Abs(c-21) > 0.001 {
		t.Errorf("black on white has a contrast of %v", c)
	}
	if c := contrast(t, "#767676", "#FFFFFF"); math.Abs(c-4.54) > 0.01 {
		t.Errorf("grey on white has a contrast of %v, and not 4.54", c)
	}
}
