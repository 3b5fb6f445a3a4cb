package collector_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/greenapi-exporter/greenapi_exporter/client/greenapitest"
	"github.com/greenapi-exporter/greenapi_exporter/collector"
	"github.com/greenapi-exporter/greenapi_exporter/collector/config"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// A program that has metrics of its own shows those of its GREEN-API accounts with
// them: the Gatherer refreshes the accounts and gathers what that found.
func Example() {
	api := greenapitest.NewServer() // stands in for GREEN-API
	defer api.Close()
	api.AddInstance("1101000001", "secret-token").SetMessages(
		greenapitest.Message{IDMessage: "A1", ChatID: "79000000001@c.us", Status: "read", Timestamp: time.Now().Unix()},
	)

	cfg, err := config.Parse("greenapi.yml", []byte(`
instances:
  - {id: "1101000001", token: secret-token, api_url: `+api.URL+`}
`), config.Defaults{Window: 24 * time.Hour, Collectors: []string{"calls", "messages"}})
	if err != nil {
		log.Fatal(err)
	}
	fleet := collector.NewFleet(collector.Options{})
	defer fleet.Close()
	if err := fleet.Apply(cfg); err != nil {
		log.Fatal(err)
	}
	accounts := prometheus.GathererFunc(func() ([]*dto.MetricFamily, error) {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		registry := prometheus.NewRegistry()
		registry.MustRegister(collector.Refresh(ctx, fleet.Roster().Instances()))
		return registry.Gather()
	})

	// A program serves it like any other:
	//	promhttp.HandlerFor(prometheus.Gatherers{prometheus.DefaultGatherer, accounts}, promhttp.HandlerOpts{})
	families, err := prometheus.Gatherers{accounts}.Gather()
	if err != nil {
		log.Fatal(err)
	}
	for _, family := range families {
		if name := family.GetName(); name == "greenapi_up" || name == "greenapi_window_records" {
			for _, metric := range family.GetMetric() {
				fmt.Println(name, metric.GetGauge().GetValue())
			}
		}
	}
	// Output:
	// greenapi_up 1
	// greenapi_window_records 0
	// greenapi_window_records 1
}
