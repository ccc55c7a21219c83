package tint_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/loa-vn/loa/agent/display/tint"
)

func TestColoursFollowLevelAndBrightness(t *testing.T) {
	for _, x := range []struct {
		percent int
		square  bool
		level   uint8
		want    tint.Colour
	}{
		{100, false, 255, tint.Colour{255, 176, 0}},
		{100, false, 0, tint.Colour{}},
		{100, false, 51, tint.Colour{51, 35, 0}},
		{100, true, 51, tint.Colour{10, 7, 0}},
		{50, false, 255, tint.Colour{128, 88, 0}},
		{0, false, 255, tint.Colour{}},
		{-5, false, 255, tint.Colour{}},
		{300, true, 255, tint.Colour{255, 176, 0}},
	} {
		if got := tint.New(tint.Amber(), x.percent, x.square)[x.level]; got != x.want {
			t.Errorf("%+v: %v", x, got)
		}
	}
	got := tint.New(tint.Amber(), 100, false).AppendRGB([]uint8{9}, []uint8{255, 0})
	if diff := cmp.Diff([]uint8{9, 255, 176, 0, 0, 0, 0}, got); diff != "" {
		t.Error(diff)
	}
}

func TestContrastIsReckoned(t *testing.T) {
	for c, want := range map[tint.Colour]int{{255, 255, 255}: 2100, {}: 100, {255, 0, 0}: 525} {
		if got := c.Contrast(); got != want {
			t.Errorf("%v: %d, want %d", c, got, want)
		}
	}
	if got := tint.Amber().Contrast(); got < 700 {
		t.Errorf("amber has %d", got)
	}
}
