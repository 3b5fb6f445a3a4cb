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

// sameTargets hands the data source and the targets on to another dashboard.
const sameTargets = "${datasource:queryparam}&${job:queryparam}&${instance:queryparam}"

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
	closed bool // until the reader opens it
}

// newDashboard puts sections below each other.
func newDashboard(uid, title, description string, variables []Variable, annotations []Annotation, sections ...section) Dashboard {
	d := Dashboard{
		UID: uid, Title: title, Description: description, Tags: []string{"greenapi"},
		SchemaVersion: schemaVersion, GraphTooltip: 1, Refresh: "1m", Timezone: "browser",
		Time:       TimeRange{From: "now-24h", To: "now"},
		Templating: Templating{List: variables},
		Links:      links(uid),
		Panels:     place(sections),
	}
	d.Annotations.List = annotations
	return d
}

// links lead to the other dashboards, for the same targets and time. What an account's
// dashboard shows is one of the accounts: it is not handed on, and neither are the many
// of the others to it.
func links(from string) []Link {
	var all []Link
	for _, to := range []struct{ uid, title string }{{fleetUID, "Fleet"}, {accountUID, "Account"}, {exporterUID, "Exporter"}} {
		link := Link{
			Title: to.title, Type: "link", Tags: []string{}, IncludeVars: true, KeepTime: true,
			Icon: "dashboard", Tooltip: "For the same accounts and time", URL: "/d/" + to.uid,
		}
		switch accountUID {
		case to.uid:
			link.IncludeVars, link.URL = false, link.URL+"?"+sameTargets
			link.Tooltip = "One of the accounts, for the same time"
		case from:
			link.IncludeVars, link.URL = false, link.URL+"?"+sameTargets
			link.Tooltip = "All accounts, for the same time"
		}
		if to.uid != from {
			all = append(all, link)
		}
	}
	return all
}

// place gives panels their ids and places: from left to right, in a new line where
// one does not fit. Those of a closed section stand in its heading.
func place(sections []section) []Panel {
	var placed []Panel
	id, y := 0, 0
	put := func(p Panel, x int) Panel {
		id++
		p.ID = id
		p.GridPos.X, p.GridPos.Y = x, y
		return p
	}
	for _, s := range sections {
		row := put(Panel{Type: "row", Title: s.title, Collapsed: new(s.closed), GridPos: GridPos{W: columns, H: 1}}, 0)
		var within []Panel
		y++
		x, height := 0, 0
		for _, p := range s.panels {
			if x+p.GridPos.W > columns {
				x, y, height = 0, y+height, 0
			}
			within = append(within, put(p, x))
			x, height = x+p.GridPos.W, max(height, p.GridPos.H)
		}
		y += height
		if s.closed {
			row.Panels, within = within, nil
		}
		placed = append(append(placed, row), within...)
	}
	return placed
}
