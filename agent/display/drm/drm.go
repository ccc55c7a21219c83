//go:build linux

package drm

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"image"
	"runtime"
	"slices"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/tint"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// Refusals of a card.
var (
	// ErrScreen: no connector, or not the one named, has a screen on it with the mode
	// that is wanted.
	ErrScreen = errors.New("no such screen")
	// ErrCard: the card has no dumb buffers, or lends them in a form that is unknown.
	ErrCard = errors.New("graphics card not supported")
)

// patience is how long a refresh may take: 1 s is many of them.
const patience = time.Second

// Config says where and how.
type Config struct {
	Device        string // "/dev/dri/card0"
	Card          Device // nil: Device is opened; the output's from New on
	Connector     string // "HDMI-A-1"; empty: the first with a screen
	Mode          string // "1920x1080"; empty: what the screen prefers
	Width, Height int    // of the board, px
	X, Y          int    // of the board's window in the picture, px
	Colour        tint.Colour
	Gamma         bool // the modules have no gamma of their own
}

// Output is a screen.
type Output struct {
	cfg       Config
	card      Device
	connector uint32
	crtc      uint32
	before    crtc // as it was found

	mu      sync.Mutex
	closed  bool
	buffers [2]buffer
	front   int  // scanned out, or about to be
	pending bool // it is about to be: no word yet that they have changed places
	table   [256]uint32
	last    *page.Frame     // as written to the front buffer; nil: nothing yet
	stale   image.Rectangle // what the other buffer lacks
	fresh   bool            // the colours are other than those in memory
}

// buffer is a dumb buffer of the whole picture.
type buffer struct {
	handle, fb, pitch uint32
	mem               []byte
}

// New takes the screen over. Errors: ErrScreen, ErrCard, display.ErrSize if the
// board's window is not inside the picture; those of the system.
func New(cfg Config) (_ *Output, err error) {
	if cfg.Colour == (tint.Colour{}) {
		cfg.Colour = tint.Amber()
	}
	o := &Output{cfg: cfg, card: cfg.Card}
	if o.card == nil {
		if o.card, err = openCard(cfg.Device); err != nil {
			return nil, err
		}
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, o.Close())
		}
	}()
	dumb := getCap{capability: capDumbBuffer}
	if err := o.card.Ioctl(ioGetCap, unsafe.Pointer(&dumb)); err != nil || dumb.value == 0 {
		return nil, fmt.Errorf("dumb buffers: %w", errors.Join(ErrCard, err))
	}
	if err := o.card.Ioctl(ioSetMaster, nil); err != nil {
		return nil, fmt.Errorf("somebody else holds the screen: %w", err)
	}
	mode, err := o.choose()
	if err != nil {
		return nil, err
	}
	window := image.Rect(cfg.X, cfg.Y, cfg.X+cfg.Width, cfg.Y+cfg.Height)
	if cfg.Width <= 0 || cfg.Height <= 0 || !window.In(image.Rect(0, 0, int(mode.hdisplay), int(mode.vdisplay))) {
		return nil, fmt.Errorf("window %v in a picture of %dx%d px: %w", window, mode.hdisplay, mode.vdisplay, display.ErrSize)
	}
	for i := range o.buffers {
		if err := o.borrow(&o.buffers[i], uint32(mode.hdisplay), uint32(mode.vdisplay)); err != nil {
			return nil, err
		}
	}
	o.before = crtc{id: o.crtc}
	if err := o.card.Ioctl(ioGetCrtc, unsafe.Pointer(&o.before)); err != nil {
		return nil, fmt.Errorf("screen as it is: %w", err)
	}
	o.dim(100)
	return o, o.set(o.buffers[0].fb, &mode)
}

// choose finds connector, mode and CRTC.
func (o *Output) choose() (modeInfo, error) {
	crtcs, connectors, err := ids(o.card)
	if err != nil {
		return modeInfo{}, fmt.Errorf("what the card has: %w", err)
	}
	var seen []string
	for _, id := range connectors {
		c, modes, encoders, err := ask(o.card, id)
		if err != nil {
			return modeInfo{}, fmt.Errorf("connector %d: %w", id, err)
		}
		seen = append(seen, c.name())
		if o.cfg.Connector != "" && o.cfg.Connector != c.name() || c.connection != connected {
			continue
		}
		mode, ok := pick(modes, o.cfg.Mode)
		if !ok {
			return modeInfo{}, fmt.Errorf("%s has no mode %q: %w", c.name(), o.cfg.Mode, ErrScreen)
		}
		if c.encoder != 0 && !slices.Contains(encoders, c.encoder) {
			encoders = append([]uint32{c.encoder}, encoders...)
		}
		for _, e := range encoders {
			enc := encoder{id: e}
			if err := o.card.Ioctl(ioGetEncoder, unsafe.Pointer(&enc)); err != nil {
				continue
			}
			for i, id := range crtcs {
				if i < 32 && enc.possibleCrtcs&(1<<i) != 0 {
					o.connector, o.crtc = c.id, id
					return mode, nil
				}
			}
		}
	}
	return modeInfo{}, fmt.Errorf("connector %q with a screen on it, of %v: %w", o.cfg.Connector, seen, ErrScreen)
}

// pick returns the mode of that size with the highest rate up to 60 Hz, or the
// one preferred, or the first.
func pick(modes []modeInfo, size string) (modeInfo, bool) {
	best := -1
	for i, m := range modes {
		switch {
		case size == "" && (best < 0 || m.kind&modePreferred != 0 && modes[best].kind&modePreferred == 0):
			best = i
		case size == fmt.Sprintf("%dx%d", m.hdisplay, m.vdisplay) && m.vrefresh <= 60 && (best < 0 || m.vrefresh > modes[best].vrefresh):
			best = i
		}
	}
	if best < 0 {
		return modeInfo{}, false
	}
	return modes[best], true
}

// borrow makes a buffer of a size in px and maps it.
func (o *Output) borrow(b *buffer, width, height uint32) error {
	d := createDumb{width: width, height: height, bpp: 32}
	if err := o.card.Ioctl(ioCreateDumb, unsafe.Pointer(&d)); err != nil {
		return fmt.Errorf("buffer of %dx%d px: %w", width, height, err)
	}
	if b.handle, b.pitch = d.handle, d.pitch; uint64(d.pitch)*uint64(height) > d.size || d.pitch < 4*width || d.size > 1<<30 {
		return fmt.Errorf("buffer of %d bytes, %d a row: %w", d.size, d.pitch, ErrCard)
	}
	add := addFB{width: width, height: height, pitch: d.pitch, bpp: 32, depth: 24, handle: d.handle}
	if err := o.card.Ioctl(ioAddFB, unsafe.Pointer(&add)); err != nil {
		return fmt.Errorf("framebuffer: %w", err)
	}
	b.fb = add.id
	m := mapDumb{handle: d.handle}
	if err := o.card.Ioctl(ioMapDumb, unsafe.Pointer(&m)); err != nil {
		return fmt.Errorf("place of a buffer: %w", err)
	}
	mem, err := o.card.Map(int64(m.offset), int(d.size))
	if err != nil {
		return fmt.Errorf("map a buffer: %w", err)
	}
	b.mem = mem
	clear(mem)
	return nil
}

// set makes a framebuffer the picture of our connector, in a mode.
func (o *Output) set(fb uint32, mode *modeInfo) error {
	var pin runtime.Pinner
	defer pin.Unpin()
	id := new(uint32)
	*id = o.connector
	c := crtc{id: o.crtc, fb: fb, connectors: address(&pin, id), countConnectors: 1, modeValid: 1, mode: *mode}
	if err := o.card.Ioctl(ioSetCrtc, unsafe.Pointer(&c)); err != nil {
		return fmt.Errorf("set mode: %w", err)
	}
	return nil
}

// Size returns the board's size.
func (o *Output) Size() (width, height int) { return o.cfg.Width, o.cfg.Height }

// Format returns the pixels' form.
func (o *Output) Format() string { return "drm xrgb8888" }

// Show draws into the buffer that is not seen and lets them change places at the
// next refresh. It waits for the change before it, so it takes a refresh at most.
func (o *Output) Show(ctx context.Context, f *page.Frame, dirty image.Rectangle) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch {
	case o.closed:
		return display.ErrClosed
	case f.W != o.cfg.Width || f.H != o.cfg.Height:
		return fmt.Errorf("frame of %dx%d px: %w", f.W, f.H, display.ErrSize)
	}
	if err := o.settle(ctx); err != nil {
		return err
	}
	dirty = dirty.Intersect(f.Bounds())
	if o.last == nil {
		o.last, o.fresh = page.NewFrame(f.W, f.H), true
	}
	if o.fresh {
		dirty, o.fresh = f.Bounds(), false
	}
	for y := dirty.Min.Y; y < dirty.Max.Y; y++ {
		from, to := y*f.W+dirty.Min.X, y*f.W+dirty.Max.X
		copy(o.last.Pix[from:to], f.Pix[from:to])
	}
	// the back buffer also lacks what the front one got the last time
	back := 1 - o.front
	o.draw(&o.buffers[back], dirty.Union(o.stale))
	flip := pageFlip{crtc: o.crtc, fb: o.buffers[back].fb, flags: flipEvent}
	if err := o.card.Ioctl(ioPageFlip, unsafe.Pointer(&flip)); err != nil {
		o.last = nil // who holds the screen now may have drawn on it
		if errors.Is(err, unix.EACCES) || errors.Is(err, unix.EPERM) {
			err = errors.Join(err, o.card.Ioctl(ioSetMaster, nil))
		}
		return fmt.Errorf("change places: %w", err)
	}
	o.front, o.pending, o.stale = back, true, dirty
	return nil
}

// settle waits until the buffers have changed places.
func (o *Output) settle(ctx context.Context) error {
	var events [1024]byte
	for until := time.Now().Add(patience); o.pending; {
		left := time.Until(until)
		if ctx.Err() != nil {
			return fmt.Errorf("frame: %w", ctx.Err())
		}
		if left <= 0 {
			return fmt.Errorf("no refresh for %v: %w", patience, display.ErrStalled)
		}
		n, err := o.card.Events(events[:], min(left, 100*time.Millisecond))
		if err != nil {
			return fmt.Errorf("wait for a refresh: %w", err)
		}
		for b := events[:n]; len(b) >= eventHeaderSize; {
			size := binary.NativeEndian.Uint32(b[4:])
			if size < eventHeaderSize || int(size) > len(b) {
				break
			}
			if binary.NativeEndian.Uint32(b) == eventFlipped {
				o.pending = false
			}
			b = b[size:]
		}
	}
	return nil
}

// draw writes a part of the frame into a buffer.
func (o *Output) draw(b *buffer, part image.Rectangle) {
	for y := part.Min.Y; y < part.Max.Y; y++ {
		row := o.row(b, y)
		for x := part.Min.X; x < part.Max.X; x++ {
			binary.LittleEndian.PutUint32(row[4*x:], o.table[o.last.Pix[y*o.last.W+x]])
		}
	}
}

// row returns the memory of one row of the board.
func (o *Output) row(b *buffer, y int) []byte {
	at := (o.cfg.Y+y)*int(b.pitch) + 4*o.cfg.X
	return b.mem[at : at+4*o.cfg.Width]
}

// ReadBack compares the buffer that is scanned out with what was written, pixel by
// pixel. It is false if another picture than ours is on the screen.
func (o *Output) ReadBack() (protocol.Digest, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed || o.last == nil || o.settle(context.Background()) != nil {
		return protocol.Digest{}, false
	}
	now := crtc{id: o.crtc}
	if err := o.card.Ioctl(ioGetCrtc, unsafe.Pointer(&now)); err != nil || now.fb != o.buffers[o.front].fb {
		return protocol.Digest{}, false
	}
	back := page.NewFrame(o.last.W, o.last.H)
	for y := range back.H {
		row := o.row(&o.buffers[o.front], y)
		for x := range back.W {
			at := y*back.W + x
			if back.Pix[at] = o.last.Pix[at]; binary.LittleEndian.Uint32(row[4*x:])&0xffffff != o.table[back.Pix[at]] {
				back.Pix[at] = ^back.Pix[at]
			}
		}
	}
	return back.Digest(), true
}

// Health says whether a screen hangs on the connector.
func (o *Output) Health() display.Health {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return display.Health{Fault: display.ErrClosed}
	}
	on, err := plugged(o.card, o.connector)
	if err == nil && !on {
		err = fmt.Errorf("connector without a screen: %w", ErrScreen)
	}
	return display.Health{Link: on, Screen: on, Fault: err}
}

// Brightness dims the colours, from the next frame on.
func (o *Output) Brightness(percent int) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.dim(percent)
	o.fresh = true
	return nil
}

// dim makes the pixels of each level at a brightness.
func (o *Output) dim(percent int) {
	for level, c := range tint.New(o.cfg.Colour, percent, o.cfg.Gamma) {
		o.table[level] = uint32(c[0])<<16 | uint32(c[1])<<8 | uint32(c[2])
	}
}

// Close gives the screen back as it was found and lets go of the buffers.
func (o *Output) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return nil
	}
	o.closed = true
	var errs []error
	if o.before.id != 0 && o.before.modeValid != 0 {
		errs = append(errs, o.set(o.before.fb, &o.before.mode))
	}
	for i := range o.buffers {
		b := &o.buffers[i]
		if b.mem != nil {
			errs = append(errs, o.card.Unmap(b.mem))
		}
		if b.fb != 0 {
			errs = append(errs, o.card.Ioctl(ioRemoveFB, unsafe.Pointer(&b.fb)))
		}
		if b.handle != 0 {
			errs = append(errs, o.card.Ioctl(ioDestroyDumb, unsafe.Pointer(&b.handle)))
		}
	}
	errs = append(errs, o.card.Ioctl(ioDropMaster, nil), o.card.Close())
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close screen: %w", err)
	}
	return nil
}
