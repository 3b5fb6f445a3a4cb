package dashboards

// The part of Grafana's dashboard schema, version 39, that the dashboards use.
// Fields that exist for one kind of panel only are left out where they are zero.

const schemaVersion = 39

// Dashboard is a dashboard as Grafana imports it.
type Dashboard struct {
	UID           string     `json:"uid"`
	Title         string     `json:"title"`
	Description   string     `json:"description"`
	Tags          []string   `json:"tags"`
	SchemaVersion int        `json:"schemaVersion"`
	Editable      bool       `json:"editable"`
	GraphTooltip  int        `json:"graphTooltip"` // 1: the crosshair is shared between panels
	Refresh       string     `json:"refresh"`
	Timezone      string     `json:"timezone"`
	Time          TimeRange  `json:"time"`
	Templating    Templating `json:"templating"`
	Annotations   struct {
		List []Annotation `json:"list"`
	} `json:"annotations"`
	Links  []Link  `json:"links"`
	Panels []Panel `json:"panels"`
}

// TimeRange is what a dashboard shows at first.
type TimeRange struct {
	From string `json:"from"`
	To   string `json:"to"`
}

// Templating holds the variables.
type Templating struct {
	List []Variable `json:"list"`
}

// Variable is a variable of a dashboard.
type Variable struct {
	Name       string         `json:"name"`
	Label      string         `json:"label"`
	Type       string         `json:"type"` // datasource or query
	Datasource *Datasource    `json:"datasource,omitempty"`
	Definition string         `json:"definition,omitempty"` // the query, as Grafana lists it
	Query      any            `json:"query"`                // a string or a VariableQuery, by type
	Regex      string         `json:"regex"`                // which of the values; empty for all
	Refresh    int            `json:"refresh"`              // 1: when the dashboard is loaded, 2: when the time range changes
	Sort       int            `json:"sort,omitempty"`       // 1: alphabetical
	Multi      bool           `json:"multi"`
	IncludeAll bool           `json:"includeAll"`
	AllValue   string         `json:"allValue,omitempty"`
	Current    *VariableValue `json:"current,omitempty"`
	Hide       int            `json:"hide"`
}

// VariableQuery asks Prometheus for the values of a variable.
type VariableQuery struct {
	QryType int    `json:"qryType"` // 1: label values, 3: the result of a query
	Query   string `json:"query"`
	RefID   string `json:"refId"`
}

// VariableValue is what a variable is set to at first.
type VariableValue struct {
	Selected bool `json:"selected"`
	Text     any  `json:"text"` // a list, where several can be chosen
	Value    any  `json:"value"`
}

// Datasource names a data source.
type Datasource struct {
	Type string `json:"type"`
	UID  string `json:"uid"`
}

// Annotation marks moments in all panels. Grafana 10 reads expr and step, later
// versions the target.
type Annotation struct {
	Name        string            `json:"name"`
	Datasource  Datasource        `json:"datasource"`
	Enable      bool              `json:"enable"`
	Hide        bool              `json:"hide"`
	IconColor   string            `json:"iconColor"`
	BuiltIn     int               `json:"builtIn,omitempty"`
	Type        string            `json:"type,omitempty"`
	Expr        string            `json:"expr,omitempty"`
	Step        string            `json:"step,omitempty"`
	TitleFormat string            `json:"titleFormat,omitempty"`
	TextFormat  string            `json:"textFormat,omitempty"`
	TagKeys     string            `json:"tagKeys,omitempty"`
	Target      *AnnotationTarget `json:"target,omitempty"`
}

// AnnotationTarget is the query of an annotation.
type AnnotationTarget struct {
	Expr     string `json:"expr"`
	Interval string `json:"interval"`
	RefID    string `json:"refId"`
}

// Link leads from a dashboard to others.
type Link struct {
	Title       string   `json:"title"`
	Type        string   `json:"type"`
	Tags        []string `json:"tags"`
	AsDropdown  bool     `json:"asDropdown"`
	IncludeVars bool     `json:"includeVars"`
	KeepTime    bool     `json:"keepTime"`
	TargetBlank bool     `json:"targetBlank"`
	Icon        string   `json:"icon"`
	Tooltip     string   `json:"tooltip"`
	URL         string   `json:"url"`
}

// Panel is a panel, or the heading of a row of panels.
type Panel struct {
	ID              int              `json:"id"`
	Type            string           `json:"type"`
	Title           string           `json:"title"`
	Description     string           `json:"description,omitempty"`
	GridPos         GridPos          `json:"gridPos"`
	Collapsed       *bool            `json:"collapsed,omitempty"` // of a row
	Panels          []Panel          `json:"panels,omitempty"`    // of a collapsed row
	Datasource      *Datasource      `json:"datasource,omitempty"`
	Interval        string           `json:"interval,omitempty"` // the least step
	MaxDataPoints   int              `json:"maxDataPoints,omitempty"`
	TimeFrom        string           `json:"timeFrom,omitempty"`
	Targets         []Target         `json:"targets,omitempty"`
	Transformations []Transformation `json:"transformations,omitempty"`
	FieldConfig     *FieldConfig     `json:"fieldConfig,omitempty"`
	Options         *Options         `json:"options,omitempty"`
	PluginVersion   string           `json:"pluginVersion,omitempty"` // of the panel's kind, whose options these are
}

// GridPos is where a panel stands: 24 columns, rows of about 30 pixels.
type GridPos struct {
	X int `json:"x"`
	Y int `json:"y"`
	W int `json:"w"`
	H int `json:"h"`
}

// Target is a query of a panel.
type Target struct {
	RefID        string     `json:"refId"`
	Datasource   Datasource `json:"datasource"`
	EditorMode   string     `json:"editorMode"`
	Expr         string     `json:"expr"`
	Format       string     `json:"format"` // time_series, table or heatmap
	Instant      bool       `json:"instant"`
	Range        bool       `json:"range"`
	LegendFormat string     `json:"legendFormat"`
}

// Transformation changes what the queries found before it is shown.
type Transformation struct {
	ID      string `json:"id"`
	Options any    `json:"options"`
}

// Organize is the options of the transformation that orders and names columns.
type Organize struct {
	ExcludeByName map[string]bool   `json:"excludeByName"`
	IndexByName   map[string]int    `json:"indexByName"`
	RenameByName  map[string]string `json:"renameByName"`
}

// SortBy is the options of the transformation that sorts rows.
type SortBy struct {
	Sort []SortField `json:"sort"`
}

// SortField is what rows are sorted by.
type SortField struct {
	Field string `json:"field"`
	Desc  bool   `json:"desc,omitempty"`
}

// Matrix is the options of the transformation that makes columns of the values of a
// field.
type Matrix struct {
	ColumnField string `json:"columnField"`
	RowField    string `json:"rowField"`
	ValueField  string `json:"valueField"`
	EmptyValue  string `json:"emptyValue"`
}

// FieldConfig is how values are shown.
type FieldConfig struct {
	Defaults  FieldDefaults `json:"defaults"`
	Overrides []Override    `json:"overrides"`
}

// FieldDefaults is how the values of a panel are shown.
type FieldDefaults struct {
	Unit       string      `json:"unit,omitempty"`
	Decimals   *int        `json:"decimals,omitempty"`
	Min        *float64    `json:"min,omitempty"`
	Max        *float64    `json:"max,omitempty"`
	NoValue    string      `json:"noValue,omitempty"`
	Color      *Color      `json:"color,omitempty"`
	Mappings   []Mapping   `json:"mappings,omitempty"`
	Thresholds *Thresholds `json:"thresholds,omitempty"`
	Links      []DataLink  `json:"links,omitempty"`
	Custom     *Custom     `json:"custom,omitempty"`
}

// Color is how values get their colours.
type Color struct {
	Mode       string `json:"mode"`
	FixedColor string `json:"fixedColor,omitempty"`
}

// Mapping shows values as texts.
type Mapping struct {
	Type    string `json:"type"`    // value, regex or special
	Options any    `json:"options"` // a map[string]MappingResult by value, RegexOptions or SpecialOptions
}

// SpecialOptions is the mapping of what is no number.
type SpecialOptions struct {
	Match  string        `json:"match"`
	Result MappingResult `json:"result"`
}

// RegexOptions is the mapping of texts that match.
type RegexOptions struct {
	Pattern string        `json:"pattern"`
	Result  MappingResult `json:"result"`
}

// MappingResult is what a value is shown as.
type MappingResult struct {
	Color string `json:"color,omitempty"`
	Index int    `json:"index"`
	Text  string `json:"text"`
}

// Thresholds are from where on a value has a colour.
type Thresholds struct {
	Mode  string      `json:"mode"`
	Steps []Threshold `json:"steps"`
}

// Threshold is from where on a value has a colour; nil for the first.
type Threshold struct {
	Color string   `json:"color"`
	Value *float64 `json:"value"`
}

// Custom is what only some kinds of panels know.
type Custom struct {
	DrawStyle         string        `json:"drawStyle,omitempty"`
	LineWidth         *int          `json:"lineWidth,omitempty"`
	LineStyle         *LineStyle    `json:"lineStyle,omitempty"`
	FillOpacity       int           `json:"fillOpacity,omitempty"`
	BarAlignment      int           `json:"barAlignment,omitempty"` // 1: a bar begins at its time
	ShowPoints        string        `json:"showPoints,omitempty"`
	SpanNulls         bool          `json:"spanNulls,omitempty"`
	AxisSoftMin       *float64      `json:"axisSoftMin,omitempty"`
	AxisSoftMax       *float64      `json:"axisSoftMax,omitempty"`
	Stacking          *Stacking     `json:"stacking,omitempty"`
	ThresholdsStyle   *Mode         `json:"thresholdsStyle,omitempty"`
	CellOptions       *CellOptions  `json:"cellOptions,omitempty"`
	MinWidth          int           `json:"minWidth,omitempty"`
	Width             int           `json:"width,omitempty"`
	Align             string        `json:"align,omitempty"`
	Filterable        bool          `json:"filterable,omitempty"`
	ScaleDistribution *Distribution `json:"scaleDistribution,omitempty"`
}

// LineStyle is how a line is drawn.
type LineStyle struct {
	Fill string `json:"fill"`
	Dash []int  `json:"dash,omitempty"`
}

// Stacking is whether series are put on top of each other.
type Stacking struct {
	Mode  string `json:"mode"` // none, normal or percent
	Group string `json:"group"`
}

// Mode is an option that is nothing but a mode.
type Mode struct {
	Mode string `json:"mode"`
}

// CellOptions is how a column of a table is shown.
type CellOptions struct {
	Type     string `json:"type"`
	Mode     string `json:"mode,omitempty"`
	WrapText bool   `json:"wrapText,omitempty"`
}

// Distribution is the scale of an axis.
type Distribution struct {
	Type string `json:"type"`
	Log  int    `json:"log,omitempty"`
}

// Override shows some of the values otherwise.
type Override struct {
	Matcher    Matcher    `json:"matcher"`
	Properties []Property `json:"properties"`
}

// Matcher selects fields.
type Matcher struct {
	ID      string `json:"id"`
	Options string `json:"options"`
}

// Property is a field of FieldDefaults, by its path.
type Property struct {
	ID    string `json:"id"`
	Value any    `json:"value"`
}

// HideFrom is where a series is not shown.
type HideFrom struct {
	Legend  bool `json:"legend"`
	Tooltip bool `json:"tooltip"`
	Viz     bool `json:"viz"`
}

// DataLink leads from a value to elsewhere.
type DataLink struct {
	Title       string `json:"title"`
	URL         string `json:"url"`
	TargetBlank bool   `json:"targetBlank,omitempty"`
}
