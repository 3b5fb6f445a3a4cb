// Package ledger is the memory of the rows of an account's journals. The window gauges
// and the counters are two views of it.
//
// # Why
//
// A journal of the API is a window that slides over an account's history: the calls, or
// the messages, of the last so many minutes, 10,000 at most. How many rows are in it
// rises and falls, and is no counter. A counter asks for a memory that outlives the
// window. With that memory, a scrape needs to read only what is new, and the window
// can be longer than an answer of the API.
//
// # The way of a row
//
// An answer is read into a transaction, [Ledger.BeginCalls] or [Ledger.BeginMessages],
// row by row while it streams in (transaction.go). Each row is looked up in the memory.
// Commit makes the answer take effect, once it is known to be whole; half an answer
// changes nothing. Then
//
//   - counters are raised ([Totals], totals.go and delays.go),
//   - the memory is changed (edit.go), and what has changed is written to the state file
//     and synced (record.go, store.go),
//   - the window is made anew from the memory ([MessageWindow] and [CallWindow],
//     window.go).
//
// # What a row is
//
// A row is told apart by two keyed hashes: of its identifier and of its chat. The
// identifier of a message is its idMessage. Those of calls repeat, so that of a call is
// made of idMessage, time, status, and how often that very row has occurred in the
// answer. Besides the hashes, a row has its time and positions in the tables of package
// vocabulary. Nothing else that could name anybody is kept, in memory or in the file.
//
// Rows without idMessage, calls that have no outcome yet, and more than one row of a
// message are in the view of the last whole read only.
//
// A row whose identifier is known in another chat, of the same type, while the row there
// is gone, is the same one: WhatsApp gives chats other ids. Within one answer the same
// identifier in two chats is two. In a recent read the row in the other chat may be there
// unseen; then the next whole read shows it, and it is counted late, never twice.
//
// # Reads
//
// A read asks for the whole window, or for its recent part: the minutes since the last
// read, and 10 more ([Ledger.PlanMessages], plan.go). A whole read replaces the rows of
// the window. A recent one adds to them and changes them, and the rows whose time has
// left the window since, by the server's clock, leave it. So the window is exact after
// each whole read, and moves with time in between.
//
// The API does not say whether it lists messages by their last action or by their
// sending. If by their sending, recent reads do not show what becomes of older messages,
// and the next whole read does. It counts those changes
// ([JournalTotals].LateChanges), and what was seen of either kind says which it is
// ([JournalTotals].Filter).
//
// When a whole read is truncated, rows that it lacks because of the cap stay in the
// window until their time leaves it. They are older than its oldest row, by their
// last action or, as far as that is known, by their sending. [JournalWindow].Truncated is
// true until the memory has all of the window: that takes one window, if no gap comes
// between.
//
// # Counting
//
//   - The first read is the baseline: its rows are remembered, not counted. So are
//     those of the first read with a longer window than the last, and rows from
//     before the baseline (less 10 minutes) whenever they turn up. A row without a
//     time is not older than anything.
//   - A call counts when it is first seen with an outcome.
//   - A message has a stage (observed, sent, delivered, read) that rises and never
//     falls. Each stage counts when it is first reached or passed, and each kind of
//     failure when it is first met, also for messages of the baseline. Its labels
//     are those of its first sight. Edits, deletions, reactions and votes are events
//     about messages: they are observed, and have no stages and no failures.
//   - A delay counts when its second stage does. A row's time is that of its last action:
//     where both stages were seen the delay is exact; otherwise its bounds are known, and
//     it counts as its upper bound.
//   - There is a gap before a read when rows may have come and gone unseen: it is as
//     long as the cap and no row (identifier, time, status) is as the memory has it, or
//     it is a whole one and the last read was longer ago than the window, less 2 minutes.
//     A recent read that turns out to be too short is followed by a whole one. A
//     baseline has no gap before it: nothing is promised about what lies there.
//
// What has left the window is remembered without its details, until it was not seen for
// the retention, or, before that, until there are too many rows
// ([JournalTotals].Evictions). Then rows of the window go that lie beyond the cap, the
// oldest first. What the last whole read and the reads since have shown is never
// forgotten. An answer that alone has more rows than may be remembered is refused
// ([ErrTooManyRows]).
//
// # Time
//
// Counting goes by the server's clock alone: the HTTP Date of the answers, and the rows.
// The exporter's own clock serves retention and plans, and says how long ago a row left
// the window that comes back, for the bounds of its delay. When an answer has no Date the
// rules that need one are not applied to it: there is no gap by time before it nor after
// it, no row leaves the window by its time, and if it was the baseline then no row is too
// old for it; the first answer that has a Date gives the baseline its time. (The time of
// the newest row would not do: rows are known to carry wrong times, and one in the future
// would keep all others from counting.) For the same reason an answer that is older than
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
// that much too early; never too late. When the rows of the window were last
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
// The rows of a journal are two tables (table.go): those in the window, 28 bytes each,
// and those that have left it, 16 bytes each (row.go). A table is two arrays in the order
// of the identifiers, with an index over their leading bits, without pointers for the
// garbage collector to follow. Rows that are known cost two hashes and a look; a commit
// merges what is new into fresh arrays.
package ledger
