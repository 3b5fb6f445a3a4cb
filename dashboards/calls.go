package dashboards

import "fmt"

// callWindow is over how long ratios of calls are taken: long enough for some calls.
const callWindow = "6h"

// grownCalls is how many calls there were in the call window, in the chosen chats and
// media.
func grownCalls(more ...string) string { return grownCallsBefore("", more...) }

func grownCallsBefore(offset string, more ...string) string {
	calls := accounts("greenapi_calls_total", append(more, chosenChats, chosenMedia)...)
	return sum(once("increase("+calls+"["+callWindow+"]"+offset+")", "status", "media", "chat_type"))
}

// callRatio is a share of the calls of the call window, and absent where there are too
// few: of one call in the night it would be nothing or all.
func callRatio(part, whole string) string {
	return fmt.Sprintf("clamp_max(%s / (%s >= %d), 1)", part, whole, shownCalls)
}

// enoughCalls says so, in a description.
var enoughCalls = fmt.Sprintf(" Times with fewer than %d calls in the 6 hours before are left out.", shownCalls)

// fewCalls is why a panel of such shares is empty.
var fewCalls = fmt.Sprintf("Fewer than %d calls known in any 6 hours", shownCalls)

// durations are those of answered calls.
var durations = histogram{"greenapi_call_duration_seconds", []string{"media", "chat_type"}, []string{chosenChats, chosenMedia}}

func accountCalls() []Panel {
	asr := func(offset string) string {
		return callRatio(grownCallsBefore(offset, answered), grownCallsBefore(offset, seized))
	}
	all := func(increase string) string { return sum(once(increase, "status", "media", "chat_type")) }
	calls := accounts("greenapi_calls_total", chosenChats, chosenMedia)
	by := func(label string) query {
		return query{some(whole(sum(once(counted(calls), "status", "media", "chat_type"), label))), "{{" + label + "}}"}
	}
	return []Panel{
		counts(view{
			title: "Calls per hour, by outcome", width: 12, height: 9,
			means:   "Outgoing calls by outcome; dashed, all of a week ago. hungUp: nobody accepted, or the number has no account; invalid: the call failed.",
			formula: "increase(greenapi_calls_total) by status",
			empty:   noCalls,
			queries: []query{by("status"), {ifAny(whole(all(countedWeekAgo(calls))), all(inRangeWeekAgo(calls))), "all, a week ago"}},
		}, ghost("all, a week ago")),
		timeseries(view{
			title: "Calls answered: ASR, ABR and NER, 6 h", width: 12, height: 9, unit: share, interval: "5m", empty: fewCalls,
			means: "Answer-seizure, answer-bid and network effectiveness ratio (ITU-T E.425). The band is where the true ASR lies with 95 % confidence. " +
				"Dashed, the ASR of a week ago. In a group, a call is answered when one member answers." + enoughCalls,
			formula: "ASR = pickUp / (pickUp + hungUp + declined); ABR = pickUp / all; NER = 1 − invalid / all; in the 6 hours before; Wilson's bounds with z = 1.96",
			queries: []query{
				{asr(""), "ASR"},
				{callRatio(grownCalls(answered), grownCalls()), "ABR"},
				{"1 - " + callRatio(grownCalls(`status="invalid"`), grownCalls()), "NER"},
				{wilson(asr(""), grownCalls(seized), "-"), "lower bound"},
				{wilson(asr(""), grownCalls(seized), "+"), "upper bound"},
				{asr(" offset 1w"), "ASR, a week ago"},
			},
		}, band("lower bound", "upper bound"), hiddenInLegend("lower bound", "upper bound"),
			ghost("ASR, a week ago"), colored("ASR", teal), colored("ABR", blue), colored("NER", purple)),
	}
}

func accountTalk() []Panel {
	quantile := func(q, legend string) query {
		return query{durations.quantile(q, callWindow) + " / 60", legend}
	}
	grown := func(counter string) string {
		return sum(once(over(callWindow, accounts(counter, chosenChats, chosenMedia)), "media", "chat_type"))
	}
	talk := accounts("greenapi_call_talk_seconds_total", chosenChats, chosenMedia)
	by := func(label string) []query {
		return []query{{some(whole(sum(once(counted(accounts("greenapi_calls_total", chosenChats, chosenMedia)), "status", "media", "chat_type"), label))), "{{" + label + "}}"}}
	}
	answeredOf := func(media string) query {
		only := `media="` + media + `"`
		return query{callRatio(grownCalls(answered, only), grownCalls(seized, only)), media}
	}
	return []Panel{
		heatmap(view{
			title: "Durations of answered calls", width: 12, height: 9, unit: lasting, interval: bar, empty: noAnswers,
			means:   "Number of answered calls by duration. The scale below explains the colours.",
			formula: "increase(greenapi_call_duration_seconds_bucket) by le",
			queries: []query{{durations.cells(), "{{le}}"}},
		}),
		timeseries(view{
			title: "Duration of answered calls, 6 h", width: 12, height: 9, unit: minutes, interval: "5m", empty: noAnswers,
			means:   "Average call duration (ACD), and the quantiles 0.5 and 0.9 (interpolated from the buckets).",
			formula: "ACD = greenapi_call_talk_seconds_total / answered calls; histogram_quantile(0.5 and 0.9); in the 6 hours before",
			queries: []query{
				{grown("greenapi_call_talk_seconds_total") + " / (" + grownCalls(answered) + " > 0) / 60", "ACD"},
				quantile("0.5", "median"), quantile("0.9", "90 %"),
			},
		}, colored("ACD", teal), colored("median", blue), colored("90 %", amber)),
		timeseries(view{
			title: "Call traffic, by hour", width: 12, height: 8, unit: erlangs, interval: bar, empty: noAnswers,
			means:   "Average number of simultaneous calls in each hour: the traffic, in erlangs (E). A call is counted when it ends.",
			formula: "increase(greenapi_call_talk_seconds_total): seconds talked / seconds",
			queries: []query{{some("1000 * " + sum(once(counted(talk), "media", "chat_type"), "media") + " / $__interval_ms"), "{{media}}"}},
		}, stacked, beginsAtItsTime),
		timeseries(view{
			title: "Short calls, 6 h", width: 12, height: 8, unit: share, interval: "5m", empty: fewCalls,
			means:   "Share of the answered calls that ended within 6 seconds: answering machines, unwanted calls, or no sound." + enoughCalls,
			formula: "greenapi_calls_short_total / greenapi_calls_total with status pickUp, each grown in the 6 hours before",
			queries: []query{{callRatio(grown("greenapi_calls_short_total"), grownCalls(answered)), "short calls"}},
		}, colored("short calls", vermilion)),
		counts(view{
			title: "Voice and video", width: 8, height: 8,
			means:   "Outgoing calls by media.",
			formula: "increase(greenapi_calls_total) by media",
			empty:   noCalls,
			queries: by("media"),
		}),
		timeseries(view{
			title: "Answered by media (ASR), 6 h", width: 8, height: 8, unit: share, interval: "5m", empty: fewCalls,
			means:   "Answer-seizure ratio of voice and of video calls." + enoughCalls,
			formula: "pickUp / (pickUp + hungUp + declined), in the 6 hours before",
			queries: []query{answeredOf("voice"), answeredOf("video")},
		}),
		counts(view{
			title: "Group calls: participants", width: 8, height: 8,
			means:   "Participants of group calls, by each participant's outcome.",
			formula: "increase(greenapi_call_participants_total) in groups, by status",
			empty:   "No group calls known in this time range",
			queries: []query{{
				some(whole(sum(once(counted(accounts("greenapi_call_participants_total", `chat_type="group"`, chosenMedia)), "status", "media", "chat_type"), "status"))),
				"{{status}}",
			}},
		}),
	}
}
