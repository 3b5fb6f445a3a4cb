//go:build unix

package client_test

import (
	"bytes"
	"encoding/json"
	"io"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client"
	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"golang.org/x/sys/unix"
)

// unmarshalRounds is how often encoding/json takes its turn beside the client.
const unmarshalRounds = 5

// journalKind is a kind of journal, and how the client and encoding/json read it.
type journalKind struct {
	name      string
	write     func(simulation.Payload, io.Writer) error
	read      func(testing.TB, io.Reader) tally
	unmarshal func(io.Reader) (tally, error)
}

// tally is what both count, so that both have read it.
type tally struct {
	records, chatBytes int
	seconds            int64
	byStatus           map[string]int
}

func newTally() tally { return tally{byStatus: make(map[string]int)} }

func (t *tally) add(status string, chat int, seconds int64) {
	t.records++
	t.chatBytes += chat
	t.seconds += seconds
	t.byStatus[status]++
}

func journalKinds() []journalKind {
	return []journalKind{
		{"calls", simulation.Payload.Calls, tallyCalls, unmarshalCalls},
		{"texts", simulation.Payload.Texts, tallyMessages, unmarshalMessages},
		{"thumbnails", simulation.Payload.Thumbnails, tallyMessages, unmarshalMessages},
		{"escaped_thumbnails", simulation.Payload.EscapedThumbnails, tallyMessages, unmarshalMessages},
	}
}

// body is a journal of that many rows, in memory.
func (k journalKind) body(tb testing.TB, rows int) []byte {
	tb.Helper()
	var b bytes.Buffer
	if err := k.write(simulation.Payload{Rows: rows, Seed: 1}, &b); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

// roomyClient returns a client to whom the next journal is in, however large.
func roomyClient(tb testing.TB, in io.Reader) *client.Client {
	tb.Helper()
	c, err := client.New(client.Options{
		APIURL: "http://greenapi.invalid", IDInstance: id, Token: client.NewToken(sentinel),
		HTTPClient: canned(func() io.Reader { return in }), MaxBodyBytes: 1 << 30,
	})
	if err != nil {
		tb.Fatal(err)
	}
	return c
}

func tallyCalls(tb testing.TB, in io.Reader) tally {
	tb.Helper()
	journal, err := roomyClient(tb, in).LastOutgoingCalls(tb.Context(), 24*time.Hour)
	if err != nil {
		tb.Fatal(err)
	}
	defer journal.Close()
	t := newTally()
	for call := range journal.Records() {
		t.add(call.Status.Label(), len(call.ChatID), call.Duration)
		for _, status := range call.Participants {
			t.byStatus[status.Label()]++
		}
	}
	if err := journal.Err(); err != nil || journal.Invalid() > 0 {
		tb.Fatalf("%d invalid records, %v", journal.Invalid(), err)
	}
	return t
}

func tallyMessages(tb testing.TB, in io.Reader) tally {
	tb.Helper()
	journal, err := roomyClient(tb, in).LastOutgoingMessages(tb.Context(), 24*time.Hour)
	if err != nil {
		tb.Fatal(err)
	}
	defer journal.Close()
	t := newTally()
	for message := range journal.Records() {
		t.add(message.Status.Label(), len(message.ChatID), 0)
		t.byStatus[message.Type.Label()]++
	}
	if err := journal.Err(); err != nil || journal.Invalid() > 0 {
		tb.Fatalf("%d invalid records, %v", journal.Invalid(), err)
	}
	return t
}

func unmarshalCalls(in io.Reader) (tally, error) {
	var calls []struct {
		IDMessage, ChatID, Status string
		Timestamp, Duration       int64
		IsVideo                   bool
		Participants              []struct{ Status string }
	}
	t := newTally()
	body, err := io.ReadAll(in)
	if err != nil {
		return t, err
	}
	err = json.Unmarshal(body, &calls)
	for _, call := range calls {
		t.add(call.Status, len(call.ChatID), call.Duration)
		for _, participant := range call.Participants {
			t.byStatus[participant.Status]++
		}
	}
	return t, err
}

func unmarshalMessages(in io.Reader) (tally, error) {
	var messages []struct {
		IDMessage, ChatID, StatusMessage, TypeMessage string
		Timestamp                                     int64
		SendByAPI                                     *bool
	}
	t := newTally()
	body, err := io.ReadAll(in)
	if err != nil {
		return t, err
	}
	err = json.Unmarshal(body, &messages)
	for _, message := range messages {
		t.add(message.StatusMessage, len(message.ChatID), 0)
		t.byStatus[message.TypeMessage]++
	}
	return t, err
}

// BenchmarkDecode reads and counts 10,000 records. Beside it, in turns, the same body
// is read whole and unmarshalled by encoding/json; times_faster is the ratio of
// their processor times.
func BenchmarkDecode(b *testing.B) {
	for _, kind := range journalKinds() {
		b.Run(kind.name, func(b *testing.B) {
			body := kind.body(b, 10_000)
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			var ours, theirs []time.Duration
			for b.Loop() {
				before := processorTime(b)
				got := kind.read(b, bytes.NewReader(body))
				ours = append(ours, processorTime(b)-before)
				b.StopTimer()
				if len(theirs) < unmarshalRounds {
					before := processorTime(b)
					want, err := kind.unmarshal(bytes.NewReader(body))
					theirs = append(theirs, processorTime(b)-before)
					if err != nil || got.records != want.records || got.seconds != want.seconds || got.chatBytes != want.chatBytes {
						b.Fatalf("counted %+v and %+v, %v", got, want, err)
					}
				}
				b.StartTimer()
			}
			b.ReportMetric(median(ours).Seconds()*1000, "cpu-ms/op")
			b.ReportMetric(float64(median(theirs))/float64(median(ours)), "times_faster")
		})
	}
}

// BenchmarkDecodeMillion reads and counts a million calls: 440 MB.
func BenchmarkDecodeMillion(b *testing.B) {
	const rows, times = 10_000, 100
	body := journalKinds()[0].body(b, rows)
	in := &repeated{body: body, times: times}
	b.SetBytes(int64(len(body) * times))
	b.ReportAllocs()
	for b.Loop() {
		in.rewind()
		if got := tallyCalls(b, in); got.records != rows*times {
			b.Fatalf("counted %d", got.records)
		}
	}
}

// TestMemoryOfDecoding holds the client to its promise: neither what it keeps nor
// how often it allocates depends on how many records there are.
//
//nolint:paralleltest // it measures the memory of the whole process
func TestMemoryOfDecoding(t *testing.T) {
	const (
		moreObjects = 64        // pools may lose a few
		moreBytes   = 256 << 10 // what the pools may have lost: parsers' buffers, and readers'; the shortest journal has more
	)
	for _, kind := range journalKinds() {
		rows, times := 1000, 40
		if kind.name != "calls" { // read by the same code: one long journal is enough
			rows, times = 50, 20
		}
		body := kind.body(t, rows)
		measure := func(times int) (objects, live int64) {
			in := &repeated{body: body, times: times}
			in.rewind()
			return memory(func() { kind.read(t, in) }, in)
		}
		measure(2) // fills the pools
		fewObjects, fewLive := measure(1)
		manyObjects, manyLive := measure(times)
		t.Logf("%s: %d records: %d objects, %d bytes live; %d records: %d objects, %d bytes live",
			kind.name, rows, fewObjects, fewLive, rows*times, manyObjects, manyLive)
		if manyObjects > fewObjects+moreObjects {
			t.Errorf("%s: %d records allocate %d objects, %d records %d", kind.name, rows, fewObjects, rows*times, manyObjects)
		}
		if manyLive > fewLive+moreBytes {
			t.Errorf("%s: %d records hold %d bytes, %d records %d", kind.name, rows, fewLive, rows*times, manyLive)
		}
	}
}

// memory returns how many objects a function allocates, and how many bytes it
// holds when it has just read the last of its input.
func memory(read func(), in *repeated) (objects, live int64) {
	var before, end, after runtime.MemStats
	in.atEnd = func() {
		runtime.GC()
		runtime.ReadMemStats(&end)
	}
	runtime.GC()
	runtime.ReadMemStats(&before)
	read()
	runtime.ReadMemStats(&after)
	return int64(after.Mallocs - before.Mallocs), int64(end.HeapAlloc) - int64(before.HeapAlloc)
}

// repeated reads as one journal that holds the rows of another several times.
type repeated struct {
	body  []byte // the other, brackets included
	times int
	atEnd func() // called once before the last bracket; may be nil

	part bytes.Reader
	left int
}

func (r *repeated) rewind() {
	r.left = r.times
	r.part.Reset(r.body[:len(r.body)-1]) // "[…"
}

// Read implements io.Reader.
func (r *repeated) Read(p []byte) (int, error) {
	if r.part.Len() == 0 && r.left > 0 {
		r.left--
		if r.left > 0 {
			r.part.Reset(r.body[:len(r.body)-1])
			n, err := r.part.Read(p)
			p[0] = ',' // in place of the bracket
			return n, err
		}
		r.part.Reset(r.body[len(r.body)-1:]) // "]"
		if r.atEnd != nil {
			r.atEnd()
		}
	}
	return r.part.Read(p)
}

// processorTime returns what the process has used so far, user's and system's.
func processorTime(tb testing.TB) time.Duration {
	tb.Helper()
	var usage unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &usage); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func median(all []time.Duration) time.Duration {
	return slices.Sorted(slices.Values(all))[(len(all)-1)/2]
}
