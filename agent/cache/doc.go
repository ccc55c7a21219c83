// Package cache brings content onto the device, chunk by chunk, and keeps it as
// long as a plan needs it.
//
// The device asks for what it lacks, most urgent first and never more than a
// window of bytes at once; every chunk is checked against the signed list before
// it is written, and the whole once more at the end. What was fetched is never
// fetched again, also not after a restart. The package decides nothing about
// what is needed and opens no connection of its own.
package cache
