// Package opus reads Ogg Opus files (RFC 3533, RFC 6716, RFC 7845) into PCM: one
// logical stream of one or two channels, with pre-skip, end trim and output gain
// honoured, to the frame, and seeking to any frame.
//
// It decides what a file's length is and where a packet belongs in it. It never
// repairs a damaged file and never holds more of it in memory than one page and one
// packet, apart from a sparse index of pages.
package opus
