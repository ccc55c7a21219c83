// Package player turns tracks into sound: it takes PCM from a source, sets its
// volume, hands it to a sink at the right instant, and tells how much of it the
// sound card has consumed.
//
// It decides neither what sounds nor when: the playout does, from the schedule's
// machine. It never counts a frame as played that the card has not consumed, and
// it reads no file and no network itself: sources are opened by the caller.
//
// All PCM inside Loa's player is signed 16 bit, 48,000 frames a second, with one
// or two interleaved channels. A card that wants anything else gets it from
// ALSA's plug, in the child process that drives the card.
package player
