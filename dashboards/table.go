package dashboards

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// column is a column of a table: a label, or the value of a query.
type column struct {
	title string
	width int  // in pixels
	grow  bool // it takes what room is left

	label string // the label that it shows; empty for a value

	expr       string // the value, by the labels that the table's rows have
	value      bool   // it shows the value of the query that brings the labels
	empty      string // shown where there is no value
	unit       string
	mappings   []Mapping
	thresholds *Thresholds
	link       *DataLink
}

// table joins instant queries by the labels that they share. Labels come from any
// of the queries; with names, further queries that only bring labels.
func table(v view, columns []column, changes ...change) Panel {
	labels := v.queries
	v.unit, v.queries = text, nil // of columns that are labels and are not listed
	for _, c := range columns {
		if c.expr != "" {
			v.queries = append(v.queries, query{expr: c.expr})
		}
	}
	values := len(v.queries)
	v.queries = append(v.queries, labels...)
	if last := &v.queries[len(v.queries)-1]; values > 0 && !hasMessage(*last) {
		// Of several queries that find nothing, Grafana shows the heads of the columns alone.
		last.expr += " or " + says("absent("+last.expr+")", v.empty)
	}
	p := newPanel("table", v)
	p.instant("table")
	p.FieldConfig.Defaults.Custom = &Custom{CellOptions: &CellOptions{Type: "auto"}, MinWidth: 72}
	p.Options = &Options{ShowHeader: new(true), CellHeight: "sm"}

	order := Organize{ExcludeByName: map[string]bool{"Time": true}, IndexByName: map[string]int{}, RenameByName: map[string]string{}}
	refs, shown := 0, false
	for n, c := range columns {
		field := c.label
		switch {
		case c.value:
			field, shown = valueField(values, len(v.queries)), true
		case c.label == "":
			field = valueField(refs, len(v.queries))
			refs++
		}
		order.IndexByName[field], order.RenameByName[field] = n, c.title
		p.override(c.title, c.properties()...)
	}
	if hasMessage(v.queries[len(v.queries)-1]) {
		order.IndexByName[messageLabel], order.RenameByName[messageLabel] = -1, messageTitle
		p.override(messageTitle, messageProperties()...)
	}
	for n := values; n < len(v.queries) && !shown; n++ {
		order.ExcludeByName[valueField(n, len(v.queries))] = true
	}
	p.hideLabels(labels, order)
	p.Transformations = []Transformation{{ID: "merge", Options: struct{}{}}, {ID: "organize", Options: order}}
	return p.with(changes)
}

// A message is a row that says why a table has no others. Its label is a column that is
// there only with it, in place of the columns with links: it leads nowhere.
const (
	messageLabel = "message"
	messageTitle = "Now"
	messageWidth = 410 // the columns of values are pushed out of the panel where there is no room
)

// says is a row with a message, where an expression finds something.
func says(expr, text string) string {
	return fmt.Sprintf(`label_replace((%s) + 0 / 0, %q, %q, "", "")`, expr, messageLabel, text)
}

func hasMessage(q query) bool { return strings.Contains(q.expr, `"`+messageLabel+`"`) }

// messageProperties colour messages by the symbols that they begin with.
func messageProperties() []Property {
	begins := func(symbol, color string) Mapping {
		return Mapping{Type: "regex", Options: RegexOptions{Pattern: "^(" + symbol + ".*)", Result: MappingResult{Text: "$1", Color: color}}}
	}
	return []Property{
		{"custom.minWidth", messageWidth},
		{"unit", text},
		{"custom.align", "left"},
		{"mappings", []Mapping{begins("✔", teal), begins("▲", ochre)}},
		{"custom.cellOptions", CellOptions{Type: "color-text"}},
	}
}

// hideLabels hides the labels that are no columns. They stay fields, which links need.
func (p *Panel) hideLabels(labels []query, order Organize) {
	for _, label := range []string{"id_instance", "alertname", "account", "name"} {
		if order.RenameByName[label] != "" {
			continue
		}
		for _, q := range labels {
			if strings.Contains(q.expr, label) {
				p.override(label, Property{"custom.hidden", true})
				break
			}
		}
	}
}

// valueField is what Grafana calls the value of the nth of several queries.
func valueField(n, queries int) string {
	if queries == 1 {
		return "Value"
	}
	return "Value #" + refID(n)
}

func (c column) properties() []Property {
	properties := []Property{{"custom.width", c.width}}
	if c.grow {
		properties = []Property{{"custom.minWidth", c.width}}
	}
	mappings := c.mappings
	if c.label != "" {
		// Else a label that a row lacks would be shown as why the whole panel is empty.
		properties = append(properties, Property{"unit", text}, Property{"custom.align", "left"}, Property{"noValue", cmp.Or(c.empty, nothing)})
	} else {
		properties = append(properties, Property{"unit", c.unit})
		if !slices.ContainsFunc(mappings, func(m Mapping) bool { return m.Type == "special" }) {
			mappings = append(slices.Clone(mappings), missing(cmp.Or(c.empty, nothing)))
		}
	}
	switch c.unit {
	case share:
		properties = append(properties, Property{"decimals", 1})
	case number, lasting:
		properties = append(properties, Property{"decimals", 0})
	}
	if mappings != nil {
		properties = append(properties, Property{"mappings", mappings})
	}
	if c.thresholds != nil {
		properties = append(properties, Property{"thresholds", c.thresholds})
	}
	if c.mappings != nil || c.thresholds != nil {
		properties = append(properties, Property{"custom.cellOptions", CellOptions{Type: "color-text"}})
	}
	if c.label == "account" || c.label == "name" { // long names are cut, and what follows them: the id
		properties = append(properties, Property{"custom.cellOptions", CellOptions{Type: "auto", WrapText: true}})
	}
	if c.link != nil {
		properties = append(properties, Property{"links", []DataLink{*c.link}})
	}
	return properties
}

// sortedBy orders the rows of a table by a column, after those that it is sorted by.
func sortedBy(title string, falling bool) change {
	return func(p *Panel) { p.Options.SortBy = append(p.Options.SortBy, Sort{DisplayName: title, Desc: falling}) }
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

// runbooks are where the alerts are explained.
const runbooks = "https://github.com/greenapi-exporter/greenapi_exporter/blob/main/deploy/prometheus/runbooks.md"

// toRunbook leads from an alert to its runbook.
func toRunbook() *DataLink {
	return &DataLink{Title: "Open the runbook", URL: runbooks + "#${__data.fields.alertname}", TargetBlank: true}
}
