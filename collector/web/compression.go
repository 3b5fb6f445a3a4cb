package web

import (
	"io"
	"net/http"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const (
	// gzipLevel takes a fraction of the time of the standard library's gzip, which promhttp
	// has, and makes an exposition a fifth longer: see BenchmarkGzip.
	gzipLevel = gzip.BestSpeed
	// zstdWindow is how far back an encoder looks for what repeats. An encoder takes
	// some times this much memory; a larger window makes expositions hardly smaller.
	zstdWindow = 128 << 10
)

// encoder compresses for one answer after the other.
type encoder interface {
	io.WriteCloser
	Reset(w io.Writer)
}

// compressions keep the encoders of each coding for the next answers. The zstd of
// promhttp makes an encoder for each, which takes 10 MB and twice the time of gzip.
type compressions struct{ gzip, zstd sync.Pool }

func newCompressions() *compressions {
	return &compressions{
		gzip: sync.Pool{New: func() any {
			return must(gzip.NewWriterLevel(nil, gzipLevel))
		}},
		zstd: sync.Pool{New: func() any {
			return must(zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest),
				zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(zstdWindow), zstd.WithLowerEncoderMem(true)))
		}},
	}
}

// must returns an encoder, whose options are constants.
func must[E encoder](e E, err error) encoder {
	if err != nil {
		panic(err)
	}
	return e
}

// writer returns a writer for an answer in a coding, to be closed.
func (c *compressions) writer(w http.ResponseWriter, coding promhttp.Compression) *compressedWriter {
	compressed := &compressedWriter{ResponseWriter: w, coding: string(coding)}
	switch coding {
	case promhttp.Gzip:
		compressed.pool = &c.gzip
	case promhttp.Zstd:
		compressed.pool = &c.zstd
	case promhttp.Identity:
	}
	return compressed
}

// compressedWriter compresses the body of an answer, unless that is an error.
type compressedWriter struct {
	http.ResponseWriter
	coding  string
	pool    *sync.Pool // nil for the plain body
	encoder encoder    // nil before the first byte, and in errors
	begun   bool
}

// WriteHeader implements http.ResponseWriter.
func (w *compressedWriter) WriteHeader(status int) {
	w.begin(status)
	w.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (w *compressedWriter) Write(p []byte) (int, error) {
	w.begin(http.StatusOK)
	if w.encoder == nil {
		return w.ResponseWriter.Write(p)
	}
	return w.encoder.Write(p)
}

// begin chooses the coding, once.
func (w *compressedWriter) begin(status int) {
	if w.begun {
		return
	}
	w.begun = true
	if w.pool == nil || status != http.StatusOK {
		return
	}
	w.Header().Set("Content-Encoding", w.coding)
	w.encoder, _ = w.pool.Get().(encoder)
	w.encoder.Reset(w.ResponseWriter)
}

// close ends the body.
func (w *compressedWriter) close() {
	if w.encoder == nil {
		return
	}
	// An error means that the client has left.
	_ = w.encoder.Close()
	w.encoder.Reset(nil) // so that it does not keep the answer
	w.pool.Put(w.encoder)
	w.encoder = nil
}
