// Package month holds a month of a commune in simulated time: the hub's desk, plans,
// ledger and coverage on a real database, and thirty devices with the real loop,
// store and chain of receipts, on pretended loudspeakers and lines, in weather that
// follows from a seed. Tests only; it proves nothing about networks or sound cards.
package month
