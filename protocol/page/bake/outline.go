package main

import (
	"fmt"
	"image"

	"golang.org/x/image/font"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/math/fixed"
)

// outlineGlyphs draws the wanted glyphs of an outline font for rows of row px,
// at the largest size, in steps of 1/16 px, at which the ink of all of them fits
// into the row. Fonts' own line heights are not asked: many draw Ẩ and Ỗ above
// them. It returns the baseline too.
func outlineGlyphs(f *opentype.Font, row int, want []rune) (baseline int, glyphs []glyph, err error) {
	face, _, baseline, err := fitting(f, row, want)
	if err != nil {
		return 0, nil, err
	}
	glyphs, err = drawAll(face, row, baseline, want)
	return baseline, glyphs, err
}

// fitting returns the face, its size in 1/16 px and the baseline of a row.
func fitting(f *opentype.Font, row int, want []rune) (face font.Face, size, baseline int, err error) {
	for size = row * 16; size > 0; size-- {
		face, err := opentype.NewFace(f, &opentype.FaceOptions{Size: float64(size) / 16, DPI: 72, Hinting: font.HintingNone})
		if err != nil {
			return nil, 0, 0, fmt.Errorf("face of %d/16 px: %w", size, err)
		}
		above, below, err := inkHeight(face, want)
		if err != nil {
			return nil, 0, 0, err
		}
		if above+below <= row {
			return face, size, above + (row-above-below)/2, nil
		}
	}
	return nil, 0, 0, fmt.Errorf("row of %d px: %w", row, errGlyph)
}

// inkHeight returns the px that the ink of all letters takes above and below the baseline.
func inkHeight(face font.Face, want []rune) (above, below int, err error) {
	for _, r := range want {
		b, _, ok := face.GlyphBounds(r)
		if !ok {
			return 0, 0, fmt.Errorf("%q is not in the font: %w", r, errGlyph)
		}
		above, below = max(above, -b.Min.Y.Floor()), max(below, b.Max.Y.Ceil())
	}
	return above, below, nil
}

func drawAll(face font.Face, row, baseline int, want []rune) ([]glyph, error) {
	digit, ok := face.GlyphAdvance('0')
	if !ok {
		return nil, fmt.Errorf("no digits: %w", errGlyph)
	}
	capital, _, _ := face.GlyphBounds('H')
	glyphs := []glyph{box(digit.Round()+row/16, baseline+capital.Min.Y.Floor(), baseline, row)}
	for _, r := range want {
		dr, mask, at, advance, ok := face.Glyph(fixed.P(0, baseline), r)
		alpha, isAlpha := mask.(*image.Alpha)
		if !ok || !isAlpha {
			return nil, fmt.Errorf("%q is not in the font: %w", r, errGlyph)
		}
		w := max(1, dr.Dx())
		pix := make([]uint8, w*row)
		for y := dr.Min.Y; y < dr.Max.Y; y++ {
			for x := range dr.Dx() {
				level := uint8((int(alpha.AlphaAt(at.X+x, at.Y+y-dr.Min.Y).A) + 8) / 17)
				if level == 0 {
					continue
				}
				if y < 0 || y >= row {
					return nil, fmt.Errorf("%q leaves its row: %w", r, errGlyph)
				}
				pix[y*w+x] = level
			}
		}
		glyphs = append(glyphs, trim(r, advance.Round(), dr.Min.X, w, row, pix))
	}
	return glyphs, nil
}
