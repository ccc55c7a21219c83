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
// raised whenever the same text would give other pixels or other dwell times. What
// was signed with an earlier version is still laid out by it: Text.Version.
//
// 2: sender and validity are never larger than the text; a validity is not torn over
// two pages that it fits on one of, nor a line ended for "16:05 ngày"; a text that is to run does
// so on boards of one row.
// 3: pages of a text are even to a line; sender and validity stand below the end of the
// text, and on a page of their own only where no line of it fits beside them; below the
// mark of an emergency there is a row more where the room that is left gives it.
// 4: an emergency's title stands in the bar of its mark; ends of lines and pages do not tear
// names, dates and numbers apart where there is another way; room for a page's number only
// where there are several; what is over stands beside the words that it is.
const Version = 4
