package outputs

import (
	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/drm"
	"github.com/loa-vn/loa/agent/display/fb"
	"github.com/loa-vn/loa/agent/display/tint"
)

// Screen is a screen without a kernel's driver: a card of the same kind, and the layout of
// a file that is none of its framebuffers.
type Screen struct {
	Card   drm.Device
	Layout fb.Layout
}

// screen opens what the kernel calls a screen: by mode setting or by the older
// framebuffer.
func (l Line) screen(cfg Config, colour tint.Colour, gamma bool) (display.Output, error) {
	x, _ := l.number("x", 0)
	y, _ := l.number("y", 0)
	if l.Kind == "fb" {
		return fb.New(fb.Config{Device: l.Address, Layout: cfg.Screen.Layout, Width: cfg.Width, Height: cfg.Height, X: x, Y: y, Colour: colour, Gamma: gamma})
	}
	return drm.New(drm.Config{
		Device: l.Address, Card: cfg.Screen.Card, Connector: l.Options.Get("connector"), Mode: l.Options.Get("mode"),
		Width: cfg.Width, Height: cfg.Height, X: x, Y: y, Colour: colour, Gamma: gamma,
	})
}
