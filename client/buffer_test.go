package client

import (
	"strings"
	"testing"
)

// TestBuffersThatAreKept reads a long string, and then to a fault just before the end of
// the buffer that it has made larger: all of that buffer counts, and not what is left of
// it.
func TestBuffersThatAreKept(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		token, body int
		kept        bool
	}{
		{1000, bufferSize - 100, true},
		{100 << 10, 256<<10 - 100, true},
		{700 << 10, 1<<20 - 100, false},
		{3 << 20, 4<<20 - 100, false},
	} {
		text := `["` + strings.Repeat("x", test.token) + `",`
		text += strings.Repeat("0,", (test.body-len(text))/2) + "!"
		d := newDecoder(strings.NewReader(text))
		for err := error(nil); err == nil; {
			_, err = d.json.ReadToken()
		}
		if size := d.buffer(); (size <= keptBuffer) != test.kept {
			t.Errorf("after a token of %d bytes, a buffer of %d bytes is kept: %v", test.token, size, !test.kept)
		}
		d.free()
	}
}
