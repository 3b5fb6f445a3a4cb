package client

import (
	"hash/maphash"
	"maps"
	"math"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
)

// What the documentation of the API leaves open is observed while answers are read.
// Nothing of it is text that the API wrote.

// protocolOf names the protocol of an answer, of a closed set.
func protocolOf(response *http.Response) string {
	switch response.Proto {
	case "HTTP/1.0", "HTTP/1.1", "HTTP/2.0":
		return response.Proto
	default:
		return "another protocol"
	}
}

// encodingOf names the compression of an answer, of a closed set.
func encodingOf(response *http.Response) string {
	switch strings.ToLower(response.Header.Get("Content-Encoding")) {
	case "", "identity":
		return "not compressed"
	case "gzip", "x-gzip":
		return "gzip"
	default:
		return "another encoding"
	}
}

// RowFacts are what was observed about the rows of a journal, by one read, or over
// several where that is said.
type RowFacts struct {
	Rows         int
	LargestBytes int64
	Order        string // of a closed set, see orderOf
	WithoutID    int
	RepeatedIDs  int // rows whose id a row before has too; as Watched says
	LIDs         int // rows of chats whose id hides the phone number
	Reads        int // how many reads of the whole window the following goes by
	Watched      int // rows that are watched from read to read: all, or a sample
	Vanished     int // rows that were there, and should be
	Regressed    int // rows whose status has gone back
	BySending    int // rows that left when the time of their first status did
	ByLastAction int // rows that stayed longer than that
}

// observable is a row that can be observed.
type observable interface {
	// facts returns the id and the chat of the row, its time, when it was sent or begun (0
	// where it does not tell), and how far its status is.
	facts() (id, chat []byte, at, sent int64, stage uint8)
}

func (c *Call) facts() (id, chat []byte, at, sent int64, stage uint8) {
	if c.Time != 0 {
		sent = c.Time - c.Duration
	}
	return c.ID, c.ChatID, c.Time, sent, 0
}

func (m *Message) facts() (id, chat []byte, at, sent int64, stage uint8) {
	if m.Status.Stage() <= vocabulary.StageSent {
		sent = m.Time
	}
	return m.ID, m.ChatID, m.Time, sent, uint8(m.Status.Stage())
}

// maxWatched bounds the rows that are watched from read to read. Beyond, it is those
// with the smallest hashes: the same ones in each read.
const maxWatched = 64

// watchedRow is what is remembered of a row from read to read.
type watchedRow struct {
	first, last int64 // its time when it was first seen, and last
	sent        int64 // when it was sent or begun; 0 where its first sight did not tell
	stage       uint8
	outlived    bool // it stayed longer in the journal than it would by its sending
}

// rowWatch observes the rows of one journal of an instance.
type rowWatch struct {
	seed maphash.Seed

	mu     sync.Mutex
	widest time.Duration         // the whole window
	rows   map[uint64]watchedRow // of the last read of it, by the hash of the id
	most   uint64                // the largest hash that is watched
	facts  RowFacts              // as far as they go by several reads
}

func newRowWatch() *rowWatch { return &rowWatch{seed: maphash.MakeSeed(), most: math.MaxUint64} }

// begin begins a read.
func (w *rowWatch) begin() *rowRead {
	w.mu.Lock()
	defer w.mu.Unlock()
	return &rowRead{watch: w, most: w.most, rows: make(map[uint64]watchedRow)}
}

// rowRead observes the rows of one read.
type rowRead struct {
	watch *rowWatch
	most  uint64
	rows  map[uint64]watchedRow
	facts RowFacts

	previous        int64 // time of the row before
	rising, falling bool
}

// row takes a row into account, of so many bytes.
func (r *rowRead) row(row observable, size int64) {
	id, chat, at, sent, stage := row.facts()
	r.facts.Rows++
	r.facts.LargestBytes = max(r.facts.LargestBytes, size)
	if vocabulary.IsLID(chat) {
		r.facts.LIDs++
	}
	if at != 0 {
		r.rising = r.rising || r.previous != 0 && at > r.previous
		r.falling = r.falling || at < r.previous
		r.previous = at
	}
	if len(id) == 0 {
		r.facts.WithoutID++
		return
	}
	key := maphash.Bytes(r.watch.seed, id)
	if key > r.most {
		return
	}
	if _, again := r.rows[key]; again {
		r.facts.RepeatedIDs++
	}
	r.rows[key] = watchedRow{first: at, last: at, sent: sent, stage: stage}
	if len(r.rows) >= 2*maxWatched {
		r.narrow()
	}
}

// narrow leaves the maxWatched rows with the smallest hashes.
func (r *rowRead) narrow() {
	if len(r.rows) > maxWatched {
		r.most = slices.Sorted(maps.Keys(r.rows))[maxWatched-1]
	}
	maps.DeleteFunc(r.rows, func(key uint64, _ watchedRow) bool { return key > r.most })
}

// orderOf names the order of rows by their time.
func orderOf(rising, falling bool) string {
	switch {
	case rising && falling:
		return "mixed"
	case rising:
		return "oldest first"
	case falling:
		return "newest first"
	default:
		return "not known"
	}
}

// rowMargin is how many seconds inside the window a row has to be to be missed, and
// outside to outlive it: it takes a while until the API shows things.
const rowMargin = 600

// end takes over a read that came to its end, of a journal that reaches back from now by
// the window. It returns what is known by then. Only reads of the whole window are
// compared: that a row is not among the recent ones does not mean that it is gone.
func (r *rowRead) end(now time.Time, window time.Duration) *RowFacts {
	w := r.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	r.most = min(r.most, w.most)
	r.narrow()
	if window >= w.widest {
		w.widest = window
		w.compare(r, now.Add(-window).Unix())
	}
	facts := r.facts
	facts.Order, facts.Watched, facts.Reads = orderOf(r.rising, r.falling), len(r.rows), w.facts.Reads
	facts.Vanished, facts.Regressed = w.facts.Vanished, w.facts.Regressed
	facts.BySending, facts.ByLastAction = w.facts.BySending, w.facts.ByLastAction
	return &facts
}

// compare compares a read of the whole window, which begins then, with the one before;
// the mutex is held.
func (w *rowWatch) compare(r *rowRead, begin int64) {
	capped := r.facts.Rows >= JournalCap
	for key, before := range w.rows {
		row, still := r.rows[key]
		switch {
		case key > r.most:
		case still:
			row.first, row.sent, row.outlived = before.first, before.sent, before.outlived
			if row.stage < before.stage {
				w.facts.Regressed++
			}
			r.rows[key] = row
		case capped || before.last < begin+rowMargin: // its time to leave
		case before.first < begin+rowMargin, before.sent != 0 && before.sent < begin+rowMargin:
			w.facts.BySending++
		case before.sent == 0: // perhaps sent long before it was first seen
		default:
			w.facts.Vanished++
		}
	}
	for key, row := range r.rows {
		if row.first != 0 && row.first < begin-rowMargin && !row.outlived {
			row.outlived = true
			w.facts.ByLastAction++
			r.rows[key] = row
		}
	}
	w.rows, w.most = r.rows, r.most
	w.facts.Reads++
}
