package collector_test

import (
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/greenapi-exporter/greenapi_exporter/collector/ledger"
	dto "github.com/prometheus/client_model/go"
)

// TestDelaysAgainstTruth scrapes a simulated account each minute and compares the delays
// with the true ones: at each bucket the shares must lie within 1.5 points. Where the API
// goes by sending, recent reads do not see when an older message was delivered and read, so
// that a read that came within 5 minutes may be known to have come within 15 only.
func TestDelaysAgainstTruth(t *testing.T) {
	t.Parallel()
	for name, reading := range bothReadings {
		for kind, interval := range map[string]time.Duration{"whole reads": 0, "recent reads": 15 * time.Minute} {
			t.Run(name+", "+kind, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { testDelays(t, reading, interval) })
			})
		}
	}
}

func testDelays(t *testing.T, reading simulation.Reading, interval time.Duration) {
	t.Helper()
	const id = "1101000001"
	s := newSimulated(t, simulation.Settings{Seed: 11, Reading: reading},
		simulation.Account{ID: id, Token: "a", MessagesPerDay: 1000, Rhythm: simulation.RhythmFlat()})
	for n := range s.cfg.Instances {
		s.cfg.Instances[n].Collectors, s.cfg.Instances[n].WholeReadInterval = []string{"messages"}, interval
	}
	time.Sleep(48 * time.Hour)
	s.start(t, nil)
	defer s.Close()
	s.refresh(t)
	from := time.Now()
	var last collector.Collector
	for range 150 {
		time.Sleep(time.Minute)
		last = s.refresh(t)
	}
	families := gather(t, last)
	happened := s.sim.Truth(id, from.Add(1), time.Now().Add(1))
	for name, delays := range map[string][]int{
		"greenapi_message_delivery_delay_seconds": happened.DeliveryDelays["private"],
		"greenapi_message_read_delay_seconds":     happened.ReadDelays["private"],
	} {
		measured := histogram(families, name, "private")
		count := float64(measured.GetSampleCount())
		if math.Abs(count-float64(len(delays))) > 0.02*float64(len(delays)) || len(delays) < 60 {
			t.Errorf("%s: %v delays, of %d that happened", name, count, len(delays))
		}
		for i, bound := range ledger.DelayBuckets {
			within := 0
			for _, d := range delays {
				if float64(d) <= bound {
					within++
				}
			}
			want := float64(within) / float64(len(delays))
			got := float64(measured.GetBucket()[i].GetCumulativeCount()) / count
			t.Logf("%s within %v s: true %.4f, measured %.4f", name, bound, want, got)
			tolerance := 0.015
			if bound == 300 && interval > 0 && reading == simulation.BySendingTime {
				tolerance = 0.05
			}
			if math.Abs(got-want) > tolerance || got > want+0.001 {
				t.Errorf("%s within %v s: true %.4f, measured %.4f", name, bound, want, got)
			}
		}
	}
}

// histogram returns that of a chat type.
func histogram(families []*dto.MetricFamily, name, chatType string) *dto.Histogram {
	for _, family := range families {
		for _, m := range family.GetMetric() {
			for _, pair := range m.GetLabel() {
				if family.GetName() == name && pair.GetValue() == chatType {
					return m.GetHistogram()
				}
			}
		}
	}
	return nil
}
