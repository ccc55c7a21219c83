package outputs

import (
	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/fb"
	"github.com/loa-vn/loa/agent/display/tint"
)

func (l Line) framebuffer(width, height int, colour tint.Colour, gamma bool) (display.Output, error) {
	x, _ := l.number("x", 0)
	y, _ := l.number("y", 0)
	return fb.New(fb.Config{Device: l.Address, Width: width, Height: height, X: x, Y: y, Colour: colour, Gamma: gamma})
}
