package page

import (
	"fmt"
	"slices"
	"time"

	"golang.org/x/text/unicode/norm"
)

// draft is a text that has been checked and cut into words.
type draft struct {
	kind                Kind
	version             uint64
	title, body, sender [][]word
	validity            string
	over                bool // the emergency is, and its mark says so
	warnings            []Warning
}

// Compose lays a text out for a board. It returns at least one page, and a
// warning for every letter that will not look as written. Errors: ErrBoard,
// ErrKind, ErrVersion, ErrNotText, ErrEmpty, ErrTooLong, ErrTooManyPages.
//
// Boards with room for a header, three rows and a footer repeat the title above
// and the sender below; smaller ones show title, text and sender one after the
// other. An emergency and a drill carry their mark on every page. A text that is
// to run and takes too long is laid out as a notice.
func Compose(b Board, t Text) ([]Page, []Warning, error) {
	if err := b.Validate(); err != nil {
		return nil, nil, err
	}
	d, err := t.draft()
	if err != nil {
		return nil, nil, err
	}
	if d.kind == TwoLine || d.kind == Ticker {
		if pages, ok := d.running(b); ok {
			return pages, d.warnings, nil
		}
		d.kind = Notice
		d.warnings = append(d.warnings, Warning{Field: FieldBody, Problem: Paged})
	}
	if d.version >= 4 {
		return d.fitted(b)
	}
	f, roomy := d.largeFrame(b, " 60/60", true)
	if !roomy {
		f = d.smallFrame(b)
	}
	return f.pages(d)
}

// fitted tries the large frames in turn: room is kept for the number of as many pages as
// there are, and an emergency with too long a footer has it below its text.
func (d draft) fitted(b Board) ([]Page, []Warning, error) {
	for _, number := range []string{"", " 9/9", " 60/60"} {
		for _, footed := range []bool{true, false} {
			f, roomy := d.largeFrame(b, number, footed)
			if !roomy || !footed && len(d.mark()) == 0 {
				continue
			}
			pages, warnings, err := f.pages(d)
			if n := len(pages); err != nil || n == 1 || n < 10 && number != "" || number == " 60/60" {
				return pages, warnings, err
			}
		}
	}
	return d.smallFrame(b).pages(d)
}

func (t Text) draft() (draft, error) {
	if t.Version > Version {
		return draft{}, fmt.Errorf("version %d: %w", t.Version, ErrVersion)
	}
	d := draft{kind: t.Kind, version: t.Version}
	if d.version == 0 {
		d.version = Version
	}
	if norm.NFC.String(t.Title) == norm.NFC.String(t.Body) {
		t.Title = ""
	}
	if t.Kind == 0 || int(t.Kind) >= len(kinds()) || t.Kind == Pictured {
		return draft{}, fmt.Errorf("kind %d: %w", t.Kind, ErrKind)
	}
	left := MaxLetters
	for _, f := range []struct {
		field Field
		text  string
		words *[][]word
	}{{FieldTitle, t.Title, &d.title}, {FieldBody, t.Body, &d.body}, {FieldSender, t.Sender, &d.sender}} {
		ps, used, ws, err := clean(f.field, f.text, left)
		if err != nil {
			return draft{}, err
		}
		left -= used
		d.warnings = append(d.warnings, ws...)
		for _, p := range ps {
			*f.words = append(*f.words, p.words(d.version))
		}
	}
	if len(d.title)+len(d.body) == 0 {
		return draft{}, ErrEmpty
	}
	if len(d.mark()) > 0 {
		d.validity = validity(t.Issued, t.Until)
	}
	return d, nil
}

// validity says in words from when until when an emergency holds.
func validity(issued, until time.Time) string {
	day := func(t time.Time) string { return fmt.Sprintf(" ngày %d/%d", t.Day(), int(t.Month())) }
	hour := func(t time.Time) string { return fmt.Sprintf("%02d:%02d", t.Hour(), t.Minute()) }
	switch {
	case issued.IsZero() && until.IsZero():
		return ""
	case until.IsZero():
		return "Lúc " + hour(issued) + day(issued)
	case issued.IsZero():
		return "Đến " + hour(until) + day(until)
	case issued.YearDay() == until.YearDay() && issued.Year() == until.Year():
		return "Từ " + hour(issued) + " đến " + hour(until) + day(until)
	}
	return "Từ " + hour(issued) + day(issued) + " đến " + hour(until) + day(until)
}

// frame is what is around the flowing text of every page.
type frame struct {
	board  Board
	bars   []Bar
	lines  []Line // the same on every page
	body   area
	number *area // where the page's number goes, if there are several
	invert bool  // of the number
	parts  []part
	tail   [][]word // what stands below the last of them, since version 3
	title  [][]word // stands inverse below the mark, on the first page, since version 4
}

// part is a piece of a text that begins a page of its own. One that is modest is never
// larger than the part before it.
type part struct {
	text   [][]word
	modest bool
}

// smallFrame gives the whole board to the text, but for the mark of an emergency
// or drill: an inverse block on the left, in two rows if there are two.
func (d draft) smallFrame(b Board) frame {
	f := frame{board: b, body: area{0, 0, b.Width, b.Height}}
	if mark := d.mark(); len(mark) > 0 {
		if b.rows() == 1 {
			mark = []string{mark[0] + " " + mark[1]}
		}
		glyphs, w := atlasOf(b.Row), 0
		for _, s := range mark {
			w = max(w, glyphs.width(s))
		}
		gap := b.Row / 8
		block := area{0, 0, w + 2*gap, b.Height}
		f.bars = append(f.bars, Bar{block.x, block.y, block.w, block.h})
		top := (b.Height - len(mark)*b.Row) / 2
		for i, s := range mark {
			row := area{0, top + i*b.Row, block.w, b.Row}
			f.lines = append(f.lines, row.label(s, b.Row, 0, true))
		}
		f.body = area{block.w + gap, 0, b.Width - block.w - gap, b.Height}
	}
	f.parts = []part{{text: d.title}, {text: d.body}}
	f.end(d, d.tail(true))
	return f
}

// end adds what follows the text: on one page if it fits there, else what is ours of
// it on a page of its own. Since version 3 it is joined to the text.
func (f *frame) end(d draft, tail [][]word) {
	if d.version >= 3 {
		f.tail = tail
		return
	}
	modest, n := d.version >= 2, len(tail)-1
	torn := len(breakLines(tail, f.board.Row, f.body.w).lines)*f.board.Row > f.body.h
	if modest && torn && n > 0 && tail[n][0].field == "" { // the validity
		f.parts = append(f.parts, part{tail[:n], modest}, part{tail[n:], modest})
		return
	}
	f.parts = append(f.parts, part{tail, modest})
}

// largeFrame has a header with the title (or the mark) and a footer with the
// sender and the validity. It is refused when it leaves less than three rows. Room is kept
// for a number as wide as the one given; without a footer what it says follows the text.
func (d draft) largeFrame(b Board, number string, footed bool) (frame, bool) {
	f := frame{board: b}
	gap := max(4, b.Row/4)
	top, bottom := 0, b.Height
	text := []part{{text: d.body}}
	if mark := d.mark(); len(mark) > 0 {
		row := headline(b)
		top = row + gap
		head := area{0, 0, b.Width, top}
		f.bars = append(f.bars, Bar{0, 0, b.Width, top})
		f.number, f.invert = &area{0, 0, b.Width - gap, top}, true
		if line, ok := d.headed(b, head, number); ok {
			f.lines = append(f.lines, line)
		} else {
			f.lines = append(f.lines, head.label(mark[0]+" "+mark[1], row, 0, true))
			text = []part{{text: append(append([][]word{}, d.title...), d.body...)}}
			if side := atlasOf(b.Row).width(number) + gap; d.version >= 4 && atlasOf(row).width(mark[0]+" "+mark[1])+2*side > b.Width {
				f.lines[0] = area{gap, 0, b.Width, top}.label(mark[0]+" "+mark[1], row, -1, true)
			}
			if d.version >= 4 && len(d.body) > 0 {
				f.title = d.title
			}
		}
	} else if title := d.header(b); len(d.body) == 0 || len(title.lines) > max(1, b.rows()/4) {
		text = []part{{text: d.title}, {text: d.body}} // too long to be repeated, or all there is
	} else if len(title.lines) > 0 {
		top = len(title.lines)*title.row + gap
		head := area{0, 0, b.Width, top - gap}
		f.lines = append(f.lines, head.pages(title)[0]...)
		f.bars = append(f.bars, Bar{0, top - gap/2, b.Width, max(1, b.Row/16)})
	}
	foot, tail := d.footer(b, gap, number)
	if !footed {
		foot, tail = nil, d.tail(true)
	}
	if len(foot) > 0 {
		bottom = b.Height - len(foot)*b.Row - gap
		if d.kind == Notice {
			f.bars = append(f.bars, Bar{0, bottom + gap/2, b.Width, max(1, b.Row/16)})
		} else {
			f.bars = append(f.bars, Bar{0, bottom, b.Width, b.Height - bottom})
		}
		inner := area{gap, b.Height - len(foot)*b.Row - gap/4, b.Width - 2*gap, b.Row}
		for i, row := range foot {
			row := row.at(inner.x, inner.y+i*b.Row, inner.w, b.Row)
			f.lines = append(f.lines, row.lines(b.Row, d.kind != Notice)...)
		}
	}
	if f.number == nil && number != "" {
		f.number = &area{gap, b.Height - b.Row - gap/4, b.Width - 2*gap, b.Row}
		if len(foot) == 0 {
			bottom = b.Height - b.Row - gap
		}
	}
	if bars := d.version >= 3 && d.kind != Notice; bars && (bottom-top+gap)/b.Row > (bottom-top)/b.Row {
		top -= gap - (bottom-top+gap)%b.Row // as little as gives a row more
		f.bars[0].H, f.lines[0].Y, f.number.h = top, (top-f.lines[0].Row)/2, top
	}
	f.body = area{gap, top, b.Width - 2*gap, bottom - top}
	f.parts = text
	f.end(d, tail)
	return f, f.body.h >= 3*b.Row
}

// headed puts the title of an emergency behind its mark, if one line holds both.
func (d draft) headed(b Board, head area, number string) (Line, bool) {
	if d.version < 4 || len(d.title) != 1 || len(d.body) == 0 {
		return Line{}, false
	}
	s := d.mark()[0] + " " + d.mark()[1] + ": " + line(d.title)
	side := atlasOf(b.Row).width(number)
	for _, row := range []int{headline(b), b.Row} {
		inner := area{head.x + b.Row/4, head.y, head.w - b.Row/2 - side, head.h}
		if free := inner.w - 2*margin(row) - atlasOf(row).width(s); free >= side {
			inner.w += side
			inner.x = head.x + (head.w-inner.w)/2
			return inner.label(s, row, 0, true), true
		} else if free >= 0 {
			return inner.label(s, row, -1, true), true
		}
	}
	return Line{}, false
}

// header breaks a notice's title for the top of every page: in the row of a
// headline if one line holds it, else in the board's.
func (d draft) header(b Board) set {
	if s := breakLines(d.title, headline(b), b.Width); len(s.lines) == 1 {
		return s
	}
	return breakLines(d.title, b.Row, b.Width)
}

// headline returns the row height of what stands above the text: one size above
// the board's, if that leaves the text seven eighths of the board.
func headline(b Board) int {
	for _, r := range Rows() {
		if r > b.Row && 8*r <= b.Height {
			return r
		}
	}
	return b.Row
}

// footRow is one row of a footer: a text on the left and one on the right.
type footRow struct {
	area
	left, right string
}

func (r footRow) at(x, y, w, h int) footRow {
	r.area = area{x, y, w, h}
	return r
}

func (r footRow) lines(row int, inverse bool) []Line {
	var ls []Line
	if r.left != "" {
		ls = append(ls, r.label(r.left, row, -1, inverse))
	}
	if r.right != "" {
		ls = append(ls, r.label(r.right, row, 1, inverse))
	}
	return ls
}

// footer puts sender and validity on one row or on two; what is too wide for a
// row of its own is returned as text to flow. Room for a page number is kept.
func (d draft) footer(b Board, gap int, number string) (rows []footRow, tail [][]word) {
	width := b.Width - 2*gap - 2*margin(b.Row)
	glyphs := atlasOf(b.Row)
	room := 0
	if d.kind == Notice {
		room = glyphs.width(number)
	}
	sender := ""
	if len(d.sender) == 1 {
		for i, w := range d.sender[0] {
			if i > 0 {
				sender += " "
			}
			sender += w.letters
		}
	}
	if len(d.sender) > 1 || glyphs.width(sender)+room > width {
		sender, tail = "", d.sender
	}
	valid := d.validity
	if glyphs.width(valid) > width {
		valid, tail = "", append(append([][]word{}, tail...), d.ownWords(d.validity))
	}
	switch {
	case sender == "" && valid == "":
		return nil, tail
	case glyphs.width(sender+"  "+valid) <= width:
		return []footRow{{left: sender, right: valid}}, tail
	}
	return []footRow{{left: sender}, {left: valid}}, tail
}

// tail is what follows the text where there is no footer.
func (d draft) tail(withSender bool) [][]word {
	var ps [][]word
	if withSender {
		ps = append(ps, d.sender...)
	}
	if d.validity != "" {
		ps = append(ps, d.ownWords(d.validity))
	}
	return ps
}

// ownWords cuts a text of ours into words.
func (d draft) ownWords(s string) []word {
	p := paragraph{letters: []rune(s), pos: make([]int, len([]rune(s)))}
	return p.words(d.version)
}

func (d draft) mark() []string {
	if d.over {
		return []string{isOver[:len("Đã hết")], isOver[len("Đã hết "):]}
	}
	switch d.kind {
	case Emergency:
		return []string{"KHẨN", "CẤP"}
	case Drill:
		return []string{"DIỄN", "TẬP"}
	}
	return nil
}

// pages flows the parts, each beginning a page, into the frame.
func (f frame) pages(d draft) ([]Page, []Warning, error) {
	var flow [][]Line
	warnings := d.warnings
	largest := f.board.Height
	parts := slices.DeleteFunc(f.parts, func(p part) bool { return len(p.text) == 0 })
	for i, p := range parts {
		if d.version >= 3 {
			var tail [][]word
			if i == len(parts)-1 {
				tail = f.tail
			}
			lines, broken := f.body.close(p.text, tail, f.board.Row)
			flow = append(flow, lines...)
			for _, w := range broken {
				warnings = append(warnings, Warning{Field: w.field, Pos: w.pos, Problem: Broken})
			}
			continue
		}
		if !p.modest {
			largest = f.board.Height
		}
		s := f.body.growTo(p.text, f.board.Row, largest)
		largest = s.row
		for _, w := range s.broken {
			warnings = append(warnings, Warning{Field: w.field, Pos: w.pos, Problem: Broken})
		}
		flow = append(flow, f.body.pages(s)...)
	}
	if len(flow) > MaxPages {
		return nil, nil, fmt.Errorf("%d pages, at most %d: %w", len(flow), MaxPages, ErrTooManyPages)
	}
	var pages []Page
	for i, lines := range flow {
		p := Page{Board: f.board, Bars: f.bars, Letters: letters(lines)}
		if i == 0 {
			p.Letters += letters(f.lines)
			lines = f.entitle(&p, lines)
		}
		p.Lines = append(append(p.Lines, f.lines...), lines...)
		if len(flow) > 1 && f.number != nil {
			p.Lines = append(p.Lines, f.number.label(fmt.Sprintf("%d/%d", i+1, len(flow)), f.board.Row, 1, f.invert))
		}
		pages = append(pages, p)
	}
	return pages, warnings, nil
}

// entitle draws the title among the lines of the first page inverse, on a bar that reaches up
// to the mark's, so that it is seen to be one.
func (f frame) entitle(p *Page, lines []Line) []Line {
	if len(f.title) == 0 {
		return lines
	}
	row := lines[0].Row
	n := len(breakLines(f.title, row, f.body.w).lines)
	if n >= len(lines) {
		return lines
	}
	p.Bars = append(slices.Clip(p.Bars), Bar{0, f.body.y, f.board.Width, n * row})
	lines = slices.Clone(lines)
	for i := range n {
		lines[i] = area{0, f.body.y + i*row, f.board.Width, row}.label(lines[i].Text, row, 0, true)
	}
	return lines
}
