package dashboards

import (
	"fmt"
	"strconv"
)

// answerTimes says at which hours of which days people answer and read.
func answerTimes() []Panel {
	calls := func(matchers ...string) string {
		return sum(once(over("1h", accounts("greenapi_calls_total", append(matchers, chosenChats, chosenMedia)...)), "status", "media", "chat_type"))
	}
	read := sum(once(over("1h", accounts("greenapi_messages_read_total", chosenChats)), "chat_type"))
	const kept = "in the last 4 weeks, by the browser's clock"
	return []Panel{
		hoursByDays(view{
			title: "Calls answered, by hour", unit: number,
			means:   "Calls that were picked up " + kept + ".",
			formula: "sum of increase(greenapi_calls_total) of the status pickUp, by hour and day of the week",
			empty:   "No answered calls known in the last 4 weeks",
		}, whole(byHourAndDay(calls(answered)))),
		hoursByDays(view{
			title: "Share answered (ASR), by hour", unit: share,
			means:   fmt.Sprintf("Answer-seizure ratio %s. Hours with fewer than %d calls are left out.", kept, shownCalls),
			formula: "pickUp / (pickUp + hungUp + declined), by hour and day of the week",
			empty:   "No hour with enough calls known in the last 4 weeks",
		}, fmt.Sprintf("clamp_max(%s / (%s >= %d), 1)", byHourAndDay(calls(answered)), byHourAndDay(calls(seized)), shownCalls)),
		hoursByDays(view{
			title: "Messages read, by hour", unit: number,
			means:   "Messages that were read " + kept + ".",
			formula: "sum of increase(greenapi_messages_read_total), by hour and day of the week",
			empty:   "No read messages known in the last 4 weeks",
		}, whole(byHourAndDay(read))),
	}
}

// shownCalls is from how many calls on a share of them is shown.
const shownCalls = 5

// utcOffset is how many seconds the browser's clock is before UTC: Grafana writes
// +0530 and, so that it is no octal number to PromQL, a fraction behind it.
const (
	zone      = "${__from:date:ZZ[.0]}"
	utcOffset = "(36 * (" + zone + ") + 24 * ((" + zone + ") % 100))"
)

// byHourAndDay adds up, over 4 weeks, what an expression finds for each hour, by the
// hour of the day and the day of the week, of which Monday is 0.
func byHourAndDay(perHour string) string {
	clock := "vector(time() - 3600 + " + utcOffset + ")" // of the hour that has just ended
	return fmt.Sprintf(`sum_over_time((%s * on () group_left (hour) label_replace(count_values("hour", hour(%s)), "hour", "0$1", "hour", "(.)")`+
		` * on () group_left (day) count_values("day", (day_of_week(%s) + 6) %% 7))[4w:1h])`, perHour, clock, clock)
}

// hoursByDays is a table of hours and days, the fuller the lighter.
func hoursByDays(v view, expr string) Panel {
	v.width, v.height = columns/2, 25
	v.queries = []query{{expr: expr}}
	p := newPanel("table", v)
	p.instant("table")
	d := &p.FieldConfig.Defaults
	d.Custom = &Custom{CellOptions: &CellOptions{Type: "color-background", Mode: "basic"}, Width: 75, Align: "center"}
	d.Color = &Color{Mode: "continuous-blues"}
	d.Decimals = new(0)
	// Else what is missing would be the brightest.
	d.Mappings = []Mapping{unknown("·", noColor)}
	p.override(`hour\day`, Property{"displayName", "Hour"}, Property{"custom.width", 78}, Property{"custom.cellOptions", CellOptions{Type: "auto"}},
		Property{"unit", text})
	for n, day := range []string{"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"} {
		p.override(strconv.Itoa(n), Property{"displayName", day})
	}
	p.Options = &Options{ShowHeader: new(true), CellHeight: "sm", SortBy: []Sort{{DisplayName: "Hour"}}}
	p.Transformations = []Transformation{
		{ID: "sortBy", Options: SortBy{Sort: []SortField{{Field: "day"}}}},
		{ID: "groupingToMatrix", Options: Matrix{ColumnField: "day", RowField: "hour", ValueField: "Value", EmptyValue: "null"}},
	}
	return p
}
