//go:build e2e

package replay_test

import (
	"flag"
	"fmt"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/deploy/prometheus/replay"
)

var (
	costDays  = flag.Int("cost.days", 1, "days that an account lives before the rules are measured")
	costWrite = flag.String("cost.write", "", "write the table of costs into this document")
)

// TestCostOfRules holds that no rule reads more than a tenth of the samples that a day of
// all series of messages has.
func TestCostOfRules(t *testing.T) {
	t.Parallel()
	const (
		accounts = 1000
		whole    = "all_series:greenapi_messages_observed:increase24h"
	)
	all := rules(t).And("compared", whole,
		`sum by (id_instance, origin) (max by (id_instance, message_type, chat_type, origin) (increase(greenapi_messages_observed_total[24h])))`)
	a := account(0)
	w := world{length: time.Duration(*costDays) * 24 * time.Hour, step: time.Minute, accounts: []simulation.Account{a}}
	costs, err := replay.Judge{Binary: judgeBinary(t), Rules: all, Dir: t.TempDir()}.Costs(t.Context(), w.record(t, all.Reads()), accounts)
	if err != nil {
		t.Fatal(err)
	}
	type total struct {
		rules, samples int
		seconds, load  float64
		interval       float64
	}
	var order []string
	groups := make(map[string]*total)
	var dearest, compared replay.Cost
	for _, c := range costs {
		if c.Rule == whole { // not one of ours
			compared = c
			continue
		}
		if c.Samples > dearest.Samples {
			dearest = c
		}
		g := groups[c.Group]
		if g == nil {
			g = &total{interval: c.Interval}
			groups[c.Group] = g
			order = append(order, c.Group)
		}
		g.rules++
		g.samples += c.Samples
		g.seconds += c.Seconds
		g.load += c.Seconds / c.Interval
	}
	if 10*dearest.Samples > compared.Samples {
		t.Errorf("%s reads %d samples, and all series of a day have %d", dearest.Rule, dearest.Samples, compared.Samples)
	}
	var sum total
	var rows [][]string
	for _, name := range order {
		g := groups[name]
		sum.rules, sum.samples, sum.load = sum.rules+g.rules, sum.samples+g.samples, sum.load+g.load
		rows = append(rows, []string{
			name, short(time.Duration(g.interval) * time.Second), fmt.Sprint(g.rules),
			millions(g.samples), fmt.Sprintf("%.2f", g.seconds), fmt.Sprintf("%.3f", g.load),
		})
	}
	rows = append(rows, []string{"all", "", fmt.Sprint(sum.rules), millions(sum.samples), "", fmt.Sprintf("%.3f", sum.load)})
	text := table([]string{"Group", "Interval", "Rules", "Samples read, millions", "One evaluation, s of CPU", "Processors"}, rows) +
		fmt.Sprintf("\nThe rule that reads most is %s: %s million samples. The messages of a day, counted from all their series instead of\n"+
			"one sum for each origin, would take %s million (%.1f times as many) and %.1f s of CPU.\n",
			"`"+dearest.Rule+"`", millions(dearest.Samples), millions(compared.Samples), float64(compared.Samples)/float64(dearest.Samples), compared.Seconds)
	t.Log("\n" + text)
	if *costWrite != "" {
		writeDocument(t, *costWrite, "rules", text)
	}
}

func millions(n int) string { return fmt.Sprintf("%.2f", float64(n)/1e6) }
