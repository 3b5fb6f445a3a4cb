package web

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/collector"
)

// Graphs are drawn on the server: the pages run no script. Each part of the trend is
// partWidth units wide; a graph's height is chosen so that a unit is about a pixel.
const (
	partWidth   = 3
	smallParts  = 48 // half an hour each
	smallHeight = 24
	largeParts  = 144 // 10 minutes each
	largeHeight = 120
)

// graph is a picture of one kind of events over the trend.
type graph struct {
	Title         string // for screen readers, and as a tooltip
	Name          string
	Width, Height int
	Area          string   // path of all events
	Lines         []stroke // of those of them that got further
	Top           string   // the largest count
	Empty         bool     // nothing happened
}

// stroke is a line in a graph.
type stroke struct {
	Class, Name, Path string
}

// series is a row of counts for a graph.
type series struct {
	class, name string
	counts      []int
}

// newGraph draws all events as an area, and others as lines over it.
func newGraph(name string, height int, part time.Duration, all series, further ...series) graph {
	top := slices.Max(all.counts)
	for _, s := range further {
		top = max(top, slices.Max(s.counts))
	}
	g := graph{
		Name: name, Width: partWidth * len(all.counts), Height: height, Top: thousands(top), Empty: top == 0,
		Title: fmt.Sprintf("%s in each %d minutes of the last 24 hours, at most %s", name, int(part.Minutes()), thousands(top)),
	}
	if g.Empty {
		g.Title = "No " + strings.ToLower(name) + " seen in the last 24 hours"
		return g
	}
	g.Area = steps(all.counts, top, height) + fmt.Sprintf("V%dz", height)
	for _, s := range further {
		g.Lines = append(g.Lines, stroke{s.class, s.name, steps(s.counts, top, height)})
	}
	return g
}

// steps draws counts as a line of steps, from the bottom left. Neighbours of the same
// height are one step.
func steps(counts []int, top, height int) string {
	var path strings.Builder
	at := height
	fmt.Fprintf(&path, "M0 %d", height)
	width := 0
	flush := func() {
		if width > 0 {
			fmt.Fprintf(&path, "h%d", width)
		}
		width = 0
	}
	for _, n := range counts {
		y := height - (n*height+top-1)/top // what happened once is seen, however small
		if y != at {
			flush()
			fmt.Fprintf(&path, "V%d", y)
			at = y
		}
		width += partWidth
	}
	flush()
	return path.String()
}

// strip is the reads of an account over the trend.
type strip struct {
	Title string
	Width int
	// Paths of the parts in which the account was read and fine, in which it was not
	// fine, and in which it was in trouble, or reads failed. Parts in none were not
	// read.
	Fine, Warning, Critical string
}

// Heights of the marks of a strip: the worse, the taller, so that nobody depends on
// colours.
const stripHeight = 6

func newStrip(points []collector.TrendPoint) strip {
	var counts [collector.Critical + 1]int
	var paths [collector.Critical + 1]strings.Builder
	unread := 0
	for n := 0; n < len(points); {
		p := points[n]
		length := 1
		for n+length < len(points) && points[n+length].Severity == p.Severity && (points[n+length].Reads == 0) == (p.Reads == 0) {
			length++
		}
		if p.Reads == 0 {
			unread += length
		} else {
			counts[p.Severity] += length
			height := map[collector.Severity]int{collector.Critical: 6, collector.Warning: 4}[p.Severity]
			height = max(height, 2)
			fmt.Fprintf(&paths[p.Severity], "M%d %dh%dv%dh-%dz", n*partWidth, stripHeight-height, length*partWidth, height, length*partWidth)
		}
		n += length
	}
	part := collector.TrendLength / time.Duration(len(points))
	var said []string
	for _, of := range []struct {
		parts int
		words string
	}{
		{counts[collector.Critical], "in need of action or not readable"},
		{counts[collector.Warning], "with a warning"},
		{counts[collector.Fine], "fine"},
		{unread, "without a read"},
	} {
		if of.parts > 0 {
			said = append(said, span(time.Duration(of.parts)*part)+" "+of.words)
		}
	}
	title := "Reads of the last 24 hours: " + strings.Join(said, ", ")
	return strip{
		Title: title, Width: len(points) * partWidth,
		Fine: paths[collector.Fine].String(), Warning: paths[collector.Warning].String(), Critical: paths[collector.Critical].String(),
	}
}

// column takes one count of each point.
func column(points []collector.TrendPoint, of func(collector.TrendPoint) int) []int {
	counts := make([]int, len(points))
	for n, p := range points {
		counts[n] = of(p)
	}
	return counts
}

// messageGraph and callGraph are the two graphs that an account has. A large one has
// more lines.
func messageGraph(points []collector.TrendPoint, height int) graph {
	further := []series{{"delivered", "delivered", column(points, func(p collector.TrendPoint) int { return p.Delivered })}}
	if height == largeHeight {
		further = append(further,
			series{"read", "read", column(points, func(p collector.TrendPoint) int { return p.Read })},
			series{"failures", "failed", column(points, func(p collector.TrendPoint) int { return p.Failed })})
	}
	return newGraph("Messages", height, collector.TrendLength/time.Duration(len(points)),
		series{"all", "messages", column(points, func(p collector.TrendPoint) int { return p.Messages })}, further...)
}

func callGraph(points []collector.TrendPoint, height int) graph {
	return newGraph("Calls", height, collector.TrendLength/time.Duration(len(points)),
		series{"all", "calls", column(points, func(p collector.TrendPoint) int { return p.Calls })},
		series{"answered", "answered", column(points, func(p collector.TrendPoint) int { return p.Answered })},
	)
}
