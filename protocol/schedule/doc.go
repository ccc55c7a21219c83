// Package schedule decides what sounds on a device, when, and what becomes of
// every occurrence of its plan. SCHEDULE.md beside this file is its contract, to
// the millisecond; its rules in short:
//
//  1. Rules: starts are local times of a named zone, by a subset of RFC 5545,
//     with EXDATEs and RDATEs (ParseRule, Expand).
//  2. Identity: an occurrence is (airing, scheduled start); it belongs to its
//     start's local date.
//  3. One sound at a time, or one page set a zone of a board.
//  4. Emergencies cut everything but actual emergencies; drills never hold up
//     the real thing.
//  5. Order among those that wait: unit depth, class, scheduled start, editor's
//     order, approval, id. What sounds is never cut by an ordinary one.
//  6. Waiting ends at the latest start.
//  7. After a cut: restart, resume or drop, within the window.
//  8. Quiet hours: actual emergencies are exempt, drills never (Quiet).
//  9. Not ready is said with its reason; "begun" is stored before sound; a clock
//     set back never repeats.
//
// Volume (rule 10) is no matter of this package.
//
// Machine owns every choice: it is told what happened (Event) and the instant
// (Step), and answers with what to begin and end, which records to store first,
// which occurrences are final, and when to ask again. Timeline and Forecast run
// the same machine through a whole plan.
//
// The package never reads a clock, never does I/O, never logs, and starts
// nothing itself.
package schedule
