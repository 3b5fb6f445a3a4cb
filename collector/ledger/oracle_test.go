package ledger_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/greenapi-exporter/greenapi_exporter/client/vocabulary"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
)

// oracleJournals is how many random journals are asked about.
const oracleJournals = 1000

// TestQuestions asks random journals whom they reach, where and at which attempt, and
// compares with answers that are found by brute force over all rows.
func TestQuestions(t *testing.T) {
	t.Parallel()
	for seed := range uint64(oracleJournals) {
		j := randomJournal(seed)
		l := baselined(t, ledger.Options{})
		half := j
		half.calls, half.messages = j.calls[:len(j.calls)/2], slices.Clone(j.messages[:len(j.messages)/2])
		for n := range half.messages { // of these, the status is seen to change
			if half.messages[n].Status == messageStatus("read") {
				half.messages[n].Status = messageStatus("sent")
			}
		}
		for after, read := range []oracleJournal{half, j} {
			commitCalls(t, l, at(time.Duration(after+1)*time.Minute), read.calls...)
			commitMessages(t, l, at(time.Duration(after+1)*time.Minute), read.messages...)
			want := read.answers()
			calls, messages, totals := l.CallWindow(), l.MessageWindow(), l.Totals()
			got := answers{
				Chats: calls.Chats, Reached: calls.Reached, LID: calls.LIDChats, Attempts: calls.Attempts,
				WrittenTo: messages.Chats, Delivered: messages.Reached, WrittenLID: messages.LIDChats,
				Messages: totals.DestinationMessages, Calls: totals.DestinationCalls,
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("journal %d, read %d (-brute force +memory):\n%s", seed, after, diff)
			}
		}
	}
}

// oracleJournal is what the API lists of both journals.
type oracleJournal struct {
	calls    []ledger.Call
	messages []ledger.Message
}

// oracleChats are chats of every type, one without an id among them.
var oracleChats = []string{
	"79990000001@c.us", "79990000002@c.us", "4915100000001@c.us", "100000000000001@lid", "100000000000002@lid",
	"120363000000000001@g.us", "120363000000000002@g.us", "120363000000000003@newsletter", "status@broadcast", "nonsense", "",
}

func randomJournal(seed uint64) (j oracleJournal) {
	random := rand.New(rand.NewPCG(seed, 17))
	chat := func() string { return oracleChats[random.IntN(1+random.IntN(len(oracleChats)))] }
	prefix := func(chat string) string {
		if chatType(chat) != vocabulary.ChatPrivate {
			return ""
		}
		return []string{"7", "49", "other", "none"}[random.IntN(4)]
	}
	for n := range random.IntN(40) {
		c := call(fmt.Sprint("C", n), []string{"pickUp", "hungUp", "declined", "invalid", "offer"}[random.IntN(5)], 0)
		c.ChatID = []byte(chat())
		c.Prefix = prefix(string(c.ChatID))
		j.calls = append(j.calls, c)
		for random.IntN(8) == 0 { // ids repeat, also with the same time and status
			j.calls = append(j.calls, c)
		}
	}
	for n := range random.IntN(40) {
		m := message(fmt.Sprint("M", n), []string{"pending", "sent", "delivered", "read", "failed", "noAccount", "notInGroup"}[random.IntN(7)], 0)
		m.ChatID = []byte(chat())
		m.Prefix = prefix(string(m.ChatID))
		if random.IntN(5) == 0 {
			m.Type = messageType([]string{"editedMessage", "reactionMessage", "imageMessage"}[random.IntN(3)])
		}
		j.messages = append(j.messages, m)
	}
	return j
}

// chatType is said anew here: the oracle shares no code with what it judges.
func chatType(chat string) vocabulary.ChatType {
	for ending, t := range map[string]vocabulary.ChatType{
		"@c.us": vocabulary.ChatPrivate, "@lid": vocabulary.ChatPrivate, "@g.us": vocabulary.ChatGroup,
		"@newsletter": vocabulary.ChatChannel, "@broadcast": vocabulary.ChatBroadcast,
	} {
		if len(chat) > len(ending) && chat[len(chat)-len(ending):] == ending {
			return t
		}
	}
	return vocabulary.ChatOther
}

// answers are to whom, where and at which attempt.
type answers struct {
	Chats, Reached       [vocabulary.ChatTypeCount]int
	LID                  int
	Attempts             [ledger.MaxAttempts]struct{ Reached, Unreached int }
	WrittenTo, Delivered [vocabulary.ChatTypeCount]int
	WrittenLID           int
	Messages, Calls      map[ledger.DestinationLabels]uint64
}

// answers finds them by looking at every row for every chat.
func (j oracleJournal) answers() (a answers) {
	a.Messages, a.Calls = map[ledger.DestinationLabels]uint64{}, map[ledger.DestinationLabels]uint64{}
	for _, chat := range oracleChats {
		if chat == "" {
			continue
		}
		of, isLID := chatType(chat), len(chat) > 4 && chat[len(chat)-4:] == "@lid"
		rows, attempts, answered := 0, 0, false
		for _, c := range j.calls {
			if string(c.ChatID) != chat {
				continue
			}
			rows++
			if c.Status != callStatus("offer") {
				attempts++
			}
			answered = answered || c.Status == callStatus("pickUp")
		}
		if rows > 0 {
			a.Chats[of]++
			a.LID += count(isLID)
		}
		a.Reached[of] += count(answered)
		if of == vocabulary.ChatPrivate && attempts > 0 {
			at := &a.Attempts[min(attempts, ledger.MaxAttempts)-1]
			at.Reached += count(answered)
			at.Unreached += count(!answered)
		}
		written, arrived := 0, false
		for _, m := range j.messages {
			if string(m.ChatID) != chat {
				continue
			}
			written++
			isEvent := m.Type == messageType("editedMessage") || m.Type == messageType("reactionMessage")
			arrived = arrived || !isEvent && (m.Status == messageStatus("delivered") || m.Status == messageStatus("read"))
		}
		if written > 0 {
			a.WrittenTo[of]++
			a.WrittenLID += count(isLID)
		}
		a.Delivered[of] += count(arrived)
	}
	for _, c := range j.calls {
		if c.Prefix != "" && c.Status != callStatus("offer") {
			a.Calls[ledger.DestinationLabels{Prefix: c.Prefix, Outcome: c.Status.Label()}]++
		}
	}
	for _, m := range j.messages {
		if m.Prefix == "" || m.Type == messageType("editedMessage") || m.Type == messageType("reactionMessage") {
			continue
		}
		outcomes := map[string][]string{
			"pending": {}, "sent": {"sent"}, "delivered": {"sent", "delivered"}, "read": {"sent", "delivered", "read"},
			"failed": {"failed"}, "noAccount": {"failed"}, "notInGroup": {"failed"},
		}[m.Status.Label()]
		for _, outcome := range append(outcomes, "observed") {
			a.Messages[ledger.DestinationLabels{Prefix: m.Prefix, Outcome: outcome}]++
		}
	}
	return a
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}
