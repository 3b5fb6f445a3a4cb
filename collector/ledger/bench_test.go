package ledger_test

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

var benchStart = time.Date(2025, 11, 1, 12, 0, 0, 0, time.UTC)

// benchCalls returns n calls as a journal shows them, made from the given number on.
func benchCalls(from, n int) []ledger.Call {
	rows := make([]ledger.Call, n)
	for i := range rows {
		status := callStatus([]string{"pickUp", "hungUp", "declined", "invalid"}[i%4])
		rows[i] = ledger.Call{
			ChatID: fmt.Appendf(nil, "7999%07d@c.us", (from+i)%3000), ID: fmt.Appendf(nil, "F33E8701A0C84DE04254CBBA%08X", from+i),
			Time: benchStart.Unix() + int64(from+i), Status: status, Media: vocabulary.Voice,
			Duration: int64(i % 900), Participants: []vocabulary.CallStatus{status},
		}
	}
	return rows
}

func benchMessages(from, n int) []ledger.Message {
	rows := make([]ledger.Message, n)
	for i := range rows {
		rows[i] = ledger.Message{
			ChatID: fmt.Appendf(nil, "7999%07d@c.us", (from+i)%3000), ID: fmt.Appendf(nil, "BAE5F0C0DE4254CBBA24%08X", from+i),
			Time: benchStart.Unix() + int64(from+i), Status: messageStatus([]string{"sent", "delivered", "read", "noAccount"}[i%4]),
			Type: messageType("textMessage"), Origin: vocabulary.OriginAPI,
		}
	}
	return rows
}

func commitCalls(tb testing.TB, l *ledger.Ledger, r ledger.Read, rows ...ledger.Call) {
	tb.Helper()
	tx := l.BeginCalls()
	defer tx.Abort()
	for i := range rows {
		tx.Add(rows[i])
	}
	if _, err := tx.Commit(r); err != nil {
		tb.Fatal(err)
	}
}

func commitMessages(tb testing.TB, l *ledger.Ledger, r ledger.Read, rows ...ledger.Message) {
	tb.Helper()
	tx := l.BeginMessages()
	defer tx.Abort()
	for i := range rows {
		tx.Add(rows[i])
	}
	if _, err := tx.Commit(r); err != nil {
		tb.Fatal(err)
	}
}

// benchLedger is a ledger with a file, whose journals have been read for the first time.
func benchLedger(tb testing.TB, rows int) (l *ledger.Ledger, path string) {
	tb.Helper()
	path = tb.TempDir()
	dir, err := ledger.OpenDir(path)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := dir.Close(); err != nil {
			tb.Error(err)
		}
	})
	l, err = dir.Open(instance, ledger.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	read := ledger.Read{Date: benchStart, Window: 24 * time.Hour}
	commitCalls(tb, l, read, benchCalls(0, rows)...)
	commitMessages(tb, l, read, benchMessages(0, rows)...)
	return l, filepath.Join(path, instance+".ledger")
}

// BenchmarkCommitUnchanged10k is what a scrape usually costs: the journal is the
// one of a minute ago.
func BenchmarkCommitUnchanged10k(b *testing.B) {
	read := ledger.Read{Date: benchStart, Window: 24 * time.Hour, Truncated: true}
	b.Run("calls", func(b *testing.B) {
		l, _ := benchLedger(b, 10_000)
		rows := benchCalls(0, 10_000)
		b.ReportAllocs()
		for b.Loop() {
			commitCalls(b, l, read, rows...)
		}
	})
	b.Run("messages", func(b *testing.B) {
		l, _ := benchLedger(b, 10_000)
		rows := benchMessages(0, 10_000)
		b.ReportAllocs()
		for b.Loop() {
			commitMessages(b, l, read, rows...)
		}
	})
}

// BenchmarkCommitNew10k is the costliest commit: every row is counted. It is
// measured in memory; BenchmarkSave20k tells what a file adds.
func BenchmarkCommitNew10k(b *testing.B) {
	read := ledger.Read{Date: benchStart, Window: 24 * time.Hour}
	b.Run("calls", func(b *testing.B) {
		rows := benchCalls(0, 10_000)
		b.ReportAllocs()
		for b.Loop() {
			l := ledger.New(ledger.Options{})
			commitCalls(b, l, read)
			commitCalls(b, l, read, rows...)
		}
	})
	b.Run("messages", func(b *testing.B) {
		rows := benchMessages(0, 10_000)
		b.ReportAllocs()
		for b.Loop() {
			l := ledger.New(ledger.Options{})
			commitMessages(b, l, read)
			commitMessages(b, l, read, rows...)
		}
	})
}

// BenchmarkSave20k writes, and reads again, the state of 10,000 calls and 10,000 messages.
func BenchmarkSave20k(b *testing.B) {
	l, path := benchLedger(b, 10_000)
	file, err := os.ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		for b.Loop() {
			file = l.StateFile()
		}
		b.ReportMetric(float64(len(file))/20_000, "file_bytes/entry")
	})
	b.Run("write", func(b *testing.B) {
		dir, err := ledger.OpenDir(b.TempDir())
		if err != nil {
			b.Fatal(err)
		}
		b.Cleanup(func() {
			if err := dir.Close(); err != nil {
				b.Error(err)
			}
		})
		calls, messages := benchCalls(0, 10_000), benchMessages(0, 10_000)
		for b.Loop() {
			b.StopTimer()
			l, err := dir.Open(instance, ledger.Options{})
			if err != nil {
				b.Fatal(err)
			}
			read := ledger.Read{Date: benchStart, Window: 24 * time.Hour}
			commitCalls(b, l, read, calls...)
			commitMessages(b, l, read, messages...)
			commitCalls(b, l, read, calls[1:]...)
			b.StartTimer()
			if err := l.Close(); err != nil { // Folds.
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		for b.Loop() {
			if _, _, err := ledger.Decode(file); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkMemoryPerEntry holds 50 ledgers of 10,000 calls and 10,000 messages,
// read for a day, and reports what an entry takes of the live heap, all included.
func BenchmarkMemoryPerEntry(b *testing.B) {
	const ledgers, rows = 50, 10_000
	calls, messages := benchCalls(0, rows), benchMessages(0, rows)
	for b.Loop() {
		before := liveHeap()
		held := make([]*ledger.Ledger, ledgers)
		read := ledger.Read{Date: benchStart, Window: 24 * time.Hour}
		for i := range held {
			held[i] = ledger.New(ledger.Options{})
			commitCalls(b, held[i], read, calls[:rows/2]...)
			commitCalls(b, held[i], read, calls...)
			commitMessages(b, held[i], read, messages[:rows/2]...)
			commitMessages(b, held[i], read, messages...)
		}
		perEntry := float64(liveHeap()-before) / (ledgers * 2 * rows)
		b.ReportMetric(perEntry, "bytes/entry")
		b.ReportMetric(perEntry*1000*2*rows/1e6, "MB/1000_ledgers")
		runtime.KeepAlive(held)
	}
}

func liveHeap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkWindow makes the view of a full journal.
func BenchmarkWindow(b *testing.B) {
	const rows = 10_000
	l := ledger.New(ledger.Options{})
	read := ledger.Read{Date: benchStart, Window: 24 * time.Hour}
	commitCalls(b, l, read, benchCalls(0, rows)...)
	commitMessages(b, l, read, benchMessages(0, rows)...)
	for name, view := range map[string]func(){
		"calls":    func() { l.CallWindow() },
		"messages": func() { l.MessageWindow() },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				view()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/rows, "ns/record")
		})
	}
}

// TestMemoryOfRows holds what the memory takes: 32 bytes a row of the window, and 16 a
// row remembered beyond it, but for an index of half a byte, and no pointers.
//
//nolint:paralleltest // It measures the memory of the whole process.
func TestMemoryOfRows(t *testing.T) {
	const rows = 50_000
	read := ledger.Read{Date: benchStart, Window: 24 * time.Hour}
	calls, messages := benchCalls(0, rows), benchMessages(0, rows)
	for name, perRow := range map[string]func(l *ledger.Ledger) float64{
		"calls in the window": func(l *ledger.Ledger) float64 {
			commitCalls(t, l, read, calls...)
			return 32
		},
		"messages in the window": func(l *ledger.Ledger) float64 {
			commitMessages(t, l, read, messages...)
			return 32
		},
		"calls beyond it": func(l *ledger.Ledger) float64 {
			commitCalls(t, l, read, calls...)
			commitCalls(t, l, read)
			return 16.6
		},
		"messages beyond it": func(l *ledger.Ledger) float64 {
			commitMessages(t, l, read, messages...)
			commitMessages(t, l, read)
			return 16.6
		},
	} {
		l := ledger.New(ledger.Options{})
		before := heap()
		want := perRow(l)
		got := float64(heap()-before) / rows
		runtime.KeepAlive(l)
		t.Logf("%s: %.1f bytes a row", name, got)
		if got > want {
			t.Errorf("%s: %.1f bytes a row, want %.1f at most", name, got, want)
		}
	}
}

func heap() int64 {
	runtime.GC() // Twice: what pools hold survives once.
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
