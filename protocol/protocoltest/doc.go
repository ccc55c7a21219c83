// Package protocoltest makes what tests of both sides need: keys that are always
// the same, valid messages, a whole small world of signed documents, and the
// vectors under testdata/protocol.
//
// It is for tests only. Its private keys are computed from words in its source,
// so whatever they sign proves nothing; it never makes a key that could be used.
package protocoltest
