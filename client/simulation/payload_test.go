package simulation_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
)

// A meter counts bytes, and the largest write.
type meter struct {
	bytes, largest int
}

func (m *meter) Write(b []byte) (int, error) {
	m.bytes += len(b)
	m.largest = max(m.largest, len(b))
	return len(b), nil
}

type payloadKind struct {
	name  string
	write func(simulation.Payload, io.Writer) error
	each  float64 // bytes a row
}

func payloadKinds() []payloadKind {
	return []payloadKind{
		{"calls", simulation.Payload.Calls, 440},
		{"texts", simulation.Payload.Texts, 390},
		{"thumbnails", simulation.Payload.Thumbnails, 8900},
		{"escaped thumbnails", simulation.Payload.EscapedThumbnails, 9700},
	}
}

func TestPayloads(t *testing.T) {
	t.Parallel()
	for _, kind := range payloadKinds() {
		var text, again bytes.Buffer
		const rows = 1000
		for _, w := range []io.Writer{&text, &again} {
			if err := kind.write(simulation.Payload{Rows: rows, Seed: 1}, w); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(text.Bytes(), again.Bytes()) {
			t.Errorf("%s: not the same twice", kind.name)
		}
		var decoded []struct {
			IDMessage, Status, StatusMessage, JpegThumbnail string
			Timestamp                                       int64
		}
		if err := json.Unmarshal(text.Bytes(), &decoded); err != nil {
			t.Fatalf("%s: %v", kind.name, err)
		}
		ids := make(map[string]bool)
		for _, row := range decoded {
			ids[row.IDMessage] = true
			if row.Timestamp == 0 || row.Status+row.StatusMessage == "" {
				t.Fatalf("%s: a row without time or status", kind.name)
			}
		}
		if len(ids) != rows {
			t.Errorf("%s: %d rows with %d ids, want %d", kind.name, len(decoded), len(ids), rows)
		}
		if each := float64(text.Len()) / rows; each < 0.96*kind.each || each > 1.04*kind.each {
			t.Errorf("%s: %.0f bytes a row, want about %.0f", kind.name, each, kind.each)
		}
	}
}

// Escaped or not, the rows are the same.
func TestEscapedPayload(t *testing.T) {
	t.Parallel()
	var plain, escaped bytes.Buffer
	p := simulation.Payload{Rows: 50, Seed: 3}
	if err := errors.Join(p.Thumbnails(&plain), p.EscapedThumbnails(&escaped)); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(escaped.String(), `\/`) || !strings.Contains(escaped.String(), `\u002b`) {
		t.Error("nothing is escaped")
	}
	var a, b any
	if err := errors.Join(json.Unmarshal(plain.Bytes(), &a), json.Unmarshal(escaped.Bytes(), &b)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(a, b); diff != "" {
		t.Error(diff)
	}
}

// However many rows, a payload is written in small pieces.
func TestPayloadStreams(t *testing.T) {
	t.Parallel()
	for _, kind := range payloadKinds() {
		var m meter
		if err := kind.write(simulation.Payload{Rows: 5000}, &m); err != nil {
			t.Fatal(err)
		}
		if m.largest > 64<<10 {
			t.Errorf("%s: %d bytes in one write", kind.name, m.largest)
		}
	}
	var m meter
	if err := (simulation.Payload{}).Calls(&m); err != nil || m.bytes != len("[]") {
		t.Errorf("no rows: %d bytes, %v", m.bytes, err)
	}
}

func TestPayloadReportsTheWritersError(t *testing.T) {
	t.Parallel()
	for _, kind := range payloadKinds() {
		_, w := io.Pipe()
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if err := kind.write(simulation.Payload{Rows: 10}, w); !errors.Is(err, io.ErrClosedPipe) {
			t.Errorf("%s: %v", kind.name, err)
		}
	}
}

func BenchmarkPayload(b *testing.B) {
	for _, kind := range payloadKinds() {
		b.Run(kind.name, func(b *testing.B) {
			var m meter
			for b.Loop() {
				m = meter{}
				if err := kind.write(simulation.Payload{Rows: 10000}, &m); err != nil {
					b.Fatal(err)
				}
			}
			b.SetBytes(int64(m.bytes))
		})
	}
}
