package page

import "strings"

// running lays out the kinds with a crawl. It says false if the text is not made
// for one: too long to run, or too wide for its lines; it is then shown as pages.
func (d draft) running(b Board) ([]Page, bool) {
	if len(d.body) == 0 {
		return nil, false
	}
	if b.rows() == 1 && d.version >= 2 {
		return d.strip(b)
	}
	switch d.kind {
	case TwoLine:
		return d.twoLine(b)
	case Ticker:
		return d.ticker(b)
	}
	return nil, false
}

// strip runs all of a text through a board of one row.
func (d draft) strip(b Board) ([]Page, bool) {
	var all [][]word
	for _, part := range [][][]word{d.title, d.body, d.sender} {
		all = append(all, part...)
	}
	c, ok := newCrawl(b, 0, (b.Height-b.Row)/2, b.Width, b.Row, line(all))
	return []Page{{Board: b, Crawl: &c}}, ok
}

// twoLine fills the board with two rows, as high as there are letters for: the
// title stands, the text and its sender run below.
func (d draft) twoLine(b Board) ([]Page, bool) {
	rows := Rows()
	for i := len(rows) - 1; i >= 0 && rows[i] >= b.Row; i-- {
		row := rows[i]
		if 2*row > b.Height {
			continue
		}
		title := breakLines(d.title, row, b.Width)
		if len(title.lines) != 1 {
			continue
		}
		top := (b.Height - 2*row) / 2
		c, ok := newCrawl(b, 0, top+row, b.Width, row, line(append(d.body[:len(d.body):len(d.body)], d.sender...)))
		if !ok {
			continue
		}
		p := Page{Board: b, Crawl: &c}
		p.Lines = append(p.Lines, area{0, top, b.Width, row}.label(title.lines[0], row, 0, false))
		p.Letters = letters(p.Lines)
		return []Page{p}, true
	}
	return nil, false
}

// ticker has the title above, the text, and the text's last paragraph running at
// the bottom, with the sender behind it.
func (d draft) ticker(b Board) ([]Page, bool) {
	gap := max(4, b.Row/4)
	title := d.header(b)
	if len(d.body) < 2 || len(title.lines) == 0 || len(title.lines) > max(1, b.rows()/4) {
		return nil, false
	}
	row := headline(b)
	bottom := b.Height - row - gap
	last := len(d.body) - 1
	c, ok := newCrawl(b, 0, bottom+gap, b.Width, row, line(append(d.body[last:len(d.body):len(d.body)], d.sender...)))
	if !ok {
		return nil, false
	}
	top := len(title.lines)*title.row + gap
	body := area{gap, top, b.Width - 2*gap, bottom - top}
	text := body.grow(d.body[:last], b.Row)
	if body.h < b.Row || len(text.lines)*text.row > body.h || len(text.broken) > 0 {
		return nil, false
	}
	rule := max(1, b.Row/16)
	p := Page{Board: b, Crawl: &c, Bars: []Bar{{0, top - gap/2, b.Width, rule}, {0, bottom + gap/2, b.Width, rule}}}
	p.Lines = append(p.Lines, area{0, 0, b.Width, top - gap}.pages(title)[0]...)
	p.Lines = append(p.Lines, body.pages(text)[0]...)
	p.Letters = letters(p.Lines)
	return []Page{p}, true
}

// line joins paragraphs into one line.
func line(ps [][]word) string {
	var s []string
	for _, p := range ps {
		var ws []string
		for _, w := range p {
			ws = append(ws, w.letters)
		}
		s = append(s, strings.Join(ws, " "))
	}
	return strings.Join(s, " • ")
}
