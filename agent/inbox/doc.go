// Package inbox decides which messages of the hub a device believes, and what
// they change. Everything is checked offline against the roots that the device
// was enrolled with; a message that fails changes nothing and is answered with
// its reason where the wire has an answer for it.
//
// The deciding functions are pure: held state and message in, verdict and
// changes out. Inbox runs them against the store, keeps the content cache told
// of what is missing, and hands the playout a stream of updates. It never plays
// anything and never decides when something plays.
package inbox
