// Package ledger remembers what the journals of an instance have shown, so that
// every call and every message is counted once: neither twice because two reads
// showed it, nor not at all because it had left the journal before the next one.
//
// # Why
//
// A journal is a window that slides over an account's history: the calls, or the
// messages, of the last so many minutes. How many there are in it rises and
// falls, and is no counter. A counter asks for a memory that outlives the window.
//
// # The model
//
// There are two journals, and each has a set of keys. The key of a message is a
// keyed hash of its chat and identifier. Identifiers of calls repeat, so the key
// of a call is a hash of chat, identifier, time and status, and of how often that
// very row has occurred in its journal. Nothing else that could name anybody is
// kept, in memory or in the file.
//
// A journal is read into a transaction, [Ledger.BeginCalls] or
// [Ledger.BeginMessages], row by row while it streams in. Commit makes it take
// effect, once it is known to be whole; half a journal changes nothing. Of a
// whole journal,
//
//   - the first one is the baseline: its rows are remembered, not counted. So are
//     those of the first read with a longer window than the last, and rows from
//     before the baseline (less 10 minutes) whenever they turn up. A row without a
//     time is not older than anything.
//   - a call counts when it is first seen with an outcome.
//   - a message has a stage (observed, sent, delivered, read) that rises and never
//     falls. Each stage counts when it is first reached or passed, and each kind of
//     failure when it is first met, also for messages of the baseline. Its labels
//     are those of its first sight.
//   - there is a gap before it when rows may have come and gone unseen: it is as
//     long as the cap and no row (key, time, status) is as the last whole journal
//     had it, or that one is longer ago than the window less 2 minutes. A baseline
//     has no gap before it: nothing is promised about what lies there.
//
// A key is forgotten when it was not seen for the retention, or, before that,
// when there are too many ([JournalTotals].Evictions). The keys of the last whole
// journal are never forgotten. A journal that alone has more rows than may be
// remembered is refused ([ErrTooManyRows]).
//
// # Time
//
// Counting goes by the server's clock alone: the HTTP Date of the answers, and
// the rows. The exporter's own clock serves retention. When an answer has no Date
// the rules that need one are not applied to it: there is no gap by time before it
// nor after it, and if it was the baseline then no row is too old for it; the first
// answer that has a Date gives the baseline its time. (The time of the newest row
// would not do: rows are known to carry wrong times, and one in the future would
// keep all others from counting.) For the same reason an answer that is older than
// the baseline makes the baseline as old as itself.
//
// # The state file
//
// A ledger from [New] lives in memory, and starts over with the process. One from
// [Dir.Open] has a file: a snapshot, and a log of what later commits changed. The
// frames of both are described in format.go, what is in them in state.proto. The file
// names the instance that it belongs to. Commit appends to it and syncs before [Totals]
// shows anything new, because a counter that shows less after a crash than before
// reads as one that started at 0, and rate() would make up the difference. So
// whatever a process has shown, the next one will find.
//
// A read that changes nothing writes nothing, with one exception: when the Date
// of the last read in the file has fallen behind by a sixteenth of the window (at
// most 15 minutes), it is brought up to date. Else a crash on a quiet account would
// look like a day without reads. After a crash, therefore, a gap may be reported
// that much too early; never too late. When the keys of the last journal were last
// seen is not written at all: after a restart they pass for seen at that time.
//
// While the file cannot be written the ledger goes on counting, and Totals goes
// on showing what the file holds ([Totals].LastWriteOK is false). Each commit then
// tries to write a whole new file; once it can, Totals catches up.
//
// A record that was being written when the power failed is cut off: nothing of it was
// shown. A file that a later version wrote, or that holds anything this version does
// not know, is left alone ([ErrNewerVersion]). A file of an earlier version is read,
// and written in the present one with the first commit.
//
// Before each write the store looks at what is there. A file that is damaged, of
// another instance, no regular file, or not the one that was read or written last is
// set aside: it gets another name (….corrupt-TIME, ….foreign-TIME), the log says so, and
// a process that has counted goes on with what it knows. One that was removed is written
// again. When the folder is not the one that is locked, nothing is written, as when the
// disk fails. Files that nobody uses any more are removed by [Dir.RemoveLeftovers].
//
// # Shape
//
// The keys of a journal and what stands beside them (4 bytes for a call, 8 for a
// message) are two arrays in the order of the keys, with an index over the leading
// bits: about 15 bytes an entry, half of what a map takes, no pointers for the
// garbage collector to follow, and a snapshot is a copy of them. A commit merges what
// is new into fresh arrays; rows that are known cost a hash and a look.
package ledger
