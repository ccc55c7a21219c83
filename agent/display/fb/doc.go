// Package fb shows frames through a Linux framebuffer: a screen, or the sender
// card of a LED board that takes a window of the HDMI picture.
//
// It writes the rows that changed into the mapped memory and can say, by reading
// that memory again, that the picture stands there. It never waits for the
// picture's next refresh, so a moving text may tear; and it never draws over more
// than its window.
package fb
