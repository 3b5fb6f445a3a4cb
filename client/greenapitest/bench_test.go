package greenapitest_test

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/client/simulation"
)

var start = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC) // a Monday

// BenchmarkReplay is one scrape of both journals of one account in the replay
// of weeks: a minute after the last one, over a window of 24 hours.
func BenchmarkReplay(b *testing.B) {
	for _, perDay := range []float64{20, 200, 2000} {
		b.Run(fmt.Sprintf("%.0f_a_day", perDay), func(b *testing.B) {
			now := start
			sim := simulation.New(
				simulation.Settings{Seed: 1, Clock: func() time.Time { return now }},
				simulation.Account{ID: testID, Token: testToken, MessagesPerDay: perDay, CallsPerDay: perDay / 10, Groups: 5},
			)
			srv := greenapitest.NewUnstartedServer()
			defer srv.Close()
			srv.AddSimulation(sim)
			srv.SetEncoding(greenapitest.EncodingPlain)
			client := srv.Client()
			for b.Loop() {
				now = now.Add(time.Minute)
				for _, method := range []string{"lastOutgoingMessages", "lastOutgoingCalls"} {
					discard(b, client, srv.URL+path(method))
				}
			}
		})
	}
}

// BenchmarkFleet is a minute of 1,000 accounts of 200 messages a day: each is
// scraped once over HTTP.
func BenchmarkFleet(b *testing.B) {
	now := start
	accounts := simulation.Fleet(1, 1000, 200)
	sim := simulation.New(simulation.Settings{Seed: 1, Clock: func() time.Time { return now }}, accounts...)
	srv := greenapitest.NewSimulationServer(sim)
	defer srv.Close()
	srv.SetEncoding(greenapitest.EncodingPlain)
	client := srv.Client()
	defer client.CloseIdleConnections()
	for b.Loop() {
		now = now.Add(time.Minute)
		for _, a := range accounts {
			for _, method := range []string{"lastOutgoingMessages", "lastOutgoingCalls"} {
				discard(b, client, srv.URL+"/waInstance"+a.ID+"/"+method+"/"+a.Token)
			}
		}
	}
}

func discard(b *testing.B, client *http.Client, url string) {
	b.Helper()
	request, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, nil)
	if err != nil {
		b.Fatal(err)
	}
	response, err := client.Do(request)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		b.Fatal(err)
	}
	if err := response.Body.Close(); err != nil {
		b.Fatal(err)
	}
}
