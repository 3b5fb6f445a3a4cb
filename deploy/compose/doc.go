// Package compose holds what deploy/compose.yaml needs and nothing else does. Its
// tests hold that this file fits what it starts: the rules, the configuration of
// Alertmanager, the provisioning of Grafana, the dashboards, the versions that are
// tested.
package compose
