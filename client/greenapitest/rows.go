package greenapitest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Fields sets fields of a JSON object by name, whatever they should be: nil is
// null, Missing leaves the field out, json.RawMessage is taken verbatim.
type Fields map[string]any

type missing struct{}

// Missing, as a value in Fields, leaves that field out.
var Missing any = missing{}

// A Call is a row of lastOutgoingCalls, in the shape of GREEN-API's
// documentation. Every field is written, the zero ones too, unless Fields says
// otherwise.
type Call struct {
	IDMessage    string
	Timestamp    int64 // the call's end, unix seconds
	ChatID       string
	Duration     int // seconds
	Video        bool
	Status       string
	Participants []Participant

	Fields Fields          // overrides and additions
	Raw    json.RawMessage // when set, the whole element, be it no object at all
}

// A Participant of a call.
type Participant struct {
	ID     string `json:"id"`
	Status string `json:"status"`
}

// MarshalJSON implements json.Marshaler.
func (c Call) MarshalJSON() ([]byte, error) {
	participants := c.Participants
	if participants == nil {
		participants = []Participant{}
	}
	return marshalRow(c.Raw, c.Fields, []field{
		{"type", "outgoing"},
		{"idMessage", c.IDMessage},
		{"timestamp", c.Timestamp},
		{"typeMessage", "outgoingCall"},
		{"chatId", c.ChatID},
		{"duration", c.Duration},
		{"isVideo", c.Video},
		{"status", c.Status},
		{"participants", participants},
	})
}

// A Message is a row of lastOutgoingMessages, in the shape of GREEN-API's
// documentation. Every field is written, the zero ones too, unless Fields says
// otherwise; a message without TypeMessage is a textMessage.
type Message struct {
	IDMessage   string
	Timestamp   int64 // of the last action, unix seconds
	Status      string
	TypeMessage string
	ChatID      string
	SendByAPI   bool
	Text        string

	Fields Fields          // overrides and additions
	Raw    json.RawMessage // when set, the whole element, be it no object at all
}

// MarshalJSON implements json.Marshaler.
func (m Message) MarshalJSON() ([]byte, error) {
	typeMessage := m.TypeMessage
	if typeMessage == "" {
		typeMessage = "textMessage"
	}
	return marshalRow(m.Raw, m.Fields, []field{
		{"type", "outgoing"},
		{"idMessage", m.IDMessage},
		{"timestamp", m.Timestamp},
		{"statusMessage", m.Status},
		{"typeMessage", typeMessage},
		{"chatId", m.ChatID},
		{"textMessage", m.Text},
		{"sendByApi", m.SendByAPI},
	})
}

type field struct {
	name  string
	value any
}

// marshalRow writes an object: the usual fields in their order, then those
// that only overrides has, sorted.
func marshalRow(raw json.RawMessage, overrides Fields, usual []field) ([]byte, error) {
	if raw != nil {
		return raw, nil
	}
	fields := slices.Clone(usual)
	for _, name := range slices.Sorted(maps.Keys(overrides)) {
		f := field{name, overrides[name]}
		i := slices.IndexFunc(fields, func(g field) bool { return g.name == name })
		if i < 0 {
			fields = append(fields, f)
		} else {
			fields[i] = f
		}
	}
	row := []byte{'{'}
	for _, f := range fields {
		if f.value == Missing {
			continue
		}
		value, err := json.Marshal(f.value)
		if err != nil {
			return nil, fmt.Errorf("field %q: %w", f.name, err)
		}
		name, err := json.Marshal(f.name)
		if err != nil {
			return nil, fmt.Errorf("name of a field: %w", err)
		}
		if len(row) > 1 {
			row = append(row, ',')
		}
		row = append(append(append(row, name...), ':'), value...)
	}
	return append(row, '}'), nil
}
