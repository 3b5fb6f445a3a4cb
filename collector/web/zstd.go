package web

import (
	"net/http"
	"sync"

	"github.com/klauspost/compress/zstd"
)

// zstdWindow is how far back an encoder looks for what repeats. An encoder takes
// some times this much memory; a larger window makes expositions hardly smaller.
const zstdWindow = 128 << 10

// zstdPool keeps encoders for the next answers. The zstd of promhttp makes an encoder
// for each, which takes 10 MB and twice the time of gzip.
type zstdPool struct{ encoders sync.Pool }

// writer returns a writer for an answer, to be closed.
func (p *zstdPool) writer(w http.ResponseWriter) *zstdWriter {
	return &zstdWriter{ResponseWriter: w, pool: p}
}

// zstdWriter compresses the body of an answer, unless that is an error.
type zstdWriter struct {
	http.ResponseWriter
	pool    *zstdPool
	encoder *zstd.Encoder // nil before the first byte, and in errors
	begun   bool
}

// WriteHeader implements http.ResponseWriter.
func (w *zstdWriter) WriteHeader(status int) {
	w.begin(status)
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *zstdWriter) Write(p []byte) (int, error) {
	w.begin(http.StatusOK)
	if w.encoder == nil {
		return w.ResponseWriter.Write(p)
	}
	return w.encoder.Write(p)
}

// begin chooses the coding, once.
func (w *zstdWriter) begin(status int) {
	if w.begun {
		return
	}
	w.begun = true
	if status != http.StatusOK {
		return
	}
	w.Header().Set("Content-Encoding", "zstd")
	encoder, pooled := w.pool.encoders.Get().(*zstd.Encoder)
	if pooled {
		encoder.Reset(w.ResponseWriter)
	} else {
		encoder = newZstdEncoder(w.ResponseWriter)
	}
	w.encoder = encoder
}

// newZstdEncoder returns an encoder that works in the goroutine of its caller.
func newZstdEncoder(w http.ResponseWriter) *zstd.Encoder {
	encoder, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest),
		zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(err) // the options are constants
	}
	return encoder
}

// close ends the body.
func (w *zstdWriter) close() {
	if w.encoder == nil {
		return
	}
	// Whoever does not take the end any more has left.
	_ = w.encoder.Close()
	w.pool.encoders.Put(w.encoder)
	w.encoder = nil
}
