//go:build !linux

package outputs

import (
	"fmt"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/tint"
)

func (l Line) screen(int, int, tint.Colour, bool) (display.Output, error) {
	return nil, fmt.Errorf("screens of this kind are Linux's: %w", display.ErrUnsupported)
}
