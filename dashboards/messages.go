package dashboards

// countedChats is what a counter of the account grew by in each bar, in the chosen
// chats, by some of its labels.
func countedChats(counter string, labels []string, by ...string) string {
	return whole(sum(once(counted(accounts(counter, chosenChats)), labels...), by...))
}

// countedInAll is the same of all chosen chats, and absent where it is 0 all the time.
func countedInAll(counter string, labels []string) string {
	return ifAny(countedChats(counter, labels), sum(once(inRange(accounts(counter, chosenChats)), labels...)))
}

// observedLabels are those of the counter of messages first seen.
var observedLabels = []string{"message_type", "chat_type", "origin"}

func accountMessages() []Panel {
	stage := func(name string) query {
		return query{countedInAll("greenapi_messages_"+name+"_total", []string{"chat_type"}), name}
	}
	const observed = "greenapi_messages_observed_total"
	all := func(increase string) string { return sum(once(increase, observedLabels...)) }
	weekAgo := ifAny(whole(all(countedWeekAgo(accounts(observed, chosenChats)))), all(inRangeWeekAgo(accounts(observed, chosenChats))))
	inTime := accountInTime()
	return []Panel{
		barGauge(view{
			title: "From attempted to read", width: 7, height: 9, unit: number,
			means:   "Messages in the window now, by the stage that they reached. A later stage implies the earlier ones.",
			formula: "attempted = all; sent = sent + delivered + read; delivered = delivered + read; read = read",
			empty:   "No messages known in the window",
			queries: []query{
				{sum(chatMessages()), "attempted"},
				{sum(chatMessages(reachedSent)), "sent"},
				{sum(chatMessages(reachedDelivered)), "delivered"},
				{sum(chatMessages(reachedRead)), "read"},
			},
		}, statusColors),
		counts(view{
			title: "Messages per hour, by stage", width: 17, height: 9,
			means:   "Messages first seen, and messages that reached each stage, per hour; dashed: first seen a week ago.",
			formula: "increase of the counters, each message counted once per stage",
			empty:   noMessages,
			queries: []query{
				{countedInAll(observed, observedLabels), "observed"},
				stage("sent"), stage("delivered"), stage("read"),
				{weekAgo, "observed, a week ago"},
			},
		}, sideBySide, ghost("observed, a week ago")),
		inTime[0], inTime[1],
		timeseries(view{
			title: "Messages by current status", width: 12, height: 9, unit: number,
			means:   "Messages in the journal now, by status, as shares of all.",
			formula: "greenapi_window_messages by status / all of them",
			empty:   noMessages,
			queries: []query{{some(sum(chatMessages(), "status")), "{{status}}"}},
		}, shares),
		counts(view{
			title: "Failures per hour, by reason", width: 12, height: 9,
			means:   "Messages that failed, each counted once per reason. Suspended ones may still be sent.",
			formula: "increase(greenapi_messages_failed_total) by reason",
			empty:   "No failed message known in this time range",
			queries: []query{{some(countedChats("greenapi_messages_failed_total", []string{"reason", "chat_type"}, "reason")), "{{reason}}"}},
		}),
	}
}

func accountKinds() []Panel {
	observed := accounts("greenapi_messages_observed_total", chosenChats)
	by := func(label string) []query {
		return []query{{some(countedChats("greenapi_messages_observed_total", observedLabels, label)), "{{" + label + "}}"}}
	}
	return []Panel{
		barGauge(view{
			title: "By type of message", width: 8, height: 9, unit: number,
			means:   "Messages first seen in the time range, by type; the ten most frequent.",
			formula: "increase(greenapi_messages_observed_total) over the time range, by message_type",
			empty:   noMessages,
			queries: []query{{"sort_desc(" + some("topk(10, "+whole(sum(once(over("$__range", observed), observedLabels...), "message_type"))+")") + ")", "{{message_type}}"}},
		}),
		counts(view{
			title: "By type of chat", width: 8, height: 9,
			means:   "Messages first seen, by chat type: private, groups, channels and broadcast lists.",
			formula: "increase(greenapi_messages_observed_total) by chat_type",
			empty:   noMessages,
			queries: by("chat_type"),
		}),
		counts(view{
			title: "By origin", width: 8, height: 9,
			means:   "Messages first seen, sent through the API or from the phone (seen only with outgoingMessageWebhook on).",
			formula: "increase(greenapi_messages_observed_total) by origin",
			empty:   noMessages,
			queries: by("origin"),
		}),
	}
}
