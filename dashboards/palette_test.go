//go:build e2e && look

package dashboards_test

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/png"
	"maps"
	"math"
	"slices"
	"testing"
)

// paletteColors is how many colours a PNG with a palette can have.
const paletteColors = 256

// withPalette returns a picture in as many colours as a palette has, which is less than
// half the bytes.
func withPalette(t *testing.T, picture []byte) []byte {
	t.Helper()
	from, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	bounds := from.Bounds()
	at := func(x, y int) color.Color { return color.NRGBAModel.Convert(from.At(x, y)) }
	pixels := map[color.Color]int{}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			pixels[at(x, y)]++
		}
	}
	to := image.NewPaletted(bounds, paletteOf(pixels))
	nearest := map[color.Color]uint8{}
	for c := range pixels {
		nearest[c] = uint8(to.Palette.Index(c))
	}
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			to.SetColorIndex(x, y, nearest[at(x, y)])
		}
	}
	var small bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, to); err != nil {
		t.Fatal(err)
	}
	return small.Bytes()
}

// paletteOf chooses colours: half of them the most frequent, and then those that lack
// most, by their distance to the nearest and by their pixels: a swatch of a legend has
// few pixels, and no other colour is like it.
func paletteOf(pixels map[color.Color]int) color.Palette {
	all := slices.SortedFunc(maps.Keys(pixels), func(a, b color.Color) int { return cmp.Compare(pixels[b], pixels[a]) })
	chosen := color.Palette(slices.Clone(all[:min(len(all), paletteColors/2)]))
	lacks := make([]float64, len(all)) // the distance to the nearest that is chosen
	for n, c := range all {
		lacks[n] = distance(c, chosen.Convert(c))
	}
	for len(chosen) < min(len(all), paletteColors) {
		worst := 0
		for n, c := range all {
			if lacks[n]*math.Sqrt(float64(pixels[c])) > lacks[worst]*math.Sqrt(float64(pixels[all[worst]])) {
				worst = n
			}
		}
		chosen = append(chosen, all[worst])
		for n, c := range all {
			lacks[n] = min(lacks[n], distance(c, all[worst]))
		}
	}
	return chosen
}

func distance(a, b color.Color) float64 {
	r1, g1, b1, _ := a.RGBA()
	r2, g2, b2, _ := b.RGBA()
	square := func(x, y uint32) float64 { d := float64(x) - float64(y); return d * d }
	return math.Sqrt(square(r1, r2) + square(g1, g2) + square(b1, b2))
}
