// Package killing holds the kill matrix: the hub's and the agent's programs are run
// through the whole path under hub/e2e/tracer, which lists every place where they
// write or send; then each place is met again by a kill, a torn write, a power cut
// and a full disk, the program is started again, and what really sounded is compared
// with what the ledger says. Tests only; it mends nothing.
package killing
