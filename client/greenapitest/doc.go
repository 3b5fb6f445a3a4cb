// Package greenapitest is a GREEN-API server in the process, in the way of
// net/http/httptest, and a simulation of whole accounts to put behind it.
//
// It knows the wire protocol on its own and imports nothing of the project:
// a misunderstanding in the client cannot hide behind the same one here.
//
// # The server
//
// A test starts a [Server] on loopback, adds an [Instance], scripts what its
// methods answer, and points a client at the server's URL:
//
//	srv := greenapitest.NewServer()
//	defer srv.Close()
//	in := srv.AddInstance("1101000001", "token")
//	in.SetMessages(greenapitest.Message{IDMessage: "A1", ChatID: "999000000001@c.us", Status: "sent"})
//	in.Fault(greenapitest.MethodLastOutgoingCalls, greenapitest.FaultHang(), 1)
//
// Rows are typed; through [Fields] a field can be missing, null or of a wrong
// type, and Raw makes the element anything. [Instance.SetBody] goes below that.
//
// The server answers as GREEN-API does, as far as that is known: 401 for a
// wrong token, 403 for a wrong id, 404 for an unknown method (with the path,
// token included, in the body), 400 for a bad parameter minutes; with
// [Server.EnforceRateLimit] 429 for what comes within a second. It keeps a log
// of requests, and [Server.Violations] lists those that an exporter must never
// make. [NewTLSServer] speaks TLS; [NewPipeServer] works inside the bubbles of
// testing/synctest; [NewUnstartedServer] is a bare http.Handler.
//
// # Faults
//
// A [Fault] bends answers: another status or body, delays, slow, cut, reset,
// endless and zipped bodies, bytes that are no HTTP. [Faults] lists every kind
// by name, each with the reasons for a failure that a client may report.
//
// # The simulation
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
// writes journals of any size for benchmarks.
//
// Phone numbers in all of this begin with 999, which is nobody's country code.
package greenapitest
