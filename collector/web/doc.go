// Package web is the HTTP face of the exporter: it turns requests into refreshes
// of instances, and snapshots into expositions.
package web
