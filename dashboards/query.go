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
func recorded(record string, more ...string) string { return selected(record, chosenAccounts, more) }

func selected(metric, chosen string, more []string) string {
	return metric + "{" + strings.Join(append([]string{chosen}, more...), ", ") + "}"
}

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

// perHour is how often a counter moves, in events an hour.
func perHour(counter string) string { return "3600 * rate(" + counter + "[$__rate_interval])" }

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
	return age(once(accounts("greenapi_last_success_timestamp_seconds", journals), "collector"))
}
