package web

import (
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/collector"
)

func TestSteps(t *testing.T) {
	t.Parallel()
	for want, counts := range map[string][]int{
		"M0 24h3V0h3V12h6V24h3": {0, 10, 5, 5, 0},
		"M0 24V23h3V0h3":        {1, 1000},
	} {
		top := 10
		if counts[0] == 1 {
			top = 1000
		}
		if got := steps(counts, top, 24); got != want {
			t.Errorf("%v: %s, want %s", counts, got, want)
		}
	}
}

func TestGraphWithoutEvents(t *testing.T) {
	t.Parallel()
	g := callGraph(make([]collector.TrendPoint, smallParts), smallHeight)
	if !g.Empty || g.Area != "" || g.Title != "No calls seen in the last 24 hours" {
		t.Errorf("%+v", g)
	}
}

func TestStrip(t *testing.T) {
	t.Parallel()
	points := make([]collector.TrendPoint, 24)
	points[1].Reads = 2
	points[2] = collector.TrendPoint{Reads: 1, Severity: collector.Warning}
	points[3] = collector.TrendPoint{Reads: 1, Severity: collector.Critical}
	points[4] = points[3]
	got := newStrip(points)
	want := strip{
		Title: "Reads of the last 24 hours: 2 h in need of action or not readable, 60 min with a warning, 60 min fine, 20 h without a read",
		Width: 72, Fine: "M3 4h3v2h-3z", Warning: "M6 2h3v4h-3z", Critical: "M9 0h6v6h-6z",
	}
	if got != want {
		t.Errorf("%+v", got)
	}
}

func TestWords(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		"24 h": period(24 * time.Hour), "90 min": period(90 * time.Minute), "10 s": period(10 * time.Second),
		"59 s": lasted(59 * time.Second), "1:00 min": lasted(time.Minute), "2:05 h": lasted(125 * time.Minute),
		"–": percent(0, 0), "33.3 %": percent(1, 3), "3 days": span(80 * time.Hour), "a moment": span(0),
	} {
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
