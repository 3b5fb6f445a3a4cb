package dashboards

// account answers: what goes on with this account?
func account() Dashboard {
	variables := append(targetVariables(),
		accountVariable(),
		many(labelVariable("chat_type", "Chat type", accounts("greenapi_window_messages"))),
		many(labelVariable("media", "Media", accounts("greenapi_window_calls"))),
	)
	return newDashboard(accountUID, "GREEN-API / Account",
		"One WhatsApp account: from attempted to read, calls and their outcomes, what waits and what restricts it.",
		variables, annotations(chosenAccounts),
		section{"Now", append(accountNow(), callsNow()...)},
		section{"Messages: do they arrive and get read?", accountMessages()},
		section{"Messages: which?", accountKinds()},
		section{"Calls: are they answered?", accountCalls()},
		section{"Calls: how long, and to whom?", accountTalk()},
		section{"What waits, and what restricts the account?", accountRestrictions()},
	)
}

// chatMessages and chatCalls are the window gauges of the chosen chats and media.

func chatMessages(more ...string) string { return windowMessages(append(more, chosenChats)...) }

func chatCalls(more ...string) string { return windowCalls(append(more, chosenChats, chosenMedia)...) }

func accountNow() []Panel {
	const width, height = 4, 4
	return []Panel{
		stat(view{
			title: "Account", width: width, height: height, unit: asWords,
			means:   "The account's name in the exporter's configuration.",
			formula: "the label name of greenapi_instance_info",
			queries: []query{{once(accounts("greenapi_instance_info"), "name"), "{{name}}"}},
		}, func(p *Panel) { p.Options.TextMode = "name" }),
		stat(view{
			title: "State", width: width, height: height, unit: asWords,
			means:   "What GREEN-API says of the account. Only an authorised one sends.",
			formula: "the state whose greenapi_instance_state is 1; not known while the API does not say",
			queries: []query{{stateCode(), "state"}},
		}, mapped(stateMappings())),
		stat(view{
			title: "Data age", width: width, height: height, unit: seconds,
			means:   "Age of the older of the two journals. Above the scrape interval, what is shown is old.",
			formula: "now − time of the last success of the collectors calls and messages",
			queries: []query{{"max(" + dataAge() + ")", "age"}},
		}, judged(badAbove(300, 1800))),
		stat(view{
			title: "Messages", width: width, height: height, unit: number,
			means:   "Outgoing messages in the window.",
			formula: "sum of greenapi_window_messages",
			queries: []query{{sum(chatMessages()), "messages"}},
		}),
		stat(view{
			title: "Delivered", width: width, height: height, unit: share,
			means:   "Share of the messages sent that reached the recipient. Means nothing while outgoingWebhook is off.",
			formula: "(delivered + read) / (sent + delivered + read), in the window",
			queries: []query{{ratio(sum(chatMessages(reachedDelivered)), sum(chatMessages(reachedSent))), "delivered"}},
		}, judged(fewDelivered())),
		stat(view{
			title: "Read", width: width, height: height, unit: share,
			means:   "Share of the messages delivered that were read. The youngest are not read yet.",
			formula: "read / (delivered + read), in the window",
			queries: []query{{ratio(sum(chatMessages(reachedRead)), sum(chatMessages(reachedDelivered))), "read"}},
		}),
		stat(view{
			title: "Failed", width: width, height: height, unit: share,
			means:   "Share of the messages that failed in any way, suspended ones included.",
			formula: "(noAccount + notInGroup + failed + suspended + noActiveSession) / (all − pending), in the window",
			queries: []query{{ratio(sum(chatMessages(failed)), sum(chatMessages(concluded))), "failed"}},
		}, judged(badAbove(0.05, 0.1))),
		stat(view{
			title: "Oldest pending", width: width, height: height, unit: seconds,
			means:   "How long the oldest message has waited to be sent. A dash: none waits.",
			formula: "now − greenapi_window_oldest_pending_timestamp_seconds",
			queries: []query{{"max(" + age(accounts("greenapi_window_oldest_pending_timestamp_seconds")) + ")", "age"}},
		}, judged(badAbove(900, 1800))),
	}
}

func callsNow() []Panel {
	const width, height = 4, 4
	return []Panel{
		stat(view{
			title: "Calls", width: width, height: height, unit: number,
			means:   "Outgoing calls in the window.",
			formula: "sum of greenapi_window_calls",
			queries: []query{{sum(chatCalls()), "calls"}},
		}),
		stat(view{
			title: "Answered (ASR)", width: width, height: height, unit: share,
			means:   "Answer-seizure ratio (ITU-T E.425): share of the calls that reached a telephone which were picked up.",
			formula: "pickUp / (pickUp + hungUp + declined), in the window",
			queries: []query{{ratio(sum(chatCalls(answered)), sum(chatCalls(seized))), "ASR"}},
		}),
		stat(view{
			title: "Mean duration (ACD)", width: width, height: height, unit: seconds,
			means:   "Average call duration: of the answered calls alone.",
			formula: "seconds of answered calls / answered calls, in the window",
			queries: []query{{windowACD([]string{chosenChats, chosenMedia}), "ACD"}},
		}),
		stat(view{
			title: "Traffic", width: width, height: height, unit: erlangs,
			means:   "Calls that went on at a time, on average over the window, in erlangs.",
			formula: "seconds of answered calls / seconds of the window",
			queries: []query{{
				sum(once(accounts("greenapi_window_call_duration_seconds_sum", chosenChats, chosenMedia), "media", "chat_type")) +
					" / max(" + accounts("greenapi_window_lookback_seconds") + ")", "erlangs",
			}},
		}, func(p *Panel) { p.FieldConfig.Defaults.Decimals = new(3) }),
	}
}

func accountRestrictions() []Panel {
	until := func(title, means, metric string) Panel {
		return stat(view{
			title: title, width: 4, height: 4, unit: fromNow, means: means,
			formula: metric + ", as time from now",
			queries: []query{{"1000 * max(" + accounts(metric) + ")", "until"}},
		})
	}
	oldest := func(status string) query {
		return query{"max(" + age(accounts("greenapi_window_oldest_"+status+"_timestamp_seconds")) + ")", status}
	}
	return []Panel{
		timeseries(view{
			title: "Waiting messages", width: 12, height: 8, unit: number,
			means:   "Messages that wait: pending, held back because the account is suspended, and in the API's queue (where its collector is on).",
			formula: "greenapi_window_messages by status; greenapi_instance_queue_messages",
			queries: []query{
				{sum(chatMessages(`status=~"pending|suspended"`), "status"), "{{status}}"},
				{"max(" + accounts("greenapi_instance_queue_messages") + ")", "queue"},
			},
		}),
		timeseries(view{
			title: "Age of the oldest waiting message", width: 12, height: 8, unit: seconds,
			means:   "How long the oldest pending message has waited to be sent, and the oldest sent one to be delivered.",
			formula: "now − greenapi_window_oldest_pending_timestamp_seconds; now − greenapi_window_oldest_sent_timestamp_seconds",
			queries: []query{oldest("pending"), oldest("sent")},
		}, limits(badAbove(900, 1800))),
		stat(view{
			title: "Settings that the journals depend on", width: 16, height: 4, unit: asWords,
			means:   "outgoingWebhook: statuses of messages; without it they stay sent. outgoingMessageWebhook: messages sent from the telephone. outgoingCallWebhook: calls.",
			formula: "greenapi_instance_setting_enabled",
			queries: []query{{once(accounts("greenapi_instance_setting_enabled"), "setting"), "{{setting}}"}},
		}, mapped(words("✔ on", teal, "✖ off", vermilion)), func(p *Panel) { p.Options.TextMode = "value_and_name" }),
		until("Suspended until", "Until when the messenger has suspended the account. A dash: it has not, or the API does not say.",
			"greenapi_instance_suspended_until_timestamp_seconds"),
		until("Paid until", "Until when the account is paid for, where a partner's account lists it. A dash: nobody says.",
			"greenapi_instance_expiration_timestamp_seconds"),
	}
}
