// Package client speaks the HTTP API of GREEN-API: it asks one instance (a
// WhatsApp account) for its journals and streams their records from the socket,
// so that memory does not depend on the size of an answer.
//
// Three promises hold for everything in here:
//
//   - A token never gets out: URLs, which carry it, appear in no error.
//   - No text of the server gets out: it is matched against what is known, and
//     errors carry a [Reason] of a closed set, a phrase of ours, the status code
//     and the length of the answer. A server may well echo the path it was asked.
//   - A journal is whole only when its array closed and the body ended. Records
//     seen before that are provisional; see [Journal.Err].
//
// The protocol is documented at https://green-api.com/en/docs/api/; where it is
// silent or wrong, a comment says what was assumed.
package client
