package ledger

import (
	"math"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
)

// DelayBuckets are the upper bounds, in seconds, of the histograms of delivery and
// reading. Below 5 minutes nothing can be told apart: a row may take 2 minutes to
// show, and reads are a minute apart.
var DelayBuckets = [...]float64{300, 900, 3600, 14400, 43200, 86400}

// bounds are between which values, in seconds, a delay lies.
type bounds struct{ low, high int64 }

// delayed counts how long a message took from one stage to the next, when it has got
// farther. The time of a row is that of its last action. known tells whether was is the
// row itself, and not only what was counted of it.
func (tx *MessageTx) delayed(delta *Totals, was *row, known bool, now *row) {
	if now.stage() <= was.stage() || now.time == 0 {
		return
	}
	chatType, at := was.chatType().Label(), int64(now.time)
	if !known {
		// It was last seen in the window then; its last action is up to a window older.
		elapsed := max(int64(tx.now)-int64(was.time), 0)
		b := bounds{elapsed, elapsed + int64(tx.journal.window/time.Second)}
		tx.count(delta, chatType, was.stage(), now.stage(), b, b)
		return
	}
	// The stage before was reached at was.time, or before it if another action came after;
	// the next one after the memory last saw that it was not.
	since, reached := int64(was.time), was.reached() && was.time != 0
	if !reached {
		since = int64(min(was.extra, was.time))
	}
	unseen := max(int64(was.time), tx.journal.lastSight(was))
	first := bounds{max(unseen-since, 0), at - since}
	switch next := was.stage() + 1; {
	case !reached:
		first.low = 0
	case now.stage() == next && now.reached():
		first.low = first.high // Both times were seen.
	}
	tx.count(delta, chatType, was.stage(), now.stage(), first, bounds{0, at - unseen})
}

// arrived counts the delays of a message that is new and has got far already: it was
// sent after the last read, but for what takes its time to show.
func (tx *MessageTx) arrived(delta *Totals, r *row) {
	if r.stage() < vocabulary.StageDelivered || r.time == 0 || tx.journal.lastDate == 0 {
		return
	}
	since := tx.journal.lastDate - int64(lateness/time.Second)
	b := bounds{0, int64(r.time) - since}
	tx.count(delta, r.chatType().Label(), vocabulary.StageObserved, r.stage(), b, b)
}

// count counts the delays of the stages that a message has passed. first are the bounds
// of the delay after the last stage that was seen; later are those of what came after
// the memory last saw the message.
func (tx *MessageTx) count(delta *Totals, chatType string, after, upTo vocabulary.Stage, first, later bounds) {
	for stage, histograms := range map[vocabulary.Stage]map[string]Histogram{
		vocabulary.StageDelivered: delta.DeliveryDelays, vocabulary.StageRead: delta.ReadDelays,
	} {
		switch {
		case stage <= after || stage > upTo:
		case stage == after+1:
			delta.delay(histograms, stage, chatType, first)
		default: // When the stage before was reached is not known either.
			delta.delay(histograms, stage, chatType, later)
		}
	}
}

// delay counts one delay, by its upper bound, and apart from it those that may belong
// to another bucket. Times that run backwards count as 0, and as bounded.
func (t *Totals) delay(histograms map[string]Histogram, stage vocabulary.Stage, chatType string, b bounds) {
	h := histograms[chatType]
	h.Observe(max(b.high, 0), DelayBuckets[:])
	histograms[chatType] = h
	labels := StageLabels{stage.String(), chatType}
	if b.high < 0 || bucketOf(max(b.low, 0)) != bucketOf(b.high) {
		t.DelaysBounded[labels]++
	} else {
		t.DelaysBounded[labels] += 0
	}
}

// bucketOf returns the upper bound of the bucket of a delay.
func bucketOf(seconds int64) float64 {
	for _, bound := range DelayBuckets {
		if float64(seconds) <= bound {
			return bound
		}
	}
	return math.Inf(1)
}

// lastSight is until when, by the server's clock, a row in the window is known to have
// been as the memory has it. If the API lists messages by their sending, recent reads
// say nothing of older ones.
func (j *journal) lastSight(r *row) int64 {
	date := j.lastDate
	inSpan := r.extra != 0 && int64(r.extra) >= j.lastDate-int64(j.lastSpan/time.Second)
	if j.filter() != FilterByLastAction && !inSpan {
		date = j.wholeDate
	}
	if date == 0 {
		return 0
	}
	return date - int64(lateness/time.Second)
}
