package main

import (
	"bufio"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// The row of Unifont: its glyphs are 16 px high and 8 or 16 px wide, with the
// baseline below row 14.
const (
	unifontRow      = 16
	unifontBaseline = 14
)

// readUnifont reads the wanted glyphs from Unifont's hex form: a rune and the
// rows' bits, both in hexadecimal, on each line.
func readUnifont(in io.Reader, want []rune) ([]glyph, error) {
	lines := map[rune]string{}
	sc := bufio.NewScanner(in)
	for sc.Scan() {
		code, bits, ok := strings.Cut(sc.Text(), ":")
		r, err := strconv.ParseInt(code, 16, 32)
		if !ok || err != nil {
			return nil, fmt.Errorf("line %q: %w", sc.Text(), errGlyph)
		}
		lines[rune(r)] = bits
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("read hex: %w", err)
	}
	glyphs := []glyph{box(8, 3, unifontBaseline, unifontRow)}
	for _, r := range want {
		b, err := hex.DecodeString(lines[r])
		if err != nil || len(b) != 16 && len(b) != 32 {
			return nil, fmt.Errorf("%q is not in the font: %w", r, errGlyph)
		}
		w := len(b) / 16 * 8
		pix := make([]uint8, w*unifontRow)
		for i := range pix {
			if b[i/8]&(0x80>>(i%8)) != 0 {
				pix[i] = 15
			}
		}
		glyphs = append(glyphs, trim(r, w, 0, w, unifontRow, pix))
	}
	return glyphs, nil
}
