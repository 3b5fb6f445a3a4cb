package dashboards

// account answers: what goes on with this account?
func account() Dashboard {
	variables := append(hidden(targetVariables(), "job", "instance"),
		accountVariable(),
		many(labelVariable("chat_type", "Chat type", accounts("greenapi_window_messages"))),
		many(labelVariable("media", "Media", accounts("greenapi_window_calls"))),
	)
	return newDashboard(accountUID, "GREEN-API / Account",
		"One WhatsApp account: messages from attempted to read, calls and their outcomes, waiting messages and restrictions.",
		variables, annotations(chosenAccounts),
		section{title: "How is the account? As things are now, whatever the time range", panels: append(append(accountNow(), callsNow()...), fires(columns, 5))},
		section{title: "Messages: do they arrive and get read?", panels: accountMessages()},
		section{title: "Calls: are they answered?", panels: accountCalls()},
		section{title: "What waits, and what restricts the account?", panels: accountRestrictions()},
		section{title: "How long does it take?", panels: accountDelays(), closed: true},
		section{title: "Whom does it reach, at which try, and where?", panels: accountReach(), closed: true},
		section{title: "When do they answer?", panels: answerTimes(), closed: true},
		section{title: "Messages: which?", panels: accountKinds(), closed: true},
		section{title: "Calls: how long, and to whom?", panels: accountTalk(), closed: true},
	)
}

// chatMessages and chatCalls are the window gauges of the chosen chats and media.

func chatMessages(more ...string) string { return windowMessages(append(more, chosenChats)...) }

func chatCalls(more ...string) string { return windowCalls(append(more, chosenChats, chosenMedia)...) }

func accountNow() []Panel {
	until := func(width int, title, means, metric string) Panel {
		return stat(view{
			title: title, width: width, height: statHeight, unit: date, means: means, formula: metric,
			queries: []query{{"1000 * max(" + accounts(metric) + ")", "until"}},
		})
	}
	return []Panel{
		stat(view{
			title: "Account", width: 6, height: statHeight, unit: words,
			means:   "The account's name in the exporter's configuration, and its id.",
			formula: "the label name of greenapi_instance_info",
			queries: []query{{"max by (account) (" + accountNames() + ")", "{{account}}"}},
		}, func(p *Panel) { p.Options.TextMode = "name" }),
		stat(view{
			title: "State", width: 5, height: statHeight, unit: words,
			means:   "The account's state, from GREEN-API. Only an authorised account can send.",
			formula: "the state whose greenapi_instance_state is 1; unknown while the API does not say",
			queries: []query{{stateCode(), "state"}},
		}, mapped(stateMappings())),
		until(5, "Suspended until", "End of the account's suspension. A dash: not suspended, or the API gives no time.",
			"greenapi_instance_suspended_until_timestamp_seconds"),
		until(4, "Paid until", "End of the account's plan, from the partner API. A dash: unknown.",
			"greenapi_instance_expiration_timestamp_seconds"),
		stat(view{
			title: "Data age", width: 4, height: statHeight, unit: lasting,
			means:   "Age of the older of the two journals. If it is above the scrape interval, the panels show old data.",
			formula: "now − time of the last success of the collectors calls and messages",
			queries: []query{{"max(" + dataAge() + ")", "age"}},
		}, judged(oldData())),
		atLeast(view{
			title: "Messages", width: 4, height: statHeight, unit: number,
			means:   "Outgoing messages in the window. If the journal is truncated, only the newest messages are included; the panel shows how many hours they cover.",
			formula: "sum of greenapi_window_messages; covered: now − greenapi_window_oldest_record_timestamp_seconds",
		}, sum(chatMessages()), "messages"),
		stat(deliveredOfAll(chatMessages), judged(fewDelivered())),
		stat(deliveredOfSent(chatMessages), judged(fewDelivered())),
		stat(readOfDelivered(chatMessages)),
		stat(failedOfAll(chatMessages), judged(manyWithoutAccount())),
		stat(view{
			title: "Pending", width: 4, height: statHeight, unit: lasting,
			means:   "Waiting time of the oldest pending message. A dash: none is pending.",
			formula: "now − greenapi_window_oldest_pending_timestamp_seconds",
			queries: []query{{"max(" + age(accounts("greenapi_window_oldest_pending_timestamp_seconds")) + ")", "age"}},
		}, judged(longPending())),
	}
}

// atLeast shows a number of the window of a journal, and says so where the journal is
// truncated: it is then the least that it can be.
func atLeast(v view, expr, journal string) Panel {
	of := `journal="` + journal + `"`
	truncated := "max(" + accounts("greenapi_window_truncated", of) + ")"
	inHours := func(expr, seconds string) string {
		return "(" + expr + `) * on () group_left (hours) count_values("hours", round(` + seconds + " / 3600))"
	}
	covered := "max(" + age(accounts("greenapi_window_oldest_record_timestamp_seconds", of)) + ")"
	v.queries = []query{
		{inHours(expr+" unless on () "+truncated+" == 1", "max("+accounts("greenapi_window_lookback_seconds")+")"), "last {{hours}} h"},
		{inHours(expr+" and on () "+truncated+" == 1", covered), "newest {{hours}} h"},
	}
	return stat(v, func(p *Panel) {
		withNames(p, 26) // ≥ 10000 beside the name
		p.FieldConfig.Overrides = append(p.FieldConfig.Overrides, Override{
			Matcher: Matcher{ID: "byFrameRefID", Options: "B"},
			Properties: []Property{
				{"unit", "prefix:≥ "}, {"thresholds", stepped(ochre)},
			},
		})
	})
}

func callsNow() []Panel {
	return []Panel{
		atLeast(view{
			title: "Calls", width: 4, height: statHeight, unit: number,
			means:   "Outgoing calls in the window. If the journal is truncated, only the newest calls are included; the panel shows how many hours they cover.",
			formula: "sum of greenapi_window_calls; covered: now − greenapi_window_oldest_record_timestamp_seconds",
		}, sum(chatCalls()), "calls"),
		stat(answeredOfSeized(chatCalls)),
		stat(view{
			title: "Usual", width: 4, height: statHeight, unit: share,
			means:   "Answer-seizure ratio (ASR) of the last 7 days, for all chats and media: the usual value of this account.",
			formula: "pickUp / (pickUp + hungUp + declined), in 7 days: id_instance:greenapi_calls_answered_per_seized:ratio_baseline7d",
			queries: []query{{once(recorded("id_instance:greenapi_calls_answered_per_seized:ratio_baseline7d")), "usual"}},
		}),
		stat(view{
			title: "Mean call", width: 4, height: statHeight, unit: lasting,
			means:   "Average call duration (ACD) of answered calls.",
			formula: "seconds of answered calls / answered calls, in the window",
			queries: []query{{windowTalked() + " / (" + sum(chatCalls(answered)) + " > 0)", "ACD"}},
		}),
		stat(view{
			title: "Call traffic", width: 4, height: statHeight, unit: erlangs,
			means:   "Average number of simultaneous calls in the window: the traffic, in erlangs. 1 means that one line is always busy.",
			formula: "seconds of answered calls / seconds of the window",
			queries: []query{{
				windowTalked() + " / max(" + accounts("greenapi_window_lookback_seconds") + ")", "erlangs",
			}},
		}, func(p *Panel) { p.FieldConfig.Defaults.Decimals = new(3) }),
		stat(view{
			title: "Settings", width: 4, height: statHeight, unit: turnedOff,
			means:   "Settings that the journals need and that are off. The panel *Settings that the journals need* shows which ones.",
			formula: "number of greenapi_instance_setting_enabled that are 0",
			queries: []query{{"count(" + once(accounts("greenapi_instance_setting_enabled"), "setting") + " == 0) or 0 * count(" + once(accounts("greenapi_instance_setting_enabled"), "setting") + ")", "settings"}},
		}, judged(warnFrom(1))),
	}
}

// windowTalked is how many seconds the chosen calls in the window took that were
// answered. Where the histogram of it is native, its average is worth that many calls.
func windowTalked() string {
	const duration = "greenapi_window_call_duration_seconds"
	chosen := func(metric string, more ...string) string {
		return accounts(metric, append(more, chosenChats, chosenMedia)...)
	}
	each := func(expr string) string { return once(expr, "media", "chat_type") }
	calls := each(chosen("greenapi_window_calls", answered))
	return sum(each(chosen(duration+"_sum")) + " or " + each("histogram_avg("+chosen(duration)+") >= 0") + " * " + calls + " or 0 * " + calls)
}

func accountRestrictions() []Panel {
	return []Panel{
		timeseries(view{
			title: "Waiting messages", width: 8, height: 8, unit: number,
			means:   "Messages that wait: pending, suspended, and in the API's queue (needs --collector.queue).",
			formula: "greenapi_window_messages by status; greenapi_instance_queue_messages",
			empty:   noRead,
			queries: []query{
				{sum(chatMessages(`status=~"pending|suspended"`), "status"), "{{status}}"},
				{"max(" + accounts("greenapi_instance_queue_messages") + ")", "queue"},
			},
		}, fewEvents),
		timeseries(view{
			title: "Oldest pending message", width: 8, height: 8, unit: minutes,
			means:   "Waiting time of the oldest pending message; dashed: the threshold of the alert and half of it.",
			formula: "now − greenapi_window_oldest_pending_timestamp_seconds",
			empty:   "No waiting message known in this time range",
			queries: []query{{"max(" + age(accounts("greenapi_window_oldest_pending_timestamp_seconds")) + ") / 60", "pending"}},
		}, drawn(badAbove(limit("pending_seconds")/2/60, limit("pending_seconds")/60)), upTo(limit("pending_seconds")/60)),
		stat(view{
			title: "Settings that the journals need", width: 8, height: 8, unit: words,
			means:   "outgoingWebhook: statuses of messages; without it they stay sent. outgoingMessageWebhook: messages sent from the phone. outgoingCallWebhook: calls.",
			formula: "greenapi_instance_setting_enabled",
			queries: []query{{once(accounts("greenapi_instance_setting_enabled"), "setting"), "{{setting}}"}},
		}, mapped(either("✔ on", teal, "✖ off", vermilion)), func(p *Panel) {
			withNames(p, 26)
			p.Options.Orientation = "horizontal"
		}),
	}
}
