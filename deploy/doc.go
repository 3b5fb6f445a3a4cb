// Package deploy holds what it takes to run the exporter: units of systemd,
// manifests of Kubernetes, web configurations, scrape configurations, rules and
// dashboards. Its tests keep these in step with the code and with each other;
// those with the build tag e2e build and run them on Linux.
package deploy
