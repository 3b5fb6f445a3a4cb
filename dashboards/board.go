package dashboards

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// The dashboards' ids, which their URLs have. Alerts link to them.
const (
	fleetUID    = "greenapi-fleet"
	accountUID  = "greenapi-account"
	exporterUID = "greenapi-exporter"
)

const columns = 24 // of Grafana's grid

// All returns the dashboards, from general to specific.
func All() []Dashboard { return []Dashboard{fleet(), account(), exporter()} }

// Encode returns the JSON that Grafana imports.
func Encode(d Dashboard) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(d); err != nil {
		return nil, fmt.Errorf("encode the dashboard %s: %w", d.UID, err)
	}
	return text.Bytes(), nil
}

// section is panels under a heading.
type section struct {
	title  string
	panels []Panel
}

// newDashboard puts sections below each other.
func newDashboard(uid, title, description string, variables []Variable, annotations []Annotation, sections ...section) Dashboard {
	d := Dashboard{
		UID: uid, Title: title, Description: description, Tags: []string{"greenapi"},
		SchemaVersion: schemaVersion, GraphTooltip: 1, Refresh: "1m", Timezone: "browser",
		Time:       TimeRange{From: "now-24h", To: "now"},
		Templating: Templating{List: variables},
		Links: []Link{{
			Title: "GREEN-API", Type: "dashboards", Tags: []string{"greenapi"}, IncludeVars: true, KeepTime: true,
			Icon: "external link", Tooltip: "The other dashboards, for the same accounts and time",
		}},
		Panels: place(sections),
	}
	d.Annotations.List = annotations
	return d
}

// place gives panels their ids and places: from left to right, in a new line where
// one does not fit.
func place(sections []section) []Panel {
	var placed []Panel
	y := 0
	put := func(p Panel, x int) {
		p.ID = len(placed) + 1
		p.GridPos.X, p.GridPos.Y = x, y
		placed = append(placed, p)
	}
	for _, s := range sections {
		put(Panel{Type: "row", Title: s.title, Collapsed: new(false), GridPos: GridPos{W: columns, H: 1}}, 0)
		y++
		x, height := 0, 0
		for _, p := range s.panels {
			if x+p.GridPos.W > columns {
				x, y, height = 0, y+height, 0
			}
			put(p, x)
			x, height = x+p.GridPos.W, max(height, p.GridPos.H)
		}
		y += height
	}
	return placed
}
