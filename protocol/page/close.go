package page

// close puts a text with its tail, the sender and the validity of an emergency, on as few
// pages as they need. All of it stands on one if that holds it. Else the tail is below the
// end of the text, so that nobody waits for a page with the sender alone; where no line of
// the text fits beside it, it has a page of its own, and where not even that holds it the
// validity has one.
func (a area) close(text, tail [][]word, row int) (pages [][]Line, broken []word) {
	if s := a.grow(append(append([][]word{}, text...), tail...), row); len(s.lines)*s.row <= a.h {
		return a.pages(s), s.broken
	}
	end := breakLines(tail, row, a.w)
	most, n := max(1, a.h/row), len(tail)-1
	switch {
	case len(end.lines) < most:
		body := breakLines(text, row, a.w)
		return a.book(body, end.lines), append(body.broken, end.broken...)
	case len(end.lines) > most && n > 0 && tail[n][0].field == "": // the validity
		pages, broken = a.close(text, tail[:n], row)
		tail = tail[n:]
	default:
		pages, broken = a.close(text, nil, row)
	}
	largest := pages[len(pages)-1][0].Row
	more, torn := a.closed(tail, row, largest)
	return append(pages, more...), append(broken, torn...)
}

// closed is a text alone in rows of at most largest.
func (a area) closed(text [][]word, row, largest int) ([][]Line, []word) {
	s := a.growTo(text, row, largest)
	if len(s.lines)*s.row <= a.h {
		return a.pages(s), s.broken
	}
	return a.book(s, nil), s.broken
}

// book puts a set and the lines of its tail on pages that differ by a line at most, the
// fuller ones first; at least a line of the text stands above the tail, which is at the
// right below it.
func (a area) book(s set, tail []string) [][]Line {
	if s.tears != nil {
		return a.fairBook(s, tail)
	}
	most, all := max(1, a.h/s.row), len(s.lines)+len(tail)
	n := (all + most - 1) / most
	last := all / n
	if len(tail) > 0 {
		last = max(last, len(tail)+1)
	}
	var out [][]Line
	lines, left := s.lines, all-last
	fullest := last
	for i := range n {
		count := len(lines)
		if i < n-1 {
			count = (left + n - 2 - i) / (n - 1 - i)
			left -= count
			fullest = max(fullest, count)
		}
		out = append(out, a.column(s.row, fullest, lines[:count]))
		lines = lines[count:]
	}
	y := a.y + (a.h-fullest*s.row)/2
	for i, text := range tail {
		at := area{a.x, y + (fullest-len(tail)+i)*s.row, a.w, s.row}
		out[n-1] = append(out[n-1], at.label(text, s.row, 1, false))
	}
	return out
}

// column puts lines below each other at the left, in the middle of the area as if there were
// as many as fullest.
func (a area) column(row, fullest int, lines []string) (out []Line) {
	for i, text := range lines {
		out = append(out, Line{X: a.x + margin(row), Y: a.y + (a.h-fullest*row)/2 + i*row, Row: row, Text: text})
	}
	return out
}
