//go:build linux

package fb

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"os"
	"sync"

	"golang.org/x/sys/unix"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/tint"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// Format is the form of a pixel in memory, little-endian.
type Format uint8

// The forms.
const (
	XRGB8888 Format = iota + 1
	RGB565
)

// String returns "xrgb8888" or "rgb565".
func (f Format) String() string {
	switch f {
	case XRGB8888:
		return "xrgb8888"
	case RGB565:
		return "rgb565"
	}
	return fmt.Sprintf("unknown(%d)", uint8(f))
}

// bytes a pixel.
func (f Format) bytes() int {
	if f == RGB565 {
		return 2
	}
	return 4
}

// ErrLayout: a framebuffer whose memory is not as expected.
var ErrLayout = errors.New("framebuffer layout not supported")

// Layout is how a framebuffer's memory is used.
type Layout struct {
	Width, Height int // px that can be seen
	Stride        int // bytes from row to row
	Format        Format
}

func (l Layout) validate() error {
	if l.Width <= 0 || l.Height <= 0 || l.Width > 16384 || l.Height > 16384 ||
		l.Format != XRGB8888 && l.Format != RGB565 || l.Stride < l.Width*l.Format.bytes() || l.Stride > 1<<20 {
		return fmt.Errorf("%dx%d px, %d bytes a row, %v: %w", l.Width, l.Height, l.Stride, l.Format, ErrLayout)
	}
	return nil
}

// Config says where and how.
type Config struct {
	Device        string // "/dev/fb0", or a file of the same layout
	Width, Height int    // of the board, px
	X, Y          int    // of the board's window in the picture, px
	Layout        Layout // zero: the device is asked
	Colour        tint.Colour
	Gamma         bool // the modules have no gamma of their own
}

// Output is a mapped framebuffer.
type Output struct {
	cfg    Config
	layout Layout

	mu    sync.Mutex
	mem   []byte      // nil: closed
	table [256]uint32 // the pixel of each level
	fresh bool        // the colours are other than those in memory
	last  *page.Frame // as written; nil: nothing yet
}

// New maps the framebuffer. Errors: ErrLayout, display.ErrSize if the board's
// window is not inside the picture.
func New(cfg Config) (*Output, error) {
	file, err := os.OpenFile(cfg.Device, os.O_RDWR, 0)
	if err != nil {
		return nil, fmt.Errorf("open framebuffer: %w", err)
	}
	defer file.Close() // the mapping stays
	layout := cfg.Layout
	if layout == (Layout{}) {
		if layout, err = ask(file); err != nil {
			return nil, err
		}
	}
	if err := layout.validate(); err != nil {
		return nil, err
	}
	window := image.Rect(cfg.X, cfg.Y, cfg.X+cfg.Width, cfg.Y+cfg.Height)
	if cfg.Width <= 0 || cfg.Height <= 0 || !window.In(image.Rect(0, 0, layout.Width, layout.Height)) {
		return nil, fmt.Errorf("window %v in a picture of %dx%d px: %w", window, layout.Width, layout.Height, display.ErrSize)
	}
	size := layout.Stride * layout.Height
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("open framebuffer: %w", err)
	}
	if info.Mode().IsRegular() && info.Size() < int64(size) {
		return nil, fmt.Errorf("%s holds less than %d bytes: %w", cfg.Device, size, ErrLayout)
	}
	mem, err := unix.Mmap(int(file.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("map framebuffer: %w", err)
	}
	if cfg.Colour == (tint.Colour{}) {
		cfg.Colour = tint.Amber()
	}
	o := &Output{cfg: cfg, layout: layout, mem: mem}
	o.dim(100)
	return o, nil
}

// Size returns the board's size.
func (o *Output) Size() (width, height int) { return o.cfg.Width, o.cfg.Height }

// Format returns the pixels' form.
func (o *Output) Format() string { return o.layout.Format.String() }

// Show writes the dirty rows.
func (o *Output) Show(ctx context.Context, f *page.Frame, dirty image.Rectangle) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.mem == nil:
		return display.ErrClosed
	case f.W != o.cfg.Width || f.H != o.cfg.Height:
		return fmt.Errorf("frame of %dx%d px: %w", f.W, f.H, display.ErrSize)
	case ctx.Err() != nil:
		return fmt.Errorf("frame: %w", ctx.Err())
	}
	dirty = dirty.Intersect(image.Rect(0, 0, f.W, f.H))
	if o.last == nil {
		o.last = page.NewFrame(f.W, f.H)
		o.fresh = true
	}
	if o.fresh {
		dirty, o.fresh = image.Rect(0, 0, f.W, f.H), false
	}
	for y := dirty.Min.Y; y < dirty.Max.Y; y++ {
		from, to := y*f.W+dirty.Min.X, y*f.W+dirty.Max.X
		copy(o.last.Pix[from:to], f.Pix[from:to])
		o.write(o.row(y)[dirty.Min.X*o.layout.Format.bytes():], f.Pix[from:to])
	}
	return nil
}

// row returns the memory of one row of the board.
func (o *Output) row(y int) []byte {
	at := (o.cfg.Y+y)*o.layout.Stride + o.cfg.X*o.layout.Format.bytes()
	return o.mem[at : at+o.cfg.Width*o.layout.Format.bytes()]
}

func (o *Output) write(dst []byte, levels []uint8) {
	if o.layout.Format == RGB565 {
		dst = dst[:2*len(levels)]
		for i, l := range levels {
			binary.LittleEndian.PutUint16(dst[2*i:], uint16(o.table[l]))
		}
		return
	}
	dst = dst[:4*len(levels)]
	for i, l := range levels {
		binary.LittleEndian.PutUint32(dst[4*i:], o.table[l])
	}
}

// dim makes the pixels of each level at a brightness.
func (o *Output) dim(percent int) {
	for level, c := range tint.New(o.cfg.Colour, percent, o.cfg.Gamma) {
		if o.layout.Format == RGB565 {
			o.table[level] = rgb565(c)
		} else {
			o.table[level] = xrgb8888(c)
		}
	}
}

func xrgb8888(c tint.Colour) uint32 { return uint32(c[0])<<16 | uint32(c[1])<<8 | uint32(c[2]) }

func rgb565(c tint.Colour) uint32 {
	return uint32(c[0])>>3<<11 | uint32(c[1])>>2<<5 | uint32(c[2])>>3
}

// ReadBack compares the memory with what was written, pixel by pixel: somebody
// else, the kernel's console for one, may have drawn over it. A pixel of another
// colour counts as another level.
func (o *Output) ReadBack() (protocol.Digest, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.mem == nil || o.last == nil {
		return protocol.Digest{}, false
	}
	back := page.NewFrame(o.last.W, o.last.H)
	for y := range back.H {
		row := o.row(y)
		for x := range back.W {
			at := y*back.W + x
			back.Pix[at] = o.last.Pix[at]
			if !o.same(row, x, o.table[back.Pix[at]]) {
				back.Pix[at] = ^back.Pix[at]
			}
		}
	}
	return back.Digest(), true
}

// same says whether pixel x of a row is want; the byte without a channel may be
// anything.
func (o *Output) same(row []byte, x int, want uint32) bool {
	if o.layout.Format == RGB565 {
		return uint32(binary.LittleEndian.Uint16(row[2*x:])) == want
	}
	return binary.LittleEndian.Uint32(row[4*x:])&0xffffff == want
}

// Health knows nothing of the connector.
func (o *Output) Health() display.Health { return display.Health{} }

// Brightness dims the colours, from the next frame on.
func (o *Output) Brightness(percent int) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dim(percent)
	o.fresh = true
	return nil
}

// Close unmaps the memory; the picture stays.
func (o *Output) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.mem == nil {
		return nil
	}
	err := unix.Munmap(o.mem)
	if o.mem = nil; err != nil {
		return fmt.Errorf("unmap framebuffer: %w", err)
	}
	return nil
}
