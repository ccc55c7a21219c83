package page

// Page is everything that is drawn at one time. The order of drawing is
// picture, bars, lines.
type Page struct {
	Board   Board
	Bars    []Bar
	Lines   []Line
	Picture *Placed // nil: none; drawn first
	Crawl   *Crawl  // nil: nothing moves
	// Letters counts the standing letters that a reader has not seen on an earlier page:
	// titles and senders that are repeated count once. Dwell follows from it.
	Letters int
}

// Bar is a rectangle filled with the highest grey level, px.
type Bar struct {
	X, Y, W, H int
}

// Line is a line of text: X is where its first letter begins, Y the top of its
// row, Row the row's height, px. Inverse text is dark and stands on a bar.
type Line struct {
	X, Y, Row int
	Text      string
	Inverse   bool
}

// area is a part of a board that text flows into, px.
type area struct {
	x, y, w, h int
}

// margin keeps the ink of sloping and accented letters, which may reach a little
// over their advance, inside the area.
func margin(row int) int { return (row - 16) / 8 }

// set is a text that has been broken into lines of one row height.
type set struct {
	row    int
	lines  []string
	broken []word
	tears  []tear // what the end of each line takes apart, since version 4
}

func breakLines(ps [][]word, row, width int) set {
	b := newBreaker(row, width-2*margin(row))
	s := set{row: row}
	for _, p := range ps {
		lines, tears, broken := b.lines(p)
		s.lines, s.broken, s.tears = append(s.lines, lines...), append(s.broken, broken...), append(s.tears, tears...)
	}
	return s
}

// grow breaks paragraphs into lines of the largest row at which all of them fit
// into the area without breaking a word, or of the smallest row.
func (a area) grow(ps [][]word, smallest int) set { return a.growTo(ps, smallest, a.h) }

// growTo is grow with rows of at most largest.
func (a area) growTo(ps [][]word, smallest, largest int) set {
	rows := Rows()
	for i := len(rows) - 1; i >= 0 && rows[i] > smallest; i-- {
		if rows[i] > min(a.h, largest) || a.w < 2*rows[i] {
			continue
		}
		if s := breakLines(ps, rows[i], a.w); len(s.lines)*s.row <= a.h && len(s.broken) == 0 {
			return s
		}
	}
	return breakLines(ps, smallest, a.w)
}

// pages puts a set on as many pages as it needs: one page is centred, several
// are read like a book, from the left and the top.
func (a area) pages(s set) [][]Line {
	return a.arrange(s, len(s.lines)*s.row <= a.h)
}

// arrange puts a set on as many pages as it needs, evenly, each centred or not.
func (a area) arrange(s set, centred bool) [][]Line {
	perPage := max(1, a.h/s.row)
	if n := (len(s.lines) + perPage - 1) / perPage; n > 1 {
		perPage = (len(s.lines) + n - 1) / n
	}
	glyphs, m := atlasOf(s.row), margin(s.row)
	var out [][]Line
	for from := 0; from < len(s.lines); from += perPage {
		lines := s.lines[from:min(from+perPage, len(s.lines))]
		rowsUsed := perPage
		if centred {
			rowsUsed = len(lines)
		}
		y := a.y + (a.h-rowsUsed*s.row)/2
		var page []Line
		for i, text := range lines {
			x := a.x + m
			if centred {
				x = a.x + (a.w-glyphs.width(text))/2
			}
			page = append(page, Line{X: x, Y: y + i*s.row, Row: s.row, Text: text})
		}
		out = append(out, page)
	}
	return out
}

// label places one line into an area: align is -1 for left, 0 for centre, 1 for right.
func (a area) label(text string, row, align int, inverse bool) Line {
	w, m := atlasOf(row).width(text), margin(row)
	x := a.x + m
	switch align {
	case 0:
		x = a.x + (a.w-w)/2
	case 1:
		x = a.x + a.w - m - w
	}
	return Line{X: x, Y: a.y + (a.h-row)/2, Row: row, Text: text, Inverse: inverse}
}

// letters counts what a reader reads in these lines: all but spaces.
func letters(lines []Line) int {
	n := 0
	for _, l := range lines {
		for _, r := range l.Text {
			if r != ' ' {
				n++
			}
		}
	}
	return n
}
