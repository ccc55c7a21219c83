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

// Over is shown after an emergency has ended: what it was, and that it is over. Of a
// drill every page says that it was one.
func Over(b Board, title string, drill bool) ([]Page, error) {
	const over = "Đã hết hiệu lực"
	if !drill {
		return state(b, title, over)
	}
	pages, _, err := Compose(b, Text{Kind: Drill, Title: title, Body: over})
	return pages, err
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
