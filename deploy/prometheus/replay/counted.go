package replay

import (
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
)

// Count returns what an exporter would expose of simulated accounts, from the
// simulation's own truth: a hundred times as quick as reading journals, so that many
// accounts can live for weeks. It knows the series that rules on traffic read. What
// depends on how the API answers, it does not show: every read succeeds.
func Count(sim *simulation.Simulation, start time.Time, step, length time.Duration, wanted func(series string) bool) *Recording {
	r := &Recording{Start: start, Step: step, Wanted: wanted}
	var accounts []*counted
	for _, a := range sim.Accounts() {
		accounts = append(accounts, newCounted(a))
	}
	for now := start; now.Before(start.Add(length)); now = now.Add(step) {
		s := make(Scrape)
		s.Set("up", 1)
		s.Set("process_start_time_seconds", float64(start.Unix()))
		for _, c := range accounts {
			if !now.Equal(start) {
				c.add(sim, now.Add(-step).Add(time.Second), now.Add(time.Second))
			}
			c.expose(sim, now, s)
		}
		r.Record(s)
	}
	return r
}

// What is in time, in seconds.
const (
	deliveredIn = 900
	readIn      = 14400
)

// counted is the counters of an account, by series.
type counted struct {
	account  simulation.Account
	counters map[string]float64
}

var (
	states   = []string{"authorized", "notAuthorized", "blocked", "starting", "sleepMode", "suspended", "pendingCode", "pendingPassword", "other"}
	reasons  = []string{"noAccount", "notInGroup", "failed", "suspended", "noActiveSession"}
	statuses = []string{"pickUp", "hungUp", "declined", "invalid"}
	types    = []string{
		"textMessage", "imageMessage", "videoMessage", "documentMessage", "audioMessage", "locationMessage", "contactMessage",
		"extendedTextMessage",
	}
)

func newCounted(a simulation.Account) *counted {
	c := &counted{account: a, counters: make(map[string]float64)}
	for _, chat := range []string{"private", "group"} {
		for _, stage := range []string{"sent", "delivered", "read"} {
			c.inc("greenapi_messages_"+stage+"_total", 0, "chat_type", chat)
		}
		for _, reason := range reasons {
			c.inc("greenapi_messages_failed_total", 0, "reason", reason, "chat_type", chat)
		}
		for _, kind := range types {
			for _, origin := range []string{"api", "phone"} {
				c.inc("greenapi_messages_observed_total", 0, "message_type", kind, "chat_type", chat, "origin", origin)
			}
		}
		for _, media := range []string{"voice", "video"} {
			for _, status := range statuses {
				c.inc("greenapi_calls_total", 0, "status", status, "media", media, "chat_type", chat)
			}
			c.talk(media, chat, nil)
		}
		c.delays("greenapi_messages_delivered_in_time_total", deliveredIn, chat, nil)
		c.delays("greenapi_messages_read_in_time_total", readIn, chat, nil)
	}
	return c
}

// inc adds to a counter.
func (c *counted) inc(metric string, by float64, labels ...string) {
	c.counters[c.series(metric, labels...)] += by
}

// series is the name of a series under the labels of the scraped target.
func (c *counted) series(metric string, labels ...string) string {
	name := metric + `{job="greenapi",instance="exporter:10174",id_instance="` + c.account.ID + `"`
	for pair := range slices.Chunk(labels, 2) {
		name += "," + pair[0] + "=" + strconv.Quote(pair[1])
	}
	return name + "}"
}

func (c *counted) talk(media, chat string, durations []int) {
	short, talked := 0, 0
	for _, d := range durations {
		talked += d
		if d <= 6 {
			short++
		}
	}
	c.inc("greenapi_call_talk_seconds_total", float64(talked), "media", media, "chat_type", chat)
	c.inc("greenapi_calls_short_total", float64(short), "media", media, "chat_type", chat)
}

// delays counts those of at most so many seconds.
func (c *counted) delays(metric string, most int, chat string, delays []int) {
	n := 0
	for _, d := range delays {
		if d <= most {
			n++
		}
	}
	c.inc(metric, float64(n), "chat_type", chat)
}

// add counts what became visible in [from, to).
func (c *counted) add(sim *simulation.Simulation, from, to time.Time) {
	t := sim.Truth(c.account.ID, from, to)
	for l, n := range t.Observed {
		c.inc("greenapi_messages_observed_total", float64(n), "message_type", l.MessageType, "chat_type", l.ChatType, "origin", l.Origin)
	}
	for stage, counts := range map[string]map[string]int{"sent": t.Sent, "delivered": t.Delivered, "read": t.Read} {
		for chat, n := range counts {
			c.inc("greenapi_messages_"+stage+"_total", float64(n), "chat_type", chat)
		}
	}
	for l, n := range t.Failed {
		c.inc("greenapi_messages_failed_total", float64(n), "reason", l.Reason, "chat_type", l.ChatType)
	}
	for l, n := range t.Calls {
		c.inc("greenapi_calls_total", float64(n), "status", l.Status, "media", l.Media, "chat_type", l.ChatType)
	}
	for l, durations := range t.Durations {
		c.talk(l.Media, l.ChatType, durations)
	}
	for chat, delays := range t.DeliveryDelays {
		c.delays("greenapi_messages_delivered_in_time_total", deliveredIn, chat, delays)
	}
	for chat, delays := range t.ReadDelays {
		c.delays("greenapi_messages_read_in_time_total", readIn, chat, delays)
	}
}

// expose puts the series of the account into a scrape at now.
func (c *counted) expose(sim *simulation.Simulation, now time.Time, s Scrape) {
	maps.Copy(s, c.counters)
	s[c.series("greenapi_up")] = 1
	for _, collector := range []string{"calls", "messages", "state", "settings"} {
		s[c.series("greenapi_scrape_collector_success", "collector", collector)] = 1
	}
	state := sim.State(c.account.ID, now)
	for _, name := range states {
		value := 0.0
		if name == state {
			value = 1
		}
		s[c.series("greenapi_instance_state", "state", name)] = value
	}
	if !slices.Contains(c.account.Unsupported, simulation.MethodLastOutgoingMessages) {
		count, oldest := sim.Pending(c.account.ID, now)
		s[c.series("greenapi_window_messages", "status", "pending", "message_type", "textMessage", "chat_type", "private")] = float64(count)
		if count > 0 {
			s[c.series("greenapi_window_oldest_pending_timestamp_seconds")] = float64(oldest.Unix())
		}
	}
}
