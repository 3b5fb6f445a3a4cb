// Package fleet computes what a fleet takes: the figures of deploy/fleet.md, and of
// the values that the manifests are rendered from.
//
//	go test ./deploy/fleet -update
//
// writes the tables of the document again.
package fleet
