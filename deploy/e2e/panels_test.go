//go:build e2e

package e2e_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/deploy/e2e"
)

// TestPanelsAreUnderstood holds that Prometheus, of whichever version, and
// VictoriaMetrics know every function and operator in the queries of the panels.
func TestPanelsAreUnderstood(t *testing.T) {
	t.Parallel()
	for name, storage := range map[string]*e2e.Prometheus{
		"Prometheus": e2e.StartPrometheus(t, "global: {}"), "VictoriaMetrics": e2e.StartVictoriaMetrics(t),
	} {
		for _, q := range panelQuestions(t) {
			if _, warnings, _, err := storage.API.Query(t.Context(), q.expr, time.Now()); err != nil || len(warnings) > 0 {
				t.Errorf("%s: %s: %v %q: %s", name, q.where, err, warnings, q.expr)
			}
		}
	}
}

// recentQuestions ask what the panels ask, of a time that is as short as this test, and so
// without what was a week or an hour ago.
func recentQuestions(t *testing.T) []modeQuestion {
	t.Helper()
	all := panelQuestions(t)
	for n := range all {
		all[n].expr = offsets.ReplaceAllString(all[n].expr, "")
	}
	return all
}

// panelQuestions ask what the panels of the dashboards ask.
func panelQuestions(t *testing.T) []modeQuestion {
	t.Helper()
	files, err := filepath.Glob("../../dashboards/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no dashboards: %v", err)
	}
	variables := strings.NewReplacer(
		"${__from:date:ZZ[.0]}", "0", "$__rate_interval_ms", "300000", "$__rate_interval", "5m", "$__interval_ms", "300000", "$__interval", "5m", "$__range_s", "300", "$__range", "5m",
		"$job", "greenapi", "$instance", ".+", "$id_instance", ".+", "$chat_type", ".+", "$media", ".+",
	)
	var all []modeQuestion
	for _, file := range files {
		text, err := os.ReadFile(filepath.Clean(file))
		if err != nil {
			t.Fatal(err)
		}
		var board panel
		if err := json.Unmarshal(text, &board); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		board.walk(func(p panel, expr string) {
			all = append(all, modeQuestion{
				where: filepath.Base(file) + ", " + p.Title, expr: variables.Replace(expr),
				unsteady: unsteady.MatchString(expr),
			})
		})
	}
	return all
}

var offsets = regexp.MustCompile(` offset -?\w+`)

// panel is a panel, or a dashboard of them.
type panel struct {
	Title   string `json:"title"`
	Targets []struct {
		Expr string `json:"expr"`
	} `json:"targets"`
	Panels []panel `json:"panels"`
}

func (p panel) walk(visit func(p panel, expr string)) {
	for _, target := range p.Targets {
		visit(p, target.Expr)
	}
	for _, inner := range p.Panels {
		inner.walk(visit)
	}
}
