package page

import (
	"strings"
	"unicode/utf8"
)

// Since version 4 the ends of lines and pages are chosen together: as few as there can be,
// and of those the ones that tear least apart and are the most even.

// tear says how much an end between two words takes apart.
type tear int64

const (
	nothing  tear = iota // a sentence, or a part of one, is over
	sentence             // two words of a sentence
	figure               // a number and what it counts, a name, a sentence's first word
	date                 // words held weakly
	unit                 // words held firmly
	label                // a telephone number and the words before it
)

// tearBefore returns what a line that ends before items[i] tears apart.
func tearBefore(items []item, i int) tear {
	prev := items[i-1]
	switch held := items[i].held; {
	case held == firmly:
		return unit
	case held == weakly:
		return date
	case held == near && isPhone(prev.text, items[i].text):
		return label
	case held == near:
		return figure
	case pauses(prev.text):
		return nothing
	case (i == 1 || closes(items[i-2].text)) && !strings.Contains(prev.text, " "):
		return figure // "Bà" of "Bà con"
	}
	return sentence
}

// closes says whether a sentence ends with these words, pauses whether a part of one does.
func closes(s string) bool { return strings.ContainsRune(".!?:…", lastOf(s)) }
func pauses(s string) bool { return strings.ContainsRune(".!?:…,;)", lastOf(s)) }

func lastOf(s string) rune {
	r, _ := utf8.DecodeLastRuneInString(strings.TrimRight(s, "”\""))
	return r
}

// fairLines fills lines with items and says what the end of each tears apart.
func (b breaker) fairLines(items []item) (lines []string, tears []tear) {
	const line = 1 << 40 // more than the rest of a text can cost
	cost, next := make([]int64, len(items)+1), make([]int, len(items))
	width := int64(b.width)
	for i := len(items) - 1; i >= 0; i-- {
		used := 0
		for j := i; j < len(items); j++ {
			if used += items[j].width; used > b.width && j > i {
				break
			}
			used += b.space
			slack := width - int64(used-b.space)
			c := line + slack*slack + cost[j+1]
			if j+1 < len(items) {
				torn := tearBefore(items, j+1)
				if torn == label { // below each other is good enough
					torn = figure
				}
				c += int64(torn*torn) * width * width / 64
			}
			if next[i] == 0 || c < cost[i] {
				cost[i], next[i] = c, j+1
			}
			if items[j].endLine {
				break
			}
		}
	}
	for i := 0; i < len(items); i = next[i] {
		var texts []string
		for _, it := range items[i:next[i]] {
			texts = append(texts, it.text)
		}
		lines = append(lines, strings.Join(texts, " "))
		if next[i] < len(items) {
			tears = append(tears, tearBefore(items, next[i]))
		} else {
			tears = append(tears, nothing)
		}
	}
	return lines, tears
}

// fairBook puts a set and the lines of its tail on pages. The tail is at the right below the
// end of the text, or on a page of its own where a number would be torn apart for it.
func (a area) fairBook(s set, tail []string) [][]Line {
	const (
		page  = 90 // four seconds more: for two numbers that it keeps whole
		alone = 30 // the tail
	)
	torn := [...]int64{nothing: 0, sentence: 3, figure: 40, date: 60, unit: 80, label: 130}
	most, n := max(1, a.h/s.row), len(s.lines)
	room := func(lines int) int64 { return page + int64(most-lines)*int64(most-lines) }
	cost, next := make([]int64, n), make([]int, n)
	for i := n - 1; i >= 0; i-- {
		for count := min(most, n-i); count > 0; count-- {
			var c int64
			switch end := i + count; {
			case end < n:
				c = room(count) + torn[s.tears[end-1]] + cost[end]
			case count+len(tail) <= most:
				c = room(count + len(tail))
			default:
				c = room(count) + room(len(tail)) + alone
			}
			if next[i] == 0 || c < cost[i] {
				cost[i], next[i] = c, i+count
			}
		}
	}
	fullest, last := 0, 0
	for i := 0; i < n; i = next[i] {
		last = next[i] - i
		fullest = max(fullest, last)
	}
	below := len(tail) > 0 && last+len(tail) <= most
	if below {
		fullest = max(fullest, last+len(tail))
	}
	var out [][]Line
	for i := 0; i < n; i = next[i] {
		out = append(out, a.column(s.row, fullest, s.lines[i:next[i]]))
	}
	if len(tail) > 0 && !below {
		return append(out, a.pages(set{row: s.row, lines: tail})...)
	}
	y := a.y + (a.h-fullest*s.row)/2
	for i, text := range tail {
		at := area{a.x, y + (fullest-len(tail)+i)*s.row, a.w, s.row}
		out[len(out)-1] = append(out[len(out)-1], at.label(text, s.row, 1, false))
	}
	return out
}
