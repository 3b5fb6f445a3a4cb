package dashboards

import "fmt"

const journalCap = 10_000 // records of a journal at most, by GREEN-API's documentation

// exporter answers: can the data be trusted?
func exporter() Dashboard {
	variables := append(targetVariables(), many(accountVariable()))
	return newDashboard(exporterUID, "GREEN-API / Exporter",
		"Can the data be trusted: collectors, the API's answers, journals against their cap, the ledger, the process.",
		variables, annotations(`id_instance=~"$id_instance|"`),
		section{"Can the data be trusted?", exporterNow()},
		section{"Collectors", exporterCollectors()},
		section{"Requests to the API", exporterRequests()},
		section{"Journals and ledger", exporterJournals()},
		section{"The exporters themselves", exporterProcess()},
	)
}

func exporterNow() []Panel {
	const width, height = 4, 4
	count := func(title, means, formula, expr string) Panel {
		return stat(view{
			title: title, width: width, height: height, unit: number, means: means, formula: formula,
			queries: []query{{expr, title}},
		}, judged(anyIsBad()))
	}
	truth := func(title, means, metric, expr string, mappings []Mapping) Panel {
		return stat(view{
			title: title, width: width, height: height, unit: asWords, means: means, formula: "least of " + metric,
			queries: []query{{expr, title}},
		}, mapped(mappings))
	}
	return []Panel{
		count("Targets down", "Targets that Prometheus cannot scrape.", "number of targets whose up is 0",
			"count("+exporters("up")+") - sum("+exporters("up")+")"),
		count("Accounts not read", "Accounts of which not everything could be read at the last refresh.", "number of accounts whose greenapi_up is 0",
			"count("+once(accounts("greenapi_up"))+") - sum("+once(accounts("greenapi_up"))+")"),
		count("Gaps", "Times, in the time range, that the counters may have missed records.", "sum of increase(greenapi_journal_gaps_total) over the time range",
			"round("+sum(once(over("$__range", accounts("greenapi_journal_gaps_total")), "journal"))+")"),
		count("Values not known", "Values in the journals that this version does not know, and shows as other. Above 0, look for an update.",
			"sum of greenapi_window_unknown_values", sum(once(accounts("greenapi_window_unknown_values"), "journal", "field"))),
		truth("Configuration", "Whether the configuration could be loaded when it was last tried; otherwise the one before is in force.",
			"greenapi_config_last_reload_successful", "min("+exporters("greenapi_config_last_reload_successful")+")",
			words("✔ loaded", teal, "✖ not loaded", vermilion)),
		truth("Partner's list", "Whether the partner API listed the account's instances when it was last asked; works, where there is no partner.",
			"greenapi_discovery_last_refresh_successful", "min("+exporters("greenapi_discovery_last_refresh_successful")+")", successWords()),
	}
}

func exporterCollectors() []Panel {
	success := once(accounts("greenapi_scrape_collector_success"), "collector")
	worst := fmt.Sprintf("bottomk(%d, %s)", shownAccounts,
		once("avg_over_time("+accounts("greenapi_scrape_collector_success")+"[$__range] @ end())", "collector"))
	return []Panel{
		timeline(view{
			title: "Collectors that failed most", width: 12, height: 10, unit: asWords, interval: "1m",
			means:   fmt.Sprintf("The %d collectors of all accounts that worked least in the time range.", shownAccounts),
			formula: "greenapi_scrape_collector_success; where exporters disagree, the better",
			queries: []query{{success + " and on (id_instance, collector) " + worst, "{{id_instance}} {{collector}}"}},
		}, successWords(), linked),
		timeseries(view{
			title: "Accounts with a failing collector, by reason", width: 12, height: 10, unit: number,
			means:   "Accounts with a collector whose last attempt failed, back-off included. One that fails for two reasons is in both.",
			formula: "number of accounts with a greenapi_scrape_collector_failure, by reason",
			queries: []query{{"count by (reason) (" + once(accounts("greenapi_scrape_collector_failure"), "reason") + ")", "{{reason}}"}},
		}, stacked),
		timeseries(view{
			title: "Duration of a scrape", width: 8, height: 8, unit: seconds,
			means: "How long Prometheus waited for the slowest target; dashed, from where on the alert counts it as slow. " +
				"The timeout is known where Prometheus keeps extra scrape metrics.",
			formula: "greatest scrape_duration_seconds; greenapi:threshold:scrape_seconds; least scrape_timeout_seconds",
			queries: []query{
				{"max by (job) (" + exporters("scrape_duration_seconds") + ")", "{{job}}"},
				{"greenapi:threshold:scrape_seconds", "slow"},
				{"min(" + exporters("scrape_timeout_seconds") + ")", "timeout"},
			},
		}, ghost("slow"), colored("timeout", vermilion)),
		timeseries(view{
			title: "Duration of a collector", width: 8, height: 8, unit: seconds,
			means:   "How long the slowest account's collector took, waiting for the rate limit and for a turn included.",
			formula: "greatest greenapi_scrape_collector_duration_seconds, by collector",
			queries: []query{{"max by (collector) (" + accounts("greenapi_scrape_collector_duration_seconds") + ")", "{{collector}}"}},
		}),
		timeseries(view{
			title: "Age of the data", width: 8, height: 8, unit: seconds,
			means:   "How long ago each collector last succeeded, for the account where it is longest. Settings are asked for once an hour.",
			formula: "now − greenapi_last_success_timestamp_seconds, greatest by collector",
			queries: []query{{"max by (collector) (" + age(once(accounts("greenapi_last_success_timestamp_seconds"), "collector")) + ")", "{{collector}}"}},
		}),
	}
}

func exporterRequests() []Panel {
	// By instance: what several exporters ask adds up. One that is scraped twice, at
	// /metrics and at /probe, counts once.
	requests := once("rate("+accounts("greenapi_api_requests_total")+"[$__rate_interval])", "instance", "method")
	failures := once(perHour(accounts("greenapi_api_request_failures_total")), "instance", "method", "reason")
	const duration = "greenapi_api_request_duration_seconds"
	buckets := func(expr string) string {
		return "sum by (le) (" + expr + "(" + exporters(duration+"_bucket") + "[$__rate_interval]))"
	}
	quantile := func(q, legend string) query {
		return query{"histogram_quantile(" + q + ", " + buckets("rate") + ")", legend}
	}
	return []Panel{
		timeseries(view{
			title: "Requests a second, by method", width: 12, height: 8, unit: perSec,
			means:   "Requests to the API from all exporters. It takes 1 a second of each method and account.",
			formula: "rate(greenapi_api_requests_total) by method",
			queries: []query{{sum(requests, "method"), "{{method}}"}},
		}, stacked),
		timeseries(view{
			title: "Failures an hour, by reason", width: 12, height: 8, unit: hourly,
			means:   "Requests that failed, from all exporters.",
			formula: "3600 × rate(greenapi_api_request_failures_total) by reason",
			queries: []query{{sum(failures, "reason"), "{{reason}}"}},
		}, stacked),
		heatmap(view{
			title: "Durations of requests", width: 12, height: 9, unit: seconds, interval: "5m",
			means:   "How many requests took how long, over all accounts and methods. The scale below says which colour is how many.",
			formula: "increase(greenapi_api_request_duration_seconds_bucket) by le",
			queries: []query{{buckets("increase"), "{{le}}"}},
		}),
		timeseries(view{
			title: "Duration of requests", width: 12, height: 9, unit: seconds, interval: "5m",
			means:   "What half, nine tenths and 99 of 100 requests stay below (from the buckets, by interpolation).",
			formula: "histogram_quantile(0.5, 0.9 and 0.99) of rate(greenapi_api_request_duration_seconds_bucket)",
			queries: []query{quantile("0.5", "median"), quantile("0.9", "90 %"), quantile("0.99", "99 %")},
		}, colored("median", teal), colored("90 %", amber), colored("99 %", vermilion)),
	}
}

func exporterJournals() []Panel {
	largest := func(journal string) query {
		return query{`topk(5, ` + once(accounts("greenapi_window_records", `journal="`+journal+`"`), "journal") + `)`, "{{id_instance}} {{journal}}"}
	}
	byJournal := func(title, means, formula, expr string) Panel {
		return timeseries(view{
			title: title, width: 8, height: 8, unit: number, means: means, formula: formula,
			queries: []query{{expr, "{{journal}}"}},
		})
	}
	return []Panel{
		timeseries(view{
			title: "Largest journals", width: 12, height: 9, unit: number,
			means:   "Records of the five largest journals of each kind. At 10,000 the API leaves out the oldest: scrape more often, or look back less far.",
			formula: "greatest greenapi_window_records; dashed, 90 % and 100 % of the cap",
			queries: []query{largest("calls"), largest("messages")},
		}, limits(badAbove(0.9*journalCap, journalCap))),
		timeseries(view{
			title: "Gaps and evictions an hour", width: 12, height: 9, unit: hourly,
			means:   "Gaps: the counters may have missed records. Evictions: records were forgotten early; should they come again, they count twice.",
			formula: "3600 × rate of greenapi_journal_gaps_total and greenapi_ledger_evictions_total",
			queries: []query{
				{sum(once(perHour(accounts("greenapi_journal_gaps_total")), "journal"), "journal"), "gaps, {{journal}}"},
				{sum(once(perHour(accounts("greenapi_ledger_evictions_total")), "journal"), "journal"), "evictions, {{journal}}"},
			},
		}),
		byJournal("Invalid records", "Records in the windows that could not be read.", "sum of greenapi_window_invalid_records, by journal",
			sum(once(accounts("greenapi_window_invalid_records"), "journal"), "journal")),
		byJournal("Ledger entries", "Records that the exporter remembers, so as to count each one once.", "sum of greenapi_ledger_entries, by journal",
			sum(once(accounts("greenapi_ledger_entries"), "journal"), "journal")),
		timeseries(view{
			title: "Age of the counters", width: 8, height: 8, unit: seconds,
			means:   "How long the youngest ledger of all accounts has counted. Young counters know less than the window.",
			formula: "now − greenapi_ledger_baseline_timestamp_seconds, least by journal",
			queries: []query{{"min by (journal) (" + age(once(accounts("greenapi_ledger_baseline_timestamp_seconds"), "journal")) + ")", "{{journal}}"}},
		}),
	}
}

func exporterProcess() []Panel {
	gauge := func(title, means, metric, unit string) Panel {
		return timeseries(view{
			title: title, width: 8, height: 8, unit: unit, means: means, formula: metric,
			queries: []query{{exporters(metric), "{{instance}}"}},
		})
	}
	return []Panel{
		gauge("Memory", "Resident memory of each exporter.", "process_resident_memory_bytes", memory),
		timeseries(view{
			title: "CPU", width: 8, height: 8, unit: cores,
			means:   "Processor cores that each exporter keeps busy.",
			formula: "rate(process_cpu_seconds_total)",
			queries: []query{{"rate(" + exporters("process_cpu_seconds_total") + "[$__rate_interval])", "{{instance}}"}},
		}),
		gauge("Goroutines", "Goroutines of each exporter. A number that only grows is a leak.", "go_goroutines", number),
		stat(view{
			title: "State files", width: 6, height: 6, unit: asWords,
			means:   "Whether every ledger could be written when it last had to be. A dash: counters live in memory (no --ledger.path).",
			formula: "least greenapi_ledger_last_write_successful",
			queries: []query{{"min(" + accounts("greenapi_ledger_last_write_successful") + ")", "state files"}},
		}, mapped(words("✔ written", teal, "✖ not written", vermilion))),
		table(view{
			title: "Exporters", width: 18, height: 6,
			means:   "Which versions run, and since when.",
			formula: "greenapi_exporter_build_info; up for = now − process_start_time_seconds",
			queries: []query{{expr: "max by (job, instance, version, revision, goversion) (" + exporters("greenapi_exporter_build_info") + ")"}},
		}, []column{
			{title: "Job", label: "job", width: 120},
			{title: "Instance", label: "instance", width: 160},
			{title: "Version", label: "version", width: 120},
			{title: "Revision", label: "revision", width: 160},
			{title: "Go", label: "goversion", width: 90},
			{title: "Up for", width: 100, unit: seconds, expr: "max by (job, instance) (" + age(exporters("process_start_time_seconds")) + ")"},
		}, sortedBy("Instance", false)),
	}
}
