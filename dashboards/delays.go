package dashboards

// deadline is a time that a stage should be reached in, and the counters of what reached
// it in time and of what was due.
type deadline struct{ name, offset, reached, due string }

var (
	deliveredInTime = deadline{"within 15 min", "15m", "greenapi_messages_delivered_in_time_total", "greenapi_messages_sent_total"}
	readInTime      = deadline{"within 4 h", "4h", "greenapi_messages_read_in_time_total", "greenapi_messages_delivered_total"}
)

// formula says what share is.
func (d deadline) formula() string {
	return d.reached + " / " + d.due + " offset " + d.offset + ", each grown in 24 h"
}

// whole is what was due in the day before. What was sent less long ago than the deadline
// is not due yet, and does not count: a campaign that has just begun is no dip.
func (d deadline) whole(selectors ...string) string {
	return d.grown(d.due, " offset "+d.offset, selectors)
}

// share is which share of it reached the stage in time.
func (d deadline) share(selectors ...string) string {
	return ratio(d.grown(d.reached, "", selectors), d.whole(selectors...))
}

// weekAgo is the same a week ago.
func (d deadline) weekAgo(selectors ...string) string {
	return ratio(d.grown(d.reached, " offset 1w", selectors), d.grown(d.due, " offset 7d"+d.offset, selectors))
}

func (deadline) grown(counter, offset string, selectors []string) string {
	return sum(once("increase("+accounts(counter, selectors...)+"[24h]"+offset+")", "chat_type"))
}

// inTime shows which share of what was due reached a stage in time.
func inTime(title, means, color string, d deadline) Panel {
	p, n := d.share(chosenChats), d.whole(chosenChats)
	v := view{
		title: title, width: 12, height: 9, unit: share, interval: "15m",
		means: means + " Messages that are not due yet are not included. Delays are upper bounds. The band is where the true share " +
			"lies with 95 % confidence: wide where there are few messages. Dashed, a week ago.",
		formula: d.formula() + "; Wilson's bounds with z = 1.96",
		empty:   noneDue,
		queries: []query{
			{p, d.name},
			{wilson(p, n, "-"), "lower bound"},
			{wilson(p, n, "+"), "upper bound"},
			{d.weekAgo(chosenChats), "a week ago"},
		},
	}
	return timeseries(v, band("lower bound", "upper bound"), ghost("a week ago"), hiddenInLegend("lower bound", "upper bound"), colored(d.name, color))
}

func accountInTime() []Panel {
	return []Panel{
		inTime("Delivered in time, of those sent",
			"Share of the messages sent in 24 hours that were delivered within 15 minutes. In groups a message is delivered when the last member has it.",
			teal, deliveredInTime),
		inTime("Read in time, of those delivered",
			"Share of the messages delivered in 24 hours that were read within 4 hours. Recipients can turn read receipts off: compare this value only with its own past.",
			blue, readInTime),
	}
}

// accountDelays say how long messages take.
func accountDelays() []Panel {
	cells := func(name string) []query {
		return []query{{histogram{name, []string{"chat_type"}, []string{chosenChats}}.cells(), "{{le}}"}}
	}
	bounded := func(stage, counter string) query {
		of := sum(once(over("$__range", accounts("greenapi_message_delays_bounded_total", `stage="`+stage+`"`, chosenChats)), "stage", "chat_type"))
		all := sum(once(over("$__range", accounts(counter, chosenChats)), "chat_type"))
		return query{ratio(of, all), stage}
	}
	return []Panel{
		heatmap(view{
			title: "From sent to delivered", width: 9, height: 8, unit: lasting, interval: bar,
			means:   "Messages by time from sent to delivered, in the hour of delivery. Delays are upper bounds.",
			formula: "increase(greenapi_message_delivery_delay_seconds_bucket) by le",
			empty:   noMessages,
			queries: cells("greenapi_message_delivery_delay_seconds"),
		}),
		heatmap(view{
			title: "From delivered to read", width: 9, height: 8, unit: lasting, interval: bar,
			means:   "Messages by time from delivered to read, in the hour of reading. Delays are upper bounds.",
			formula: "increase(greenapi_message_read_delay_seconds_bucket) by le",
			empty:   noMessages,
			queries: cells("greenapi_message_read_delay_seconds"),
		}),
		stat(view{
			title: "Known as bounds only", width: 6, height: 8, unit: share,
			means:   "Share of the delays, in the time range, of which only bounds are known that lie in different buckets. The higher it is, the further the delays shown are above the true ones.",
			formula: "greenapi_message_delays_bounded_total / greenapi_messages_delivered_total or greenapi_messages_read_total, each grown in the time range",
			queries: []query{
				bounded("delivered", "greenapi_messages_delivered_total"),
				bounded("read", "greenapi_messages_read_total"),
			},
		}, func(p *Panel) { p.Options.Orientation = "horizontal" }),
	}
}

// accountReach says whom the account reaches, at which try, and where.
func accountReach() []Panel {
	chats := func(metric string) string {
		return sum(once(accounts(metric, chosenChats), "journal", "chat_type"), "journal", "chat_type")
	}
	tries := sum(once(accounts("greenapi_window_call_chats"), "attempts", "reached"), "attempts")
	reached := sum(once(accounts("greenapi_window_call_chats", `reached="yes"`), "attempts", "reached"), "attempts")
	messages := func(stage string) string {
		counter := accounts("greenapi_destination_messages_total", `stage="`+stage+`"`)
		return whole(sum(once(over("$__range", counter), "prefix", "stage"), "prefix"))
	}
	calls := func(matcher string) string {
		counter := accounts("greenapi_destination_calls_total", matcher)
		return whole(sum(once(over("$__range", counter), "prefix", "status"), "prefix"))
	}
	return []Panel{
		table(view{
			title: "Chats reached", width: 8, height: 8,
			means:   "Chats in the window with a delivered message or an answered call.",
			formula: "reached = greenapi_window_chats_reached / greenapi_window_chats",
			empty:   "No messages and calls known in the window",
			queries: []query{{expr: some(chats("greenapi_window_chats"))}},
		}, []column{
			{title: "By", label: "journal", width: 80, grow: true},
			{title: "Chat", label: "chat_type", width: 75},
			{title: "Chats", width: 80, unit: number, expr: some(chats("greenapi_window_chats"))},
			{title: "Reached", width: 80, unit: share, expr: ratio(chats("greenapi_window_chats_reached"), chats("greenapi_window_chats"))},
		}, sortedBy("Chats", true)),
		table(view{
			title: "At which try?", width: 8, height: 8,
			means:   "Private chats by number of calls in the window, and how many of these chats answered a call.",
			formula: "answered at last = greenapi_window_call_chats that are reached / all of them, by attempts",
			empty:   "No private calls known in the window",
			queries: []query{{expr: some(tries)}},
		}, []column{
			{title: "Calls", label: "attempts", width: 80, grow: true},
			{title: "Chats", width: 70, unit: number, expr: some(tries)},
			{title: "Answered at last", width: 130, unit: share, expr: ratio(reached, tries)},
		}, sortedBy("Calls", false)),
		table(view{
			title: "Where to?", width: 8, height: 8,
			means: "Private messages and calls in the time range by the number's prefix; none: chats that have no number (@lid). " +
				"Known with --greenapi.number-prefixes.",
			formula: "arrived = delivered / sent: increase(greenapi_destination_messages_total); taken = pickUp / (pickUp + hungUp + declined): increase(greenapi_destination_calls_total)",
			empty:   "Nothing sent, or no --greenapi.number-prefixes",
			queries: []query{{expr: some(messages("observed")) + " or " + some(calls(""))}},
		}, []column{
			{title: "Prefix", label: "prefix", width: 65, grow: true},
			{title: "Messages", width: 105, unit: number, expr: some(messages("observed"))},
			{title: "Arrived", width: 75, unit: share, expr: ratio(messages("delivered"), messages("sent"))},
			{title: "Calls", width: 60, unit: number, expr: some(calls(""))},
			{title: "Taken", width: 65, unit: share, expr: ratio(calls(answered), calls(seized))},
		}, sortedBy("Messages", true)),
	}
}
