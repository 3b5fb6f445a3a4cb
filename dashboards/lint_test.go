package dashboards_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
	"github.com/greenapi-exporter/greenapi_exporter/dashboards"
)

// The rules of Grafana's dashboard-linter, and more. One of its rules is broken on
// purpose: All of the variable job is a list and not .+, see targetVariables.

// onEach runs a test on each dashboard.
func onEach(t *testing.T, test func(t *testing.T, d dashboards.Dashboard)) {
	t.Helper()
	for _, d := range dashboards.All() {
		t.Run(d.UID, func(t *testing.T) {
			t.Parallel()
			test(t, d)
		})
	}
}

// shown returns the panels that show something: all but the headings of rows.
func shown(d dashboards.Dashboard) []dashboards.Panel {
	return slices.DeleteFunc(everyPanel(d), func(p dashboards.Panel) bool { return p.Type == "row" })
}

// everyPanel returns the headings of rows and all panels, those in closed rows too.
func everyPanel(d dashboards.Dashboard) []dashboards.Panel {
	var all []dashboards.Panel
	for _, p := range d.Panels {
		all = append(append(all, p), p.Panels...)
	}
	return all
}

func TestDashboardsAreWhole(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		if !strings.HasPrefix(d.UID, "greenapi-") || d.Title == "" || len(d.Description) < 40 || !slices.Contains(d.Tags, "greenapi") {
			t.Errorf("uid %q, title %q, description %q, tags %q", d.UID, d.Title, d.Description, d.Tags)
		}
		if d.Editable || d.SchemaVersion < 39 || d.Timezone != "browser" || d.Refresh == "" || d.GraphTooltip != 1 {
			t.Errorf("editable %v, schema %d, time zone %q, refresh %q, tooltip %d", d.Editable, d.SchemaVersion, d.Timezone, d.Refresh, d.GraphTooltip)
		}
		if len(shown(d)) < 12 {
			t.Errorf("%d panels only", len(shown(d)))
		}
	})
}

func TestPanelsAreWhole(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		titles := make(map[string]bool)
		for _, p := range shown(d) {
			if p.Title == "" || titles[p.Title] {
				t.Errorf("panel %d: title %q, empty or not the only one", p.ID, p.Title)
			}
			titles[p.Title] = true
			means, formula, _ := strings.Cut(p.Description, "\n\nFormula: ")
			if len(means) < 20 || !strings.HasSuffix(means, ".") || formula == "" {
				t.Errorf("%s: the description does not say what it means, or by which formula: %q", p.Title, p.Description)
			}
			if p.FieldConfig.Defaults.Unit == "percentunit" && !strings.Contains(formula, " / ") {
				t.Errorf("%s: of what is it a share? %q", p.Title, formula)
			}
			if p.FieldConfig.Defaults.Unit == "" || p.FieldConfig.Defaults.NoValue == "" {
				t.Errorf("%s: unit %q, no value %q", p.Title, p.FieldConfig.Defaults.Unit, p.FieldConfig.Defaults.NoValue)
			}
			if p.Datasource == nil || p.Datasource.UID != "${datasource}" || p.Datasource.Type != "prometheus" {
				t.Errorf("%s: data source %+v", p.Title, p.Datasource)
			}
			checkTargets(t, p)
			checkColumns(t, p)
		}
	})
}

func checkTargets(t *testing.T, p dashboards.Panel) {
	t.Helper()
	if len(p.Targets) == 0 {
		t.Errorf("%s asks for nothing", p.Title)
	}
	for n, target := range p.Targets {
		if strings.TrimSpace(target.Expr) == "" || target.RefID != string(rune('A'+n)) || target.Datasource.UID != "${datasource}" {
			t.Errorf("%s: query %d is %+v", p.Title, n, target)
		}
		if target.Instant == target.Range {
			t.Errorf("%s: query %s is neither of now nor of a time, or both", p.Title, target.RefID)
		}
		if isTable := p.Type == "table"; isTable != (target.LegendFormat == "") || isTable != (target.Format == "table") {
			t.Errorf("%s: query %s has the legend %q and the format %s", p.Title, target.RefID, target.LegendFormat, target.Format)
		}
		if over := p.Type == "timeseries" || p.Type == "heatmap" || p.Type == "state-timeline"; over != target.Range {
			t.Errorf("%s: a %s asks for a range: %v", p.Title, p.Type, target.Range)
		}
	}
}

// checkColumns holds that each column of a table has a name, and each value a unit.
func checkColumns(t *testing.T, p dashboards.Panel) {
	t.Helper()
	if p.Type != "table" {
		return
	}
	order, ok := columnsOf(p)
	if !ok {
		return
	}
	for n := range p.Targets {
		field := "Value"
		if len(p.Targets) > 1 {
			field = fmt.Sprintf("Value #%c", 'A'+n)
		}
		title := order.RenameByName[field]
		if title == "" && !order.ExcludeByName[field] {
			t.Errorf("%s: the column %s has no name", p.Title, field)
		}
		if title != "" && property(p, title, "unit") == nil {
			t.Errorf("%s: the column %s has no unit", p.Title, title)
		}
	}
}

// columnsOf returns the order of a table's columns; none of a matrix, whose columns
// are values.
func columnsOf(p dashboards.Panel) (dashboards.Organize, bool) {
	order, ok := p.Transformations[len(p.Transformations)-1].Options.(dashboards.Organize)
	return order, ok
}

// property returns what is said of a series or column; nil for nothing.
func property(p dashboards.Panel, name, id string) any {
	for _, o := range p.FieldConfig.Overrides {
		for _, property := range o.Properties {
			if o.Matcher.ID == "byName" && o.Matcher.Options == name && property.ID == id {
				return property.Value
			}
		}
	}
	return nil
}

func TestPanelsHaveTheirPlace(t *testing.T) {
	t.Parallel()
	least := map[string]int{"stat": 4, "timeseries": 8, "bargauge": 6, "heatmap": 9, "state-timeline": 12, "table": 6, "row": 24}
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		taken, ids := make(map[[2]int]int), make(map[int]bool)
		for _, p := range everyPanel(d) {
			if p.ID < 1 || ids[p.ID] {
				t.Errorf("%s: the id %d is taken", p.Title, p.ID)
			}
			ids[p.ID] = true
			at := p.GridPos
			if at.X < 0 || at.Y < 0 || at.X+at.W > 24 || at.H < 1 || at.W < least[p.Type] || least[p.Type] == 0 {
				t.Errorf("%s: a %s at %+v", p.Title, p.Type, at)
			}
			for x := at.X; x < at.X+at.W; x++ {
				for y := at.Y; y < at.Y+at.H; y++ {
					if other, ok := taken[[2]int{x, y}]; ok {
						t.Fatalf("panel %d (%s) lies upon panel %d", p.ID, p.Title, other)
					}
					taken[[2]int{x, y}] = p.ID
				}
			}
		}
	})
}

// palette is that of the vocabulary, with Grafana's own colour of texts.
var palette = []string{
	string(vocabulary.Blue), string(vocabulary.Sky), string(vocabulary.Teal), string(vocabulary.Amber), string(vocabulary.Vermilion),
	string(vocabulary.Purple), string(vocabulary.Grey), string(vocabulary.Brown), string(vocabulary.Crimson), string(vocabulary.Plum),
	string(vocabulary.Ochre), string(vocabulary.Slate), "text", "transparent",
}

// TestNoColourSpeaksAlone holds that each colour is one that all people tell from
// the others, and that states are shown as different texts.
func TestNoColourSpeaksAlone(t *testing.T) {
	t.Parallel()
	anyColour := regexp.MustCompile(`"(?:color|fixedColor|iconColor|fill)": "([^"]+)"`)
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		for _, found := range anyColour.FindAllStringSubmatch(string(encode(t, d)), -1) {
			if c := found[1]; !slices.Contains(palette, c) && c != "dash" {
				t.Errorf("the colour %s is not of the palette", c)
			}
		}
		for _, p := range shown(d) {
			if p.FieldConfig.Defaults.Unit == "none" && p.FieldConfig.Defaults.Mappings == nil && p.Options.TextMode != "name" && p.FieldConfig.Defaults.Decimals == nil {
				t.Errorf("%s shows what is neither number nor text", p.Title)
			}
			mappings := slices.Clone(p.FieldConfig.Defaults.Mappings)
			for _, o := range p.FieldConfig.Overrides {
				if m, ok := property(p, o.Matcher.Options, "mappings").([]dashboards.Mapping); ok {
					mappings = append(mappings, m...)
				}
			}
			for _, m := range mappings {
				texts := make(map[string]bool)
				for value, result := range results(m) {
					if result.Text == "" || texts[result.Text] {
						t.Errorf("%s: %s is shown as %+v", p.Title, value, result)
					}
					texts[result.Text] = true
				}
			}
		}
	})
}

func TestVariables(t *testing.T) {
	t.Parallel()
	labels := map[string]string{
		"datasource": "Data source", "job": "Job", "instance": "Instance", "id_instance": "Account", "chat_type": "Chat type", "media": "Media",
	}
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		text := string(encode(t, d))
		var names []string
		for _, v := range d.Templating.List {
			names = append(names, v.Name)
			if v.Label != labels[v.Name] {
				t.Errorf("%s is called %q", v.Name, v.Label)
			}
			if !strings.Contains(text, "$"+v.Name) && !strings.Contains(text, "${"+v.Name) {
				t.Errorf("nothing uses $%s", v.Name)
			}
			if v.Name == "datasource" {
				if v.Type != "datasource" || v.Query != "prometheus" || v.Current == nil || v.Current.Value != "default" {
					t.Errorf("the data source is chosen by %+v", v)
				}
				continue
			}
			if v.Type != "query" || v.Refresh != 2 || v.Sort != 1 || v.Datasource == nil || v.Datasource.UID != "${datasource}" {
				t.Errorf("%s: %+v", v.Name, v)
			}
			oneAccount := v.Name == "id_instance" && d.UID == "greenapi-account"
			if v.Multi == oneAccount || v.IncludeAll == oneAccount || (v.AllValue == ".+") == (oneAccount || v.Name == "job") {
				t.Errorf("%s: multi %v, all %v, %q", v.Name, v.Multi, v.IncludeAll, v.AllValue)
			}
		}
		if len(names) < 4 || !slices.Equal(names[:4], []string{"datasource", "job", "instance", "id_instance"}) {
			t.Errorf("variables: %q", names)
		}
		builtIn := []string{"__all", "__interval", "__rate_interval", "__rate_interval_ms", "__range", "__range_s", "__interval_ms", "__url_time_range", "__value.raw", "__field.labels.id_instance", "__data.fields.id_instance", "__data.fields.alertname", "__data.fields.Id", "__from"}
		for _, used := range regexp.MustCompile(`\$\{?([a-z_]+[\w.]*)`).FindAllStringSubmatch(text, -1) {
			if !slices.Contains(names, used[1]) && !slices.Contains(builtIn, used[1]) {
				t.Errorf("there is no variable %s", used[1])
			}
		}
	})
}

// TestDashboardsLeadToEachOther holds that each leads to all others, for the same time
// and targets, and hands on only those variables that can hold as much there.
func TestDashboardsLeadToEachOther(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, d dashboards.Dashboard) {
		others := slices.DeleteFunc(dashboards.All(), func(other dashboards.Dashboard) bool { return other.UID == d.UID })
		if len(d.Links) != len(others) {
			t.Fatalf("%d links to %d dashboards", len(d.Links), len(others))
		}
		for n, to := range others {
			link := d.Links[n]
			path, query, _ := strings.Cut(link.URL, "?")
			if path != "/d/"+to.UID || !strings.HasSuffix(to.Title, "/ "+link.Title) || link.Type != "link" || !link.KeepTime {
				t.Errorf("the link to %s is %+v", to.UID, link)
			}
			for _, v := range d.Templating.List {
				isHanded := link.IncludeVars || strings.Contains(query, "${"+v.Name+":queryparam}")
				if isHanded && v.Name == "id_instance" && d.UID == "greenapi-account" {
					t.Errorf("%s shows one account alone when it is come to from one", to.UID)
				}
				if !isHanded && slices.Contains([]string{"datasource", "job", "instance"}, v.Name) {
					t.Errorf("%s does not learn the %s", to.UID, v.Label)
				}
				for _, there := range to.Templating.List {
					if isHanded && there.Name == v.Name && (v.Multi && !there.Multi || v.IncludeAll && !there.IncludeAll) {
						t.Errorf("%s cannot hold as many of %s", to.UID, v.Name)
					}
				}
			}
		}
	})
}

// runbooks are where the alerts are explained, by the rules.
const runbooks = "https://github.com/greenapi-exporter/greenapi_exporter/blob/main/deploy/prometheus/runbooks.md#"

// TestAlertsHaveTheirRunbooks holds that the dashboards' links to runbooks lead to their
// places: by the alert's name as it is, which the anchors of headings are not.
func TestAlertsHaveTheirRunbooks(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../deploy/prometheus/runbooks.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range readRules(t) {
		if r.Alert != "" && !strings.Contains(string(text), `<a id="`+r.Alert+`"></a>`) {
			t.Errorf("the runbook of %s has no anchor", r.Alert)
		}
	}
}

// TestLinks holds that dashboards and alerts lead to dashboards and variables that
// exist.
func TestLinks(t *testing.T) {
	t.Parallel()
	variables := make(map[string][]string)
	for _, d := range dashboards.All() {
		for _, v := range d.Templating.List {
			variables[d.UID] = append(variables[d.UID], v.Name)
		}
	}
	var urls []string
	for _, d := range dashboards.All() {
		for _, found := range regexp.MustCompile(`"url": "([^"]+)"`).FindAllStringSubmatch(string(encode(t, d)), -1) {
			urls = append(urls, found[1])
		}
	}
	condition := regexp.MustCompile(`\{\{ (with [^}]*|end) \}\}`) // the variable is left out where it has no value
	for _, r := range readRules(t) {
		if r.Alert != "" {
			urls = append(urls, condition.ReplaceAllString(r.Annotations["dashboard_url"], ""))
		}
	}
	link := regexp.MustCompile(`^/d/([a-z-]+)(?:\?(.*))?$`)
	chosen := regexp.MustCompile(`var-(\w+)=|\$\{(\w+):queryparam\}`)
	for _, url := range urls {
		if strings.HasPrefix(url, runbooks) {
			continue
		}
		parts := link.FindStringSubmatch(url)
		if parts == nil || variables[parts[1]] == nil {
			t.Errorf("%q leads nowhere", url)
			continue
		}
		for _, v := range chosen.FindAllStringSubmatch(parts[2], -1) {
			if name := v[1] + v[2]; !slices.Contains(variables[parts[1]], name) {
				t.Errorf("%q: %s has no variable %s", url, parts[1], name)
			}
		}
	}
}
