package dashboards

// hourlyRate is how often a counter of the account moves in the chosen chats, by
// some of its labels.
func hourlyRate(counter string, labels []string, by ...string) string {
	return sum(once(perHour(accounts(counter, chosenChats)), labels...), by...)
}

func accountMessages() []Panel {
	stage := func(name string) query {
		return query{hourlyRate("greenapi_messages_"+name+"_total", []string{"chat_type"}), name}
	}
	return []Panel{
		barGauge(view{
			title: "From attempted to read", width: 8, height: 9, unit: number,
			means:   "The messages in the window by the stage that they reached. Later stages imply the earlier ones.",
			formula: "attempted = all; sent = sent + delivered + read; delivered = delivered + read; read = read",
			queries: []query{
				{sum(chatMessages()), "attempted"},
				{sum(chatMessages(reachedSent)), "sent"},
				{sum(chatMessages(reachedDelivered)), "delivered"},
				{sum(chatMessages(reachedRead)), "read"},
			},
		}),
		timeseries(view{
			title: "Messages an hour, by stage", width: 16, height: 9, unit: hourly, interval: "15m",
			means:   "How many messages were first seen, and how many reached each stage.",
			formula: "3600 × rate of the counters, each message counted once a stage",
			queries: []query{
				{hourlyRate("greenapi_messages_observed_total", []string{"message_type", "chat_type", "origin"}), "observed"},
				stage("sent"), stage("delivered"), stage("read"),
			},
		}),
		accountRatio("Delivered, 6 hours",
			"Share of the messages sent that were delivered. In groups a message is delivered when the last member has it.",
			"delivered", "sent", "6h"),
		accountRatio("Read, 24 hours",
			"Share of the messages delivered that were read. Receipts can be switched off, and strangers send none: compare it with itself.",
			"read", "delivered", "24h"),
		timeseries(view{
			title: "Messages by current status", width: 12, height: 9, unit: number,
			means:   "What the journal says of its messages now, as shares of all.",
			formula: "greenapi_window_messages by status / all of them",
			queries: []query{{sum(chatMessages(), "status"), "{{status}}"}},
		}, shares),
		timeseries(view{
			title: "Failures an hour, by reason", width: 12, height: 9, unit: hourly, interval: "15m",
			means:   "Messages that failed, each counted once a reason. Suspended ones may still be sent.",
			formula: "3600 × rate(greenapi_messages_failed_total) by reason",
			queries: []query{{hourlyRate("greenapi_messages_failed_total", []string{"reason", "chat_type"}, "reason"), "{{reason}}"}},
		}, stacked),
	}
}

// accountRatio shows a ratio between two stages within its Wilson band, beside that
// of the last 7 days.
func accountRatio(title, means, part, whole, window string) Panel {
	grown := func(stage, window string) string {
		return recorded("id_instance_chat_type:greenapi_messages_"+stage+":increase"+window, chosenChats)
	}
	// As the rules' baselines: from the sums of each day up to midnight UTC.
	days := func(stage string) string { return sum("sum_over_time(" + grown(stage, "24h") + "[7d:1d])") }
	n := sum(grown(whole, window))
	p := ratio(sum(grown(part, window)), n)
	return timeseries(view{
		title: title, width: 12, height: 9, unit: share, interval: "5m",
		means:   means + " The band is where the true share lies with 95 % confidence: wide where there are few messages. Dashed, the 7 days before.",
		formula: part + " / " + whole + ", events of the " + window + " before; Wilson's bounds with z = 1.96; dashed, the same over 7 days",
		queries: []query{
			{p, part},
			{wilson(p, n, "-"), "lower bound"},
			{wilson(p, n, "+"), "upper bound"},
			{ratio(days(part), days(whole)), "7 days"},
		},
	}, band("lower bound", "upper bound"), ghost("7 days"))
}

func accountKinds() []Panel {
	observed := accounts("greenapi_messages_observed_total", chosenChats)
	labels := []string{"message_type", "chat_type", "origin"}
	return []Panel{
		barGauge(view{
			title: "By type of message", width: 8, height: 9, unit: number,
			means:   "Messages first seen in the time range, by type; the ten most frequent.",
			formula: "increase(greenapi_messages_observed_total) over the time range, by message_type",
			queries: []query{{"topk(10, " + sum(once(over("$__range", observed), labels...), "message_type") + ")", "{{message_type}}"}},
		}),
		timeseries(view{
			title: "By type of chat", width: 8, height: 9, unit: hourly, interval: "15m",
			means:   "Messages first seen an hour, to persons, groups, channels and broadcast lists.",
			formula: "3600 × rate(greenapi_messages_observed_total) by chat_type",
			queries: []query{{hourlyRate("greenapi_messages_observed_total", labels, "chat_type"), "{{chat_type}}"}},
		}, stacked),
		timeseries(view{
			title: "By origin", width: 8, height: 9, unit: hourly, interval: "15m",
			means:   "Messages first seen an hour, sent through the API or from the telephone (seen only with outgoingMessageWebhook on).",
			formula: "3600 × rate(greenapi_messages_observed_total) by origin",
			queries: []query{{hourlyRate("greenapi_messages_observed_total", labels, "origin"), "{{origin}}"}},
		}, stacked),
	}
}
