// Package relay brings live sound to the player: it says which sessions to
// listen to and when, checks the frames that come, keeps them in order for a few
// seconds, and gives them as a player.Source.
//
// It decides what is believed of a session (the key that the approved bulletin
// names, its number, its time), and when a stream counts as lost or silent. It
// never decides whether anything sounds, or for how long: the schedule does.
package relay
