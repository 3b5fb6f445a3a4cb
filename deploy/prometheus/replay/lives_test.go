//go:build e2e

package replay_test

import (
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
)

// life is an account to which nothing happens that anybody should be told of.
type life struct {
	account simulation.Account
	// rings are alerts that cannot know better, once each. detection.md says why.
	rings []string
}

// day is the beginning of a day of the worlds, which begin on Saturday, day 0.
func day(n int) time.Time { return start.AddDate(0, 0, n) }

// sleeping are people whose telephones are off at night, most of them.
func sleeping(off float64) *simulation.Behaviour {
	b := simulation.UsualBehaviour()
	b.Night = simulation.Night{From: 22, To: 7, Off: off}
	return &b
}

func behaving(change func(*simulation.Behaviour)) *simulation.Behaviour {
	b := simulation.UsualBehaviour()
	change(&b)
	return &b
}

// campaigns are one on each of some days.
func campaigns(days int, only func(time.Time) bool, c func(time.Time) simulation.Campaign) []simulation.Campaign {
	var all []simulation.Campaign
	for n := range days {
		if d := day(n); only == nil || only(d) {
			all = append(all, c(d))
		}
	}
	return all
}

func on(weekday time.Weekday) func(time.Time) bool {
	return func(d time.Time) bool { return d.Weekday() == weekday }
}

// closed is a time when nobody works.
func closed(from, to int) []simulation.Incident {
	return []simulation.Incident{{Kind: simulation.IncidentNoTraffic, From: day(from), To: day(to)}}
}

// lives are ways in which accounts are used, ordinary and odd ones, for days.
func lives(days int) []life {
	business, shop, flat := simulation.RhythmBusiness(), simulation.RhythmShop(), simulation.RhythmFlat()
	evenings := simulation.Rhythm{Days: [7]float64{1, 1, 1, 1, 1, 1, 1}}
	for _, h := range []int{20, 21, 22, 23, 0, 1} {
		evenings.Hours[h] = 1
	}
	weekends := shop
	weekends.Days = [7]float64{6, 0, 0, 0, 0, 0, 6}
	summer := business // an hour earlier
	copy(summer.Hours[:], append(business.Hours[1:len(business.Hours):len(business.Hours)], business.Hours[0]))
	account := func(name string, perDay, calls float64, rhythm simulation.Rhythm, change func(*simulation.Account)) life {
		a := simulation.Account{Name: name, MessagesPerDay: perDay, CallsPerDay: calls, Rhythm: rhythm, Groups: 4}
		if change != nil {
			change(&a)
		}
		return life{account: a}
	}
	// A closed door and a broken sender look the same: they ring once.
	once := func(l life, alerts ...string) life {
		l.rings = alerts
		return l
	}
	const noMessages, noCalls, surge = "GreenAPINoMessages", "GreenAPINoCalls", "GreenAPITrafficSurge"
	newsletter := func(d time.Time) simulation.Campaign {
		return simulation.Campaign{At: d.Add(10 * time.Hour), Messages: 1500, Over: 30 * time.Minute}
	}
	return []life{
		account("3 messages a day", 3, 0, business, nil),
		account("20 messages and 2 calls a day, in office hours", 20, 2, business, nil),
		account("20 messages and 2 calls a day, in shop hours", 20, 2, shop, nil),
		account("300 messages and 40 calls a day, in office hours", 300, 40, business, nil),
		account("300 messages and 40 calls a day, in shop hours", 300, 40, shop, nil),
		account("2000 messages and 250 calls a day, in office hours", 2000, 250, business, nil),
		account("1000 codes a day, around the clock", 1000, 0, flat, nil),
		account("300 messages a day, all to groups of 20", 300, 0, business, func(a *simulation.Account) {
			a.GroupMembers = 20
			a.Behaviour = behaving(func(b *simulation.Behaviour) { b.GroupMessages = 1 })
		}),
		account("office, and a weekly broadcast to 40 groups of 50", 60, 0, business, func(a *simulation.Account) {
			a.Groups, a.GroupMembers = 40, 50
			a.Campaigns = campaigns(days, on(time.Friday), func(d time.Time) simulation.Campaign {
				return simulation.Campaign{At: d.Add(15 * time.Hour), Messages: 40, Behaviour: behaving(func(b *simulation.Behaviour) { b.GroupMessages = 1 })}
			})
		}),
		account("600 reminders at 02:00, to phones that are off until morning", 50, 0, business, func(a *simulation.Account) {
			a.Behaviour = sleeping(0.95)
			a.Campaigns = campaigns(days, nil, func(d time.Time) simulation.Campaign {
				return simulation.Campaign{At: d.Add(2 * time.Hour), Messages: 600, Over: 20 * time.Minute}
			})
		}),
		once(account("such reminders from the 10th day on", 50, 0, business, func(a *simulation.Account) {
			a.Behaviour = sleeping(1)
			a.Campaigns = campaigns(days, func(d time.Time) bool { return !d.Before(day(10)) }, func(d time.Time) simulation.Campaign {
				return simulation.Campaign{At: d.Add(2 * time.Hour), Messages: 600, Over: 20 * time.Minute}
			})
		}), surge),
		account("a campaign of 800 at 22:00, every night", 60, 10, business, func(a *simulation.Account) {
			a.Behaviour = sleeping(0.7)
			a.Campaigns = campaigns(days, nil, func(d time.Time) simulation.Campaign {
				return simulation.Campaign{At: d.Add(22 * time.Hour), Messages: 800, Over: time.Hour}
			})
		}),
		account("a campaign of 800 at 22:00, on Thursdays", 60, 10, business, func(a *simulation.Account) {
			a.Behaviour = sleeping(0.9)
			a.Campaigns = campaigns(days, on(time.Thursday), func(d time.Time) simulation.Campaign {
				return simulation.Campaign{At: d.Add(22 * time.Hour), Messages: 800, Over: time.Hour}
			})
		}),
		once(account("a shop closes for six days", 300, 40, shop, func(a *simulation.Account) { a.Incidents = closed(16, 22) }), noMessages),
		once(account("an office has a public holiday, on Wednesday", 300, 40, business, func(a *simulation.Account) { a.Incidents = closed(18, 19) }), noMessages),
		once(account("an office has a long weekend, to Tuesday", 300, 200, business, func(a *simulation.Account) { a.Incidents = closed(20, 25) }), noMessages, noCalls),
		once(account("an account of 40 messages a day has a holiday", 40, 5, business, func(a *simulation.Account) { a.Incidents = closed(18, 19) }), noMessages),
		once(account("hours of Ramadan from the 12th day on", 300, 40, shop, func(a *simulation.Account) {
			a.Phases = []simulation.Phase{{From: day(12), Rhythm: &evenings, Behaviour: behaving(func(b *simulation.Behaviour) { b.Night = simulation.Night{From: 5, To: 12, Off: 0.3} })}}
		}), noMessages),
		account("clocks change on the 15th day", 300, 200, business, func(a *simulation.Account) {
			a.Phases = []simulation.Phase{{From: day(15), Rhythm: &summer}}
		}),
		once(account("a project ends on the 15th day", 300, 40, business, func(a *simulation.Account) { a.Incidents = closed(15, days) }), noMessages),
		account("a newsletter on Tuesdays", 0, 0, business, func(a *simulation.Account) {
			a.Campaigns = campaigns(days, on(time.Tuesday), newsletter)
		}),
		account("a newsletter on Tuesdays, once a day late and once a day early", 30, 0, business, func(a *simulation.Account) {
			for _, n := range []int{3, 11, 16, 24} {
				a.Campaigns = append(a.Campaigns, newsletter(day(n)))
			}
		}),
		account("a campaign of 3000 on Mondays, that drains for 6 hours", 100, 20, business, func(a *simulation.Account) {
			a.Campaigns = campaigns(days, on(time.Monday), func(d time.Time) simulation.Campaign {
				return simulation.Campaign{At: d.Add(9 * time.Hour), Messages: 3000, Over: 6 * time.Hour, Queued: true}
			})
		}),
		account("a cold list on Wednesdays, of which 80 % is reached", 200, 20, business, func(a *simulation.Account) {
			a.Campaigns = campaigns(days, on(time.Wednesday), func(d time.Time) simulation.Campaign {
				return simulation.Campaign{At: d.Add(11 * time.Hour), Messages: 700, Over: 2 * time.Hour, Behaviour: behaving(func(b *simulation.Behaviour) { b.NeverDelivered, b.Read = 0.2, 0.4 })}
			})
		}),
		once(account("a cold list once, of which 80 % is reached", 200, 20, business, func(a *simulation.Account) {
			a.Campaigns = []simulation.Campaign{{At: day(18).Add(11 * time.Hour), Messages: 700, Over: 2 * time.Hour, Behaviour: behaving(func(b *simulation.Behaviour) { b.NeverDelivered, b.Read = 0.2, 0.4 })}}
		}), surge),
		account("200 voice notifications of 4 s a day", 10, 200, flat, func(a *simulation.Account) {
			a.Behaviour = behaving(func(b *simulation.Behaviour) { b.TalkMedian, b.TalkSpread = 4*time.Second, 0.4 })
		}),
		account("a team that dials 500 strangers a day", 20, 500, business, func(a *simulation.Account) {
			a.Behaviour = behaving(func(b *simulation.Behaviour) { b.Answered, b.Invalid, b.TalkMedian = 0.22, 0.12, 25*time.Second })
		}),
		account("a hotel in another time zone", 150, 60, shop, func(a *simulation.Account) { a.UTCOffset = 10 * time.Hour }),
		account("open at weekends alone", 200, 30, weekends, nil),
		account("newsletters that few read", 20, 0, business, func(a *simulation.Account) {
			a.Behaviour = behaving(func(b *simulation.Behaviour) { b.Read, b.NoAccount, b.Offline = 0.15, 0.05, 0.3 })
			a.Campaigns = campaigns(days, on(time.Tuesday), newsletter)
		}),
		account("mostly written by hand, on the phone", 120, 30, business, func(a *simulation.Account) {
			a.Behaviour = behaving(func(b *simulation.Behaviour) { b.FromPhone = 0.9 })
		}),
		account("a night shift", 200, 40, evenings, func(a *simulation.Account) { a.Behaviour = sleeping(0.3) }),
	}
}
