package dashboards

// column is a column of a table: a label, or the value of a query.
type column struct {
	title string
	width int // at least, in pixels

	label string // the label that it shows; empty for a value

	expr       string // the value, by the labels that the table's rows have
	unit       string
	mappings   []Mapping
	thresholds *Thresholds
	link       *DataLink
}

// table joins instant queries by the labels that they share. Labels come from any
// of the queries; with names, further queries that only bring labels.
func table(v view, columns []column, changes ...change) Panel {
	labels := v.queries
	v.unit, v.queries = number, nil
	for _, c := range columns {
		if c.expr != "" {
			v.queries = append(v.queries, query{expr: c.expr})
		}
	}
	values := len(v.queries)
	v.queries = append(v.queries, labels...)
	p := newPanel("table", v)
	p.instant("table")
	p.FieldConfig.Defaults.Custom = &Custom{CellOptions: &CellOptions{Type: "auto"}, MinWidth: 72}
	p.Options = &Options{ShowHeader: new(true), CellHeight: "sm"}

	order := Organize{ExcludeByName: map[string]bool{"Time": true}, IndexByName: map[string]int{}, RenameByName: map[string]string{}}
	refs := 0
	for n, c := range columns {
		field := c.label
		if c.label == "" {
			field = valueField(refs, len(v.queries))
			refs++
		}
		order.IndexByName[field], order.RenameByName[field] = n, c.title
		p.override(c.title, c.properties()...)
	}
	for n := values; n < len(v.queries); n++ {
		order.ExcludeByName[valueField(n, len(v.queries))] = true
	}
	p.Transformations = []Transformation{{ID: "merge", Options: struct{}{}}, {ID: "organize", Options: order}}
	return p.with(changes)
}

// valueField is what Grafana calls the value of the nth of several queries.
func valueField(n, queries int) string {
	if queries == 1 {
		return "Value"
	}
	return "Value #" + refID(n)
}

func (c column) properties() []Property {
	properties := []Property{{"custom.minWidth", c.width}}
	if c.unit != "" {
		properties = append(properties, Property{"unit", c.unit})
	}
	if c.unit == share {
		properties = append(properties, Property{"decimals", 1})
	}
	if c.mappings != nil {
		properties = append(properties, Property{"mappings", c.mappings})
	}
	if c.thresholds != nil {
		properties = append(properties, Property{"thresholds", c.thresholds})
	}
	if c.mappings != nil || c.thresholds != nil {
		properties = append(properties, Property{"custom.cellOptions", CellOptions{Type: "color-text"}})
	}
	if c.link != nil {
		properties = append(properties, Property{"links", []DataLink{*c.link}})
	}
	return properties
}

// sortedBy orders the rows of a table by a column.
func sortedBy(title string, falling bool) change {
	return func(p *Panel) { p.Options.SortBy = []Sort{{DisplayName: title, Desc: falling}} }
}

// toAccount leads from a cell or bar to the dashboard of its account.
func toAccount(id string) *DataLink {
	return &DataLink{
		Title: "Open the account",
		URL:   "/d/" + accountUID + "?var-id_instance=" + id + "&" + sameTargets + "&${__url_time_range}",
	}
}

// linked leads from every value of a panel to the dashboard of its account.
func linked(p *Panel) {
	p.FieldConfig.Defaults.Links = []DataLink{*toAccount("${__field.labels.id_instance}")}
}
