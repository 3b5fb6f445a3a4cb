package dashboards

import "fmt"

// fleetOffenders are tables, and not bars: a bar of one account has no name.
func fleetOffenders() []Panel {
	const threshold = "id_instance:greenapi_threshold:"
	offenders := func(title, means, formula, pick, value, volume string, least string, thresholds *Thresholds) Panel {
		judgedOnly := fmt.Sprintf("%s(%d, %s and on (id_instance) %s >= on (id_instance) %s)", pick, shownOffenders, value, volume, recorded(threshold+least))
		return table(view{
			title: title, width: 8, height: 7,
			means:   fmt.Sprintf("%s Accounts with fewer than %.0f in the window are left out: too few to tell.", means, limit(least)),
			formula: formula,
			empty:   "Too few to judge, or the rules are not loaded",
			queries: []query{{expr: "max by (id_instance, account) (" + named(judgedOnly) + ")"}},
		}, []column{
			{title: "Account", label: "account", width: 150, grow: true, link: toAccount("${__data.fields.id_instance}")},
			{title: "Share", width: 75, unit: share, thresholds: thresholds, expr: judgedOnly},
			{title: "Of", width: 75, unit: number, expr: volume + " and on (id_instance) " + judgedOnly},
		}, sortedBy("Share", pick == "topk"))
	}
	messages := sum(windowMessages(concluded), "id_instance")
	calls := sum(windowCalls(seized), "id_instance")
	return []Panel{
		offenders("Fewest delivered", "Accounts with the lowest share of delivered messages.",
			"(delivered + read) / (all − pending), in the window", "bottomk",
			deliveredOfAll(windowMessages, "id_instance").expr(), messages, "delivery_messages", fewDelivered()),
		offenders("Most failed", "Accounts with the highest share of failed messages.",
			"(noAccount + notInGroup + failed + suspended + noActiveSession) / (all − pending), in the window", "topk",
			failedOfAll(windowMessages, "id_instance").expr(), messages, "delivery_messages", manyWithoutAccount()),
		offenders("Fewest calls answered", "Accounts with the lowest answer-seizure ratio.",
			"pickUp / (pickUp + hungUp + declined), in the window", "bottomk",
			answeredOfSeized(windowCalls, "id_instance").expr(), calls, "answer_calls", plain()),
	}
}

// fleetKinds say why messages fail, to whom they go, and what is switched off or ends.
func fleetKinds() []Panel {
	off := once(accounts("greenapi_instance_setting_enabled"), "setting") + " == 0"
	ends := once(accounts("greenapi_instance_expiration_timestamp_seconds"))
	return []Panel{
		barGauge(view{
			title: "Why messages failed", width: 6, height: 8, unit: number,
			means:   "Messages in the window that failed, by reason.",
			formula: "sum of greenapi_window_messages, by the statuses that are failures",
			empty:   "No failed message known in the window",
			queries: []query{{"sort_desc(" + some(sum(windowMessages(failed), "status")) + ")", "{{status}}"}},
		}, statusColors),
		table(view{
			title: "By type of chat", width: 6, height: 8,
			means:   "Messages in the window by chat type and outcome. In a group a message is delivered when the last member has it.",
			formula: "delivered = (delivered + read) / (all − pending)",
			empty:   "No messages known in the window",
			queries: []query{{expr: some(sum(windowMessages(), "chat_type"))}},
		}, []column{
			{title: "Chat", label: "chat_type", width: 85, grow: true},
			{title: "Messages", width: 105, unit: number, expr: some(sum(windowMessages(), "chat_type"))},
			{title: "Delivered", width: 85, unit: share, expr: deliveredOfAll(windowMessages, "chat_type").expr()},
		}, sortedBy("Messages", true)),
		table(view{
			title: "Settings that are off", width: 6, height: 8,
			means: "Settings that the journals need. outgoingWebhook: statuses of messages; without it they stay sent. " +
				"outgoingMessageWebhook: messages sent from the phone. outgoingCallWebhook: calls.",
			formula: "greenapi_instance_setting_enabled is 0",
			empty:   "No setting known that is off",
			queries: []query{{expr: "max by (id_instance, account, setting) (" + named(off) + ")"}},
		}, []column{
			{title: "Account", label: "account", width: 120, grow: true, link: toAccount("${__data.fields.id_instance}")},
			{title: "Setting", label: "setting", width: 165},
		}, sortedBy("Account", false)),
		table(view{
			title: "Paid until", width: 6, height: 8,
			means:   "End of each account's plan, soonest first. Known only for accounts that the partner API lists.",
			formula: "greenapi_instance_expiration_timestamp_seconds",
			empty:   "Not known: no partner's account lists these",
			queries: []query{{expr: "1000 * max by (id_instance, account) (" + named(ends) + ")"}},
		}, []column{
			{title: "Account", label: "account", width: 120, grow: true, link: toAccount("${__data.fields.id_instance}")},
			{title: "Until", width: 110, unit: date, value: true},
		}, sortedBy("Until", false)),
	}
}
