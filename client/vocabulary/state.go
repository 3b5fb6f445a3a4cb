package vocabulary

// InstanceState is the position of a state in the table of those of instances.
type InstanceState uint8

// instanceStates are the values of stateInstance (GREEN-API's documentation of
// GetStateInstance, and of its products for other messengers), in the order of their
// gravity, gravest first, but for the first row.
var instanceStates = [...]Word{
	{Label: Other, Ours: true, Text: "? other state", Color: Slate, Meaning: "a state that this version does not know"},
	{Label: "blocked", Text: "✖ blocked", Color: Purple, Meaning: "banned by the messenger"},
	{Label: "notAuthorized", Text: "✖ not authorized", Color: Vermilion, Meaning: "logged out: link the phone again"},
	{Label: "suspended", Aliases: []string{"yellowCard"}, Text: "▲ suspended", Color: Ochre, Meaning: "restricted by the messenger (yellowCard until July 2026)"},
	{Label: "pendingPassword", Text: "⌨ password awaited", Color: Ochre, Meaning: "waits for the password (Telegram)"},
	{Label: "pendingCode", Text: "⌨ code awaited", Color: Ochre, Meaning: "waits for the code of the login"},
	{Label: "starting", Aliases: []string{""}, Text: "… starting", Color: Blue, Meaning: "starting, or null while the instance is made; more than 5 minutes is a fault"},
	{Label: "sleepMode", Text: "☾ sleep mode", Color: Blue, Meaning: "the phone is off or offline"},
	{Label: "authorized", Text: "✔ authorized", Color: Teal, Meaning: "works"},
}

var instanceStateSet = newSet(instanceStates[:])

// InstanceStates returns all states of instances, by position.
func InstanceStates() []Word { return instanceStates[:] }

// FindInstanceState returns the state that a word of the API means, and whether it
// is listed; "other" when it is not.
func FindInstanceState(text []byte) (state InstanceState, listed bool) {
	position, listed := instanceStateSet.find(text)
	return InstanceState(position), listed
}

// Label returns the value of the label state.
func (s InstanceState) Label() string { return instanceStates[s].Label }

// settings are the flags of getSettings that the journals depend on.
var settings = [...]Word{
	{Label: "outgoingWebhook", Text: "statuses of messages", Meaning: "statuses of messages; while it is off, all stay `sent`"},
	{Label: "outgoingMessageWebhook", Text: "messages sent from the phone", Meaning: "messages sent from the phone"},
	{Label: "outgoingCallWebhook", Text: "calls", Meaning: "calls"},
}

// Settings returns the settings that the journals depend on.
func Settings() []Word { return settings[:] }

// Collector is one of the sources of an account's metrics.
type Collector struct {
	Word         // Its label is the value of the label collector, and the name in the configuration.
	On      bool // Whether the flags turn it on by default.
	Journal bool // Whether it reads a journal, whose name is the label journal.
}

var collectors = [...]Collector{
	{Word: Word{Label: "calls", Ours: true, Color: Amber, Meaning: "Read the journal of outgoing calls."}, On: true, Journal: true},
	{Word: Word{Label: "messages", Ours: true, Color: Blue, Meaning: "Read the journal of outgoing messages."}, On: true, Journal: true},
	{Word: Word{Label: "state", Ours: true, Color: Teal, Meaning: "Read the state of the account."}, On: true},
	{Word: Word{Label: "settings", Ours: true, Color: Purple, Meaning: "Read, once an hour, the settings that the journals depend on."}, On: true},
	{Word: Word{Label: "queue", Ours: true, Color: Sky, Meaning: "Read the length of the queue of outgoing messages."}},
}

// Collectors returns all collectors. Flags, configuration and documents have them
// from here.
func Collectors() []Collector { return collectors[:] }

// Destinations that are no number prefix.
const (
	DestinationOther = "other" // a number with none of the prefixes
	DestinationNone  = "none"  // a chat without a number
)
