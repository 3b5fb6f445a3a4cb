package dashboards

import "fmt"

// exporter answers: can the data be trusted?
func exporter() Dashboard {
	variables := append(targetVariables(), many(accountVariable()))
	return newDashboard(exporterUID, "GREEN-API / Exporter",
		"Can the data be trusted: collectors, the API's answers, journals against their cap, the ledger, the process.",
		variables, annotations(`id_instance=~"$id_instance|"`),
		section{title: "Can the data be trusted? As things are now; gaps: in the time range", panels: exporterNow()},
		section{title: "Collectors", panels: exporterCollectors()},
		section{title: "Requests to the API", panels: exporterRequests()},
		section{title: "Journals and ledger", panels: exporterJournals()},
		section{title: "The exporters themselves", panels: exporterProcess()},
	)
}

func exporterNow() []Panel {
	const width, height = 4, statHeight
	count := func(title, means, formula, expr string) Panel {
		return stat(view{
			title: title, width: width, height: height, unit: number, means: means, formula: formula,
			queries: []query{{expr, title}},
		}, judged(anyIsBad()))
	}
	truth := func(title, means, metric, expr string, mappings []Mapping) Panel {
		return stat(view{
			title: title, width: width, height: height, unit: words, means: means, formula: "least of " + metric,
			queries: []query{{expr, title}},
		}, mapped(mappings))
	}
	return []Panel{
		count("Down", "Targets that Prometheus cannot scrape.", "number of targets whose up is 0",
			"count("+exporters("up")+") - sum("+exporters("up")+")"),
		count("Not read", "Accounts with a collector that failed at the last refresh, or whose exporter does not answer.",
			"number of accounts whose greenapi_up is 0, or whose up is 0",
			"count("+once(accounts("greenapi_up"))+" == 0 or "+unscraped()+") or 0 * count("+once(accounts("greenapi_up"))+")"),
		count("Gaps", "How often, in the time range, the counters may have missed records.", "sum of increase(greenapi_journal_gaps_total) over the time range",
			"round("+sum(once(over("$__range", accounts("greenapi_journal_gaps_total")), "journal"))+")"),
		count("Unknown", "Values in the journals that this version does not know and shows as other. If above 0, look for a newer exporter.",
			"sum of greenapi_window_unknown_values", sum(once(accounts("greenapi_window_unknown_values"), "journal", "field"))),
		truth("Config", "Whether the last attempt to load the configuration succeeded; if not, the exporter keeps the previous one.",
			"greenapi_config_last_reload_successful", "min("+exporters("greenapi_config_last_reload_successful")+")",
			either("✔ loaded", teal, "✖ not loaded", vermilion)),
		truth("Partner", "Whether the last request for the partner API's list succeeded. It shows works if no partner is configured.",
			"greenapi_discovery_last_refresh_successful", "min("+exporters("greenapi_discovery_last_refresh_successful")+")", successWords()),
	}
}

func exporterCollectors() []Panel {
	success := once(accounts("greenapi_scrape_collector_success"), "collector")
	last := accounts("greenapi_last_success_timestamp_seconds", `collector!="settings"`)
	const shown = 8 // beside a row for each kind of collector
	worst := fmt.Sprintf("bottomk(%d, %s < 1)", shown,
		once("avg_over_time("+accounts("greenapi_scrape_collector_success")+"[$__range] @ end())", "collector"))
	return []Panel{
		timeline(view{
			title: "Collectors that failed", width: 12, height: 10, unit: words, interval: "2m",
			means:   fmt.Sprintf("The %d collectors that failed most in the time range. The others are shown by kind: a row fails while one of them fails.", shown),
			formula: "greenapi_scrape_collector_success, of the others the least; where exporters disagree, the better",
			empty:   noExporter,
			queries: []query{
				{named(success + " and on (id_instance, collector) " + worst), "{{account}} {{collector}}"},
				{"min by (collector) (" + success + " unless on (id_instance, collector) " + worst + ")", "others: {{collector}}"},
				noneScraped(),
			},
		}, successWords(), linked),
		timeseries(view{
			title: "Accounts with a failing collector, by reason", width: 12, height: 10, unit: number, interval: "5m",
			means:   "Accounts with a collector whose last attempt failed, back-off included. One that fails for two reasons is in both.",
			formula: "number of accounts with a greenapi_scrape_collector_failure, by reason",
			empty:   "No failing collector known in this time range",
			queries: []query{{"count by (reason) (" + once(accounts("greenapi_scrape_collector_failure"), "reason") + ")", "{{reason}}"}},
		}, stacked, fewEvents),
		timeseries(view{
			title: "Duration of a scrape", width: 8, height: 8, unit: secs, empty: noExporter,
			means: "Scrape duration of the slowest target; dashed: the threshold of the alert. " +
				"The timeout is known where Prometheus keeps extra scrape metrics.",
			formula: "greatest scrape_duration_seconds; greenapi:threshold:scrape_seconds; least scrape_timeout_seconds",
			queries: []query{
				{"max by (job) (" + exporters("scrape_duration_seconds") + ")", "{{job}}"},
				{"greenapi:threshold:scrape_seconds", "slow"},
				{"min(" + exporters("scrape_timeout_seconds") + ")", "timeout"},
			},
		}, ghost("slow"), colored("timeout", vermilion)),
		timeseries(view{
			title: "Duration of a collector", width: 8, height: 8, unit: secs, empty: noExporter,
			means:   "Duration of the collector for the slowest account, including the wait for the rate limit and for a free place.",
			formula: "greatest greenapi_scrape_collector_duration_seconds, by collector",
			queries: []query{{"max by (collector) (" + accounts("greenapi_scrape_collector_duration_seconds") + ")", "{{collector}}"}},
		}),
		timeseries(view{
			title: "Age of the data", width: 8, height: 8, unit: minutes, empty: noRead,
			means:   "Age of each collector's last success when it was scraped, for the account where it is greatest. Settings, which are read once an hour, are left out.",
			formula: "time of the scrape − greenapi_last_success_timestamp_seconds, greatest by collector",
			queries: []query{{"clamp_min(max by (collector) (min by (id_instance, collector) (timestamp(" + last + ") - " + last + ")), 0) / 60", "{{collector}}"}},
		}, fewEvents),
	}
}

func exporterRequests() []Panel {
	// By instance: what several exporters ask adds up. One that is scraped twice, at
	// /metrics and at /probe, counts once.
	requests := once("rate("+accounts("greenapi_api_requests_total")+"[$__rate_interval])", "instance", "method")
	failures := once(counted(accounts("greenapi_api_request_failures_total")), "instance", "method", "reason")
	const duration = "greenapi_api_request_duration_seconds"
	buckets := func(function string) string {
		return "sum by (le) (" + function + "(" + exporters(duration+"_bucket") + "[$__rate_interval]))"
	}
	native := func(function string) string {
		return "sum(" + function + "(" + exporters(duration) + "[$__rate_interval]))"
	}
	below := func(q, legend string) query {
		return query{"1000 * " + quantile(q, buckets("rate"), native("rate")), legend}
	}
	return []Panel{
		timeseries(view{
			title: "Requests per second, by method", width: 12, height: 8, unit: perSec, empty: noExporter,
			means:   "Requests to the API from all exporters. The API allows 1 per second for each method and account.",
			formula: "rate(greenapi_api_requests_total) by method",
			queries: []query{{sum(requests, "method"), "{{method}}"}},
		}, stacked),
		counts(view{
			title: "Failed requests per hour, by reason", width: 12, height: 8,
			means:   "Requests that failed, from all exporters.",
			formula: "increase(greenapi_api_request_failures_total) by reason",
			empty:   "No failed request known in this time range",
			queries: []query{{some(whole(sum(failures, "reason"))), "{{reason}}"}},
		}),
		heatmap(view{
			title: "Durations of requests", width: 12, height: 9, unit: lasting, interval: "5m", empty: noExporter,
			means:   "Number of requests by duration, over all accounts and methods. The scale below explains the colours.",
			formula: "increase(greenapi_api_request_duration_seconds_bucket) by le",
			queries: []query{{cells(whole(buckets("increase")), native("increase")), "{{le}}"}},
		}),
		timeseries(view{
			title: "Duration of requests", width: 12, height: 9, unit: millis, interval: "5m", empty: noExporter,
			means:   "Quantiles 0.5, 0.9 and 0.99 of the request duration (interpolated from the buckets).",
			formula: "histogram_quantile(0.5, 0.9 and 0.99) of rate(greenapi_api_request_duration_seconds_bucket)",
			queries: []query{below("0.5", "median"), below("0.9", "90 %"), below("0.99", "99 %")},
		}, colored("median", teal), colored("90 %", amber), colored("99 %", vermilion)),
		timeseries(view{
			title: "API responses, decompressed", width: 12, height: 8, unit: volume, interval: "5m", empty: noRead,
			means:   "Size of the API's responses per second, after decompression, from all exporters.",
			formula: "rate(greenapi_api_response_bytes_total) by method",
			queries: []query{{sum(once("rate("+accounts("greenapi_api_response_bytes_total")+"[$__rate_interval])", "instance", "method"), "method"), "{{method}}"}},
		}, area),
		timeseries(view{
			title: "Clock of the API minus exporter's", width: 12, height: 8, unit: secs, interval: "5m", empty: noRead,
			means:   "Clock of the API minus clock of the exporter, for the accounts with the largest and the smallest difference. A few seconds are normal.",
			formula: "greatest and least greenapi_api_clock_skew_seconds",
			queries: []query{
				{"max(" + accounts("greenapi_api_clock_skew_seconds") + ")", "most"},
				{"min(" + accounts("greenapi_api_clock_skew_seconds") + ")", "least"},
			},
		}, colored("most", blue), colored("least", amber)),
	}
}

func exporterJournals() []Panel {
	largest := func(journal string) query {
		records := once(accounts("greenapi_window_records", `journal="`+journal+`"`), "journal")
		return query{named(records + " and topk(5, max_over_time(" + records + "[$__range:1h] @ end()))"), "{{account}} {{journal}}"}
	}
	events := func(metric string) string {
		return some(whole(sum(once(counted(accounts(metric)), "journal"), "journal")))
	}
	return []Panel{
		timeseries(view{
			title: "Largest journals", width: 12, height: 9, unit: number,
			means:   "Records of the five largest journals of each kind. The API returns at most 10,000 and leaves out the oldest: scrape more often, or shorten the window.",
			formula: "greatest greenapi_window_records; dashed, 90 % and 100 % of the cap",
			empty:   noRead,
			queries: []query{largest("calls"), largest("messages")},
		}, drawn(badAbove(0.9*journalCap, journalCap))),
		counts(view{
			title: "Gaps and evictions per hour", width: 12, height: 9,
			means:   "Gaps: the counters may have missed records. Evictions: records were forgotten early; if they appear again, they are counted twice.",
			formula: "increase of greenapi_journal_gaps_total and greenapi_ledger_evictions_total",
			empty:   "No gap and no eviction known in this time range",
			queries: []query{
				{events("greenapi_journal_gaps_total"), "gaps, {{journal}}"},
				{events("greenapi_ledger_evictions_total"), "evictions, {{journal}}"},
			},
		}),
		timeseries(view{
			title: "Age of the last whole read", width: 12, height: 8, unit: hours, empty: noRead,
			means: "Time since the last read of the whole window, for the account where it is longest. Other reads request recent records only, " +
				"and what they cannot show waits for the next whole one.",
			formula: "now − greenapi_window_whole_read_timestamp_seconds, greatest by journal",
			queries: []query{{"max by (journal) (" + age(once(accounts("greenapi_window_whole_read_timestamp_seconds"), "journal")) + ") / 3600", "{{journal}}"}},
		}),
		counts(view{
			title: "Late changes per hour", width: 12, height: 8,
			means:   "Changes that only a read of the whole window showed. If there are many, lower --greenapi.whole-read-interval.",
			formula: "increase(greenapi_journal_late_changes_total) by journal",
			empty:   "No late change known in this time range",
			queries: []query{{events("greenapi_journal_late_changes_total"), "{{journal}}"}},
		}),
		timeseries(view{
			title: "Invalid records", width: 8, height: 8, unit: number,
			means:   "Records in the windows that could not be read.",
			formula: "sum of greenapi_window_invalid_records, by journal",
			empty:   "No invalid record known in this time range",
			queries: []query{{some(sum(once(accounts("greenapi_window_invalid_records"), "journal"), "journal")), "{{journal}}"}},
		}, fewEvents),
		timeseries(view{
			title: "Ledger entries", width: 8, height: 8, unit: number,
			means:   "Records that the exporter remembers, so that each one is counted once.",
			formula: "sum of greenapi_ledger_entries, by journal",
			empty:   noRead,
			queries: []query{{sum(once(accounts("greenapi_ledger_entries"), "journal"), "journal"), "{{journal}}"}},
		}),
		timeseries(view{
			title: "Age of the counters", width: 8, height: 8, unit: days,
			means:   "Time since the newest ledger of all accounts began to count. A ledger younger than the window has not counted all records in it.",
			formula: "now − greenapi_ledger_baseline_timestamp_seconds, least by journal",
			empty:   noRead,
			queries: []query{{"min by (journal) (" + age(once(accounts("greenapi_ledger_baseline_timestamp_seconds"), "journal")) + ") / 86400", "{{journal}}"}},
		}),
	}
}

func exporterProcess() []Panel {
	gauge := func(title, means, metric, unit string) Panel {
		return timeseries(view{
			title: title, width: 8, height: 8, unit: unit, means: means, formula: metric, empty: noExporter,
			queries: []query{{exporters(metric), "{{instance}}"}},
		})
	}
	return []Panel{
		gauge("Memory", "Resident memory of each exporter.", "process_resident_memory_bytes", memory),
		timeseries(view{
			title: "CPU", width: 8, height: 8, unit: cores, empty: noExporter,
			means:   "CPU cores used by each exporter.",
			formula: "rate(process_cpu_seconds_total)",
			queries: []query{{"rate(" + exporters("process_cpu_seconds_total") + "[$__rate_interval])", "{{instance}}"}},
		}),
		gauge("Goroutines", "Goroutines of each exporter. A number that only grows is a leak.", "go_goroutines", number),
		stat(view{
			title: "State files", width: 6, height: 6, unit: words, empty: "none known",
			means:   "Whether the last write of every ledger succeeded. None known: counters are in memory only (no --ledger.path).",
			formula: "least greenapi_ledger_last_write_successful",
			queries: []query{{"min(" + accounts("greenapi_ledger_last_write_successful") + ")", "state files"}},
		}, mapped(either("✔ written", teal, "✖ not written", vermilion))),
		table(view{
			title: "Exporters", width: 18, height: 6,
			means:   "Which versions run, and since when.",
			formula: "greenapi_exporter_build_info; up for = now − process_start_time_seconds",
			empty:   noExporter,
			queries: []query{{
				expr: `label_replace(max by (job, instance, version, revision, goversion) (` + exporters("greenapi_exporter_build_info") +
					`), "revision", "$1", "revision", "(.{10}).*")`,
			}},
		}, []column{
			{title: "Job", label: "job", width: 110},
			{title: "Instance", label: "instance", width: 150, grow: true},
			{title: "Version", label: "version", width: 130},
			{title: "Revision", label: "revision", width: 110},
			{title: "Go", label: "goversion", width: 90},
			{title: "Up for", width: 85, unit: lasting, expr: "max by (job, instance) (" + age(exporters("process_start_time_seconds")) + ")"},
		}, sortedBy("Instance", false)),
	}
}
