package page_test

import (
	"testing"

	"golang.org/x/text/unicode/norm"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// vietnamese returns the letters by their composition, not by the atlases' list.
func vietnamese() []rune {
	var rs []rune
	for _, vowel := range "aăâeêioôơuưyAĂÂEÊIOÔƠUƯY" {
		for _, tone := range []string{"", "\u0300", "\u0301", "\u0303", "\u0309", "\u0323"} {
			rs = append(rs, []rune(norm.NFC.String(string(vowel)+tone))...)
		}
	}
	return append(rs, 'đ', 'Đ')
}

// picture draws one letter alone and returns its frame's digest and its ink.
func picture(row int, letter rune) (digest protocol.Digest, ink int) {
	f := page.Render(page.Page{
		Board: page.Board{Width: 4 * row, Height: row, Row: row},
		Lines: []page.Line{{X: row, Row: row, Text: string(letter)}},
	})
	for _, p := range f.Pix {
		ink += int(p)
	}
	return f.Digest(), ink
}

func TestAll146LettersAreDrawnAndDifferAtEverySize(t *testing.T) {
	letters := vietnamese()
	if len(letters) != 146 {
		t.Fatalf("%d Vietnamese letters, want 146", len(letters))
	}
	for _, row := range page.Rows() {
		box, boxInk := picture(row, '中')
		if boxInk == 0 {
			t.Errorf("row %d: the box of a missing letter is empty", row)
		}
		seen := map[protocol.Digest]rune{box: '中'}
		for _, r := range letters {
			d, ink := picture(row, r)
			if other, dup := seen[d]; dup {
				t.Errorf("row %d: %q looks like %q", row, r, other)
			}
			if ink == 0 {
				t.Errorf("row %d: %q has no ink", row, r)
			}
			seen[d] = r
		}
	}
}

func TestEveryRowDrawsTheSameLetters(t *testing.T) {
	boxes := map[int]protocol.Digest{}
	for _, row := range page.Rows() {
		boxes[row], _ = picture(row, '中')
	}
	for r := rune(0x21); r < 0x2200; r++ {
		if r == 0x250 {
			r = 0x1e00 // no atlas has letters of the scripts between
		}
		drawn := map[bool][]int{}
		for _, row := range page.Rows() {
			d, _ := picture(row, r)
			drawn[d != boxes[row]] = append(drawn[d != boxes[row]], row)
		}
		if len(drawn) != 1 {
			t.Errorf("%q is drawn at rows %v and missing at rows %v", r, drawn[true], drawn[false])
		}
	}
}

// A letter that reached over its row would be cut by the board's edge, or run
// into the line above.
func TestInkStaysInsideTheRow(t *testing.T) {
	for _, row := range page.Rows() {
		for _, r := range append(vietnamese(), '…', '@', '|', '₫', 'ß', 'g') {
			f := page.Render(page.Page{
				Board: page.Board{Width: 4 * row, Height: 3 * row, Row: row},
				Lines: []page.Line{{X: row, Y: row, Row: row, Text: string(r)}},
			})
			_, want := picture(row, r)
			got := 0
			for _, p := range f.Pix[row*f.W : 2*row*f.W] {
				got += int(p)
			}
			all := 0
			for _, p := range f.Pix {
				all += int(p)
			}
			if got != want || all != want {
				t.Errorf("row %d: %q has ink %d alone, %d in its row, %d in all", row, r, want, got, all)
			}
		}
	}
}
