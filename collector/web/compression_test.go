package web

import (
	stdgzip "compress/gzip"
	"io"
	"os"
	"testing"

	"github.com/klauspost/compress/gzip"
)

// lengthOf counts what is written.
type lengthOf int

// Write implements io.Writer.
func (n *lengthOf) Write(p []byte) (int, error) {
	*n += lengthOf(len(p))
	return len(p), nil
}

// BenchmarkGzip compresses an exposition of one account as scrapes get it, and as
// promhttp would by itself.
func BenchmarkGzip(b *testing.B) {
	exposition, err := os.ReadFile("../../testdata/expositions/full.prom")
	if err != nil {
		b.Fatal(err)
	}
	for name, z := range map[string]encoder{
		"ours":             must(gzip.NewWriterLevel(nil, gzipLevel)),
		"standard_library": stdgzip.NewWriter(io.Discard),
	} {
		b.Run(name, func(b *testing.B) {
			var length lengthOf
			for b.Loop() {
				length = 0
				z.Reset(&length)
				if _, err := z.Write(exposition); err != nil {
					b.Fatal(err)
				}
				if err := z.Close(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(length), "bytes")
		})
	}
}
