// Package envelope seals and opens Loa's signed documents (COSE_Sign1, RFC 9052)
// and decides, from a root's public keys alone, who may sign what.
//
// The chain is: a threshold of roots delegates to a unit's registrar and to the
// hub, and replaces a root that was lost; the registrar signs the unit's
// approvers, its devices' placements and its populations; approvers sign
// statements, with an Ed25519 key or a passkey; the hub signs plans, alerts,
// commands, acknowledgements and time. Everything is checked offline.
//
// It never reads a clock, stores nothing and never asks anybody: instants,
// held documents and keys are passed in.
package envelope
