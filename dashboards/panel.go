package dashboards

import (
	"cmp"
	"slices"
)

// view is what each panel says: what it means in a sentence, and by which formula.
type view struct {
	title   string
	means   string
	formula string
	unit    string
	queries []query

	width, height int
	interval      string // the least step; by default, twice that of the scrapes
	empty         string // the reason, where there is nothing to show
}

// query is what a panel asks for.
type query struct {
	expr   string
	legend string
}

// leastStep is the least step of panels. Grafana takes $__rate_interval from it where
// the data source has no scrape interval: at its default of 15 s, a rate over scrapes
// of a minute would have holes, or nothing at all.
const leastStep = "2m"

// bar is the time that each bar of counts stands for.
const bar = "1h"

// prom is the data source that the variable names.
var prom = Datasource{Type: "prometheus", UID: "${datasource}"}

// change makes a panel a little different from its kind.
type change func(*Panel)

// newPanel is what all kinds of panels have in common.
func newPanel(kind string, v view) Panel {
	p := Panel{
		Type:        kind,
		Title:       v.title,
		Description: v.means + "\n\nFormula: " + v.formula,
		GridPos:     GridPos{W: v.width, H: v.height},
		Datasource:  &prom,
		Interval:    cmp.Or(v.interval, leastStep),
		// The options are those of Grafana 10.0; later versions move them on from there.
		PluginVersion: "10.0.0",
		FieldConfig: &FieldConfig{
			Defaults: FieldDefaults{
				Unit: v.unit, NoValue: cmp.Or(v.empty, nothing), Thresholds: plain(), Color: &Color{Mode: "thresholds"}, Custom: &Custom{},
			},
			Overrides: []Override{},
		},
		Options: &Options{},
	}
	for n, q := range v.queries {
		p.Targets = append(p.Targets, Target{
			RefID: refID(n), Datasource: prom, EditorMode: "code",
			Expr: q.expr, LegendFormat: q.legend, Format: "time_series", Range: true,
		})
	}
	if v.unit == share {
		p.FieldConfig.Defaults.Min, p.FieldConfig.Defaults.Max = new(0.0), new(1.0)
		p.FieldConfig.Defaults.Decimals = new(1)
	}
	if v.unit == number || v.unit == lasting || v.unit == turnedOff {
		p.FieldConfig.Defaults.Decimals = new(0)
	}
	return p
}

// refID names the nth query of a panel.
func refID(n int) string { return "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[n : n+1] }

func (p Panel) with(changes []change) Panel {
	for _, c := range changes {
		c(&p)
	}
	return p
}

// stat shows the newest numbers.
func stat(v view, changes ...change) Panel {
	p := newPanel("stat", v)
	p.instant("time_series")
	p.Options = &Options{
		ReduceOptions: &ReduceOptions{Calcs: []string{"lastNotNull"}, Fields: ""},
		ColorMode:     "value", GraphMode: "none", TextMode: "auto", JustifyMode: "auto", Orientation: "auto",
	}
	if len(p.Targets) > 1 {
		withNames(&p, 32)
	}
	p.FieldConfig.Defaults.Custom = nil
	return p.with(changes)
}

// withNames shows numbers with their names. Grafana would fit a name into the room that
// the number leaves: 9 pixels high, or less.
func withNames(p *Panel, size int) {
	p.Options.TextMode = "value_and_name"
	p.Options.Text = &Text{TitleSize: 14, ValueSize: size}
}

// instant asks for the newest values only.
func (p *Panel) instant(format string) {
	for n := range p.Targets {
		p.Targets[n].Instant, p.Targets[n].Range, p.Targets[n].Format = true, false, format
	}
}

// timeseries shows lines.
func timeseries(v view, changes ...change) Panel {
	p := newPanel("timeseries", v)
	p.FieldConfig.Defaults.Color = &Color{Mode: "palette-classic"}
	p.FieldConfig.Defaults.Custom = &Custom{
		DrawStyle: "line", LineWidth: new(2), ShowPoints: "auto",
		Stacking: &Stacking{Mode: "none", Group: "A"}, AxisSoftMin: new(0.0),
	}
	p.Options = &Options{
		Legend:  &Legend{ShowLegend: true, DisplayMode: "list", Placement: "bottom", Calcs: []string{"lastNotNull"}},
		Tooltip: &Tooltip{Mode: "multi", Sort: "desc"},
	}
	for _, t := range p.Targets {
		for _, c := range seriesColors(t.LegendFormat) {
			colored(c.name, c.color)(&p)
		}
	}
	return p.with(changes)
}

// counts shows how many events there were, an hour a bar; the last bar is of the hour
// that has begun. The legend has the sums.
func counts(v view, changes ...change) Panel {
	v.unit = number
	v.interval = cmp.Or(v.interval, bar)
	v.means += " The last bar is of the hour that has begun."
	p := timeseries(v, stacked, beginsAtItsTime)
	p.FieldConfig.Defaults.Custom.AxisSoftMax = new(5.0)
	p.Options.Legend.Calcs = []string{"sum"}
	return p.with(changes)
}

// override shows the series or column of a name otherwise.
func (p *Panel) override(name string, properties ...Property) {
	p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, Override{Matcher: Matcher{ID: "byName", Options: name}, Properties: properties})
}

// stacked puts bars on top of each other.
func stacked(p *Panel) {
	c := p.FieldConfig.Defaults.Custom
	c.DrawStyle, c.FillOpacity, c.LineWidth, c.Stacking.Mode = "bars", 70, new(0), "normal"
	c.ShowPoints = "never"
}

// beginsAtItsTime draws bars to the right of their time.
func beginsAtItsTime(p *Panel) { p.FieldConfig.Defaults.Custom.BarAlignment = 1 }

// sideBySide puts bars beside each other: they are not parts of a whole.
func sideBySide(p *Panel) { p.FieldConfig.Defaults.Custom.Stacking.Mode = "none" }

// area fills what lies below lines, on top of each other.
func area(p *Panel) {
	c := p.FieldConfig.Defaults.Custom
	c.FillOpacity, c.LineWidth, c.Stacking.Mode = 60, new(1), "normal"
	c.ShowPoints = "never"
}

// statusColors gives the bars of statuses their colours.
func statusColors(p *Panel) {
	for _, c := range seriesColors("{{status}}") {
		colored(c.name, c.color)(p)
	}
}

// shares fills the panel with what each series is of the whole.
func shares(p *Panel) {
	stacked(p)
	c := p.FieldConfig.Defaults.Custom
	c.DrawStyle, c.Stacking.Mode = "line", "percent"
}

// ghost dashes a series in grey, and keeps it out of stacks.
func ghost(legend string) change {
	return func(p *Panel) {
		p.override(legend,
			Property{"color", Color{Mode: "fixed", FixedColor: grey}},
			Property{"custom.drawStyle", "line"},
			Property{"custom.lineStyle", LineStyle{Fill: "dash", Dash: []int{8, 6}}},
			Property{"custom.lineWidth", 2},
			Property{"custom.showPoints", "auto"},
			Property{"custom.fillOpacity", 0},
			Property{"custom.stacking", Stacking{Mode: "none", Group: "A"}},
		)
	}
}

// band fills what lies between two series.
func band(lower, upper string) change {
	return func(p *Panel) {
		hidden := []Property{
			{"color", Color{Mode: "fixed", FixedColor: grey}},
			{"custom.lineWidth", 0},
		}
		p.override(lower, hidden...)
		p.override(upper, append(hidden,
			Property{"custom.fillBelowTo", lower}, Property{"custom.fillOpacity", 25})...)
	}
}

// hiddenInLegend keeps series out of the legend, which the panel's description explains.
func hiddenInLegend(legends ...string) change {
	return func(p *Panel) {
		for _, legend := range legends {
			p.override(legend, Property{"custom.hideFrom", HideFrom{Legend: true}})
		}
	}
}

// colored gives a series a colour.
func colored(legend, color string) change {
	return func(p *Panel) {
		p.override(legend, Property{"color", Color{Mode: "fixed", FixedColor: color}})
	}
}

// judged colours values by thresholds.
func judged(thresholds *Thresholds) change {
	return func(p *Panel) { p.FieldConfig.Defaults.Thresholds = thresholds }
}

// mapped shows numbers as texts.
func mapped(mappings []Mapping) change {
	return func(p *Panel) { p.FieldConfig.Defaults.Mappings = mappings }
}

// drawn draws thresholds into the panel.
func drawn(thresholds *Thresholds) change {
	return func(p *Panel) {
		p.FieldConfig.Defaults.Thresholds = thresholds
		p.FieldConfig.Defaults.Custom.ThresholdsStyle = &Mode{Mode: "dashed"}
	}
}

// fewEvents shows the axis up to 5: to whole numbers, and to minutes rather than moments.
func fewEvents(p *Panel) { upTo(5)(p) }

// upTo shows the axis up to a value at least.
func upTo(value float64) change {
	return func(p *Panel) { p.FieldConfig.Defaults.Custom.AxisSoftMax = new(value) }
}

// shortLegend leaves numbers out of a legend, for many series in little room.
func shortLegend(p *Panel) { p.Options.Legend.Calcs = []string{} }

// barGauge compares numbers.
func barGauge(v view, changes ...change) Panel {
	p := newPanel("bargauge", v)
	p.instant("time_series")
	p.Options = &Options{
		ReduceOptions: &ReduceOptions{Calcs: []string{"lastNotNull"}, Fields: ""},
		Orientation:   "horizontal", DisplayMode: "basic", ValueMode: "text", NamePlace: "auto", ShowUnfill: true,
		MinVizH: 16, MinVizW: 8,
	}
	p.FieldConfig.Defaults.Custom = nil
	p.FieldConfig.Defaults.Min = new(0.0)
	return p.with(changes)
}

// timeline shows how states follow each other.
func timeline(v view, mappings []Mapping, changes ...change) Panel {
	p := newPanel("state-timeline", v)
	// Else a gap would have the colour of the panel's background, and its reason to be empty as the name.
	p.FieldConfig.Defaults.Mappings = append(slices.Clone(mappings), missing("no data"))
	// By thresholds, Grafana would name values that it merges by these, and not by the mappings.
	p.FieldConfig.Defaults.Color = &Color{Mode: "fixed", FixedColor: slate}
	p.FieldConfig.Defaults.Custom = &Custom{FillOpacity: 80}
	p.Options = &Options{
		Legend:    &Legend{ShowLegend: true, DisplayMode: "list", Placement: "bottom", Calcs: []string{}},
		Tooltip:   &Tooltip{Mode: "single", Sort: "none"},
		ShowValue: "auto", MergeValues: new(true), RowHeight: new(0.85), AlignValue: "left",
	}
	return p.with(changes)
}

// noneScraped is a row of a timeline where no exporter was scraped in the time range: of
// several queries that find nothing, Grafana would say that "Data does not have a time field".
func noneScraped() query {
	return query{"absent_over_time(" + accounts("greenapi_up") + "[$__range] @ end()) + 0 / 0", "no exporter"}
}

// heatmap shows how the buckets of a histogram fill.
func heatmap(v view) Panel {
	unit := v.unit
	v.unit = number // of the cells; the unit of the axis is that of the buckets
	p := newPanel("heatmap", v)
	for n := range p.Targets {
		p.Targets[n].Format = "heatmap"
	}
	p.FieldConfig.Defaults.Custom = &Custom{ScaleDistribution: &Distribution{Type: "linear"}}
	p.Options = &Options{
		Calculate: new(false),
		Color:     &HeatmapColor{Mode: "scheme", Scheme: "Viridis", Scale: "exponential", Exponent: 0.5, Steps: 64, Fill: blue},
		YAxis:     &HeatmapAxis{Unit: unit, AxisPlacement: "left"},
		RowsFrame: &HeatmapLayout{Layout: "auto"}, FilterValues: &HeatmapFilter{LE: 1e-9}, CellGap: 1,
		Legend:  &Legend{Show: true},
		Tooltip: &Tooltip{Show: true, Mode: "single", YHistogram: new(true), ShowColor: new(true)},
	}
	return p
}
