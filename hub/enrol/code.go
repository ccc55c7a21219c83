package enrol

import (
	"fmt"
	"strings"

	"rsc.io/qr"
)

// Picture is a QR code.
type Picture struct{ code *qr.Code }

// Code returns a claim with the hub's address as a QR code: what `loa-agent enrol`
// wants, separated by a space.
func Code(c Claim, hubURL string) (Picture, error) {
	return Draw(hubURL + " " + c.Text)
}

// Draw returns a text as a QR code.
func Draw(text string) (Picture, error) {
	code, err := qr.Encode(text, qr.M)
	if err != nil {
		return Picture{}, fmt.Errorf("QR code: %w", err)
	}
	return Picture{code}, nil
}

// PNG returns the picture, 8 pixels a module.
func (p Picture) PNG() []byte { return p.code.PNG() }

// Text draws the picture for a terminal, two modules a character, with a margin;
// dark is a space, as terminals are mostly dark.
func (p Picture) Text() string {
	light := func(x, y int) bool { return !p.code.Black(x, y) } // Black is false outside
	var b strings.Builder
	for y := -2; y < p.code.Size+2; y += 2 {
		for x := -2; x < p.code.Size+2; x++ {
			switch top, bottom := light(x, y), light(x, y+1); {
			case top && bottom:
				b.WriteRune('█')
			case top:
				b.WriteRune('▀')
			case bottom:
				b.WriteRune('▄')
			default:
				b.WriteByte(' ')
			}
		}
		b.WriteByte('\n')
	}
	return b.String()
}
