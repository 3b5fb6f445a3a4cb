package ledger

import "github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"

// Message is one row of the journal of messages.
type Message struct {
	ChatID, ID []byte // They are read during Add only.
	Time       int64  // Unix seconds of the last action; 0 when the row has none.
	Status     vocabulary.MessageStatus
	Type       vocabulary.MessageType
	Origin     vocabulary.Origin
	// TypeMistyped and OriginMistyped tell that the value was of the wrong JSON type.
	TypeMistyped, OriginMistyped bool
	// Prefix is the destination that the message counts for; "" for none.
	Prefix string
}

// MessageTx takes in one answer of the journal of messages. It is for one goroutine.
type MessageTx struct {
	transaction
	reasons [vocabulary.MessageStatusCount]failures // The set of the failure that each status is.
}

// BeginMessages opens a transaction for an answer of the journal of messages. Nothing
// takes effect before its Commit. To begin another one before Commit or Abort is
// a programming error, and panics.
func (l *Ledger) BeginMessages() *MessageTx {
	tx := &MessageTx{transaction: l.begin(&l.messages)}
	for i := range tx.reasons {
		tx.reasons[i] = failureOf(vocabulary.MessageStatus(i))
	}
	return tx
}

// seenBits are those of a message's row that come from the row alone.
const seenBits = ^rowBits(1<<beyondAt | 1<<staleAt | (1<<stageBits-1)<<stageAt | (1<<failureBits-1)<<failuresAt)

// Add takes in a row. Rows without idMessage are in the view of a whole read only.
// Several rows of one message are taken for one: it has got as far as the farthest of
// them, and has failed as each of them says. The view has them all.
func (tx *MessageTx) Add(m Message) {
	if !tx.ready() {
		return
	}
	r := row{time: shortTime(m.Time), extra: shortTime(m.Time)}
	chat := tx.hasher.chat(m.ChatID)
	r.setChat(chat)
	r.bits = chatBits(m.ChatID).
		with(messageStatusAt, messageStatusBits, uint32(m.Status)).
		with(messageTypeAt, messageTypeBits, uint32(m.Type)).
		with(originAt, originBits, uint32(m.Origin)).
		withFlag(mistypedTypeAt, m.TypeMistyped).
		withFlag(mistypedOrigin, m.OriginMistyped)
	r.bits = tx.withOutcome(r.bits, m.Status, m.Type)
	tx.noteTime(r.time)
	if len(m.ID) == 0 {
		tx.addLoose(r)
		return
	}
	key := chatRow{tx.hasher.message(m.ID), chat}
	if i, ok := tx.find(key); ok {
		tx.known(i, r, m.Prefix)
		return
	}
	if at, ok := tx.position[key]; ok {
		p := &tx.pending[at]
		p.latest = max(p.latest, m.Time)
		tx.addLoose(joined(&p.row, r))
		return
	}
	p := pending{chatRow: key, row: r, latest: m.Time, prefix: m.Prefix}
	if len(tx.journal.legacy.ids) > 0 {
		p.legacy = tx.hasher.legacyMessage(m.ChatID, m.ID)
	}
	tx.add(p)
}

// withOutcome returns bits with the stage and the failure that a status says. Events
// about a message have neither.
func (tx *MessageTx) withOutcome(b rowBits, status vocabulary.MessageStatus, kind vocabulary.MessageType) rowBits {
	if kind.Protocol() {
		return b
	}
	return b.with(stageAt, stageBits, uint32(status.Stage())).with(failuresAt, failureBits, uint32(tx.reasons[status]))
}

// joined joins another row of the same message to one, and returns the row of the two
// that does not say what became of it.
func joined(into *row, more row) (other row) {
	other = more
	if more.later(into) {
		other = *into
	}
	into.join(more)
	return other
}

// known notes a message that is in the window.
func (tx *MessageTx) known(i int, r row, prefix string) {
	was := &tx.journal.current.values[i]
	if !tx.mark(i) {
		earlier, ok := tx.changed[i]
		if !ok { // That row was as the memory has it.
			tx.unchanged--
			earlier.row = *was
			earlier.bits = tx.withOutcome(was.bits&seenBits, was.messageStatus(), was.messageType())
		}
		earlier.prefix = prefix
		tx.addLoose(joined(&earlier.row, r))
		if same(&earlier.row, was) {
			tx.unchanged++
			if earlier.stage() <= was.stage() && earlier.failures()&^was.failures() == 0 {
				delete(tx.changed, i)
				return
			}
		}
		tx.changed[i] = earlier
		return
	}
	if same(&r, was) {
		tx.unchanged++
		return
	}
	tx.changed[i] = change{r, prefix}
}

// same reports whether two rows of a message say the same.
func same(a, b *row) bool {
	return a.time == b.time && (a.bits^b.bits)&seenBits == 0
}

// Abort closes the transaction and leaves the ledger as it was. After Commit it
// does nothing.
func (tx *MessageTx) Abort() { tx.end() }

// Commit makes the answer take effect, once it is known to be whole, and returns what
// the window shows then. Its errors are those of CallTx.Commit.
func (tx *MessageTx) Commit(read Read) (*MessageWindow, error) {
	if err := tx.commit(read, tx); err != nil {
		return nil, err
	}
	return tx.ledger.MessageWindow(), nil
}

// move implements counting: it counts the stages that a message has reached and the
// failures it has met since it was last seen.
func (tx *MessageTx) move(delta *Totals, was row, known bool, now change) row {
	chatType := was.chatType().Label()
	next := now.row
	if known {
		next.extra = was.extra
	}
	if next.messageType().Protocol() {
		next.bits = next.bits.with(stageAt, stageBits, 0).with(failuresAt, failureBits, 0)
		return next
	}
	delta.reach(chatType, now.prefix, was.stage(), next.stage())
	delta.fail(chatType, now.prefix, next.failures()&^was.failures(), was.failures() == 0, 1)
	tx.delayed(delta, &was, known, &next)
	next.bits = next.bits.
		with(stageAt, stageBits, uint32(max(next.stage(), was.stage()))).
		with(failuresAt, failureBits, uint32(next.failures()|was.failures()))
	return next
}

// insert implements counting: it counts a message, and what has become of it so far,
// or makes its label sets known when it is only to be remembered.
func (tx *MessageTx) insert(delta *Totals, p *pending, counts bool) {
	var once uint64
	reached := vocabulary.StageObserved
	if counts {
		once, reached = 1, p.row.stage()
	}
	r := &p.row
	chatType := r.chatType().Label()
	delta.Observed[ObservedLabels{r.messageType().Label(), chatType, r.origin().Label()}] += once
	if r.messageType().Protocol() {
		return
	}
	if p.prefix != "" {
		delta.DestinationMessages[DestinationLabels{p.prefix, vocabulary.StageObserved.String()}] += once
	}
	delta.reach(chatType, p.prefix, vocabulary.StageObserved, reached)
	delta.fail(chatType, p.prefix, r.failures(), true, once)
	if counts {
		tx.arrived(delta, r)
	}
}

// reach counts the stages after one and up to another, and makes all of them known.
func (t *Totals) reach(chatType, prefix string, after, upTo vocabulary.Stage) {
	for stage, counter := range map[vocabulary.Stage]map[string]uint64{
		vocabulary.StageSent: t.Sent, vocabulary.StageDelivered: t.Delivered, vocabulary.StageRead: t.Read,
	} {
		var passed uint64
		if after < stage && stage <= upTo {
			passed = 1
		}
		counter[chatType] += passed
		if prefix != "" && passed > 0 {
			t.DestinationMessages[DestinationLabels{prefix, stage.String()}]++
		}
	}
}

// fail counts each failure n times. A message counts once among those of its
// destination that failed.
func (t *Totals) fail(chatType, prefix string, f failures, isFirst bool, n uint64) {
	if f == 0 {
		return
	}
	for i, reason := range vocabulary.Failures() {
		if f&(1<<i) != 0 {
			t.Failed[FailureLabels{reason.Label(), chatType}] += n
		}
	}
	if prefix != "" && isFirst {
		t.DestinationMessages[DestinationLabels{prefix, failedStage}] += n
	}
}

// failedStage is the value of the label stage of messages that failed.
const failedStage = "failed"

// DestinationStages returns the outcomes by which messages to a destination count.
func DestinationStages() []string {
	var all []string
	for stage := range vocabulary.StageCount {
		all = append(all, stage.String())
	}
	return append(all, failedStage)
}
