//go:build linux

package fb

import (
	"fmt"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Requests of linux/fb.h.
const (
	getVariable = 0x4600 // FBIOGET_VSCREENINFO
	getFixed    = 0x4602 // FBIOGET_FSCREENINFO
)

// field is struct fb_bitfield.
type field struct{ offset, length, msbRight uint32 }

// variable is struct fb_var_screeninfo.
type variable struct {
	xres, yres, xresVirtual, yresVirtual, xoffset, yoffset uint32
	bitsPerPixel, grayscale                                uint32
	red, green, blue, transp                               field
	_                                                      [20]uint32 // nonstd to reserved
}

// fixed is struct fb_fix_screeninfo.
type fixed struct {
	id                          [16]byte
	smemStart                   uintptr // unsigned long
	smemLen, kind, typeAux      uint32
	visual                      uint32
	xpanstep, ypanstep, ywrapst uint16
	lineLength                  uint32
	mmioStart                   uintptr
	mmioLen, accel              uint32
	capabilities                uint16
	_                           [2]uint16
}

// ask reads the layout from the driver.
func ask(file *os.File) (Layout, error) {
	var v variable
	var f fixed
	for _, q := range []struct {
		request uintptr
		answer  unsafe.Pointer
	}{{getVariable, unsafe.Pointer(&v)}, {getFixed, unsafe.Pointer(&f)}} {
		if _, _, errno := unix.Syscall(unix.SYS_IOCTL, file.Fd(), q.request, uintptr(q.answer)); errno != 0 {
			return Layout{}, fmt.Errorf("ask framebuffer: %w: %w", ErrLayout, errno)
		}
	}
	return layoutOf(v, f)
}

// layoutOf accepts the two common forms of pixels, seen from the first one on.
func layoutOf(v variable, f fixed) (Layout, error) {
	l := Layout{Width: int(v.xres), Height: int(v.yres), Stride: int(f.lineLength)}
	at := [3]uint32{v.red.offset, v.green.offset, v.blue.offset}
	switch {
	case v.xoffset != 0 || v.yoffset != 0 || v.red.msbRight|v.green.msbRight|v.blue.msbRight != 0:
	case v.bitsPerPixel == 32 && at == [3]uint32{16, 8, 0} && v.red.length == 8 && v.green.length == 8 && v.blue.length == 8:
		l.Format = XRGB8888
	case v.bitsPerPixel == 16 && at == [3]uint32{11, 5, 0} && v.red.length == 5 && v.green.length == 6 && v.blue.length == 5:
		l.Format = RGB565
	}
	return l, l.validate()
}
