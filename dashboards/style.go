package dashboards

import (
	"slices"
	"strconv"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
)

// The palette is that of the vocabulary. Colour never speaks alone: beside it stands
// a text or a number.
const (
	blue      = string(vocabulary.Blue)
	sky       = string(vocabulary.Sky)
	teal      = string(vocabulary.Teal)
	amber     = string(vocabulary.Amber)
	vermilion = string(vocabulary.Vermilion)
	purple    = string(vocabulary.Purple)
	grey      = string(vocabulary.Grey)
	ochre     = string(vocabulary.Ochre) // amber and grey where they colour texts
	slate     = string(vocabulary.Slate)

	neutral = "text"        // Grafana's name for the colour of text, dark or light as the theme is
	noColor = "transparent" // and for none
)

// Units, as Grafana calls them. Ages and durations on an axis are in one unit, so that
// the ticks are round: "s" would label them 8.33 mins.
const (
	share   = "percentunit"
	lasting = "s"      // of a single number: 45 s, 3 mins, 2 hours
	number  = "locale" // 13,676
	words   = "none"   // of values that are shown as texts
	text    = "string" // of labels: ids are digits, and no numbers
	memory  = "bytes"
	perSec  = "reqps"
	volume  = "binBps"
	millis  = "suffix:ms" // Grafana puts a space before it
	secs    = "suffix:s"
	minutes = "suffix:min"
	hours   = "suffix:h"
	days    = "suffix:d"
	erlangs = "suffix:E"
	cores   = "suffix:cores"

	turnedOff = "suffix:off"       // of settings
	date      = "time:D MMM HH:mm" // of milliseconds
)

// nothing is what a number is shown as that is not known.
const nothing = "–"

// The texts of panels that are empty for a reason. Where the exporter is down nothing is
// known, and no text says that all is well.
const (
	noExporter = "Nothing known: no exporter was scraped in this time range"
	noRead     = "Nothing known: no account was read in this time range"
	noRecords  = "No records: the rules are not loaded, or have only begun to record"
	noMessages = "No messages known in this time range"
	noneDue    = "No due message known in this time range"
	noCalls    = "No calls known in this time range"
	noAnswers  = "No answered calls known in this time range"
)

// limits are the thresholds of the rules that the dashboards draw or say, by the name
// of the record in greenapi-thresholds.yml. A test holds them equal.
var limits = map[string]float64{
	"delivery_ratio":     0.75,
	"delivery_messages":  20,
	"no_account_ratio":   0.10,
	"pending_seconds":    1800,
	"data_age_seconds":   1800,
	"answer_calls":       20,
	"short_call_ratio":   0.4,
	"invalid_call_ratio": 0.15,
}

// journalCap is how many records a journal has at most.
const journalCap = client.JournalCap

// limit returns a threshold of the rules.
func limit(name string) float64 {
	value, ok := limits[name]
	if !ok {
		panic("dashboards: no threshold " + name) // by mistake of the code here, which a test would find
	}
	return value
}

// stateCode gives the code of each account's state, which sorts the gravest first.
// Where two exporters disagree, the gravest counts.
func stateCode() string {
	expr := ""
	for _, s := range codedStates() {
		if s.known {
			expr += "(" + once(accounts("greenapi_instance_state", `state="`+s.Label+`"`)) + " == 1) * " + strconv.Itoa(s.code) + " or "
		} else {
			expr += once(lastKnown("greenapi_up")) + " * 0 + " + strconv.Itoa(s.code)
		}
	}
	return expr
}

// codedState is a state with its code.
type codedState struct {
	vocabulary.Word
	code  int
	known bool
}

// codedStates are the states by gravity: those of the vocabulary, where the gravest
// stand first and the one that works last; then that of accounts of which none is
// known, whose code lies between those in trouble and the one that works.
func codedStates() []codedState {
	all := vocabulary.InstanceStates()
	works := len(all) - 1
	var states []codedState
	for _, w := range append(slices.Clone(all[1:works]), all[0]) { // the first is that of words that nobody listed
		states = append(states, codedState{w, len(states) + 1, true})
	}
	return append(states,
		codedState{all[works], len(all) + 1, true},
		codedState{vocabulary.Word{Text: "? unknown", Color: vocabulary.Slate}, len(all), false})
}

func stateMappings() []Mapping {
	options := make(map[string]MappingResult)
	for _, s := range codedStates() {
		options[strconv.Itoa(s.code)] = MappingResult{Text: s.String(), Color: string(s.Color), Index: s.code}
	}
	return []Mapping{{Type: "value", Options: options}}
}

// either shows 1 and 0 as texts.
func either(one, oneColor, zero, zeroColor string) []Mapping {
	return []Mapping{{Type: "value", Options: map[string]MappingResult{
		"1": {Text: one, Color: oneColor},
		"0": {Text: zero, Color: zeroColor, Index: 1},
	}}}
}

func successWords() []Mapping { return either("✔ works", teal, "✖ fails", vermilion) }

// severityWords are shown by their weight.
func severityWords() []Mapping {
	return []Mapping{{Type: "value", Options: map[string]MappingResult{
		"critical": {Text: "✖ critical", Color: vermilion},
		"warning":  {Text: "▲ warning", Color: ochre, Index: 1},
		"info":     {Text: "i info", Color: slate, Index: 2},
	}}}
}

// missing shows what is not there as a text: grey, neither good nor bad.
func missing(text string) Mapping { return unknown(text, slate) }

// unknown shows what is not there as a text in a colour.
func unknown(text, color string) Mapping {
	return Mapping{Type: "special", Options: SpecialOptions{Match: "null+nan", Result: MappingResult{Text: text, Color: color, Index: 90}}}
}

// Thresholds. The first step is of what is not known, which has no value: it is grey,
// and neither good nor bad.

// plain colours all values alike: they are neither good nor bad.
func plain() *Thresholds { return stepped(neutral) }

func badAbove(warning, critical float64) *Thresholds {
	return stepped(teal, step(ochre, warning), step(vermilion, critical))
}

func warnFrom(least float64) *Thresholds { return stepped(teal, step(ochre, least)) }

func fewDelivered() *Thresholds {
	low := limit("delivery_ratio")
	return stepped(vermilion, step(ochre, low), step(teal, (1+low)/2))
}

func manyWithoutAccount() *Thresholds {
	return badAbove(limit("no_account_ratio")/2, limit("no_account_ratio"))
}

func longPending() *Thresholds { return badAbove(limit("pending_seconds")/2, limit("pending_seconds")) }

func oldData() *Thresholds { return badAbove(300, limit("data_age_seconds")) }

func anyIsBad() *Thresholds { return stepped(teal, step(vermilion, 1)) }

func stepped(lowest string, steps ...Threshold) *Thresholds {
	return &Thresholds{Mode: "absolute", Steps: append([]Threshold{{Color: slate}, step(lowest, lowestValue)}, steps...)}
}

// lowestValue is below all values that are shown.
const lowestValue = -1e12

func step(color string, from float64) Threshold { return Threshold{Color: color, Value: &from} }

// seriesColor is the colour that a value has in all panels.
type seriesColor struct{ name, color string }

// seriesColors are the colours of what has the same meaning everywhere, by the
// legend whose values they are.
func seriesColors(legend string) []seriesColor {
	switch legend {
	case "{{status}}":
		return wordColors(vocabulary.MessageStatuses(), vocabulary.CallStatuses())
	case "{{reason}}":
		return wordColors(vocabulary.MessageStatuses())
	case "{{chat_type}}":
		return wordColors(vocabulary.ChatTypes())
	case "{{origin}}":
		return wordColors(vocabulary.Origins())
	case "{{media}}":
		return wordColors(vocabulary.AllMedia())
	case "{{journal}}", "{{collector}}":
		return []seriesColor{{"calls", amber}, {"messages", blue}, {"state", teal}, {"settings", purple}, {"queue", sky}}
	}
	named := wordColors(vocabulary.MessageStatuses(), vocabulary.AllMedia())
	for _, c := range append(named, seriesColor{"observed", grey}, seriesColor{"queue", purple}) {
		if c.name == legend {
			return []seriesColor{c}
		}
	}
	return nil
}

func wordColors(sets ...[]vocabulary.Word) []seriesColor {
	var colors []seriesColor
	known := make(map[string]bool)
	for _, words := range sets {
		for _, w := range words {
			if w.Color != "" && !known[w.Label] {
				known[w.Label] = true
				colors = append(colors, seriesColor{w.Label, string(w.Color)})
			}
		}
	}
	return colors
}
