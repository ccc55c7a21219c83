package outputs

import (
	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/drm"
	"github.com/loa-vn/loa/agent/display/fb"
	"github.com/loa-vn/loa/agent/display/tint"
)

// screen opens what the kernel calls a screen: by mode setting or by the older
// framebuffer.
func (l Line) screen(width, height int, colour tint.Colour, gamma bool) (display.Output, error) {
	x, _ := l.number("x", 0)
	y, _ := l.number("y", 0)
	if l.Kind == "fb" {
		return fb.New(fb.Config{Device: l.Address, Width: width, Height: height, X: x, Y: y, Colour: colour, Gamma: gamma})
	}
	return drm.New(drm.Config{
		Device: l.Address, Connector: l.Options.Get("connector"), Mode: l.Options.Get("mode"),
		Width: width, Height: height, X: x, Y: y, Colour: colour, Gamma: gamma,
	})
}
