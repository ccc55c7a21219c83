package main

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// The atlas format, all numbers big-endian:
//
//	0   8 bytes  "loaatl1\n"
//	8   uint16   row height in px
//	10  uint16   baseline, px below the top of the row
//	12  uint16   number of glyphs
//	14  records of 16 bytes each, sorted by rune:
//	      uint32 rune (0 is the box that stands for a missing letter)
//	      uint16 advance, px
//	      int16  left edge of the ink from the pen, px
//	      uint16 top of the ink from the top of the row, px
//	      uint16 ink width, uint16 ink height
//	      uint16 reserved, 0
//	then for each record in order, uint32 offset of its runs from the start of
//	the run section, and after the last a uint32 with that section's length;
//	then the runs.
//
// Ink is stored row by row from the top as runs that may cross row ends. A run
// is one byte, grey level (0-15) in the high and length (1-15) in the low half;
// a length of 0 says that the next byte holds the length less 16.
const magic = "loaatl1\n"

// glyph is one letter as it will be copied. Ink holds w*h levels of 0 to 15.
type glyph struct {
	r       rune
	advance int
	left    int
	top     int
	w, h    int
	ink     []uint8
}

var errGlyph = errors.New("glyph does not fit the atlas")

// encode writes the atlas of glyphs that are sorted by rune.
func encode(row, baseline int, glyphs []glyph) ([]byte, error) {
	out := []byte(magic)
	for _, n := range []int{row, baseline, len(glyphs)} {
		out = binary.BigEndian.AppendUint16(out, uint16(n))
	}
	var runs, offsets []byte
	for _, g := range glyphs {
		if len(g.ink) != g.w*g.h || g.top < 0 || g.top+g.h > row || g.advance <= 0 {
			return nil, fmt.Errorf("%q (top %d, height %d, row %d): %w", g.r, g.top, g.h, row, errGlyph)
		}
		out = binary.BigEndian.AppendUint32(out, uint32(g.r))
		for _, n := range []int{g.advance, g.left, g.top, g.w, g.h, 0} {
			out = binary.BigEndian.AppendUint16(out, uint16(n))
		}
		offsets = binary.BigEndian.AppendUint32(offsets, uint32(len(runs)))
		runs = appendRuns(runs, g.ink)
	}
	offsets = binary.BigEndian.AppendUint32(offsets, uint32(len(runs)))
	return append(append(out, offsets...), runs...), nil
}

func appendRuns(out []byte, ink []uint8) []byte {
	for i := 0; i < len(ink); {
		n := 1
		for i+n < len(ink) && ink[i+n] == ink[i] && n < 271 {
			n++
		}
		if n < 16 {
			out = append(out, ink[i]<<4|uint8(n))
		} else {
			out = append(out, ink[i]<<4, uint8(n-16))
		}
		i += n
	}
	return out
}

// trim cuts the empty rows and columns around a full row's picture of w columns.
func trim(r rune, advance, left, w, row int, pix []uint8) glyph {
	x0, y0, x1, y1 := w, row, 0, 0
	for y := range row {
		for x := range w {
			if pix[y*w+x] != 0 {
				x0, y0, x1, y1 = min(x0, x), min(y0, y), max(x1, x+1), max(y1, y+1)
			}
		}
	}
	if x1 <= x0 {
		return glyph{r: r, advance: advance}
	}
	g := glyph{r: r, advance: advance, left: left + x0, top: y0, w: x1 - x0, h: y1 - y0}
	for y := y0; y < y1; y++ {
		g.ink = append(g.ink, pix[y*w+x0:y*w+x1]...)
	}
	return g
}

// box draws the sign of a missing letter: a frame with a cross, of the given
// width, from top to the baseline, in strokes of row/16 px.
func box(width, top, baseline, row int) glyph {
	pix := make([]uint8, width*row)
	stroke := max(1, row/16)
	x0, x1, y0, y1 := stroke, width-stroke, top, baseline
	for y := y0; y < y1; y++ {
		for x := x0; x < x1; x++ {
			edge := x < x0+stroke || x >= x1-stroke || y < y0+stroke || y >= y1-stroke
			// the diagonals, by their distance scaled by the box's height
			d := (x-x0)*(y1-y0-1) - (y-y0)*(x1-x0-1)
			e := (x-x0)*(y1-y0-1) + (y-y0)*(x1-x0-1) - (x1-x0-1)*(y1-y0-1)
			reach := stroke * (y1 - y0) / 2
			if edge || d >= -reach && d <= reach || e >= -reach && e <= reach {
				pix[y*width+x] = 15
			}
		}
	}
	return trim(0, width, 0, width, row, pix)
}
