//go:build linux

package fb

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"image"
	"os"
	"path/filepath"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/protocol/page"
)

var _ display.Output = (*Output)(nil)

// screen makes a file like a framebuffer's memory, filled with 0x11.
func screen(t *testing.T, l Layout) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "fb")
	if err := os.WriteFile(file, bytes.Repeat([]byte{0x11}, l.Stride*l.Height), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func board(t *testing.T, cfg Config) *Output {
	t.Helper()
	o, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.Close() })
	return o
}

func all(f *page.Frame) image.Rectangle { return image.Rect(0, 0, f.W, f.H) }

func TestPixelsStandInTheWindowInTheirForm(t *testing.T) {
	frame := &page.Frame{W: 2, H: 2, Pix: []uint8{255, 0, 51, 255}}
	for _, x := range []struct {
		layout Layout
		want   [4]uint32
	}{
		{Layout{Width: 8, Height: 4, Stride: 40, Format: XRGB8888}, [4]uint32{0xffb000, 0, 0x332300, 0xffb000}},
		{Layout{Width: 8, Height: 4, Stride: 16, Format: RGB565}, [4]uint32{31<<11 | 44<<5, 0, 6<<11 | 8<<5, 31<<11 | 44<<5}},
	} {
		file := screen(t, x.layout)
		o := board(t, Config{Device: file, Width: 2, Height: 2, X: 3, Y: 1, Layout: x.layout})
		if err := o.Show(t.Context(), frame, all(frame)); err != nil {
			t.Fatal(err)
		}
		if d, ok := o.ReadBack(); !ok || d != frame.Digest() {
			t.Errorf("%v: read back %v, %v", x.layout.Format, d, ok)
		}
		mem, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		n := x.layout.Format.bytes()
		want := bytes.Repeat([]byte{0x11}, len(mem))
		for i, v := range x.want {
			at := want[(1+i/2)*x.layout.Stride+(3+i%2)*n:]
			if n == 2 {
				binary.LittleEndian.PutUint16(at, uint16(v))
			} else {
				binary.LittleEndian.PutUint32(at, v)
			}
		}
		if diff := cmp.Diff(want, mem); diff != "" {
			t.Errorf("%v (-want +got):\n%s", x.layout.Format, diff)
		}
	}
}

func TestOnlyDirtyRowsAreWrittenButAllAfterDimming(t *testing.T) {
	l := Layout{Width: 2, Height: 3, Stride: 8, Format: XRGB8888}
	o := board(t, Config{Device: screen(t, l), Width: 2, Height: 3, Layout: l})
	dark := page.NewFrame(2, 3)
	if err := o.Show(t.Context(), dark, all(dark)); err != nil {
		t.Fatal(err)
	}
	bright := &page.Frame{W: 2, H: 3, Pix: bytes.Repeat([]byte{255}, 6)}
	if err := o.Show(t.Context(), bright, image.Rect(0, 1, 2, 2)); err != nil {
		t.Fatal(err)
	}
	want := &page.Frame{W: 2, H: 3, Pix: []uint8{0, 0, 255, 255, 0, 0}}
	if d, _ := o.ReadBack(); d != want.Digest() {
		t.Error("other rows than the dirty one were written, or not that one")
	}
	if err := o.Brightness(50); err != nil {
		t.Fatal(err)
	}
	if err := o.Show(t.Context(), bright, image.Rectangle{}); err != nil {
		t.Fatal(err)
	}
	if d, _ := o.ReadBack(); d != bright.Digest() || binary.LittleEndian.Uint32(o.mem) != 0x805800 {
		t.Errorf("first pixel %#x after dimming", binary.LittleEndian.Uint32(o.mem))
	}
}

func TestWhatSomebodyElseDrewIsNoticed(t *testing.T) {
	for _, format := range []Format{XRGB8888, RGB565} {
		l := Layout{Width: 4, Height: 4, Stride: 16, Format: format}
		file := screen(t, l)
		o := board(t, Config{Device: file, Width: 4, Height: 2, Layout: l})
		if _, ok := o.ReadBack(); ok {
			t.Error("read back before anything was shown")
		}
		f := &page.Frame{W: 4, H: 2, Pix: []uint8{0, 17, 34, 51, 68, 85, 170, 255}}
		if err := o.Show(t.Context(), f, all(f)); err != nil {
			t.Fatal(err)
		}
		console, err := os.OpenFile(file, os.O_RDWR, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer console.Close()
		if _, err := console.WriteAt([]byte{0xff}, int64(l.Stride+2*format.bytes())); err != nil {
			t.Fatal(err)
		}
		if d, ok := o.ReadBack(); !ok || d == f.Digest() {
			t.Errorf("%v: a pixel of another colour went unnoticed", format)
		}
	}
}

func TestFramebuffersThatDoNotFitAreRefused(t *testing.T) {
	good := Layout{Width: 8, Height: 4, Stride: 32, Format: XRGB8888}
	for _, x := range []struct {
		name   string
		change func(*Config)
		want   error
	}{
		{"board larger than the picture", func(c *Config) { c.Width = 9 }, display.ErrSize},
		{"window over the edge", func(c *Config) { c.Y = 3 }, display.ErrSize},
		{"window before the edge", func(c *Config) { c.X = -1 }, display.ErrSize},
		{"no board", func(c *Config) { c.Height = 0 }, display.ErrSize},
		{"rows too short", func(c *Config) { c.Layout.Stride = 31 }, ErrLayout},
		{"no format", func(c *Config) { c.Layout.Format = 0 }, ErrLayout},
		{"memory too short", func(c *Config) { c.Layout.Height = 5 }, ErrLayout},
		{"a file that is no framebuffer", func(c *Config) { c.Layout = Layout{} }, ErrLayout},
		{"no device", func(c *Config) { c.Device += "x" }, os.ErrNotExist},
	} {
		cfg := Config{Device: screen(t, good), Width: 4, Height: 2, Layout: good}
		x.change(&cfg)
		if o, err := New(cfg); !errors.Is(err, x.want) {
			t.Errorf("%s: %v, %v", x.name, o, err)
		}
	}
	o := board(t, Config{Device: screen(t, good), Width: 4, Height: 2, Layout: good})
	f := page.NewFrame(5, 2)
	if err := o.Show(t.Context(), f, all(f)); !errors.Is(err, display.ErrSize) {
		t.Errorf("another size: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	f = page.NewFrame(4, 2)
	if err := o.Show(ended, f, all(f)); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
	if err := errors.Join(o.Close(), o.Close()); err != nil {
		t.Error(err)
	}
	if err := o.Show(t.Context(), f, all(f)); !errors.Is(err, display.ErrClosed) {
		t.Errorf("closed: %v", err)
	}
}

// The sizes are those of linux/fb.h on 64-bit and 32-bit processors.
func TestDriversAnswersAreUnderstood(t *testing.T) {
	if got := unsafe.Sizeof(variable{}); got != 160 {
		t.Errorf("fb_var_screeninfo has %d bytes, want 160", got)
	}
	if got, want := unsafe.Sizeof(fixed{}), 80-12*(2-unsafe.Sizeof(uintptr(0))/4); got != want {
		t.Errorf("fb_fix_screeninfo has %d bytes, want %d", got, want)
	}
	v := variable{xres: 1920, yres: 1080, bitsPerPixel: 32, red: field{16, 8, 0}, green: field{8, 8, 0}, blue: field{0, 8, 0}}
	f := fixed{lineLength: 7680}
	if got, err := layoutOf(v, f); err != nil || got != (Layout{1920, 1080, 7680, XRGB8888}) {
		t.Errorf("%+v, %v", got, err)
	}
	v.bitsPerPixel, v.red, v.green, v.blue = 16, field{11, 5, 0}, field{5, 6, 0}, field{0, 5, 0}
	if got, err := layoutOf(v, f); err != nil || got.Format != RGB565 {
		t.Errorf("%+v, %v", got, err)
	}
	v.red, v.blue = v.blue, v.red
	if got, err := layoutOf(v, f); !errors.Is(err, ErrLayout) {
		t.Errorf("blue first: %+v, %v", got, err)
	}
}
