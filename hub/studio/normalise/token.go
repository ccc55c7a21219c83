package normalise

import (
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokSpace  tokenKind = iota // a run of white space without a line end
	tokLine                    // a run of white space with a line end
	tokWord                    // a run of letters and marks
	tokDigits                  // a run of ASCII digits
	tokSymbol                  // one other character
)

// token is a piece of the text; tokens follow each other without gaps.
type token struct {
	kind       tokenKind
	upper      bool // a word with at least one capital after its first letter, or a lone capital
	lower      bool // a word without capitals
	start, end int
}

// scan cuts text into tokens.
func scan(text string) []token {
	toks := make([]token, 0, len(text)/3+8)
	for i := 0; i < len(text); {
		start := i
		c, size := utf8.DecodeRuneInString(text[i:])
		t := token{start: start}
		switch {
		case isSpace(c):
			t.kind = tokSpace
			for i < len(text) && isSpace(c) {
				if lineEnd(c) {
					t.kind = tokLine
				}
				i += size
				c, size = utf8.DecodeRuneInString(text[i:])
			}
		case c >= '0' && c <= '9':
			t.kind = tokDigits
			for i < len(text) && text[i] >= '0' && text[i] <= '9' {
				i++
			}
		case isLetter(c):
			i = scanWord(text, i, &t)
		default:
			t.kind = tokSymbol
			i += size
		}
		t.end = i
		toks = append(toks, t)
	}
	return toks
}

// scanWord reads the word at i into t and returns where it ends. Marks and
// invisible joiners inside a word belong to it.
func scanWord(text string, i int, t *token) int {
	t.kind, t.lower = tokWord, true
	letters := 0
	for i < len(text) {
		c, size := utf8.DecodeRuneInString(text[i:])
		if !isLetter(c) && !unicode.Is(unicode.M, c) {
			break
		}
		if isUpper(c) {
			t.lower = false
			if letters > 0 {
				t.upper = true
			}
		}
		letters++
		i += size
	}
	if letters == 1 && !t.lower {
		t.upper = true
	}
	return i
}

func isLetter(c rune) bool {
	if c < utf8.RuneSelf {
		return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
	}
	return c != 'º' && c != 'ª' && unicode.IsLetter(c)
}

func isUpper(c rune) bool {
	if c < utf8.RuneSelf {
		return c >= 'A' && c <= 'Z'
	}
	return unicode.ToLower(c) != c
}

func isSpace(c rune) bool {
	if c < utf8.RuneSelf {
		return c == ' ' || c >= '\t' && c <= '\r'
	}
	return unicode.IsSpace(c) || c == 0xFEFF || c == 0x200B
}

func lineEnd(c rune) bool {
	return c == '\n' || c == '\r' || c == '\v' || c == '\f' || c == 0x2028 || c == 0x2029 || c == 0x85
}
