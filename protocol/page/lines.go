package page

import "slices"

// item is what a line is filled with: words that stay together, or a piece of a
// word that is longer than a line.
type item struct {
	text    string
	width   int
	endLine bool // the line ends after it
	held    hold // to the item before it
}

// breaker breaks paragraphs into lines of one width and one row height.
type breaker struct {
	atlas
	width int // px
	space int // px
}

func newBreaker(row, width int) breaker {
	a := atlasOf(row)
	return breaker{atlas: a, width: width, space: a.glyph(' ').advance}
}

// lines breaks one paragraph into as few lines as there can be, and among those
// into the most even ones, since version 4 with what each end tears apart. broken lists
// the words that had to be broken.
func (b breaker) lines(ws []word) (lines []string, tears []tear, broken []word) {
	items, broken := b.items(ws)
	if ws[0].fair {
		lines, tears = b.fairLines(items)
		return lines, tears, broken
	}
	most := b.count(items, b.width)
	// the narrowest measure that needs no more lines is the most even one
	low, high := 0, b.width
	for _, it := range items {
		low = max(low, it.width)
	}
	for low < high {
		if mid := (low + high) / 2; b.count(items, mid) <= most {
			high = mid
		} else {
			low = mid + 1
		}
	}
	b.fill(items, high, func(line []item) {
		s := ""
		for i, it := range line {
			if i > 0 {
				s += " "
			}
			s += it.text
		}
		lines = append(lines, s)
	})
	return lines, nil, broken
}

func (b breaker) count(items []item, width int) int {
	n := 0
	b.fill(items, width, func([]item) { n++ })
	return n
}

// fill puts as many items on each line as fit into width. Each item fits alone.
func (b breaker) fill(items []item, width int, line func([]item)) {
	start, used := 0, 0
	for i, it := range items {
		if i > start && (used+b.space+it.width > width || items[i-1].endLine) {
			line(items[start:i])
			start, used = i, 0
		}
		if i > start {
			used += b.space
		}
		used += it.width
	}
	if start < len(items) {
		line(items[start:])
	}
}

// items joins words that stay together, as far as a line can hold them.
func (b breaker) items(ws []word) (items []item, broken []word) {
	for _, group := range split(ws, weakly) {
		for _, it := range b.fit(group, weakly) {
			if it.width <= b.width {
				items = append(items, it.item)
				continue
			}
			broken = append(broken, it.word)
			pieces := b.pieces(it.word.letters)
			pieces[0].held = it.word.held
			items = append(items, pieces...)
		}
	}
	return items, broken
}

// candidate is an item with its first word.
type candidate struct {
	item
	word word
}

// fit returns group as one item, or if that is too wide as the items it falls
// into where it is held less firmly; single words are returned at any width.
func (b breaker) fit(group []word, held hold) []candidate {
	s := group[0].letters
	for _, w := range group[1:] {
		s += " " + w.letters
	}
	if width := b.atlas.width(s); width <= b.width || len(group) == 1 {
		return []candidate{{item{text: s, width: width, held: group[0].held}, group[0]}}
	}
	var out []candidate
	for _, part := range split(group, held+1) {
		out = append(out, b.fit(part, held+1)...)
	}
	return out
}

// split cuts ws before each word that is held less than least.
func split(ws []word, least hold) [][]word {
	var out [][]word
	for len(ws) > 0 {
		n := slices.IndexFunc(ws[1:], func(w word) bool { return w.held < least })
		if n < 0 {
			return append(out, ws)
		}
		out, ws = append(out, ws[:n+1]), ws[n+1:]
	}
	return out
}

// pieces breaks a word into parts that fill a line, each but the last with a
// hyphen that the author did not write.
func (b breaker) pieces(s string) []item {
	hyphen := b.glyph('-').advance
	var items []item
	start, used := 0, 0
	for i, r := range s {
		advance := b.glyph(r).advance
		if i > start && used+advance+hyphen > b.width {
			items = append(items, item{text: s[start:i] + "-", width: used + hyphen, endLine: true, held: firmly})
			start, used = i, 0
		}
		used += advance
	}
	return append(items, item{text: s[start:], width: used, held: firmly})
}
