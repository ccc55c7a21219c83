package studio

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/loa-vn/loa/hub/studio/normalise"
)

// MaxTicker is the length of a proposed text for a board, in characters.
const MaxTicker = 160

// Ticker proposes a short text for a board out of a bulletin: its title, or else
// its first sentence; the first hours and dates; the place, if one is named. It
// only takes what is written, in the writing's own words, and is meant to be
// edited by its author.
func Ticker(title, text string) string {
	text = strings.TrimSpace(text)
	head := strings.TrimSpace(title)
	if head == "" {
		head = firstSentence(text)
	}
	parts := []string{strings.TrimRight(head, " .:;,!")}
	if when := firstTime(text); when != "" && !strings.Contains(head, when) {
		parts = append(parts, when)
	}
	if where := firstPlace(text); where != "" && !strings.Contains(head, where) {
		parts = append(parts, where)
	}
	return shorten(strings.Join(parts, " - "), MaxTicker)
}

func firstSentence(text string) string {
	for i, c := range text {
		if c == '\n' || c == '!' || c == '?' {
			return text[:i]
		}
		if c == '.' {
			rest := text[i+1:]
			if rest == "" || unicode.IsSpace(rune(rest[0])) {
				return text[:i]
			}
		}
	}
	return text
}

// maxGap is how many bytes may stand between an hour and its date.
const maxGap = 24

// firstTime returns the first hours and dates that stand close together, as they
// are written.
func firstTime(text string) string {
	r := normalise.Read(text, normalise.Options{})
	start, end := -1, -1
	for _, c := range r.Changes {
		if c.Kind != normalise.KindHour && c.Kind != normalise.KindDate && !(start >= 0 && c.Kind == normalise.KindRange) {
			continue
		}
		if start < 0 {
			start = c.Offset
		} else if c.Offset-end > maxGap || strings.ContainsAny(r.Text[end:c.Offset], ".;\n") {
			break
		}
		end = c.Offset + len(c.From)
	}
	if start < 0 {
		return ""
	}
	return strings.TrimSpace(strings.TrimRight(r.Text[start:end], "-– "))
}

// firstPlace returns what follows "Địa điểm:" or "tại", up to the next pause.
func firstPlace(text string) string {
	for _, mark := range []string{"Địa điểm:", "địa điểm:", " tại "} {
		_, rest, ok := strings.Cut(text, mark)
		if !ok {
			continue
		}
		if at := strings.IndexAny(rest, ",;.!?\n("); at >= 0 {
			rest = rest[:at]
		}
		if rest = strings.TrimSpace(rest); rest != "" && utf8.RuneCountInString(rest) <= MaxTicker/2 {
			return rest
		}
	}
	return ""
}

// shorten cuts s at a space so that it has at most n characters, with an ellipsis.
func shorten(s string, n int) string {
	s = strings.Join(strings.Fields(s), " ")
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	runes := []rune(s)[:n-1]
	for i := len(runes) - 1; i > n/2; i-- {
		if runes[i] == ' ' {
			runes = runes[:i]
			break
		}
	}
	return strings.TrimRight(string(runes), " -,;:") + "…"
}
