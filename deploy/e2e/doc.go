// Package e2e runs the real exporter against the real Prometheus, and others that
// scrape as it does, and compares what the one served with what the other stored.
//
// The parts are a small kit: [Process] is a program under test, [Exporter] and
// [Prometheus] are two of them, [Recorder] stands between the two and keeps
// every answer, and [Samples] are what such an answer says. Everything listens
// on a loopback port that the system chose, writes below the test's temporary
// folder, and ends with the test; what it wrote is shown when the test fails.
//
// The tests that need these programs have the build tag e2e; make e2e runs them.
package e2e
