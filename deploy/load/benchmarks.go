package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// benchmark is what go test -bench printed of one benchmark, by unit, a value a run.
type benchmark struct {
	name   string
	values map[string][]float64
	units  []string // in the order in which they were printed
}

// usualUnits have columns of their own, or, as the throughput, follow from others.
var usualUnits = []string{"ns/op", "MB/s", "B/op", "allocs/op"}

// benchmarksOf makes a table of the medians in what go test -bench printed.
func benchmarksOf(output io.Reader) (string, error) {
	var all []*benchmark
	var folder string
	lines := bufio.NewScanner(output)
	for lines.Scan() {
		line := lines.Text()
		if pkg, found := strings.CutPrefix(line, "pkg: "); found {
			_, folder, _ = strings.Cut(pkg, "greenapi_exporter/")
		}
		if !strings.HasPrefix(line, "Benchmark") {
			continue
		}
		b, err := parseBenchmark(folder, line)
		if err != nil {
			return "", err
		}
		if n := len(all) - 1; n >= 0 && all[n].name == b.name {
			for unit, values := range b.values {
				all[n].values[unit] = append(all[n].values[unit], values...)
			}
			continue
		}
		all = append(all, b)
	}
	if err := lines.Err(); err != nil {
		return "", fmt.Errorf("read the benchmarks: %w", err)
	}
	if len(all) == 0 {
		return "", errors.New("no benchmark was printed")
	}
	var table strings.Builder
	table.WriteString("| benchmark | time, ms | allocations | allocated, kB | more |\n|---|--:|--:|--:|---|\n")
	for _, b := range all {
		fmt.Fprintf(&table, "| %s | %s | %s | %s | %s |\n", b.name, b.show("ns/op", 2, 1e6), b.show("allocs/op", 0, 1), b.show("B/op", 1, 1<<10), b.more())
	}
	return table.String(), nil
}

// parseBenchmark reads a line such as "BenchmarkX/y-2  10  1500 ns/op  7 B/op".
func parseBenchmark(folder, line string) (*benchmark, error) {
	words := strings.Fields(line)
	if len(words) < 4 || len(words)%2 != 0 {
		return nil, fmt.Errorf("%q is no line of go test -bench", line)
	}
	name := strings.TrimPrefix(words[0], "Benchmark")
	if at := strings.LastIndexByte(name, '-'); at >= 0 { // and how many processors
		name = name[:at]
	}
	b := &benchmark{name: strings.TrimPrefix(folder+": "+name, ": "), values: map[string][]float64{}}
	for pair := range slices.Chunk(words[2:], 2) {
		value, err := strconv.ParseFloat(pair[0], 64)
		if err != nil {
			return nil, fmt.Errorf("%q is no line of go test -bench: %w", line, err)
		}
		b.values[pair[1]] = []float64{value}
		b.units = append(b.units, pair[1])
	}
	return b, nil
}

// show writes the median of a unit, divided; nothing where it was not measured.
func (b *benchmark) show(unit string, digits int, divisor float64) string {
	values := b.values[unit]
	if len(values) == 0 {
		return ""
	}
	return strconv.FormatFloat(median(values)/divisor, 'f', digits, 64)
}

// more writes the medians of the units that have no column.
func (b *benchmark) more() string {
	var all []string
	for _, unit := range b.units {
		if !slices.Contains(usualUnits, unit) {
			all = append(all, strconv.FormatFloat(median(b.values[unit]), 'g', 4, 64)+" "+unit)
		}
	}
	return strings.Join(all, ", ")
}
