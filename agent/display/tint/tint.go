// Package tint turns the grey levels of frames into the colours of a board.
//
// It decides hue, gamma and brightness, in integers. It never changes a frame:
// digests are of the levels before it.
package tint

// Colour is red, green and blue, 0 to 255 each.
type Colour [3]uint8

// Amber is the colour of boards of one colour, and the default. On black it has a
// contrast of 11:1.
func Amber() Colour { return Colour{255, 176, 0} }

// Enough is the least contrast of letters that people read in the street: 7:1. Boards
// whose modules are red only take any brighter colour; their red is as strong.
const Enough = 700

// Contrast returns the contrast of letters in a colour on black, in hundredths, by
// the formula of WCAG 2.2 with the sRGB curve taken as a square: 2100 is the most.
func (c Colour) Contrast() int {
	sum := 0
	for i, weight := range []int{2126, 7152, 722} {
		sum += weight * int(c[i]) * int(c[i])
	}
	luminance := sum / (255 * 255) // in 1/10,000
	return (luminance + 500) * 100 / 500
}

// Tint is the colour of each grey level at one brightness.
type Tint [256]Colour

// New returns a board's colours at a brightness of 0 to 100 per cent. Levels go
// through a square (a gamma of 2), which LED modules without a gamma of their own
// need for soft edges; straight boards pass them as they are.
func New(c Colour, percent int, square bool) *Tint {
	percent = min(max(percent, 0), 100)
	var t Tint
	for level := range t {
		v := level * 255
		if square {
			v = level * level
		}
		for i := range c {
			t[level][i] = uint8((v*int(c[i])*percent + 255*255*50) / (255 * 255 * 100))
		}
	}
	return &t
}

// AppendRGB appends three bytes for each level.
func (t *Tint) AppendRGB(out, levels []uint8) []uint8 {
	for _, l := range levels {
		c := t[l]
		out = append(out, c[0], c[1], c[2])
	}
	return out
}
