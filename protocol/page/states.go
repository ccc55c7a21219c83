package page

import "fmt"

// What a board shows when it has no bulletin. Each returns pages for Compose's
// boards, in its errors' terms; a name that is too long is broken, never cut.

// Unconfigured is shown by a board that has never had a plan: where it stands, as
// far as it is known, and the code by which its people find it in the registry.
func Unconfigured(b Board, commune, device string) ([]Page, error) {
	return state(b, commune, "Chưa cài đặt", "Mã: "+device)
}

// Standby is shown when nothing is on: the name of the board's unit.
func Standby(b Board, unit string) ([]Page, error) { return state(b, unit) }

const isOver = "Đã hết hiệu lực"

// Over is shown after an emergency has ended: what it was, below a bar that says that it is
// over, in letters of one size, so that nobody takes it for a warning from afar. Of a drill
// every page says that it was one. A board of one row lets an emergency's run.
func Over(b Board, title string, drill bool) ([]Page, error) {
	if err := b.Validate(); err != nil {
		return nil, err
	}
	text := Text{Kind: Drill, Title: isOver, Body: title}
	marks := [][]string{{"DIỄN TẬP: " + isOver}, {"DIỄN TẬP", isOver}}
	if !drill {
		text.Kind, marks = Ticker, [][]string{{isOver}}
	}
	d, err := text.draft()
	if err != nil {
		return nil, err
	}
	if b.rows() == 1 && !drill {
		if pages, ok := d.running(b); ok {
			return pages, nil
		}
	}
	rows := Rows()
	for i := len(rows) - 1; i >= 0 && rows[i] >= b.Row; i-- {
		for _, mark := range marks {
			if p, ok := below(b, rows[i], mark, d.body); ok {
				return []Page{p}, nil
			}
		}
	}
	if !drill && len(d.body) > 0 {
		d.kind, d.over, d.title = Emergency, true, nil
	}
	pages, _, err := d.fitted(b)
	return pages, err
}

// below puts a text below a bar with a mark, if one page holds both in this row.
func below(b Board, row int, mark []string, text [][]word) (Page, bool) {
	s := breakLines(text, row, b.Width)
	free := b.Height - (len(mark)+len(s.lines))*row
	if free < 0 || len(s.lines) == 0 || len(s.broken) > 0 || b.Width < 2*row {
		return Page{}, false
	}
	for _, m := range mark {
		if atlasOf(row).width(m) > b.Width-2*margin(row) {
			return Page{}, false
		}
	}
	pad := min(row/4, free/2)
	top := len(mark)*row + pad
	p := Page{Board: b, Bars: []Bar{{0, 0, b.Width, top}}}
	for i, m := range mark {
		p.Lines = append(p.Lines, area{0, pad/2 + i*row, b.Width, row}.label(m, row, 0, true))
	}
	p.Lines = append(p.Lines, area{0, top, b.Width, b.Height - top}.pages(s)[0]...)
	p.Letters = letters(p.Lines)
	return p, true
}

// state lays lines out as large as one page holds them without breaking them into more,
// centred.
func state(b Board, texts ...string) ([]Page, error) {
	if err := b.Validate(); err != nil {
		return nil, err
	}
	left := MaxLetters
	var ps [][]word
	for _, s := range texts {
		paragraphs, used, _, err := clean(FieldBody, s, left)
		if err != nil {
			return nil, err
		}
		left -= used
		for _, p := range paragraphs {
			ps = append(ps, p.words(Version))
		}
	}
	f := frame{board: b, body: area{0, 0, b.Width, b.Height}}
	var pages []Page
	s := breakLines(ps, b.Row, b.Width)
	for _, row := range Rows() {
		larger := breakLines(ps, row, b.Width)
		if row > b.Row && len(larger.lines) == len(s.lines) && len(larger.lines)*row <= b.Height && len(larger.broken) == 0 {
			s = larger
		}
	}
	for _, lines := range f.body.arrange(s, true) {
		pages = append(pages, Page{Board: b, Lines: lines, Letters: letters(lines)})
	}
	if len(pages) == 0 {
		return []Page{{Board: b}}, nil
	}
	if len(pages) > MaxPages {
		return nil, fmt.Errorf("%d pages, at most %d: %w", len(pages), MaxPages, ErrTooManyPages)
	}
	return pages, nil
}
