package ledger

// Message is one row of the journal of messages. Its label values are
// canonical: of the closed sets that the metrics have.
type Message struct {
	ChatID, ID []byte // They are read during Add only.
	Time       int64  // Unix seconds of the last action; 0 when the row has none.
	Status     string
	Type       string
	ChatType   string
	Origin     string
}

// MessageTx takes in one journal of messages. It is for one goroutine.
type MessageTx struct {
	staging[messageValue]
	pending []pendingMessage
	byKey   map[uint64]int     // Positions in pending.
	moved   map[int]messageRow // Known messages whose rows are not as the last whole journal had them, by position.
}

// pendingMessage is a message not seen before.
type pendingMessage struct {
	key    uint64
	labels ObservedLabels
	latest int64 // Time of the latest of its rows.
	messageRow
}

// BeginMessages opens a transaction for a whole journal of messages. Nothing
// takes effect before its Commit. To begin another one before Commit or Abort is
// a programming error, and panics.
func (l *Ledger) BeginMessages() *MessageTx {
	return &MessageTx{staging: begin(l, &l.messages), byKey: map[uint64]int{}, moved: map[int]messageRow{}}
}

// Add takes in a row. Rows without idMessage are passed over. Several rows of
// one message are taken for one: it has got as far as the farthest of them, and
// has failed as each of them says.
func (tx *MessageTx) Add(m Message) {
	if !tx.ready() || len(m.ID) == 0 {
		return
	}
	row := newMessageRow(m.Time, m.Status)
	key := tx.hasher.message(m.ChatID, m.ID)
	if i, ok := tx.find(key); ok {
		tx.addKnown(i, row)
		return
	}
	if p, ok := tx.byKey[key]; ok {
		tx.pending[p].latest = max(tx.pending[p].latest, m.Time)
		tx.pending[p].join(row)
		return
	}
	if !tx.take() {
		return
	}
	tx.byKey[key] = len(tx.pending)
	tx.pending = append(tx.pending, pendingMessage{
		key:        key,
		labels:     ObservedLabels{m.Type, m.ChatType, m.Origin},
		latest:     m.Time,
		messageRow: row,
	})
}

func (tx *MessageTx) addKnown(i int, row messageRow) {
	state := tx.journal.values[i].state()
	if !tx.mark(i) {
		earlier, ok := tx.moved[i]
		if !ok {
			earlier = state.messageRow // That row was as the last whole journal had it.
		}
		row.join(earlier)
		tx.moved[i] = row
		return
	}
	if !state.inJournal || row.time != state.time || row.status != state.status ||
		row.stage > state.stage || row.failures&^state.failures != 0 {
		tx.moved[i] = row
	}
}

// Abort closes the transaction and leaves the ledger as it was. After Commit it
// does nothing.
func (tx *MessageTx) Abort() {
	tx.end()
}

// Commit makes the journal take effect, once it is known to be whole. Its errors
// are those of CallTx.Commit.
func (tx *MessageTx) Commit(read Read) error {
	return commit(&tx.staging, read, func(v verdict) (changes[messageValue], *Totals, int) {
		var c changes[messageValue]
		delta := newTotals()
		unchanged := tx.knownCurrent
		for i, row := range tx.moved {
			state := tx.journal.values[i].state()
			if state.inJournal && (row.time != state.time || row.status != state.status) {
				unchanged--
			}
			if u := tx.move(delta, i, row, state); u.value != tx.journal.values[i] {
				c.updates = append(c.updates, u)
			}
		}
		for i := range tx.pending {
			c.inserts = append(c.inserts, tx.insert(delta, &tx.pending[i], v))
		}
		return c, delta, unchanged
	})
}

// move counts the stages that a known message has reached and the failures it
// has met since it was last seen.
func (tx *MessageTx) move(delta *Totals, i int, row messageRow, state messageState) update[messageValue] {
	chatType := tx.ledger.chatTypes[state.chatType]
	delta.reach(chatType, state.stage, row.stage)
	delta.fail(chatType, row.failures&^state.failures, 1)
	row.stage = max(row.stage, state.stage)
	row.failures |= state.failures
	next := messageState{messageRow: row, chatType: state.chatType, inJournal: true}
	return update[messageValue]{i, entry[messageValue]{tx.journal.keys[i], next.value()}}
}

// insert counts a message, and what has become of it so far, or makes its label
// sets known when it is only to be remembered.
func (tx *MessageTx) insert(delta *Totals, p *pendingMessage, v verdict) entry[messageValue] {
	var once uint64
	reached := stageObserved
	if v.counts(p.latest) {
		once, reached = 1, p.stage
	}
	delta.Observed[p.labels] += once
	delta.reach(p.labels.ChatType, stageObserved, reached)
	delta.fail(p.labels.ChatType, p.failures, once)
	state := messageState{
		messageRow: p.messageRow,
		chatType:   tx.ledger.chatType(p.labels.ChatType),
		inJournal:  true,
	}
	return entry[messageValue]{p.key, state.value()}
}

// reach counts the stages after one and up to another, and makes all of them known.
func (t *Totals) reach(chatType string, after, upTo stage) {
	passed := func(s stage) uint64 {
		if after < s && s <= upTo {
			return 1
		}
		return 0
	}
	t.Sent[chatType] += passed(stageSent)
	t.Delivered[chatType] += passed(stageDelivered)
	t.Read[chatType] += passed(stageRead)
}

// fail counts each failure n times.
func (t *Totals) fail(chatType string, f failures, n uint64) {
	for i, reason := range failureReasons {
		if f&(1<<i) != 0 {
			t.Failed[FailureLabels{reason, chatType}] += n
		}
	}
}
