package dashboards

// statHeight is that of a number with its name.
const statHeight = 3

// expr is the query of a view that has one.
func (v view) expr() string { return v.queries[0].expr }

// The shares of what the journals hold now. Each is defined here once, and has one name
// in all panels. They are of messages or calls as a function selects them, and by
// labels.

// selection selects messages or calls.
type selection func(matchers ...string) string

// deliveredOfAll is what became of all messages, failed ones included. Compare
// deliveredOfSent, which a suspended account does not lower.
func deliveredOfAll(messages selection, by ...string) view {
	return view{
		title: "Delivered", width: 4, height: statHeight, unit: share,
		means:   "Share of all messages that reached the recipient, failed ones included; pending messages are left out.",
		formula: "(delivered + read) / (all − pending), in the window",
		queries: []query{{ratio(sum(messages(reachedDelivered), by...), sum(messages(concluded), by...)), "delivered"}},
	}
}

// deliveredOfSent is what became of the messages that the messenger took.
func deliveredOfSent(messages selection, by ...string) view {
	return view{
		title: "Of sent", width: 4, height: statHeight, unit: share,
		means:   "Delivered of sent: the share of the messages that the messenger took that reached the recipient. Means nothing while outgoingWebhook is off.",
		formula: "(delivered + read) / (sent + delivered + read), in the window",
		queries: []query{{ratio(sum(messages(reachedDelivered), by...), sum(messages(reachedSent), by...)), "delivered"}},
	}
}

func failedOfAll(messages selection, by ...string) view {
	return view{
		title: "Failed", width: 4, height: statHeight, unit: share,
		means:   "Share of all messages that failed in any way, suspended ones included.",
		formula: "(noAccount + notInGroup + failed + suspended + noActiveSession) / (all − pending), in the window",
		queries: []query{{ratio(sum(messages(failed), by...), sum(messages(concluded), by...)), "failed"}},
	}
}

func readOfDelivered(messages selection, by ...string) view {
	return view{
		title: "Read", width: 4, height: statHeight, unit: share,
		means:   "Share of the delivered messages that were read. The newest are often not read yet.",
		formula: "read / (delivered + read), in the window",
		queries: []query{{ratio(sum(messages(reachedRead), by...), sum(messages(reachedDelivered), by...)), "read"}},
	}
}

func answeredOfSeized(calls selection, by ...string) view {
	return view{
		title: "Answered", width: 4, height: statHeight, unit: share,
		means:   "Answer-seizure ratio (ASR, ITU-T E.425): pickUp / (pickUp + hungUp + declined).",
		formula: "pickUp / (pickUp + hungUp + declined), in the window",
		queries: []query{{ratio(sum(calls(answered), by...), sum(calls(seized), by...)), "ASR"}},
	}
}
