// Package simulation computes whole accounts of GREEN-API, for the exporter's --demo and
// for tests.
//
// A [Simulation] computes accounts from a seed and a clock. Each message and
// call, its delays and its end are derived by hashing the seed, the account,
// the hour and a number, so that the journal of any moment is there at once,
// with no history to run through and nothing to store: ask for last Tuesday,
// then for next year. The same seed and time give the same bytes.
//
// An [Account] has a volume, a [Rhythm] of day and week, and a [Behaviour]:
// how many recipients are offline, how long people take to read. An [Incident]
// befalls it from one time to another. [Simulation.Truth] counts what really
// happened, by the labels of the exporter's metrics, to compare with.
//
// [Demo] is a ready-made cast, [Fleet] any number of accounts. [Payload]
// writes journals of any size for benchmarks. A Simulation is an [http.Handler],
// which [Simulation.Listen] serves on loopback; package greenapitest serves it
// with faults.
//
// It knows the wire protocol on its own and imports nothing of the project:
// a misunderstanding in the client cannot hide behind the same one here.
//
// Phone numbers in all of this begin with 999, which is nobody's country code.
package simulation
