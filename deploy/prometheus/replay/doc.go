// Package replay lets incidents befall simulated accounts, watches these with the real
// collector and ledger on a fake clock, and hands what was scraped to the rule engine of
// Prometheus (promtool): which alerts fire, how long after the incident began, and which
// fire in weeks when nothing happens?
//
// The clock is that of testing/synctest, so a fortnight takes a minute; that is why the
// replay runs as a test, TestReplay. By itself it is coarser and shorter. With
// -replay.full it scrapes twice as often, over more days and more accounts; with
// -replay.write it writes its tables into a document:
//
//	go test -tags e2e -run '^TestReplay$' -v -timeout 1h ./deploy/prometheus/replay -replay.full
//
// Incidents of traffic, and lives in which nothing happens, are counted from the
// simulation itself (Count), so that many accounts can live for weeks.
//
// TestVictoria hands the same to vmalert, and holds that the same alerts fire.
package replay
