// Package speaker is the sink that drives a sound card, in a process of its own: a
// child of this program with oto in it, or aplay where oto was not compiled in.
//
// It decides when a card has failed: when its process ends, or consumes nothing for a
// while although it is always fed, with silence between tracks. It then kills the
// process and starts another. It never falls to another card than the one named, and
// counts no frame that may still lie in a buffer.
package speaker
