// Package store keeps what a device must not forget in one bbolt file: its
// placement, trust lists, plans and airings, documents, the state of content
// under way, records of occurrences, stops, and the chain of receipts.
//
// Every method is one transaction: when it returns nil the change is on the
// disk, when it returns an error nothing of it is. The store links the chain's
// entries; it checks no signature, reads no clock and decides nothing about what
// may be played.
package store
