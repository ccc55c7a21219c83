//go:build linux

package drm

import (
	"context"
	"errors"
	"image"
	"testing"
	"testing/synctest"

	"golang.org/x/sys/unix"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/protocol/page"
)

var _ display.Output = (*Output)(nil)

func open(t *testing.T, c *fakeCard, cfg Config) *Output {
	t.Helper()
	cfg.Card = c
	o, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	return o
}

func show(t *testing.T, o *Output, f *page.Frame, dirty image.Rectangle) {
	t.Helper()
	if err := o.Show(t.Context(), f, dirty); err != nil {
		t.Fatal(err)
	}
	if d, ok := o.ReadBack(); !ok || d != f.Digest() {
		t.Fatalf("read back %v, %v", d, ok)
	}
}

func TestBuffersChangePlacesAndNothingSeenIsDrawnOn(t *testing.T) {
	c := newCard(t, mode(100, 50, 60, modePreferred))
	o := open(t, c, Config{Width: 4, Height: 3, X: 10, Y: 5})
	f := page.NewFrame(4, 3)
	for i, dirty := range []image.Rectangle{{}, image.Rect(0, 0, 4, 1), image.Rect(0, 2, 4, 3), image.Rect(0, 1, 4, 2), {}} {
		for y := dirty.Min.Y; y < dirty.Max.Y; y++ {
			f.Pix[4*y+i%4] = 255
		}
		show(t, o, f, dirty)
		for y := range 3 {
			for x := range 4 {
				want := uint32(0)
				if f.Pix[4*y+x] != 0 {
					want = 0xffb000
				}
				if got := c.pixel(10+x, 5+y); got != want {
					t.Errorf("frame %d: pixel %d,%d is %06x", i, x, y, got)
				}
			}
		}
		if c.pixel(9, 5) != 0 || c.pixel(14, 7) != 0 {
			t.Error("something outside the board's window")
		}
	}
	if c.flips != 5 {
		t.Errorf("%d refreshes for 5 frames", c.flips)
	}
	if h := o.Health(); !h.Link || !h.Screen || h.Fault != nil {
		t.Errorf("%+v", h)
	}
}

func TestDimmingRedrawsBothBuffers(t *testing.T) {
	c := newCard(t, mode(100, 50, 60, 0))
	o := open(t, c, Config{Width: 1, Height: 1})
	f := &page.Frame{W: 1, H: 1, Pix: []uint8{255}}
	show(t, o, f, f.Bounds())
	if err := o.Brightness(50); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		show(t, o, f, image.Rectangle{})
		if got := c.pixel(0, 0); got != 0x805800 {
			t.Errorf("%06x at half brightness", got)
		}
	}
}

func TestTheScreenIsGivenBackAsItWasFound(t *testing.T) {
	c := newCard(t, mode(100, 50, 60, 0))
	o := open(t, c, Config{Width: 1, Height: 1})
	show(t, o, page.NewFrame(1, 1), image.Rectangle{})
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if !c.restored || len(c.fbs) != 0 || len(c.dumbs) != 0 || c.master || !c.closed {
		t.Errorf("restored %v, %d framebuffers, %d buffers, master %v", c.restored, len(c.fbs), len(c.dumbs), c.master)
	}
	if err := o.Show(t.Context(), page.NewFrame(1, 1), image.Rectangle{}); !errors.Is(err, display.ErrClosed) {
		t.Errorf("after closing: %v", err)
	}
}

func TestTheModeIsTheOneNamedOrPreferred(t *testing.T) {
	modes := []modeInfo{mode(640, 480, 60, 0), mode(1920, 1080, 50, modePreferred), mode(1280, 720, 30, 0), mode(1280, 720, 60, 0), mode(1280, 720, 120, 0)}
	for name, want := range map[string]int{"": 1, "640x480": 0, "1280x720": 3} {
		if m, ok := pick(modes, name); !ok || m != modes[want] {
			t.Errorf("%q: %dx%d at %d", name, m.hdisplay, m.vdisplay, m.vrefresh)
		}
	}
}

func TestScreensThatDoNotFitAreRefused(t *testing.T) {
	for _, x := range []struct {
		name   string
		change func(*fakeCard, *Config)
		want   error
	}{
		{"no dumb buffers", func(c *fakeCard, _ *Config) { c.noDumb = true }, ErrCard},
		{"no screen", func(c *fakeCard, _ *Config) { c.plugged = false }, ErrScreen},
		{"another connector", func(_ *fakeCard, g *Config) { g.Connector = "VGA-1" }, ErrScreen},
		{"a mode that it lacks", func(_ *fakeCard, g *Config) { g.Mode = "1920x1080" }, ErrScreen},
		{"a board larger than the picture", func(_ *fakeCard, g *Config) { g.Width = 101 }, display.ErrSize},
		{"a window over the edge", func(_ *fakeCard, g *Config) { g.Y = 49 }, display.ErrSize},
	} {
		c := newCard(t, mode(100, 50, 60, 0))
		cfg := Config{Width: 4, Height: 3, Card: c}
		x.change(c, &cfg)
		if o, err := New(cfg); !errors.Is(err, x.want) {
			t.Errorf("%s: %v, %v", x.name, o, err)
		}
		if !c.closed || len(c.dumbs) != 0 {
			t.Errorf("%s: the card was not let go of", x.name)
		}
	}
	if _, err := New(Config{Device: "/dev/null", Width: 1, Height: 1}); !errors.Is(err, ErrCard) {
		t.Errorf("a device that is no card: %v", err)
	}
}

func TestFaultsAreToldAndTheScreenIsTakenAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newCard(t, mode(100, 50, 60, 0))
		o := open(t, c, Config{Width: 2, Height: 1, Connector: "HDMI-A-1"})
		f := page.NewFrame(2, 1)
		show(t, o, f, f.Bounds())

		c.master = false // another program has switched to its own picture
		if err := o.Show(t.Context(), f, image.Rectangle{}); !errors.Is(err, unix.EACCES) {
			t.Errorf("without the screen: %v", err)
		}
		if _, ok := o.ReadBack(); ok {
			t.Error("read back after a fault")
		}
		show(t, o, f, f.Bounds())

		c.scanout = consoleFB
		if _, ok := o.ReadBack(); ok {
			t.Error("another picture is on the screen, and it was taken for ours")
		}
		c.frozen = true
		if err := o.Show(t.Context(), f, f.Bounds()); err != nil {
			t.Fatal(err)
		}
		if err := o.Show(t.Context(), f, f.Bounds()); !errors.Is(err, display.ErrStalled) {
			t.Errorf("no refresh: %v", err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := o.Show(ctx, f, f.Bounds()); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled: %v", err)
		}
		c.plugged = false
		if h := o.Health(); h.Screen || !errors.Is(h.Fault, ErrScreen) {
			t.Errorf("unplugged: %+v", h)
		}
	})
}
