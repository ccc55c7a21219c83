// Package page turns the text of a bulletin into pages and pages into the pixels
// of a board.
//
// It decides line breaks, what stands on which page, how long each page stays,
// and every grey level of every pixel; hub and device call it with the same text
// and get the same bytes, on any processor, so a frame may be compared by its
// digest. It uses integers and finished glyphs only: the atlases are made by
// protocol/page/bake. It never reads a clock, never does I/O, never draws an
// outline, never drops a letter without saying so, and never goes below the
// board's smallest row to make a text fit.
package page

// Version numbers the layout: it is signed with a bulletin for boards, and is
// raised whenever the same text would give other pixels or other dwell times.
const Version = 1
