// Package protocol is what hub and agents agree on: identifiers, bulletins,
// plans, commands, receipts, heartbeats, topics and their encoding in
// deterministic CBOR.
//
// It decides what a message means and which bytes stand for it. It never reads
// a clock, never does I/O and never logs: instants and randomness are passed in.
//
// Every message has a Validate method that is called by its decoder, so a value
// that came out of Unmarshal keeps the limits written beside its fields. The
// same rules stand as CDDL in testdata/protocol/loa.cddl, with vectors beside it.
package protocol
