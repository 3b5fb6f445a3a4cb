package vocabulary

// Stage is how far a message has got. A later stage implies the earlier ones.
type Stage uint8

// The stages.
const (
	StageObserved Stage = iota
	StageSent
	StageDelivered
	StageRead
	StageCount // how many there are
)

// String returns the value of the label stage.
func (s Stage) String() string {
	return [StageCount]string{"observed", "sent", "delivered", "read"}[s]
}

// MessageStatus is the position of a status in the table of those of messages.
type MessageStatus uint8

// MessageStatusCount is how many statuses of messages there are.
const MessageStatusCount = len(messageStatuses)

// messageStatus is a status of a message.
type messageStatus struct {
	Word
	stage  Stage
	failed bool // Counted in messages_failed_total, with the label as its reason.
	// pending messages have not been tried yet: they are in no ratio.
	pending bool
}

// messageStatuses are the values of statusMessage (GREEN-API's documentation of
// LastOutgoingMessages, of the webhook outgoingMessageStatus, and of WABA).
var messageStatuses = [...]messageStatus{
	{Word: Word{Label: Other, Ours: true, Color: Grey, Meaning: "a status that this version does not know"}},
	{Word: Word{Label: "pending", ZeroFilled: true, Color: Amber, Meaning: "in the queue, not sent yet"}, pending: true},
	{Word: Word{Label: "sent", ZeroFilled: true, Color: Sky, Meaning: "reached the server of the messenger"}, stage: StageSent},
	{Word: Word{Label: "delivered", ZeroFilled: true, Color: Teal, Meaning: "reached the recipient"}, stage: StageDelivered},
	{Word: Word{Label: "read", ZeroFilled: true, Color: Blue, Meaning: "opened by the recipient"}, stage: StageRead},
	{Word: Word{Label: "noAccount", ZeroFilled: true, Color: Vermilion, Meaning: "the number has no account of the messenger"}, failed: true},
	{Word: Word{Label: "notInGroup", ZeroFilled: true, Color: Purple, Meaning: "the account is not a member of the group"}, failed: true},
	{Word: Word{Label: "failed", Color: Crimson, Meaning: "could not be sent"}, failed: true},
	{Word: Word{Label: "suspended", Aliases: []string{"yellowCard"}, ZeroFilled: true, Color: Brown, Meaning: "held back, because the messenger restricts the account (yellowCard until July 2026)"}, failed: true},
	{Word: Word{Label: "noActiveSession", Color: Plum, Meaning: "the 24-hour window for messages without a template is closed (WABA)"}, failed: true},
	{Word: Word{Label: Unknown, Aliases: []string{""}, Color: Grey, Meaning: "missing, null, empty or the word unknown"}},
}

var messageStatusSet = newSet(MessageStatuses())

// MessageStatuses returns all statuses of messages, by position.
func MessageStatuses() []Word {
	words := make([]Word, len(messageStatuses))
	for i := range messageStatuses {
		words[i] = messageStatuses[i].Word
	}
	return words
}

// FindMessageStatus returns the status that a word of the API means, and whether it
// is listed; "other" when it is not.
func FindMessageStatus(text []byte) (status MessageStatus, listed bool) {
	position, listed := messageStatusSet.find(text)
	return MessageStatus(position), listed
}

// MessageStatusLabelled returns the status that has a label value.
func MessageStatusLabelled(label string) (status MessageStatus, known bool) {
	position, known := messageStatusSet.labelled(label)
	return MessageStatus(position), known
}

// Label returns the value of the label status.
func (s MessageStatus) Label() string { return messageStatuses[s].Label }

// Stage returns how far a message of this status has got.
func (s MessageStatus) Stage() Stage { return messageStatuses[s].stage }

// Failed reports whether a message of this status has failed.
func (s MessageStatus) Failed() bool { return messageStatuses[s].failed }

// Pending reports whether a message of this status has not been tried yet.
func (s MessageStatus) Pending() bool { return messageStatuses[s].pending }

// Failures returns the statuses of failed messages, in the order of the table. Their
// labels are the reasons of messages_failed_total; their places in this list are
// stored.
func Failures() []MessageStatus {
	var failures []MessageStatus
	for i := range messageStatuses {
		if messageStatuses[i].failed {
			failures = append(failures, MessageStatus(i))
		}
	}
	return failures
}

// CallStatus is the position of a status in the table of those of calls and their
// participants.
type CallStatus uint8

// CallStatusCount is how many statuses of calls there are.
const CallStatusCount = len(callStatuses)

// callStatus is a status of a call or of a participant.
type callStatus struct {
	Word
	answered bool // Somebody has answered.
	seized   bool // The phone of the other side rang: the denominator of the answer-seizure ratio (ASR).
	failed   bool // The call could not be made: what the network effectiveness ratio (NER) leaves out.
	open     bool // No outcome yet: the call is not counted.
}

// callStatuses are the values of status in a call and in its participants
// (GREEN-API's documentation of LastOutgoingCalls, its example, and its issues).
var callStatuses = [...]callStatus{
	{Word: Word{Label: Other, Ours: true, Color: Grey, Meaning: "a status that this version does not know"}},
	{Word: Word{Label: "pickUp", ZeroFilled: true, Color: Teal, Meaning: "answered, in a group by at least one participant"}, answered: true, seized: true},
	{Word: Word{Label: "hungUp", Aliases: []string{"hangUp"}, ZeroFilled: true, Color: Amber, Meaning: "nobody answered, or the number has no account of the messenger"}, seized: true},
	{Word: Word{Label: "declined", ZeroFilled: true, Color: Vermilion, Meaning: "refused by the other side"}, seized: true},
	{Word: Word{Label: "missed", Color: Sky, Meaning: "not answered"}},
	{Word: Word{Label: "invalid", ZeroFilled: true, Color: Purple, Meaning: "could not be made, or the number does not exist"}, failed: true},
	{Word: Word{Label: "offer", Color: Slate, Meaning: "still ringing: not counted yet"}, open: true},
	{Word: Word{Label: "suspended", Aliases: []string{"yellowCard"}, Color: Brown, Meaning: "not made, because the messenger restricts the account"}},
	{Word: Word{Label: Unknown, Aliases: []string{""}, Color: Grey, Meaning: "missing, null, empty or the word unknown: not counted yet"}, open: true},
}

var callStatusSet = newSet(CallStatuses())

// CallStatuses returns all statuses of calls, by position.
func CallStatuses() []Word {
	words := make([]Word, len(callStatuses))
	for i := range callStatuses {
		words[i] = callStatuses[i].Word
	}
	return words
}

// FindCallStatus returns the status that a word of the API means, and whether it is
// listed; "other" when it is not.
func FindCallStatus(text []byte) (status CallStatus, listed bool) {
	position, listed := callStatusSet.find(text)
	return CallStatus(position), listed
}

// CallStatusLabelled returns the status that has a label value.
func CallStatusLabelled(label string) (status CallStatus, known bool) {
	position, known := callStatusSet.labelled(label)
	return CallStatus(position), known
}

// Label returns the value of the label status.
func (s CallStatus) Label() string { return callStatuses[s].Label }

// Answered reports whether somebody has answered.
func (s CallStatus) Answered() bool { return callStatuses[s].answered }

// Seized reports whether the call reached the other side (ITU-T E.425: seizures).
func (s CallStatus) Seized() bool { return callStatuses[s].seized }

// Failed reports whether the call could not be made.
func (s CallStatus) Failed() bool { return callStatuses[s].failed }

// Open reports whether the call has no outcome yet.
func (s CallStatus) Open() bool { return callStatuses[s].open }
