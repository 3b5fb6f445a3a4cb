package dashboards

import (
	"fmt"
	"strings"
)

// What the variables select. Records carry no job and no instance: they are about
// accounts, whichever exporter watches these.
const (
	chosenTargets  = `job=~"$job", instance=~"$instance"`
	chosenAccounts = `id_instance=~"$id_instance"`
	chosenChats    = `chat_type=~"$chat_type"`
	chosenMedia    = `media=~"$media"`
)

// exporters selects a metric of the chosen targets.
func exporters(metric string) string { return selected(metric, chosenTargets, nil) }

// accounts selects a metric of the chosen accounts.
func accounts(metric string, more ...string) string {
	return selected(metric, chosenTargets+", "+chosenAccounts, more)
}

// recorded selects a record of the chosen accounts.
func recorded(record string) string { return selected(record, chosenAccounts, nil) }

func selected(metric, chosen string, more []string) string {
	return metric + "{" + strings.Join(append([]string{chosen}, more...), ", ") + "}"
}

// lastKnown is a metric of the chosen accounts, or what was last known of it in a day,
// where the exporter cannot be scraped.
func lastKnown(metric string, more ...string) string {
	selector := accounts(metric, more...)
	return fmt.Sprintf("(%s or last_over_time(%s[1d]) and on (job, instance) %s == 0)", selector, selector, exporters("up"))
}

// named gives series of accounts the label account, with which people know them: the
// name and the id, or the id alone where it is the name.
func named(expr string) string {
	return fmt.Sprintf("(%s) * on (id_instance) group_left (account) %s", expr, accountNames())
}

func accountNames() string {
	info := "max by (id_instance, name) (last_over_time(" + accounts("greenapi_instance_info") + "[1d]))"
	return "topk by (id_instance) (1, " + withAccount(info) + ")"
}

// withAccount gives series with a name and an id the label account.
func withAccount(expr string) string {
	return `label_replace(label_join(` + expr + `, "account", " · ", "name", "id_instance"), "account", "$1", "account", "([0-9]+) · [0-9]+")`
}

// counted is how much a counter grew by in each bar of a panel, which begins at its
// time: the last bar is of the time that has just begun. Bars that end at their time
// would not show what happens now, and the first of them would lie before the graph.
func counted(counter string) string {
	return "increase(" + counter + "[$__interval] offset -$__interval)"
}

// countedWeekAgo is the same a week ago, for bars of an hour.
func countedWeekAgo(counter string) string {
	return "increase(" + counter + "[$__interval] offset 167h)"
}

// ifAny leaves out a series that is 0 all the time. What a counter counted in the time
// range tells.
func ifAny(expr, inRange string) string { return expr + " and on () (" + some(inRange) + ")" }

// inRange is how much a counter grew by in the time range, and in that of a week ago.
func inRange(counter string) string { return "increase(" + counter + "[$__range] @ end())" }

func inRangeWeekAgo(counter string) string {
	return "increase(" + counter + "[$__range] @ end() offset 1w)"
}

// whole rounds what PromQL extrapolates to the number of events that it is.
func whole(expr string) string { return "round(" + expr + ")" }

// some leaves out what is 0, so that legends list what there is.
func some(expr string) string { return expr + " > 0" }

// watched keeps, of records, the accounts that the chosen targets watch.
func watched(expr string) string {
	return fmt.Sprintf("(%s and on (id_instance) %s)", expr, accounts("greenapi_up"))
}

// once takes one of several exporters that watch an account, so that two do not
// double it. The labels are those that the metric has beside id_instance.
func once(expr string, labels ...string) string {
	return fmt.Sprintf("max by (%s) (%s)", strings.Join(append([]string{"id_instance"}, labels...), ", "), expr)
}

// sum adds up, by labels if any are given.
func sum(expr string, by ...string) string {
	if len(by) == 0 {
		return "sum(" + expr + ")"
	}
	return fmt.Sprintf("sum by (%s) (%s)", strings.Join(by, ", "), expr)
}

// ratio divides sums, and is absent where there is nothing to divide by. Late
// deliveries of earlier messages can lift a stage above the one before: it ends
// at 1.
func ratio(part, whole string) string {
	return fmt.Sprintf("clamp_max(%s / (%s > 0), 1)", part, whole)
}

// over is what a counter grew by in a window.
func over(window, counter string) string { return "increase(" + counter + "[" + window + "])" }

// age is how long ago a time was, in seconds.
func age(timestamp string) string { return "time() - " + timestamp }

// lastWeek is the same a week earlier. It takes a selector.
func lastWeek(selector string) string { return selector + " offset 1w" }

// wilson is one of Wilson's 95 % bounds of a ratio p of n events: sign is + for the
// upper, - for the lower.
func wilson(p, n, sign string) string {
	return fmt.Sprintf("(%[1]s + 1.9208 / %[2]s %[3]s 1.96 * sqrt((%[1]s * (1 - %[1]s) + 0.9604 / %[2]s) / %[2]s)) / (1 + 3.8416 / %[2]s)",
		p, "("+n+" > 0)", sign)
}

// The window gauges of messages and calls, each account and count once.

func windowMessages(more ...string) string {
	return once(accounts("greenapi_window_messages", more...), "status", "message_type", "chat_type")
}

func windowCalls(more ...string) string {
	return once(accounts("greenapi_window_calls", more...), "status", "media", "chat_type")
}

// Statuses of messages that reached a stage: a later stage implies the earlier.
const (
	reachedSent      = `status=~"sent|delivered|read"`
	reachedDelivered = `status=~"delivered|read"`
	reachedRead      = `status="read"`
	answered         = `status="pickUp"`
	seized           = `status=~"pickUp|hungUp|declined"`
	failed           = `status=~"noAccount|notInGroup|failed|suspended|noActiveSession"`
	concluded        = `status!="pending"`
	isAuthorized     = `state="authorized"`
	journals         = `collector=~"calls|messages"`
)

// dataAge is how long ago the journals of each account were last read.
func dataAge() string {
	return age(once(lastKnown("greenapi_last_success_timestamp_seconds", journals), "collector"))
}
