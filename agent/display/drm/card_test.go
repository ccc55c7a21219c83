//go:build linux

package drm

import (
	"bytes"
	"encoding/binary"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// fakeCard keeps the kernel's contract for one CRTC and one HDMI connector, and
// fails the test when the other side breaks it.
type fakeCard struct {
	t        *testing.T
	modes    []modeInfo
	plugged  bool
	noDumb   bool
	master   bool // another process has taken it if false after SET_MASTER
	frozen   bool // no refresh comes
	dumbs    map[uint32]*[]byte
	pitches  map[uint32]uint32
	fbs      map[uint32]uint32 // framebuffer: handle
	next     uint32
	scanout  uint32 // framebuffer
	flipping uint32 // framebuffer that comes up at the next refresh; 0: none
	picture  []byte // of the scanned-out buffer as it came up
	flips    int
	restored bool
	closed   bool
}

const consoleFB = 900

func newCard(t *testing.T, modes ...modeInfo) *fakeCard {
	return &fakeCard{t: t, modes: modes, plugged: true, dumbs: map[uint32]*[]byte{}, pitches: map[uint32]uint32{}, fbs: map[uint32]uint32{}, next: 10, scanout: consoleFB}
}

func mode(w, h uint16, rate, kind uint32) modeInfo {
	return modeInfo{clock: 1, hdisplay: w, vdisplay: h, vrefresh: rate, kind: kind}
}

func arg[T any](p unsafe.Pointer) *T { return (*T)(p) }

// fill writes values to a place that the caller gave room for count of them in.
func fill[T any](place uint64, count *uint32, values []T) {
	if int(*count) >= len(values) && place != 0 {
		copy(unsafe.Slice(*(**T)(unsafe.Pointer(&place)), len(values)), values)
	}
	*count = uint32(len(values))
}

func (c *fakeCard) Ioctl(request uintptr, p unsafe.Pointer) error {
	if c.closed {
		return unix.EBADF
	}
	size := request >> 16 & 0x3fff
	check := func(want uintptr) {
		if size != want {
			c.t.Errorf("request %#x says %d bytes, the structure has %d", request, size, want)
		}
	}
	switch request {
	case ioSetMaster:
		c.master = true
	case ioDropMaster:
		c.master = false
	case ioGetCap:
		check(unsafe.Sizeof(getCap{}))
		if a := arg[getCap](p); a.capability == 1 && !c.noDumb {
			a.value = 1
		}
	case ioGetResources:
		check(unsafe.Sizeof(resources{}))
		a := arg[resources](p)
		fill(a.crtcs, &a.countCrtcs, []uint32{40})
		fill(a.connectors, &a.countConnectors, []uint32{50, 51})
	case ioGetConnector:
		check(unsafe.Sizeof(connector{}))
		return c.connector(arg[connector](p))
	case ioGetEncoder:
		check(unsafe.Sizeof(encoder{}))
		*arg[encoder](p) = encoder{id: 60, possibleCrtcs: 1}
	case ioGetCrtc:
		check(unsafe.Sizeof(crtc{}))
		*arg[crtc](p) = crtc{id: 40, fb: c.scanout, modeValid: 1, mode: c.modes[0]}
	case ioSetCrtc, ioPageFlip:
		if !c.master {
			return unix.EACCES
		}
		if request == ioPageFlip {
			check(unsafe.Sizeof(pageFlip{}))
			return c.flip(arg[pageFlip](p))
		}
		check(unsafe.Sizeof(crtc{}))
		a := arg[crtc](p)
		c.scanout, c.restored = a.fb, a.fb == consoleFB
		c.snapshot()
	case ioCreateDumb:
		check(unsafe.Sizeof(createDumb{}))
		a := arg[createDumb](p)
		c.next++
		a.handle, a.pitch = c.next, (a.width*a.bpp/8+63)/64*64
		a.size = uint64(a.pitch) * uint64(a.height)
		b := bytes.Repeat([]byte{0x77}, int(a.size))
		c.dumbs[a.handle], c.pitches[a.handle] = &b, a.pitch
	case ioAddFB:
		check(unsafe.Sizeof(addFB{}))
		a := arg[addFB](p)
		if c.dumbs[a.handle] == nil || a.pitch != c.pitches[a.handle] || a.bpp != 32 || a.depth != 24 {
			return unix.EINVAL
		}
		c.next++
		a.id = c.next
		c.fbs[a.id] = a.handle
	case ioMapDumb:
		check(unsafe.Sizeof(mapDumb{}))
		a := arg[mapDumb](p)
		a.offset = uint64(a.handle) << 32
	case ioRemoveFB:
		delete(c.fbs, *arg[uint32](p))
	case ioDestroyDumb:
		delete(c.dumbs, *arg[uint32](p))
	default:
		return unix.EINVAL
	}
	return nil
}

func (c *fakeCard) connector(a *connector) error {
	a.kind, a.number, a.connection = 11, 1, 2
	if a.id == 50 { // the other one never has a screen
		a.kind = 1
		a.countModes, a.countEncoders = 0, 0
		return nil
	}
	if a.encoder = 60; c.plugged {
		a.connection = connected
		fill(a.modes, &a.countModes, c.modes)
	} else {
		a.countModes = 0
	}
	fill(a.encoders, &a.countEncoders, []uint32{60})
	return nil
}

func (c *fakeCard) flip(a *pageFlip) error {
	switch {
	case c.flipping != 0:
		return unix.EBUSY
	case c.fbs[a.fb] == 0:
		return unix.ENOENT
	case a.crtc != 40 || a.flags != flipEvent || a.reserved != 0:
		return unix.EINVAL
	}
	c.tears()
	c.flipping = a.fb
	return nil
}

// tears fails the test if somebody drew on what was seen.
func (c *fakeCard) tears() {
	if b := c.dumbs[c.fbs[c.scanout]]; b != nil && !bytes.Equal(*b, c.picture) {
		c.t.Error("the buffer that was seen was drawn on")
	}
}

func (c *fakeCard) snapshot() {
	if b := c.dumbs[c.fbs[c.scanout]]; b != nil {
		c.picture = bytes.Clone(*b)
	}
}

func (c *fakeCard) Events(b []byte, wait time.Duration) (int, error) {
	if c.flipping == 0 || c.frozen {
		time.Sleep(wait)
		return 0, nil
	}
	c.tears()
	c.scanout, c.flipping = c.flipping, 0
	c.flips++
	c.snapshot()
	binary.NativeEndian.PutUint32(b, eventFlipped)
	binary.NativeEndian.PutUint32(b[4:], 32)
	return 32, nil
}

func (c *fakeCard) Map(offset int64, size int) ([]byte, error) {
	b := c.dumbs[uint32(offset>>32)]
	if b == nil || len(*b) != size {
		return nil, unix.EINVAL
	}
	return *b, nil
}

func (c *fakeCard) Unmap([]byte) error { return nil }

func (c *fakeCard) Close() error { c.closed = true; return nil }

// pixel returns a pixel of what is seen.
func (c *fakeCard) pixel(x, y int) uint32 {
	h := c.fbs[c.scanout]
	return binary.LittleEndian.Uint32((*c.dumbs[h])[y*int(c.pitches[h])+4*x:])
}
