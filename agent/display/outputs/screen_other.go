//go:build !linux

package outputs

import (
	"fmt"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/tint"
)

// Screen has nothing to stand in for outside of Linux.
type Screen struct{}

func (l Line) screen(Config, tint.Colour, bool) (display.Output, error) {
	return nil, fmt.Errorf("screens of this kind are Linux's: %w", display.ErrUnsupported)
}
