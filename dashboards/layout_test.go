package dashboards_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/greenapi-exporter/greenapi_exporter/dashboards"
)

// What a real Grafana showed, and no parser sees: titles that are cut, ids that are
// numbers, states whose words are lost, a dash in green. Each has its rule here.

const (
	// screen is the narrowest that the dashboards are made for: 1280 pixels, less
	// Grafana's margins; withMenu, with the side menu open as well.
	screen   = 1230
	withMenu = 940

	titleSides = 84 // of a panel: its padding, the mark of the description, and the menu under the pointer
	cellSides  = 14 // of a cell
	headSides  = 14 // of a column's head
	sortArrow  = 22 // in the head of the column that the rows are sorted by
)

// inter has the widths of the letters of Grafana's font, Inter, from the space to the
// tilde, in hundredths of the font's size.
var inter = [...]int{
	28, 29, 47, 63, 64, 98, 64, 30, 36, 36, 50, 66, 29, 46, 29, 36, 63, 41, 61, 62, 65, 61, 62, 57, 62, 62, 29, 30, 66, 66, 66, 51,
	97, 69, 65, 73, 72, 60, 59, 75, 74, 27, 57, 67, 57, 90, 75, 76, 64, 76, 64, 64, 65, 74, 69, 99, 68, 68, 63, 36, 36, 36, 47, 46,
	32, 56, 61, 57, 61, 58, 37, 61, 59, 24, 24, 55, 24, 88, 59, 60, 61, 61, 38, 53, 33, 59, 56, 82, 55, 56, 55, 43, 33, 43, 66,
}

// textWidth is how many pixels a text takes. Symbols are as wide as an em.
func textWidth(text string, size int) int {
	hundredths := 0
	for _, r := range text {
		if n := int(r) - ' '; n >= 0 && n < len(inter) {
			hundredths += inter[n]
		} else {
			hundredths += 100
		}
	}
	return (hundredths*size + 99) / 100
}

// TestTitlesFit holds that no title is cut on a narrow screen, with the menu open.
func TestTitlesFit(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		for _, p := range shown(d) {
			room := withMenu*p.GridPos.W/24 - titleSides
			if need := textWidth(p.Title, 14); need > room {
				t.Errorf("%s: the title needs %d pixels and has %d", p.Title, need, room)
			}
		}
	})
}

// TestColumnsFit holds that the columns of a table stand on a narrow screen, that their
// heads and words stand in the columns, and that one of them takes what room is left.
func TestColumnsFit(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		for _, p := range shown(d) {
			if p.Type != "table" {
				continue
			}
			room := screen*p.GridPos.W/24 - 18
			order, ok := columnsOf(p)
			if !ok { // a matrix: a column for each day, of 50 pixels at least
				if need := 62 + 7*max(50, p.FieldConfig.Defaults.Custom.Width); need > room {
					t.Errorf("%s needs %d pixels and has %d", p.Title, need, room)
				}
				continue
			}
			need, growing := 0, 0
			for field, title := range order.RenameByName {
				if field == "message" { // it stands there alone
					checkMessages(t, p, room)
					continue
				}
				width, fixed := property(p, title, "custom.width").(int)
				if !fixed {
					width, _ = property(p, title, "custom.minWidth").(int)
					growing++
				}
				need += width
				least := textWidth(title, 14) + headSides
				if slices.ContainsFunc(p.Options.SortBy, func(s dashboards.Sort) bool { return s.DisplayName == title }) {
					least += sortArrow
				}
				if width < least {
					t.Errorf("%s: the head of the column %s needs %d pixels and has %d", p.Title, title, least, width)
				}
				mappings, _ := property(p, title, "mappings").([]dashboards.Mapping)
				for _, m := range mappings {
					for _, result := range results(m) {
						if least := textWidth(result.Text, 14) + cellSides; width < least {
							t.Errorf("%s: %q needs %d pixels and the column %s has %d", p.Title, result.Text, least, title, width)
						}
					}
				}
			}
			if need > room || growing != 1 {
				t.Errorf("%s needs %d pixels and has %d; %d columns grow, and not 1", p.Title, need, room, growing)
			}
		}
	})
}

// checkMessages holds that what a table says in place of its rows stands in it, and
// that it is no link: it is about no account and no alert.
func checkMessages(t *testing.T, p dashboards.Panel, room int) {
	t.Helper()
	said := regexp.MustCompile(`"message", "([^"]+)"`).FindAllStringSubmatch(p.Targets[len(p.Targets)-1].Expr, -1)
	if len(said) == 0 {
		t.Errorf("%s says nothing", p.Title)
	}
	for _, text := range said {
		width, _ := property(p, "Now", "custom.minWidth").(int)
		if need := textWidth(text[1], 14) + cellSides; need > min(room, width) {
			t.Errorf("%s: %q needs %d pixels and has %d", p.Title, text[1], need, min(room, width))
		}
	}
	if property(p, "Now", "links") != nil {
		t.Errorf("%s: what it says is a link", p.Title)
	}
}

// TestLabelsAreTexts holds that no label is shown as a number: 1101000001 would be
// 1.10 Bil.
func TestLabelsAreTexts(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		for _, p := range shown(d) {
			if p.Type != "table" {
				continue
			}
			order, ok := columnsOf(p)
			if !ok {
				continue
			}
			for field, title := range order.RenameByName {
				isLabel := !strings.HasPrefix(field, "Value")
				if unit := property(p, title, "unit"); isLabel != (unit == "string") {
					t.Errorf("%s: the column %s has the unit %v", p.Title, title, unit)
				}
			}
		}
	})
}

// TestWordsReachTheReader holds that values that stand for words are shown as these.
// Grafana names the values of a timeline by their thresholds where it colours by them.
func TestWordsReachTheReader(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		for _, p := range shown(d) {
			defaults := p.FieldConfig.Defaults
			switch p.Type {
			case "state-timeline":
				if defaults.Color.Mode != "fixed" || len(defaults.Mappings) == 0 {
					t.Errorf("%s: colour mode %q, %d mappings", p.Title, defaults.Color.Mode, len(defaults.Mappings))
				}
				if !slices.ContainsFunc(defaults.Mappings, func(m dashboards.Mapping) bool { return m.Type == "special" }) {
					t.Errorf("%s: a gap would have the name %q", p.Title, defaults.NoValue)
				}
			case "stat":
				if defaults.Color.Mode != "thresholds" { // of what has no mapping, and of a dash
					t.Errorf("%s: colour mode %q", p.Title, defaults.Color.Mode)
				}
				if p.Options.TextMode == "value_and_name" && (p.Options.Text == nil || p.Options.Text.TitleSize < 12) {
					t.Errorf("%s: Grafana makes its names too small to be read", p.Title)
				}
			case "table":
				for _, o := range p.FieldConfig.Overrides {
					isWord := property(p, o.Matcher.Options, "unit") == "none"
					mappings, _ := property(p, o.Matcher.Options, "mappings").([]dashboards.Mapping)
					if isWord && len(mappings) < 2 {
						t.Errorf("%s: %s are words, and no mapping says which", p.Title, o.Matcher.Options)
					}
				}
			}
		}
	})
}

// TestNothingKnownIsGrey holds that what has no value is neither good nor bad: Grafana
// shows a dash in the colour of the first threshold.
func TestNothingKnownIsGrey(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		check := func(title string, thresholds *dashboards.Thresholds) {
			if first := thresholds.Steps[0]; first.Value != nil || first.Color != "#8E8E8E" {
				t.Errorf("%s: nothing known has the colour %s", title, first.Color)
			}
			if second := thresholds.Steps[1]; second.Value == nil || *second.Value > -1e9 {
				t.Errorf("%s: a low value is taken for nothing known", title)
			}
		}
		for _, p := range shown(d) {
			check(p.Title, p.FieldConfig.Defaults.Thresholds)
			for _, o := range p.FieldConfig.Overrides {
				for _, property := range o.Properties {
					if thresholds, ok := property.Value.(*dashboards.Thresholds); ok {
						check(p.Title+", "+o.Matcher.Options, thresholds)
					}
				}
			}
		}
	})
}

// TestEmptyPanelsSayWhy holds that a panel with room for it says why it shows nothing.
func TestEmptyPanelsSayWhy(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		for _, p := range shown(d) {
			said := p.FieldConfig.Defaults.NoValue
			if strings.Contains(said, "✔") { // it shows the same where the exporter is down
				t.Errorf("%s: empty, it says that all is well: %q", p.Title, said)
			}
			if p.Type == "stat" {
				if said != "–" && textWidth(said, 30) > withMenu*p.GridPos.W/24 {
					t.Errorf("%s: %q is too long", p.Title, said)
				}
			} else if len(said) < 15 {
				t.Errorf("%s: empty, it says %q", p.Title, said)
			}
		}
	})
}

// TestStepsAreLongEnough holds that rates have scrapes to be taken from whatever the
// data source says, and that a count is of an hour at least: bars, and not needles.
func TestStepsAreLongEnough(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		for _, p := range shown(d) {
			least := duration(t, p.Interval)
			if least < 120 {
				t.Errorf("%s: the least step is %q", p.Title, p.Interval)
			}
			for _, target := range p.Targets {
				if strings.Contains(target.Expr, "[$__interval]") && least < 3600 {
					t.Errorf("%s counts in bars of %q", p.Title, p.Interval)
				}
			}
		}
	})
}

// TestBarsShowTheHourThatHasBegun holds that a bar of counts begins at its time. One
// that ends there would not show what happens now until the hour is over, and the first
// of them would lie before the graph, while the legend's sum has it.
func TestBarsShowTheHourThatHasBegun(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		for _, p := range shown(d) {
			if p.Type != "timeseries" {
				continue
			}
			custom := p.FieldConfig.Defaults.Custom
			if custom.DrawStyle == "bars" && custom.ShowPoints != "never" {
				t.Errorf("%s: points stand at the corners of bars", p.Title)
			}
			for _, target := range p.Targets {
				if !strings.Contains(target.Expr, "[$__interval]") {
					continue
				}
				isAhead := strings.Contains(target.Expr, "[$__interval] offset -$__interval") || strings.Contains(target.Expr, "[$__interval] offset 167h")
				if custom.BarAlignment != 1 || !isAhead {
					t.Errorf("%s: the bars of %s end at their time", p.Title, target.LegendFormat)
				}
			}
		}
	})
}

// TestSharesOfFewCallsAreLeftOut holds that a line is not drawn from nothing to all by
// the single calls of a night.
func TestSharesOfFewCallsAreLeftOut(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		for _, p := range shown(d) {
			for _, target := range p.Targets {
				if p.FieldConfig.Defaults.Unit == "percentunit" && strings.Contains(target.Expr, "[6h]") && !strings.Contains(target.Expr, " >= 5)") {
					t.Errorf("%s: %s is of any number of calls", p.Title, target.LegendFormat)
				}
			}
		}
	})
}

// TestNothingIsNoBackground holds that a cell without a value does not stand out from
// those that have one.
func TestNothingIsNoBackground(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		for _, p := range shown(d) {
			custom := p.FieldConfig.Defaults.Custom
			if custom == nil || custom.CellOptions == nil || custom.CellOptions.Type != "color-background" {
				continue
			}
			for _, m := range p.FieldConfig.Defaults.Mappings {
				for match, result := range results(m) {
					if result.Color != "transparent" {
						t.Errorf("%s: %s has the background %q", p.Title, match, result.Color)
					}
				}
			}
		}
	})
}

// duration is that of a step in seconds.
func duration(t *testing.T, step string) int {
	t.Helper()
	var n int
	var unit string
	if _, err := fmt.Sscanf(step, "%d%s", &n, &unit); err != nil {
		t.Fatalf("%q is no step: %v", step, err)
	}
	return n * map[string]int{"s": 1, "m": 60, "h": 3600}[unit]
}

// TestCountsAreWhole holds that what is counted has no fraction: PromQL extrapolates,
// and 47.1 messages are 47.
func TestCountsAreWhole(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		for _, p := range shown(d) {
			if p.FieldConfig.Defaults.Unit != "locale" {
				continue
			}
			if p.FieldConfig.Defaults.Decimals == nil || *p.FieldConfig.Defaults.Decimals != 0 {
				t.Errorf("%s counts with decimals", p.Title)
			}
			for _, target := range p.Targets {
				extrapolates := strings.Contains(target.Expr, "increase(") || strings.Contains(target.Expr, ":increase")
				if extrapolates && !strings.Contains(target.Expr, "round(") {
					t.Errorf("%s: %s counts in fractions", p.Title, target.RefID)
				}
			}
		}
	})
}

// TestAxesHaveOneUnit holds that ages and durations over time are in a unit of their
// own: with Grafana's, which changes with the value, ticks are 8.33 mins.
func TestAxesHaveOneUnit(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		for _, p := range shown(d) {
			if unit := p.FieldConfig.Defaults.Unit; p.Type == "timeseries" && (unit == "s" || unit == "short" || unit == "dtdurations") {
				t.Errorf("%s: the axis has the unit %s", p.Title, unit)
			} else if strings.HasPrefix(unit, "suffix: ") {
				t.Errorf("%s: Grafana puts a second space into the unit %s", p.Title, unit)
			}
		}
	})
}

// TestRowsDoNotOverlap holds that a timeline has room for its rows.
func TestRowsDoNotOverlap(t *testing.T) {
	t.Parallel()
	most := regexp.MustCompile(`(?:bottomk|topk)\((\d+),`)
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		for _, p := range shown(d) {
			if p.Type != "state-timeline" {
				continue
			}
			rows := 0
			if _, err := fmt.Sscan(most.FindStringSubmatch(p.Targets[0].Expr)[1], &rows); err != nil {
				t.Fatal(err)
			}
			if room := (p.GridPos.H*38 - 90) / 20; rows > room {
				t.Errorf("%s: %d rows, and room for %d", p.Title, rows, room)
			}
		}
	})
}

// TestOneNameOneFormula holds that what has one name is one thing, in every panel and
// column: a share of the window is defined once.
func TestOneNameOneFormula(t *testing.T) {
	t.Parallel()
	names := make(map[string]string)
	selectors := regexp.MustCompile(`(?:job|instance|id_instance|chat_type|media)=~"\$\w+"(?:, )?| by \([a-z_, ]*\)|,? \}`)
	normal := func(expr string) string {
		return strings.NewReplacer(", }", "}", " (", "(").Replace(selectors.ReplaceAllString(expr, ""))
	}
	check := func(where, name, expr string) {
		if known, ok := names[name]; ok && known != normal(expr) {
			t.Errorf("%s: %s is %s, and elsewhere %s", where, name, normal(expr), known)
		}
		names[name] = normal(expr)
	}
	for _, d := range dashboards.All() {
		for _, p := range shown(d) {
			if p.Type == "stat" && p.FieldConfig.Defaults.Unit == "percentunit" {
				check(p.Title, p.Title, p.Targets[0].Expr)
			}
			if p.Type != "table" {
				continue
			}
			order, ok := columnsOf(p)
			for field, title := range order.RenameByName {
				if ok && property(p, title, "unit") == "percentunit" && title != "Share" {
					check(p.Title, title, p.Targets[field[len(field)-1]-'A'].Expr)
				}
			}
		}
	}
	if len(names) < 4 {
		t.Errorf("only %d shares have a name", len(names))
	}
}
