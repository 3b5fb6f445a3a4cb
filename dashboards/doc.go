// Package dashboards builds the Grafana dashboards of the exporter, and holds the
// JSON that it built: greenapi-fleet.json, greenapi-account.json and
// greenapi-exporter.json, to be imported by hand or provisioned as they are.
//
// They answer, in this order: is any account in trouble, do messages arrive and get
// read, are calls answered, is it worse than usual, can the data be trusted.
//
// The builder is Go, and not Grafana's Foundation SDK in TypeScript: it needs no
// second tool chain; one go test holds code and JSON together, lints the
// dashboards, and checks every query against the metrics that the collector exposes
// and the records of deploy/prometheus. The price is schema.go, the part of
// Grafana's dashboard schema (version 39, Grafana 10 and later) that is used here.
//
// To change a dashboard, change the code and write the JSON again:
//
//	go generate ./dashboards
//
// With the build tag e2e, the tests replay accounts through two simulated weeks, have a
// real Prometheus hold what the collector exposed and what the rules record of it, and
// ask every query. With the tag look, too, they do the same with the accounts of the
// demo, and then serve them for a human to look at (make look).
//
// What all queries have in common:
//
//   - Gauges about an account are taken by max over the exporters that watch it, so
//     that two of them, for high availability, count once. Counters likewise, except
//     those of requests, of which each exporter makes its own.
//   - What is now comes from the window gauges, which need no history and are right
//     from the first scrape; what happened over time comes from counters, through
//     the recording rules of deploy/prometheus where these have the labels that the
//     dashboard filters by. No rate() is ever taken of a gauge.
//   - Ratios divide sums, never average ratios; without a denominator they are
//     absent.
package dashboards

//go:generate go test -run ^TestJSON$ -update .
