// Package alertmanager holds an Alertmanager configuration for the alerts of
// deploy/prometheus: routes, inhibitions, receivers as examples, and a template.
// Its tests keep it in step with the alerts that there are.
package alertmanager
