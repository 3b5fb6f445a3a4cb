package web

import (
	"net/http"
	"time"
)

// An answer has to be read at a minimum rate, or its connection ends: so many bytes in
// so much time, and all of it before the longest answer ends. A client that asks and
// does not read would hold a place, and memory, for as long as it likes.
const (
	rateBytes     = 128 << 10
	rateTime      = 10 * time.Second
	longestAnswer = 3 * time.Minute
)

// minRateWriter ends answers that are read too slowly.
type minRateWriter struct {
	http.ResponseWriter

	control *http.ResponseController
	end     time.Time // of the longest answer; zero before the first byte
}

func newMinRateWriter(w http.ResponseWriter) *minRateWriter {
	return &minRateWriter{ResponseWriter: w, control: http.NewResponseController(w)}
}

// Unwrap serves http.ResponseController.
func (w *minRateWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Write implements http.ResponseWriter.
func (w *minRateWriter) Write(p []byte) (written int, err error) {
	if w.end.IsZero() {
		w.end = time.Now().Add(longestAnswer)
	}
	for {
		part := p[written:min(len(p), written+rateBytes)]
		deadline := time.Now().Add(rateTime)
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
