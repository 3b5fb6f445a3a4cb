package dashboards

import "fmt"

const (
	shownAccounts  = 10 // in a timeline
	shownBusiest   = 6  // in a stack: more colours could not be told apart
	shownOffenders = 5
)

// fleet answers: is any account in trouble, and is it worse than usual?
func fleet() Dashboard {
	variables := append(targetVariables(), many(accountVariable()))
	return newDashboard(fleetUID, "GREEN-API / Fleet",
		"All WhatsApp accounts: which have problems, are messages delivered and read, are calls answered, is it worse than last week.",
		variables, annotations(`id_instance=~"$id_instance|"`),
		section{title: "Is any account in trouble?", panels: append(fleetHealth(), fleetTrouble(), fires(12, 7), fleetStates())},
		section{title: "What became of the messages and calls? As the journals are now, whatever the time range", panels: append(fleetOutcomes(), fleetTable())},
		section{title: "Is it worse than usual?", panels: append(fleetTraffic(), fleetRatios()...)},
		section{title: "Where to look first", panels: append(fleetOffenders(), fleetKinds()...)},
	)
}

// troubled are the accounts in trouble: those that are not authorised, that are not
// read, about which an alert of weight fires, or whose exporter does not answer.
func troubled() string {
	return fmt.Sprintf("(%s == 0 or %s == 0 or count by (id_instance) (%s) or %s)",
		once(accounts("greenapi_instance_state", isAuthorized)), once(accounts("greenapi_up")),
		firingAlerts(`severity=~"critical|warning"`, `id_instance!=""`), unscraped())
}

// unscraped are the accounts whose exporters do not answer.
func unscraped() string {
	return fmt.Sprintf("(%s unless on (id_instance) %s)",
		once("last_over_time("+accounts("greenapi_up")+"[1d]) and on (job, instance) "+exporters("up")+" == 0"), accounts("greenapi_up"))
}

func fleetHealth() []Panel {
	all := "count(" + once(lastKnown("greenapi_up")) + ")"
	none := "0 * " + all
	return []Panel{
		stat(view{
			title: "In trouble", width: 5, height: statHeight, unit: number,
			means:   "Accounts that are not authorised, are not read, have a firing alert of severity warning or critical, or whose exporter is down.",
			formula: "number of accounts where the state authorized is 0, or greenapi_up is 0, or ALERTS fire, or up is 0; of all accounts with any greenapi_up",
			queries: []query{{"count(" + troubled() + ") or " + none, "accounts"}, {all, "of"}},
		}, judged(anyIsBad()), func(p *Panel) { p.override("of", Property{"thresholds", plain()}) }),
		stat(view{
			title: "Alerts firing", width: 5, height: statHeight, unit: number,
			means:   "Alerts of this exporter that fire now, by severity.",
			formula: "number of ALERTS named GreenAPI… in the state firing",
			queries: []query{
				{"count(" + firingAlerts(`severity="critical"`) + ") or 0 * greenapi:threshold:scrape_seconds or absent(greenapi:threshold:scrape_seconds) - 2", "critical"},
				{"count(" + firingAlerts(`severity!="critical"`) + ") or 0 * greenapi:threshold:scrape_seconds", "others"},
			},
		}, judged(anyIsBad()), mapped([]Mapping{{Type: "value", Options: map[string]MappingResult{"-1": {Text: "no rules", Color: ochre}}}}),
			func(p *Panel) { p.override("others", Property{"thresholds", warnFrom(1)}) }),
		stat(view{
			title: "Targets down", width: 5, height: statHeight, unit: number,
			means:   "Targets that Prometheus cannot scrape. Their accounts show old data or none.",
			formula: "number of targets whose up is 0; of all that have an up",
			queries: []query{
				{"count(" + exporters("up") + ") - sum(" + exporters("up") + ")", "targets"},
				{"count(" + exporters("up") + ")", "of"},
			},
		}, judged(anyIsBad()), func(p *Panel) { p.override("of", Property{"thresholds", plain()}) }),
		stat(view{
			title: "Data age", width: 4, height: statHeight, unit: lasting,
			means:   "Age of the oldest journal of any account. If it is above the scrape interval, the panels show old data.",
			formula: "now − time of the last success of the collectors calls and messages, greatest of all accounts",
			queries: []query{{"max(" + dataAge() + ")", "age"}},
		}, judged(oldData())),
		stat(view{
			title: "Truncated", width: 5, height: statHeight, unit: number,
			means:   "Journals with 10,000 records or more: their window gauges cover less than the window. The counters stay exact.",
			formula: "number of journals where greenapi_window_truncated is 1",
			queries: []query{{sum(once(accounts("greenapi_window_truncated"), "journal")), "journals"}},
		}, judged(warnFrom(1))),
	}
}

// firingAlerts are those about the chosen accounts, and those about no account.
func firingAlerts(more ...string) string {
	return selected("ALERTS", `alertname=~"GreenAPI.+", alertstate="firing"`, append([]string{`id_instance=~"$id_instance|"`}, more...))
}

// firingSince is when the alerts began that fire.
func firingSince() string {
	return selected("ALERTS_FOR_STATE", `alertname=~"GreenAPI.+"`, []string{`id_instance=~"$id_instance|"`}) +
		" and ignoring (alertstate) " + firingAlerts()
}

// fleetTrouble lists the accounts in trouble, and says so when there are none.
func fleetTrouble() Panel {
	authorized := accounts("greenapi_instance_state", isAuthorized)
	lastAuthorized := fmt.Sprintf("max_over_time(timestamp(%s == 1)[$__range:5m]) and on (id_instance) %s == 0", once(authorized), once(authorized))
	lastRead := fmt.Sprintf("min by (id_instance) (%s) and on (id_instance) (%s == 0 or %s)",
		once(lastKnown("greenapi_last_success_timestamp_seconds", journals), "collector"), once(accounts("greenapi_up")), unscraped())
	alerted := "min by (id_instance) (" + firingSince() + ")"
	// An alert that began in the time range says nothing of an account that was not authorised in all of it.
	firstAlert := fmt.Sprintf("(%s unless on (id_instance) %s == 0) or %s < time() - $__range_s", alerted, once(authorized), alerted)
	of := " and on (id_instance) " + troubled()
	well := says(fmt.Sprintf("count(%s) unless on () count(%s)", once(accounts("greenapi_up")), troubled()), "✔ No account is in trouble")
	noneKnown := says("absent("+lastKnown("greenapi_up")+")", noExporter)
	return table(view{
		title: "Which, and since when?", width: 12, height: 7,
		means: "Accounts with problems: not authorised, not read, or with a firing alert of severity warning or critical. " +
			"Since: when the account was last authorised, or last read, or when its first alert began; earlier: before the time range.",
		formula: "state: the one whose greenapi_instance_state is 1; since: the last time of the state authorized in the time range, " +
			"greenapi_last_success_timestamp_seconds, or ALERTS_FOR_STATE; alerts: number of ALERTS that fire",
		empty:   noExporter,
		queries: []query{{expr: "max by (id_instance, account) (" + named(troubled()+" * 0") + ") or " + well + " or " + noneKnown}},
	}, []column{
		{title: "Account", label: "account", width: 150, grow: true, link: toAccount("${__data.fields.id_instance}")},
		{title: "State", width: 155, expr: "(" + stateCode() + ")" + of, unit: words, mappings: stateMappings()},
		{title: "Since", width: 110, expr: "1000 * ((" + lastAuthorized + ") or (" + lastRead + ") or (" + firstAlert + "))" + of, unit: date, empty: "earlier"},
		{title: "Read", width: 80, expr: once(accounts("greenapi_up")) + of, unit: words, mappings: append(either("✔ yes", teal, "✖ no", vermilion), unknown("✖ down", vermilion))},
		{title: "Alerts", width: 65, expr: "count by (id_instance) (" + firingAlerts() + ")" + of, unit: number, empty: nothing},
	}, sortedBy("State", false), sortedBy("Account", false))
}

// fires lists the alerts that fire. That none does, or that no rules are loaded, are
// rows of their own: an empty table would look the same for both.
func fires(width, height int) Panel {
	since := "1000 * max by (alertname, severity, id_instance) (" + firingSince() + ")"
	about := "(" + named(since) + ` or label_replace(` + since + ` unless on (id_instance) ` + accountNames() + `, "account", "$1", "id_instance", "(.*)"))`
	return table(view{
		title: "What fires, and since when?", width: width, height: height,
		means:   "Alerts that fire now, with their account. An alert without an account is about the exporter. Click on the alert for its runbook.",
		formula: "ALERTS named GreenAPI… in the state firing; since: ALERTS_FOR_STATE",
		empty:   noExporter,
		queries: []query{{expr: `label_replace(` + about + `, "alert", "$1", "alertname", "GreenAPI(.+)") or ` +
			says("greenapi:threshold:scrape_seconds unless on () count("+firingAlerts()+")", "✔ No alert fires") + " or " +
			says("absent(greenapi:threshold:scrape_seconds)", "▲ The rules are not loaded")}},
	}, []column{
		{title: "Alert", label: "alert", width: 175, grow: true, link: toRunbook()},
		{title: "Severity", label: "severity", width: 95, mappings: severityWords()},
		{title: "Account", label: "account", width: 195, link: toAccount("${__data.fields.id_instance}")},
		{title: "Since", width: 110, unit: date, value: true, empty: nothing},
	}, sortedBy("Severity", false))
}

func fleetStates() Panel {
	overTime := func(selector string) string { return once("avg_over_time(" + selector + "[$__range] @ end())") }
	// An account of which no state was known was never authorised, as far as is known.
	share := "(" + overTime(accounts("greenapi_instance_state", isAuthorized)) + " or 0 * " + overTime(accounts("greenapi_up")) + ")"
	worst := fmt.Sprintf("bottomk(%d, %s)", shownAccounts, share)
	rows := func(which string) query {
		return query{named("(" + stateCode() + ") and on (id_instance) (" + worst + " " + which + " 1)"), "{{account}}"}
	}
	return timeline(view{
		title: "State of the accounts", width: columns, height: 9, unit: words, interval: "2m",
		means: fmt.Sprintf("State of the %d accounts that were authorised least, those that were not always so first. "+
			"Choose accounts above to see others. False states of a minute are known to be reported.", shownAccounts),
		formula: "the state whose greenapi_instance_state is 1; where exporters disagree, the gravest",
		empty:   noExporter,
		queries: []query{rows("<"), rows(">="), noneScraped()},
	}, stateMappings(), linked)
}

// fleetOutcomes say what became of all, as the journals are now.
func fleetOutcomes() []Panel {
	messages, calls := sum(windowMessages()), sum(windowCalls())
	return []Panel{
		stat(view{
			title: "Messages", width: 4, height: statHeight, unit: number,
			means:   "Outgoing messages in the journals now (24 hours, unless configured otherwise).",
			formula: "sum of greenapi_window_messages",
			queries: []query{{messages, "messages"}},
		}),
		stat(deliveredOfAll(windowMessages), judged(fewDelivered())),
		stat(failedOfAll(windowMessages), judged(manyWithoutAccount())),
		stat(readOfDelivered(windowMessages)),
		stat(view{
			title: "Calls", width: 4, height: statHeight, unit: number,
			means:   "Outgoing calls in the journals now.",
			formula: "sum of greenapi_window_calls",
			queries: []query{{calls, "calls"}},
		}),
		stat(answeredOfSeized(windowCalls)),
	}
}

func fleetTable() Panel {
	byAccount := func(expr string) string { return sum(expr, "id_instance") }
	return table(view{
		title: "Every account", width: columns, height: 12,
		means: "One row per account, as its journals are now. Click on an account to open it. Usual: the answered share (answer-seizure ratio, ASR) of the last 7 days.",
		formula: "delivered = (delivered + read) / (all − pending); failed = (noAccount + notInGroup + failed + suspended + noActiveSession) / (all − pending); " +
			"read = read / (delivered + read); answered = pickUp / (pickUp + hungUp + declined), in the window; " +
			"usual = id_instance:greenapi_calls_answered_per_seized:ratio_baseline7d",
		empty:   noExporter,
		queries: []query{{expr: withAccount("max by (id_instance, name) (" + lastKnown("greenapi_instance_info") + ")")}},
	}, []column{
		{title: "Account", label: "name", width: 110, grow: true, link: toAccount("${__data.fields.Id}")},
		{title: "Id", label: "id_instance", width: 115, link: toAccount("${__value.raw}")},
		{title: "State", width: 155, expr: stateCode(), unit: words, mappings: stateMappings()},
		{title: "Messages", width: 85, expr: byAccount(windowMessages()), unit: number},
		{title: "Delivered", width: 85, unit: share, thresholds: fewDelivered(), expr: deliveredOfAll(windowMessages, "id_instance").expr()},
		{title: "Failed", width: 70, unit: share, thresholds: manyWithoutAccount(), expr: failedOfAll(windowMessages, "id_instance").expr()},
		{title: "Read", width: 70, unit: share, expr: readOfDelivered(windowMessages, "id_instance").expr()},
		{
			title: "Pending", width: 85, unit: lasting, thresholds: longPending(),
			expr: age(once(accounts("greenapi_window_oldest_pending_timestamp_seconds"))),
		},
		{title: "Calls", width: 65, expr: byAccount(windowCalls()), unit: number},
		{title: "Answered", width: 85, unit: share, expr: answeredOfSeized(windowCalls, "id_instance").expr()},
		{title: "Usual", width: 70, unit: share, expr: once(recorded("id_instance:greenapi_calls_answered_per_seized:ratio_baseline7d"))},
		{title: "Truncated", width: 90, unit: words, mappings: either("▲ yes", ochre, "no", slate), expr: once(accounts("greenapi_window_truncated"))},
		{title: "Data age", width: 85, unit: lasting, thresholds: oldData(), expr: once(dataAge())},
	}, sortedBy("State", false), sortedBy("Account", false))
}

func fleetTraffic() []Panel {
	traffic := func(what, record string) Panel {
		of := recorded(record)
		top := fmt.Sprintf("topk(%d, avg_over_time(%s[$__range] @ end()) > 0)", shownBusiest, of)
		largest := watched(of) + " and on (id_instance) " + top
		return timeseries(view{
			title: what + " in the hour before", width: 12, height: 10, unit: number, interval: "5m",
			means:   fmt.Sprintf("%s of the %d busiest accounts and of the others; dashed, the total of a week ago.", what, shownBusiest),
			formula: "increase of the counter over 1 h, by account; the total with offset 1w",
			empty:   noRecords,
			queries: []query{
				{whole(named(largest)), "{{account}}"},
				{some("round(" + sum(watched(of)) + " - " + sum(largest) + ")"), "others"},
				{whole(sum(watched(lastWeek(of)))), "total, a week ago"},
			},
		}, area, colored("others", grey), ghost("total, a week ago"), shortLegend)
	}
	return []Panel{
		traffic("Messages", "id_instance:greenapi_messages_observed:increase1h"),
		traffic("Calls", "id_instance:greenapi_calls:increase1h"),
	}
}

func fleetRatios() []Panel {
	compared := func(title, means, formula, empty, name, color, now, weekAgo string) Panel {
		return timeseries(view{
			title: title, width: 8, height: 8, unit: share, interval: "30m",
			means: means + " Dashed, a week ago.", formula: formula, empty: empty,
			queries: []query{{now, name}, {weekAgo, "a week ago"}},
		}, ghost("a week ago"), colored(name, color))
	}
	asr := func(offset string) string {
		of := func(record string) string { return sum(watched(recorded(record) + offset)) }
		return ratio(of("id_instance:greenapi_calls_answered:increase24h"), of("id_instance:greenapi_calls_seized:increase24h"))
	}
	return []Panel{
		compared("Delivered within 15 min", "Share of the messages sent in 24 hours that were delivered within 15 minutes, over all accounts. Messages sent less than 15 minutes ago are not included. Delays are upper bounds.",
			deliveredInTime.formula(), noneDue, "delivered", teal, deliveredInTime.share(), deliveredInTime.weekAgo()),
		compared("Read within 4 h", "Share of the messages delivered in 24 hours that were read within 4 hours, over all accounts. Messages delivered less than 4 hours ago are not included. Delays are upper bounds.",
			readInTime.formula(), noneDue, "read", blue, readInTime.share(), readInTime.weekAgo()),
		compared("Calls answered (ASR), 24 h", "Answer-seizure ratio (ASR) over all accounts: pickUp / (pickUp + hungUp + declined).",
			"calls answered / calls picked up, hung up or declined, in the 24 hours before", noRecords, "ASR", amber, asr(""), asr(" offset 1w")),
	}
}
