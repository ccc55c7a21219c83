package page

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// Kind says what a text is for; it chooses the layout. The zero value is no kind.
type Kind uint8

// The kinds.
const (
	Notice    Kind = 1 // a bulletin
	Emergency Kind = 2 // an actual emergency
	Drill     Kind = 3 // an emergency that is an exercise, and says so on every page
	TwoLine   Kind = 4 // a standing title over running text
	Ticker    Kind = 5 // title, text, and the text's last paragraph running below
	Pictured  Kind = 6 // a notice with a picture, see Lay
)

// kinds are the layouts' names on the wire.
func kinds() []string {
	return []string{"", "notice", "emergency", "drill", "two-line", "ticker", "picture"}
}

// String returns the layout's name on the wire.
func (k Kind) String() string {
	if names := kinds(); k > 0 && int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("unknown(%d)", uint8(k))
}

// ParseKind reads what String writes.
func ParseKind(layout string) (Kind, error) {
	for k, name := range kinds() {
		if k > 0 && name == layout {
			return Kind(k), nil
		}
	}
	return 0, fmt.Errorf("layout %q: %w", layout, ErrKind)
}

// Text is what an author wrote, with what the board adds to it.
type Text struct {
	Kind   Kind
	Title  string // may be empty if Body is not, and is left out if Body says the same
	Body   string // line ends separate paragraphs
	Sender string // who speaks: "UBND xã Bình An"; may be empty
	// Version is the layout's, 1 to Version; 0 is Version.
	Version uint64

	// Issued and Until bound the validity of an emergency or a drill, and are
	// written on the board in the zone they carry. Zero: not written. The other
	// kinds do not show them.
	Issued, Until time.Time
}

// Limits of a text, in letters after normalisation, and of what is made of it.
const (
	MaxLetters = 4000 // title, body and sender together
	MaxPages   = 60
)

// Refusals of a text.
var (
	ErrNotText      = errors.New("not UTF-8 text")
	ErrEmpty        = errors.New("nothing to show")
	ErrTooLong      = errors.New("text too long")
	ErrTooManyPages = errors.New("too many pages")
	ErrKind         = errors.New("unknown kind of text")
	ErrVersion      = errors.New("unknown version of the layout")
)

// Field names a part of a Text.
type Field string

// The fields.
const (
	FieldTitle  Field = "title"
	FieldBody   Field = "body"
	FieldSender Field = "sender"
	// FieldPicture is the picture of a text that has one.
	FieldPicture Field = "picture"
)

// Problem says what will look other than the author wrote it.
type Problem string

// The problems.
const (
	// Missing: there is no such letter (emoji, other scripts, lone combining
	// marks, direction overrides, control characters); a box stands in its place.
	Missing Problem = "missing"
	// Invisible: a character without a picture of its own (zero-width space,
	// soft hyphen, emoji joiner) was left out.
	Invisible Problem = "invisible"
	// Broken: a word longer than a line is broken with a hyphen.
	Broken Problem = "broken"
	// Paged: the text was to run, but takes over 45 s or does not fit, and is shown
	// as the pages of a notice. It has no position.
	Paged Problem = "paged"
	// NoRoom: the board is too small for a picture and shows the text alone. It has
	// no position.
	NoRoom Problem = "no room"
)

// Warning reports one problem to the author.
type Warning struct {
	Field   Field
	Pos     int  // of the letter, or of the broken word's first, in runes of the field's NFC form
	Letter  rune // for Missing and Invisible
	Problem Problem
}

// paragraph is a line of the author: its letters as they will be drawn, and for
// each its place in the field.
type paragraph struct {
	field   Field
	letters []rune
	pos     []int
}

// clean normalises one field and splits it into paragraphs that are not blank.
// left is the number of letters that the text may still have; what it used is
// returned.
func clean(field Field, s string, left int) (ps []paragraph, used int, ws []Warning, err error) {
	if !utf8.ValidString(s) {
		return nil, 0, nil, fmt.Errorf("%s: %w", field, ErrNotText)
	}
	// NFC never joins more than four runes into one; longer ones are not worth normalising.
	if utf8.RuneCountInString(s) > 4*left {
		return nil, 0, nil, fmt.Errorf("%s: over %d letters: %w", field, left, ErrTooLong)
	}
	letters := []rune(norm.NFC.String(s))
	if len(letters) > left {
		return nil, 0, nil, fmt.Errorf("%s: %d letters, %d are left of %d: %w", field, len(letters), left, MaxLetters, ErrTooLong)
	}
	glyphs := atlasOf(Rows()[0])
	p := paragraph{field: field}
	for i, r := range letters {
		switch r = substitute(r); {
		case r == '\n':
			ps = appendParagraph(ps, p)
			p = paragraph{field: field}
			continue
		case invisible(r):
			if r != '\r' {
				ws = append(ws, Warning{field, i, letters[i], Invisible})
			}
			continue
		case r != noBreak && !glyphs.has(r):
			ws = append(ws, Warning{field, i, letters[i], Missing})
		}
		p.letters, p.pos = append(p.letters, r), append(p.pos, i)
	}
	return appendParagraph(ps, p), len(letters), ws, nil
}

func appendParagraph(ps []paragraph, p paragraph) []paragraph {
	if strings.Trim(string(p.letters), " \u00a0") == "" {
		return ps
	}
	return append(ps, p)
}

// noBreak is a space at which no line ends.
const noBreak = '\u00a0'

// substitute returns the letter that is drawn for r where another one says the
// same: the many spaces, line ends, dashes and bullets of word processors.
func substitute(r rune) rune {
	switch r {
	case '\t', '\u1680', '\u2000', '\u2001', '\u2002', '\u2003', '\u2004', '\u2005', '\u2006', '\u2008', '\u2009', '\u200a', '\u205f', '\u3000':
		return ' '
	case '\u2007', '\u202f':
		return noBreak
	case '\v', '\f', '\u0085', '\u2028', '\u2029':
		return '\n'
	case '\u2010', '\u2011':
		return '-'
	case '\u2012', '\u2212':
		return '–'
	case '\u2015':
		return '—'
	case '\u02bc':
		return '’'
	case '\u2219', '\u22c5', '\u25cf', '\u25cb', '\u25a0', '\u25aa', '\u25e6', '\u2023', '\u2043':
		return '•'
	}
	return r
}

// invisible says whether r has no picture of its own and is left out.
func invisible(r rune) bool {
	switch r {
	case '\r', '\u00ad', '\u200b', '\u200c', '\u200d', '\u2060', '\ufeff', '\u034f':
		return true
	}
	return r >= '\ufe00' && r <= '\ufe0f'
}
