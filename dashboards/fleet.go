package dashboards

import "fmt"

// Volumes from which on an account is judged, as the alerts do.
const (
	judgedMessages = 20
	judgedCalls    = 30
	shownAccounts  = 30 // in a timeline
	shownTraffic   = 10 // in a stack
	shownOffenders = 5
)

// fleet answers: is any account in trouble, and is it worse than usual?
func fleet() Dashboard {
	variables := append(targetVariables(), many(accountVariable()))
	return newDashboard(fleetUID, "GREEN-API / Fleet",
		"All WhatsApp accounts at a glance: which are in trouble, do messages arrive and get read, are calls answered, is it worse than last week.",
		variables, annotations(`id_instance=~"$id_instance|"`),
		section{"Is any account in trouble?", append(fleetHealth(), fleetAlerts(), fleetStates())},
		section{"Every account", []Panel{fleetTable()}},
		section{"Is it worse than usual?", append(fleetTraffic(), fleetRatios()...)},
		section{"Where to look first", fleetOffenders()},
	)
}

func fleetHealth() []Panel {
	authorized := once(accounts("greenapi_instance_state", isAuthorized))
	up := once(accounts("greenapi_up"))
	messages, calls := sum(windowMessages()), sum(windowCalls())
	return []Panel{
		stat(view{
			title: "Accounts authorised", width: 6, height: 4, unit: number,
			means:   "Accounts that can send, of all accounts that the exporter watches.",
			formula: "accounts in the state authorized; accounts with any greenapi_up",
			queries: []query{{sum(authorized), "authorised"}, {"count(" + up + ")", "of all"}},
		}),
		stat(view{
			title: "In trouble", width: 4, height: 4, unit: number,
			means:   "Accounts that are not authorised, or of which not everything could be read.",
			formula: "number of accounts where the state authorized is 0, or greenapi_up is 0",
			queries: []query{{fmt.Sprintf("count(%s == 0 or %s == 0) or 0 * count(%s)", authorized, up, up), "accounts"}},
		}, judged(anyIsBad())),
		stat(view{
			title: "Alerts firing", width: 4, height: 4, unit: number,
			means:   "Alerts of this exporter that fire now.",
			formula: "number of ALERTS named GreenAPI… in the state firing",
			queries: []query{{"count(" + firingAlerts() + ") or 0 * count(" + up + ")", "alerts"}},
		}, judged(anyIsBad())),
		stat(view{
			title: "Oldest data", width: 4, height: 4, unit: seconds,
			means:   "Age of the oldest journal of any account. Above the scrape interval, what is shown is old.",
			formula: "now − time of the last success of the collectors calls and messages, greatest of all accounts",
			queries: []query{{"max(" + dataAge() + ")", "age"}},
		}, judged(badAbove(300, 1800))),
		stat(view{
			title: "Truncated journals", width: 6, height: 4, unit: number,
			means:   "Journals that held 10,000 records or more: their window gauges cover less than the window. The counters stay right.",
			formula: "number of journals where greenapi_window_truncated is 1",
			queries: []query{{sum(once(accounts("greenapi_window_truncated"), "journal")), "journals"}},
		}),
		stat(view{
			title: "Messages in the window", width: 4, height: 4, unit: number,
			means:   "Outgoing messages that the journals hold now (24 hours, unless configured otherwise).",
			formula: "sum of greenapi_window_messages",
			queries: []query{{messages, "messages"}},
		}),
		stat(view{
			title: "Delivered", width: 4, height: 4, unit: share,
			means:   "Share of the messages sent that reached the recipient.",
			formula: "(delivered + read) / (sent + delivered + read), in the window",
			queries: []query{{ratio(sum(windowMessages(reachedDelivered)), sum(windowMessages(reachedSent))), "delivered"}},
		}, judged(fewDelivered())),
		stat(view{
			title: "Read", width: 4, height: 4, unit: share,
			means:   "Share of the messages delivered that were read. The youngest are not read yet.",
			formula: "read / (delivered + read), in the window",
			queries: []query{{ratio(sum(windowMessages(reachedRead)), sum(windowMessages(reachedDelivered))), "read"}},
		}),
		stat(view{
			title: "No such account", width: 4, height: 4, unit: share,
			means:   "Share of the messages that went to numbers without a WhatsApp account. Many of them endanger the sender.",
			formula: "noAccount / (all − pending), in the window",
			queries: []query{{ratio(sum(windowMessages(`status="noAccount"`)), sum(windowMessages(concluded))), "no account"}},
		}, judged(badAbove(0.05, 0.1))),
		stat(view{
			title: "Calls in the window", width: 4, height: 4, unit: number,
			means:   "Outgoing calls that the journals hold now.",
			formula: "sum of greenapi_window_calls",
			queries: []query{{calls, "calls"}},
		}),
		stat(view{
			title: "Calls answered (ASR)", width: 4, height: 4, unit: share,
			means:   "Answer-seizure ratio (ITU-T E.425): share of the calls that reached a telephone which were picked up.",
			formula: "pickUp / (pickUp + hungUp + declined), in the window",
			queries: []query{{ratio(sum(windowCalls(answered)), sum(windowCalls(seized))), "ASR"}},
		}),
	}
}

// firingAlerts are those about the chosen accounts, and those about no account.
func firingAlerts() string {
	return `ALERTS{alertname=~"GreenAPI.+", alertstate="firing", id_instance=~"$id_instance|"}`
}

func fleetAlerts() Panel {
	return table(view{
		title: "What fires", width: 8, height: 9,
		means:   "Alerts that fire now, with the account that they are about. An alert without one is about the exporter.",
		formula: "ALERTS named GreenAPI… in the state firing",
		queries: []query{{expr: "count by (alertname, severity, id_instance) (" + firingAlerts() + ")"}},
	}, []column{
		{title: "Alert", label: "alertname", width: 150},
		{title: "Severity", label: "severity", width: 70},
		{title: "Account", label: "id_instance", width: 100, link: toAccount("${__value.raw}")},
	}, sortedBy("Severity", false), func(p *Panel) { p.FieldConfig.Defaults.NoValue = "✔ No alert fires" })
}

func fleetStates() Panel {
	worst := fmt.Sprintf("bottomk(%d, %s)", shownAccounts, once(
		"avg_over_time("+accounts("greenapi_instance_state", isAuthorized)+"[$__range] @ end())"))
	return timeline(view{
		title: "State of the accounts", width: 16, height: 9, unit: asWords, interval: "1m",
		means:   fmt.Sprintf("State of the %d accounts that were authorised least. Choose accounts above to see others. False states of a minute are known to be reported.", shownAccounts),
		formula: "the state whose greenapi_instance_state is 1; where exporters disagree, the gravest",
		queries: []query{{"(" + stateCode() + ") and on (id_instance) " + worst, "{{id_instance}}"}},
	}, stateMappings(), linked)
}

func fleetTable() Panel {
	byAccount := func(expr string) string { return sum(expr, "id_instance") }
	const width = 74
	return table(view{
		title: "Accounts", width: columns, height: 12,
		means: "One row an account, as its journals are now. Click on an account to open it.",
		formula: "delivered = (delivered + read) / (sent + delivered + read); read = read / (delivered + read); no account = noAccount / (all − pending); " +
			"ASR = pickUp / (pickUp + hungUp + declined); ACD = seconds of answered calls / answered calls; all in the window",
		queries: []query{{expr: "max by (id_instance, name) (" + accounts("greenapi_instance_info") + ")"}},
	}, []column{
		{title: "Account", label: "id_instance", width: 105, link: toAccount("${__value.raw}")},
		{title: "Name", label: "name", width: 100},
		{title: "State", width: 120, expr: stateCode(), unit: asWords, mappings: stateMappings()},
		{title: "Messages", width: width, expr: byAccount(windowMessages()), unit: number},
		{
			title: "Delivered", width: width, unit: share, thresholds: fewDelivered(),
			expr: ratio(byAccount(windowMessages(reachedDelivered)), byAccount(windowMessages(reachedSent))),
		},
		{
			title: "Read", width: width, unit: share,
			expr: ratio(byAccount(windowMessages(reachedRead)), byAccount(windowMessages(reachedDelivered))),
		},
		{
			title: "No account", width: width + 6, unit: share, thresholds: badAbove(0.05, 0.1),
			expr: ratio(byAccount(windowMessages(`status="noAccount"`)), byAccount(windowMessages(concluded))),
		},
		{
			title: "Oldest pending", width: width + 26, unit: seconds, thresholds: badAbove(900, 1800),
			expr: age(once(accounts("greenapi_window_oldest_pending_timestamp_seconds"))),
		},
		{title: "Calls", width: width - 14, expr: byAccount(windowCalls()), unit: number},
		{title: "ASR", width: width - 6, unit: share, expr: ratio(byAccount(windowCalls(answered)), byAccount(windowCalls(seized)))},
		{title: "ACD", width: width - 6, unit: seconds, expr: windowACD(nil, "id_instance")},
		{
			title: "Truncated", width: width, unit: asWords, mappings: words("▲ yes", ochre, "no", slate),
			expr: once(accounts("greenapi_window_truncated")),
		},
		{title: "Data age", width: width, unit: seconds, thresholds: badAbove(300, 1800), expr: once(dataAge())},
	}, sortedBy("State", false))
}

// windowACD is the mean duration of the selected calls in the window that were answered.
func windowACD(selectors []string, by ...string) string {
	part := func(suffix string) string {
		return sum(once(accounts("greenapi_window_call_duration_seconds"+suffix, selectors...), "media", "chat_type"), by...)
	}
	return part("_sum") + " / (" + part("_count") + " > 0)"
}

func fleetTraffic() []Panel {
	traffic := func(what, record string) Panel {
		of := recorded(record)
		top := fmt.Sprintf("topk(%d, avg_over_time(%s[$__range] @ end()))", shownTraffic, of)
		largest := watched(of) + " and on (id_instance) " + top
		return timeseries(view{
			title: what + " an hour", width: 12, height: 9, unit: number, interval: "5m",
			means:   fmt.Sprintf("%s of the %d busiest accounts and of the others, in the hour before; dashed, the total of a week ago.", what, shownTraffic),
			formula: "increase of the counter over 1 h, by account; the total with offset 1w",
			queries: []query{
				{largest, "{{id_instance}}"},
				{"round(" + sum(watched(of)) + " - " + sum(largest) + ", 0.01)", "others"},
				{sum(watched(lastWeek(of))), "total, a week ago"},
			},
		}, stacked, shortLegend, ghost("total, a week ago"), colored("others", grey))
	}
	return []Panel{
		traffic("Messages", "id_instance:greenapi_messages_observed:increase1h"),
		traffic("Calls", "id_instance:greenapi_calls:increase1h"),
	}
}

func fleetRatios() []Panel {
	compared := func(title, means, formula, window, part, whole, name, color string) Panel {
		both := func(when func(string) string) string {
			return ratio(sum(watched(when(recorded(part+window)))), sum(watched(when(recorded(whole+window)))))
		}
		now := func(selector string) string { return selector }
		return timeseries(view{
			title: title, width: 8, height: 8, unit: share, interval: "5m",
			means: means + " Dashed, a week ago.", formula: formula,
			queries: []query{{both(now), name}, {both(lastWeek), "a week ago"}},
		}, ghost("a week ago"), colored(name, color))
	}
	return []Panel{
		compared("Delivered, 6 hours", "Share of the messages sent that were delivered, over all accounts.",
			"messages delivered / messages sent, each counted in the 6 hours before", "6h",
			"id_instance:greenapi_messages_delivered:increase", "id_instance:greenapi_messages_sent:increase", "delivered", teal),
		compared("Read, 24 hours", "Share of the messages delivered that were read, over all accounts.",
			"messages read / messages delivered, each counted in the 24 hours before", "24h",
			"id_instance:greenapi_messages_read:increase", "id_instance:greenapi_messages_delivered:increase", "read", blue),
		compared("Calls answered (ASR), 24 hours", "Share of the calls that reached a telephone which were picked up, over all accounts.",
			"calls answered / calls picked up, hung up or declined, in the 24 hours before", "24h",
			"id_instance:greenapi_calls_answered:increase", "id_instance:greenapi_calls_seized:increase", "ASR", amber),
	}
}

func fleetOffenders() []Panel {
	offenders := func(title, means, formula, pick, record, volume string, least int, thresholds *Thresholds) Panel {
		return barGauge(view{
			title: title, width: 8, height: 7, unit: share,
			means: fmt.Sprintf("%s Accounts with fewer than %d of them are left out.", means, least), formula: formula,
			queries: []query{{
				fmt.Sprintf("%s(%d, %s and on (id_instance) %s >= %d)", pick, shownOffenders, watched(recorded(record)), recorded(volume), least),
				"{{id_instance}}",
			}},
		}, judged(thresholds), linked)
	}
	return []Panel{
		offenders("Fewest delivered", "Accounts with the lowest share of delivered messages.",
			"messages delivered / messages sent, in 24 h", "bottomk",
			"id_instance:greenapi_messages_delivered_per_sent:ratio_increase24h", "id_instance:greenapi_messages_sent:increase24h",
			judgedMessages, fewDelivered()),
		offenders("Most numbers without an account", "Accounts that most often write to numbers without WhatsApp.",
			"noAccount / (sent + failed for good), in 24 h", "topk",
			"id_instance:greenapi_messages_no_account_per_attempted:ratio_increase24h", "id_instance:greenapi_messages_attempted:increase24h",
			judgedMessages, badAbove(0.05, 0.1)),
		offenders("Fewest calls answered", "Accounts with the lowest answer-seizure ratio.",
			"pickUp / (pickUp + hungUp + declined), in 24 h", "bottomk",
			"id_instance:greenapi_calls_answered_per_seized:ratio_increase24h", "id_instance:greenapi_calls_seized:increase24h",
			judgedCalls, plain()),
	}
}
