// Package gpio drives an output line of the Linux GPIO character device, or listens to an
// input line, by version 2 of its interface (linux/gpio.h). The kernel frees a line when
// the process ends.
package gpio

import (
	"fmt"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"
)

// consumer is how the line is named in the kernel's lists.
const consumer = "loa-agent"

// Flags of GPIO_V2_LINE_FLAG.
const (
	flagActiveLow = 1 << 1
	flagOutput    = 1 << 3
)

// Line is an output line. It is inactive when opened.
type Line struct{ fd int }

// Open takes line number of a chip, such as "gpiochip0" or a path; activeLow is true if
// a low level closes the relay.
func Open(chip string, number int, activeLow bool) (*Line, error) {
	fd, err := take(chip, request(number, activeLow))
	if err != nil {
		return nil, err
	}
	return &Line{fd}, nil
}

// take asks a chip for the line of a request, and returns its file descriptor.
func take(chip string, r unix.GPIOV2LineRequest) (fd int, err error) {
	if !filepath.IsAbs(chip) {
		chip = filepath.Join("/dev", chip)
	}
	f, err := os.OpenFile(chip, os.O_RDWR, 0)
	if err != nil {
		return -1, fmt.Errorf("gpio: %w", err)
	}
	defer f.Close() // the line stays
	if err := ioctl(int(f.Fd()), unix.GPIO_V2_GET_LINE_IOCTL, unsafe.Pointer(&r)); err != nil {
		return -1, fmt.Errorf("gpio: line %d of %s: %w", r.Offsets[0], chip, err)
	}
	return int(r.Fd), nil
}

// request asks for one line, whose value is 0 from the beginning on.
func request(number int, activeLow bool) unix.GPIOV2LineRequest {
	r := unix.GPIOV2LineRequest{Num_lines: 1}
	r.Offsets[0] = uint32(number)
	copy(r.Consumer[:], consumer)
	r.Config.Flags = flagOutput
	if activeLow {
		r.Config.Flags |= flagActiveLow
	}
	r.Config.Num_attrs = 1
	r.Config.Attrs[0].Attr.Id = unix.GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES
	r.Config.Attrs[0].Mask = 1
	return r
}

// Set makes the line active, or inactive.
func (l *Line) Set(on bool) error {
	v := unix.GPIOV2LineValues{Mask: 1}
	if on {
		v.Bits = 1
	}
	if err := ioctl(l.fd, unix.GPIO_V2_LINE_SET_VALUES_IOCTL, unsafe.Pointer(&v)); err != nil {
		return fmt.Errorf("gpio: set: %w", err)
	}
	return nil
}

// Close frees the line.
func (l *Line) Close() error { return unix.Close(l.fd) }

func ioctl(fd int, number uintptr, arg unsafe.Pointer) error {
	if _, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), number, uintptr(arg)); errno != 0 {
		return errno
	}
	return nil
}
