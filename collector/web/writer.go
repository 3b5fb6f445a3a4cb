package web

import (
	"net/http"
	"time"
)

// An answer has to be taken at a minimum pace, or its connection ends: so many bytes
// in so much time, and all of it before the longest answer ends. Who asks and does not
// read would hold a place, and memory, for as long as it likes.
const (
	paceBytes     = 128 << 10
	paceTime      = 10 * time.Second
	longestAnswer = 3 * time.Minute
)

// pacedWriter holds the minimum pace.
type pacedWriter struct {
	http.ResponseWriter

	control *http.ResponseController
	end     time.Time // of the longest answer; zero before the first byte
}

func newPacedWriter(w http.ResponseWriter) *pacedWriter {
	return &pacedWriter{ResponseWriter: w, control: http.NewResponseController(w)}
}

// Unwrap serves http.ResponseController.
func (w *pacedWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Write implements http.ResponseWriter.
func (w *pacedWriter) Write(p []byte) (written int, err error) {
	now := time.Now()
	if w.end.IsZero() {
		w.end = now.Add(longestAnswer)
	}
	for {
		part := p[written:min(len(p), written+paceBytes)]
		deadline := time.Now().Add(paceTime)
		if deadline.After(w.end) {
			deadline = w.end
		}
		// What is no connection has no deadline.
		_ = w.control.SetWriteDeadline(deadline)
		n, err := w.ResponseWriter.Write(part)
		written += n
		if err != nil || written == len(p) {
			return written, err
		}
	}
}
