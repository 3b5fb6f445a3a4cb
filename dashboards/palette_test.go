//go:build e2e && look

package dashboards_test

import (
	"bytes"
	"cmp"
	"image"
	"image/color"
	"image/png"
	"maps"
	"slices"
	"testing"
)

// paletteColors is how many colours a PNG with a palette can have.
const paletteColors = 256

// withPalette returns a picture in its most frequent colours, which is less than half
// the bytes: of a dashboard, the others are edges of letters.
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
	palette := slices.SortedFunc(maps.Keys(pixels), func(a, b color.Color) int { return cmp.Compare(pixels[b], pixels[a]) })
	to := image.NewPaletted(bounds, palette[:min(len(palette), paletteColors)])
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
