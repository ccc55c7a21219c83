// Package schedule decides what sounds on a device, when, and what becomes of
// every occurrence of its plan. SCHEDULE.md beside this file is its contract.
//
// Expand turns a recurrence into starts. Machine owns every choice: it is told
// what happened (Event) and the instant (Step), and answers with what to begin
// and end, which records to keep, which occurrences are final, and when to ask
// again. Timeline and Forecast run the same machine.
//
// It never reads a clock, never does I/O, never logs, and starts nothing itself.
package schedule
