package greenapitest

import (
	"compress/gzip"
	"fmt"
	"io"
	"sync"
)

// gzipWriters are those of all servers of the process: a new one clears a megabyte, which
// is most of the cost of a small answer.
var gzipWriters writers

// writers are gzip.Writers that nobody uses. A sync.Pool would drop many of them under
// the race detector, where they cost most.
type writers struct {
	mu   sync.Mutex
	free []*gzip.Writer
}

func (f *writers) get() *gzip.Writer {
	f.mu.Lock()
	defer f.mu.Unlock()
	if n := len(f.free); n > 0 {
		z := f.free[n-1]
		f.free = f.free[:n-1]
		return z
	}
	z, err := gzip.NewWriterLevel(io.Discard, gzip.BestSpeed)
	if err != nil {
		panic(fmt.Sprintf("greenapitest: %v", err)) // the level is a constant
	}
	return z
}

func (f *writers) put(z *gzip.Writer) {
	z.Reset(io.Discard)
	f.mu.Lock()
	defer f.mu.Unlock()
	f.free = append(f.free, z)
}
