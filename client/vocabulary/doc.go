// Package vocabulary holds the closed sets of words in one place, as data: what
// GREEN-API writes, the label value that it becomes, and all that other packages
// need to know of it. The client matches answers against them, the memory of rows
// stores their positions, the collector exposes their labels, and the documents,
// dashboards and rules are checked against them.
//
// To add a word, add a row to its table. Nothing else names all words of a set.
// Three rules hold, and tests hold them:
//
//   - Positions are stored in state files: rows are added at the end of their
//     table, and never moved or removed.
//   - The first row of a table stands for words that nobody listed ("other").
//   - The number of rows must fit the bits that a stored row has for it; the
//     package that stores them does not compile otherwise.
package vocabulary

// Word is a word of a closed set.
type Word struct {
	// Label is the value of the metric's label. It is a word of the API as well,
	// unless Ours is true.
	Label string
	// Aliases are other words of the API for the same. "" stands for a value that is
	// missing, null or empty.
	Aliases []string
	// Ours is true for labels that the API has no word for.
	Ours bool
	// ZeroFilled label values are exposed from the start with 0, so that their first
	// event shows as an increase.
	ZeroFilled bool
	// Meaning is one sentence for the metric reference. By default, none.
	Meaning string
	// Text and Color are those of dashboards and pages: a symbol and words for
	// people, by default the label; and a colour of the palette.
	Text  string
	Color Color
}

// String returns the words that people read.
func (w Word) String() string {
	if w.Text != "" {
		return w.Text
	}
	return w.Label
}

// Color is a colour as CSS and Grafana write it.
type Color string

// The palette of Okabe and Ito, whose colours people with colour vision
// deficiencies tell apart, without its yellow, which white swallows, and with darker
// and lighter relatives where a set has more values. Colour never speaks alone:
// beside it stands a text or a number.
const (
	Blue      Color = "#0072B2"
	Sky       Color = "#56B4E9"
	Teal      Color = "#009E73"
	Amber     Color = "#E69F00"
	Vermilion Color = "#D55E00"
	Purple    Color = "#CC79A7"
	Grey      Color = "#999999"
	Brown     Color = "#8C564B"
	Crimson   Color = "#A50F3C"
	Plum      Color = "#7B4FA3"
	Ochre     Color = "#BE8400" // amber as the colour of a text
	Slate     Color = "#8E8E8E" // grey as the colour of a text
)

// Common labels of words that the API does not have.
const (
	Other   = "other"   // a word that nobody listed
	Unknown = "unknown" // a value that is missing, null or empty
)

// Labels returns the label values of words, in their order.
func Labels(words []Word) []string {
	labels := make([]string, len(words))
	for i, w := range words {
		labels[i] = w.Label
	}
	return labels
}

// ZeroFilled returns the label values that are exposed from the start.
func ZeroFilled(words []Word) []string {
	var labels []string
	for _, w := range words {
		if w.ZeroFilled {
			labels = append(labels, w.Label)
		}
	}
	return labels
}
