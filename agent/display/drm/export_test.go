//go:build linux

package drm

import (
	"image/color"
	"testing"
)

// NewCard is a card with a screen of w by h px at 60 Hz on its HDMI connector, for tests
// from outside; pixel says what is seen.
func NewCard(t *testing.T, w, h uint16) (card Device, pixel func(x, y int) color.RGBA) {
	c := newCard(t, mode(w, h, 60, modePreferred))
	return c, func(x, y int) color.RGBA {
		p := c.pixel(x, y)
		return color.RGBA{uint8(p >> 16), uint8(p >> 8), uint8(p), 255}
	}
}
