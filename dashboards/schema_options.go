package dashboards

// Options is what a kind of panel can be told. Each knows some of them.
type Options struct {
	Legend        *Legend        `json:"legend,omitempty"`
	Tooltip       *Tooltip       `json:"tooltip,omitempty"`
	ReduceOptions *ReduceOptions `json:"reduceOptions,omitempty"`

	// stat and bargauge
	ColorMode   string `json:"colorMode,omitempty"`
	GraphMode   string `json:"graphMode,omitempty"`
	TextMode    string `json:"textMode,omitempty"`
	JustifyMode string `json:"justifyMode,omitempty"`
	Orientation string `json:"orientation,omitempty"`
	Text        *Text  `json:"text,omitempty"`
	DisplayMode string `json:"displayMode,omitempty"`
	ValueMode   string `json:"valueMode,omitempty"`
	NamePlace   string `json:"namePlacement,omitempty"`
	ShowUnfill  bool   `json:"showUnfilled,omitempty"`
	MinVizH     int    `json:"minVizHeight,omitempty"`
	MinVizW     int    `json:"minVizWidth,omitempty"`

	// state-timeline
	ShowValue   string   `json:"showValue,omitempty"`
	MergeValues *bool    `json:"mergeValues,omitempty"`
	RowHeight   *float64 `json:"rowHeight,omitempty"`
	AlignValue  string   `json:"alignValue,omitempty"`

	// table
	ShowHeader *bool  `json:"showHeader,omitempty"`
	CellHeight string `json:"cellHeight,omitempty"`
	SortBy     []Sort `json:"sortBy,omitempty"`

	// heatmap
	Calculate    *bool          `json:"calculate,omitempty"`
	Color        *HeatmapColor  `json:"color,omitempty"`
	YAxis        *HeatmapAxis   `json:"yAxis,omitempty"`
	RowsFrame    *HeatmapLayout `json:"rowsFrame,omitempty"`
	FilterValues *HeatmapFilter `json:"filterValues,omitempty"`
	CellGap      int            `json:"cellGap,omitempty"`
}

// Legend is the legend of a panel; that of a heatmap knows show alone, the others
// the rest.
type Legend struct {
	Show        bool     `json:"show,omitempty"`
	ShowLegend  bool     `json:"showLegend,omitempty"`
	DisplayMode string   `json:"displayMode,omitempty"`
	Placement   string   `json:"placement,omitempty"`
	Calcs       []string `json:"calcs,omitzero"`
}

// Tooltip is what is shown under the pointer.
type Tooltip struct {
	Show       bool   `json:"show,omitempty"` // of a heatmap, before 10.3; later versions read the mode
	Mode       string `json:"mode"`
	Sort       string `json:"sort,omitempty"`
	ShowColor  *bool  `json:"showColorScale,omitempty"`
	YHistogram *bool  `json:"yHistogram,omitempty"`
}

// ReduceOptions is how a series becomes a number.
type ReduceOptions struct {
	Calcs  []string `json:"calcs"`
	Fields string   `json:"fields"`
	Values bool     `json:"values"`
}

// Text is how large a number and its name are, in pixels.
type Text struct {
	TitleSize int `json:"titleSize,omitempty"`
	ValueSize int `json:"valueSize,omitempty"`
}

// Sort orders a table by a column.
type Sort struct {
	DisplayName string `json:"displayName"`
	Desc        bool   `json:"desc"`
}

// HeatmapColor is the colours of a heatmap.
type HeatmapColor struct {
	Mode     string  `json:"mode"`
	Scheme   string  `json:"scheme"`
	Scale    string  `json:"scale"`
	Exponent float64 `json:"exponent"`
	Steps    int     `json:"steps"`
	Reverse  bool    `json:"reverse"`
	Fill     string  `json:"fill"`
}

// HeatmapAxis is the axis of the buckets.
type HeatmapAxis struct {
	Unit          string `json:"unit"`
	AxisPlacement string `json:"axisPlacement"`
	Reverse       bool   `json:"reverse"`
}

// HeatmapLayout says what the bounds of a bucket are.
type HeatmapLayout struct {
	Layout string `json:"layout"`
}

// HeatmapFilter leaves out cells.
type HeatmapFilter struct {
	LE float64 `json:"le"`
}
