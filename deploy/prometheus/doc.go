// Package prometheus holds what a Prometheus server loads about the exporter:
// recording rules, thresholds and alerts (rules/), their unit tests (tests/) and
// what to do about each alert (runbooks.md). Its Go tests keep these in step with
// each other and with what the collector exposes.
package prometheus
