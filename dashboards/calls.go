package dashboards

// callWindow is over how long ratios of calls are taken: long enough for some calls.
const callWindow = "6h"

// shortCall selects the bucket of calls of at most 6 s. Prometheus 3 stores its bound
// as 6.0.
const shortCall = `le=~"6(\\.0)?"`

// grownCalls is how many calls there were in the call window, in the chosen chats and
// media.
func grownCalls(more ...string) string { return grownCallsBefore("", more...) }

func grownCallsBefore(offset string, more ...string) string {
	calls := accounts("greenapi_calls_total", append(more, chosenChats, chosenMedia)...)
	return sum(once("increase("+calls+"["+callWindow+"]"+offset+")", "status", "media", "chat_type"))
}

// grownDurations is how much a part of the histogram of durations grew by.
func grownDurations(part string, more ...string) string {
	durations := accounts("greenapi_call_duration_seconds"+part, append(more, chosenChats, chosenMedia)...)
	return sum(once(over(callWindow, durations), "media", "chat_type"))
}

func accountCalls() []Panel {
	asr := func(offset string) string {
		return ratio(grownCallsBefore(offset, answered), grownCallsBefore(offset, seized))
	}
	rate := func(by string) string {
		return sum(once(perHour(accounts("greenapi_calls_total", chosenChats, chosenMedia)), "status", "media", "chat_type"), by)
	}
	media := func(name string) query {
		only := `media="` + name + `"`
		return query{ratio(grownCalls(answered, only), grownCalls(seized, only)), name}
	}
	return []Panel{
		timeseries(view{
			title: "Calls an hour, by outcome", width: 12, height: 9, unit: hourly, interval: "15m",
			means:   "Outgoing calls by outcome. hungUp: nobody accepted, or the number has no account; invalid: the call failed.",
			formula: "3600 × rate(greenapi_calls_total) by status",
			queries: []query{{rate("status"), "{{status}}"}},
		}, stacked),
		timeseries(view{
			title: "ASR, ABR and NER, 6 hours", width: 12, height: 9, unit: share, interval: "5m",
			means:   "Answer-seizure, answer-bid and network effectiveness ratio (ITU-T E.425). Dashed, the ASR of a week ago. In a group, a call is answered when one member answers.",
			formula: "ASR = pickUp / (pickUp + hungUp + declined); ABR = pickUp / all; NER = 1 − invalid / all; in the 6 hours before",
			queries: []query{
				{asr(""), "ASR"},
				{ratio(grownCalls(answered), grownCalls()), "ABR"},
				{"1 - " + ratio(grownCalls(`status="invalid"`), grownCalls()), "NER"},
				{asr(" offset 1w"), "ASR, a week ago"},
			},
		}, ghost("ASR, a week ago"), colored("ASR", teal), colored("ABR", blue), colored("NER", purple)),
		timeseries(view{
			title: "Voice and video: calls an hour", width: 8, height: 8, unit: hourly, interval: "15m",
			means:   "Outgoing calls by media.",
			formula: "3600 × rate(greenapi_calls_total) by media",
			queries: []query{{rate("media"), "{{media}}"}},
		}, stacked),
		timeseries(view{
			title: "Voice and video: answered (ASR), 6 hours", width: 8, height: 8, unit: share, interval: "5m",
			means:   "Answer-seizure ratio by media.",
			formula: "pickUp / (pickUp + hungUp + declined), in the 6 hours before",
			queries: []query{media("voice"), media("video")},
		}),
		timeseries(view{
			title: "Group calls: participants an hour", width: 8, height: 8, unit: hourly, interval: "15m",
			means:   "Participants of group calls by their own outcome.",
			formula: "3600 × rate(greenapi_call_participants_total) in groups, by status",
			queries: []query{{
				sum(once(perHour(accounts("greenapi_call_participants_total", `chat_type="group"`, chosenMedia)), "status", "media", "chat_type"), "status"),
				"{{status}}",
			}},
		}, stacked),
	}
}

func accountTalk() []Panel {
	const duration = "greenapi_call_duration_seconds"
	labels := []string{"media", "chat_type"}
	buckets := func(grown string) string { return sum(once(grown, "le", "media", "chat_type"), "le") }
	bucket := accounts(duration+"_bucket", chosenChats, chosenMedia)
	quantile := func(q, legend string) query {
		return query{"histogram_quantile(" + q + ", " + buckets(over(callWindow, bucket)) + ")", legend}
	}
	return []Panel{
		heatmap(view{
			title: "Durations of answered calls", width: 12, height: 9, unit: seconds, interval: "30m",
			means:   "How many answered calls were how long. The scale below says which colour is how many.",
			formula: "increase(greenapi_call_duration_seconds_bucket) by le",
			queries: []query{{buckets(over("$__rate_interval", bucket)), "{{le}}"}},
		}),
		timeseries(view{
			title: "Duration of answered calls, 6 hours", width: 12, height: 9, unit: seconds, interval: "5m",
			means:   "Average call duration (ACD), and what half and nine tenths of the calls stay below (from the buckets, by interpolation).",
			formula: "ACD = seconds of answered calls / answered calls; histogram_quantile(0.5 and 0.9); in the 6 hours before",
			queries: []query{
				{grownDurations("_sum") + " / (" + grownDurations("_count") + " > 0)", "ACD"},
				quantile("0.5", "median"), quantile("0.9", "90 %"),
			},
		}, colored("ACD", teal), colored("median", blue), colored("90 %", amber)),
		timeseries(view{
			title: "Traffic over time", width: 12, height: 8, unit: erlangs, interval: "15m",
			means:   "Calls that went on at a time, in erlangs. A call is booked when it ends.",
			formula: "rate(greenapi_call_duration_seconds_sum): seconds talked / seconds",
			queries: []query{{
				sum(once("rate("+accounts(duration+"_sum", chosenChats, chosenMedia)+"[$__rate_interval])", labels...), "media"), "{{media}}",
			}},
		}, stacked),
		timeseries(view{
			title: "Short calls, 6 hours", width: 12, height: 8, unit: share, interval: "5m",
			means:   "Share of the answered calls that ended within 6 seconds: answering machines, unwanted calls, or no sound.",
			formula: "answered calls of at most 6 s / answered calls, in the 6 hours before",
			queries: []query{{ratio(grownDurations("_bucket", shortCall), grownDurations("_count")), "short calls"}},
		}, colored("short calls", vermilion)),
	}
}
