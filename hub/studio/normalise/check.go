package normalise

import (
	"errors"
	"fmt"
	"unicode"
	"unicode/utf8"
)

// MaxRunes is the length of the longest text that Check lets through, in
// characters (about 12 minutes of speech).
const MaxRunes = 10_000

// What Check refuses.
var (
	ErrEmpty       = errors.New("text is empty")
	ErrOnlySpace   = errors.New("text has only spaces")
	ErrTooLong     = errors.New("text is too long")
	ErrEncoding    = errors.New("text is not UTF-8")
	ErrLoneMark    = errors.New("mark without a letter")
	ErrControl     = errors.New("control character")
	ErrDirection   = errors.New("character that overrides the direction of writing")
	ErrNothingRead = errors.New("text has no words")
)

// TextError is an error at a place of a text; it wraps one of the sentinels.
type TextError struct {
	Err    error
	Offset int  // in bytes
	Line   int  // from 1
	Column int  // from 1, in characters
	Rune   rune // the offending character, 0 if none
}

// Error names the rule and the place.
func (e *TextError) Error() string {
	if e.Rune != 0 {
		return fmt.Sprintf("line %d, column %d: %U: %v", e.Line, e.Column, e.Rune, e.Err)
	}
	return fmt.Sprintf("line %d, column %d: %v", e.Line, e.Column, e.Err)
}

// Unwrap returns the sentinel.
func (e *TextError) Unwrap() error { return e.Err }

// Check says whether text, as typed by a person, may become speech: UTF-8, 1 to
// MaxRunes characters, at least one of them a letter or a digit, no control
// characters other than line ends and tabs, no mark without a letter before it,
// nothing that overrides the direction of writing. The error is a *TextError.
// It reads no further than the limit, so a text of any length is refused at once.
func Check(text string) error {
	if text == "" {
		return &TextError{Err: ErrEmpty, Line: 1, Column: 1}
	}
	line, column, count := 1, 1, 0
	seen, readable := false, false
	previous := rune(0)
	for i, c := range text {
		fail := func(err error) error {
			return &TextError{Err: err, Offset: i, Line: line, Column: column, Rune: c}
		}
		if count == MaxRunes {
			return &TextError{Err: ErrTooLong, Offset: i, Line: line, Column: column}
		}
		switch {
		case c == utf8.RuneError && !validAt(text[i:]):
			return fail(ErrEncoding)
		case c == '\n' || c == '\t' || c == '\r':
		case directional(c):
			return fail(ErrDirection)
		case unicode.IsControl(c):
			return fail(ErrControl)
		case unicode.Is(unicode.Mn, c) && !carries(previous):
			return fail(ErrLoneMark)
		}
		if !unicode.IsSpace(c) && !invisible(c) {
			seen = true
		}
		if unicode.IsLetter(c) || unicode.IsNumber(c) {
			readable = true
		}
		previous = c
		count++
		column++
		if c == '\n' {
			line, column = line+1, 1
		}
	}
	switch {
	case !seen:
		return &TextError{Err: ErrOnlySpace, Line: 1, Column: 1}
	case !readable:
		return &TextError{Err: ErrNothingRead, Line: 1, Column: 1}
	}
	return nil
}

// carries says whether a combining mark may follow c: a letter, another mark, or
// a character that a variation selector or an enclosing mark may modify.
func carries(c rune) bool {
	return unicode.IsLetter(c) || unicode.Is(unicode.M, c) || unicode.IsDigit(c) || unicode.Is(unicode.So, c)
}

func validAt(s string) bool {
	_, size := utf8.DecodeRuneInString(s)
	return size > 1 // U+FFFD itself, written out, is three bytes
}

// directional says whether c is one of Unicode's bidirectional controls (UAX 9).
func directional(c rune) bool {
	return c >= 0x202A && c <= 0x202E || c >= 0x2066 && c <= 0x2069 ||
		c == 0x200E || c == 0x200F || c == 0x061C
}

// invisible says whether c takes no place on paper and makes no sound.
func invisible(c rune) bool {
	return unicode.Is(unicode.Cf, c) || c >= 0xFE00 && c <= 0xFE0F
}
