package dashboards

import "strconv"

// The palette of Okabe and Ito, whose colours people with colour vision
// deficiencies tell apart, without its yellow, which white swallows. Colour never
// speaks alone: beside it stands a text or a number.
const (
	blue      = "#0072B2"
	sky       = "#56B4E9"
	teal      = "#009E73"
	amber     = "#E69F00"
	vermilion = "#D55E00"
	purple    = "#CC79A7"
	grey      = "#999999"
)

// Amber and grey where they colour text: darker, so that it can be read on white
// as well as on black. The other colours of texts can be read on both as they are.
const (
	ochre = "#BE8400"
	slate = "#8E8E8E"
)

// Units, as Grafana calls them.
const (
	share   = "percentunit"
	seconds = "s"
	number  = "short"
	memory  = "bytes"
	perSec  = "reqps"
	hourly  = "suffix:/h"
	erlangs = "suffix: E"
	asWords = "none" // of values that are shown as texts
	cores   = "suffix: cores"
	fromNow = "dateTimeFromNow" // of milliseconds
)

const nothing = "–"

// state is a value of the label state, and how people read it.
type state struct {
	name, text, color string
}

// states are in the order of their gravity: where two exporters disagree, the
// gravest counts. A state's code is its place here, from 1; 0 is not known.
var states = []state{
	{"blocked", "✖ blocked", purple},
	{"notAuthorized", "✖ logged out", vermilion},
	{"suspended", "▲ suspended", ochre},
	{"pendingPassword", "⌨ password awaited", ochre},
	{"pendingCode", "⌨ code awaited", ochre},
	{"starting", "… starting", blue},
	{"sleepMode", "☾ sleep mode", blue},
	{"other", "? other state", slate},
	{"authorized", "✔ authorised", teal},
}

// stateCode gives the code of each account's state.
func stateCode() string {
	expr := ""
	for n, s := range states {
		expr += "(" + once(accounts("greenapi_instance_state", `state="`+s.name+`"`)) + " == 1) * " + strconv.Itoa(n+1) + " or "
	}
	return expr + once(accounts("greenapi_up")) + " * 0"
}

func stateMappings() []Mapping {
	options := map[string]MappingResult{"0": {Text: "? not known", Color: slate}}
	for n, s := range states {
		options[strconv.Itoa(n+1)] = MappingResult{Text: s.text, Color: s.color, Index: n + 1}
	}
	return []Mapping{{Type: "value", Options: options}}
}

// words shows 1 and 0 as texts.
func words(one, oneColor, zero, zeroColor string) []Mapping {
	return []Mapping{{Type: "value", Options: map[string]MappingResult{
		"1": {Text: one, Color: oneColor},
		"0": {Text: zero, Color: zeroColor, Index: 1},
	}}}
}

func successWords() []Mapping { return words("✔ works", teal, "✖ fails", vermilion) }

// Thresholds are those of the alerts in deploy/prometheus, or half way there.

func badAbove(warning, critical float64) *Thresholds {
	return steps(teal, ochre, warning, vermilion, critical)
}

func fewDelivered() *Thresholds { return steps(vermilion, ochre, 0.8, teal, 0.9) }

func anyIsBad() *Thresholds {
	return &Thresholds{Mode: "absolute", Steps: []Threshold{{Color: teal}, {Color: vermilion, Value: new(1.0)}}}
}

// plain colours all values alike: they are neither good nor bad.
func plain() *Thresholds { return &Thresholds{Mode: "absolute", Steps: []Threshold{{Color: blue}}} }

func steps(lowest, middle string, from float64, highest string, above float64) *Thresholds {
	return &Thresholds{Mode: "absolute", Steps: []Threshold{
		{Color: lowest}, {Color: middle, Value: &from}, {Color: highest, Value: &above},
	}}
}

// seriesColor is the colour that a value has in all panels.
type seriesColor struct{ name, color string }

// seriesColors are the colours of what has the same meaning everywhere, by the
// legend whose values they are.
func seriesColors(legend string) []seriesColor {
	switch legend {
	case "{{status}}":
		return []seriesColor{
			{"pending", amber},
			{"sent", sky},
			{"delivered", teal},
			{"read", blue},
			{"noAccount", vermilion},
			{"notInGroup", purple},
			{"failed", vermilion},
			{"suspended", amber},
			{"noActiveSession", grey},
			{"pickUp", teal},
			{"hungUp", amber},
			{"declined", vermilion},
			{"invalid", purple},
			{"missed", sky},
			{"offer", grey},
			{"unknown", grey},
			{"other", grey},
		}
	case "{{reason}}":
		return []seriesColor{
			{"noAccount", vermilion}, {"notInGroup", purple}, {"failed", blue}, {"suspended", amber}, {"noActiveSession", grey},
		}
	case "{{chat_type}}":
		return []seriesColor{{"private", blue}, {"group", amber}, {"channel", purple}, {"broadcast", sky}, {"other", grey}}
	case "{{origin}}":
		return []seriesColor{{"api", blue}, {"phone", amber}, {"unknown", grey}}
	case "{{media}}":
		return []seriesColor{{"voice", blue}, {"video", amber}}
	case "{{journal}}", "{{collector}}":
		return []seriesColor{{"calls", amber}, {"messages", blue}, {"state", teal}, {"settings", purple}, {"queue", sky}}
	}
	for _, c := range []seriesColor{
		{"observed", grey},
		{"pending", amber},
		{"sent", sky},
		{"delivered", teal},
		{"read", blue},
		{"queue", purple},
		{"voice", blue},
		{"video", amber},
	} {
		if c.name == legend {
			return []seriesColor{c}
		}
	}
	return nil
}
