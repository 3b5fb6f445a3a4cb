// Package replay lets incidents befall simulated accounts, watches these with the real
// collector and ledger on a fake clock, and hands what was scraped to Prometheus' query
// engine (the command judge): which alerts fire, how long after the incident began, and
// which fire in weeks when nothing happens?
//
// The clock is that of testing/synctest, so a week takes a minute; that is why the
// replay runs as a test, TestReplay. By itself it is coarser. With -replay.full it scrapes
// more often, with more seeds and in both ways to read the parameter minutes; with
// -replay.write it writes its tables into a document:
//
//	go test -tags e2e -run '^TestReplay$' -v -timeout 1h ./deploy/prometheus/replay -replay.full
//
// Incidents of traffic, and lives in which nothing happens, are counted from the
// simulation itself (Count), so that many accounts can live for weeks.
//
// TestEngines hands the same to promtool, which evaluates rule by rule at each step as a
// server does, and to vmalert, and holds that the same alerts fire.
package replay
