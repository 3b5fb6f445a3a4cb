// Package greenapitest is a GREEN-API server in the process, in the way of
// net/http/httptest. It answers as scripted, or for the accounts of package
// simulation.
//
// Both know the wire protocol on their own and import nothing else of the
// project: a misunderstanding in the client cannot hide behind the same one here.
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
// # Simulated accounts
//
// [Server.AddSimulation] and [NewSimulationServer] serve the accounts of a
// simulation.Simulation; each takes faults and raw bodies like a scripted one.
//
// Phone numbers in all of this begin with 999, which is nobody's country code.
package greenapitest
