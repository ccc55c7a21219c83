//go:build linux

package drm

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Device is a graphics card of the kernel. Requests are those of linux/drm.h with
// a pointer to their structure; they return what the kernel does (unix.Errno).
type Device interface {
	Ioctl(request uintptr, argument unsafe.Pointer) error
	Map(offset int64, size int) ([]byte, error)
	Unmap(b []byte) error
	// Events reads events into b, waiting for the first at most that long; 0 bytes
	// and no error: none came.
	Events(b []byte, wait time.Duration) (int, error)
	Close() error
}

// card is a device file, /dev/dri/card0.
type card struct{ file *os.File }

func openCard(path string) (Device, error) {
	fd, err := unix.Open(path, unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	return card{os.NewFile(uintptr(fd), path)}, nil
}

func (c card) Ioctl(request uintptr, argument unsafe.Pointer) error {
	for {
		_, _, errno := unix.Syscall(unix.SYS_IOCTL, c.file.Fd(), request, uintptr(argument))
		switch errno {
		case 0:
			return nil
		case unix.EINTR, unix.EAGAIN:
		default:
			return errno
		}
	}
}

func (c card) Map(offset int64, size int) ([]byte, error) {
	return unix.Mmap(int(c.file.Fd()), offset, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

func (c card) Unmap(b []byte) error { return unix.Munmap(b) }

func (c card) Events(b []byte, wait time.Duration) (int, error) {
	fds := []unix.PollFd{{Fd: int32(c.file.Fd()), Events: unix.POLLIN}}
	n, err := unix.Poll(fds, int(wait.Milliseconds()))
	if errors.Is(err, unix.EINTR) || err == nil && n == 0 {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return unix.Read(int(c.file.Fd()), b)
}

func (c card) Close() error { return c.file.Close() }

// ids asks for the card's CRTCs and connectors.
func ids(d Device) (crtcs, connectors []uint32, err error) {
	var r resources
	if err := d.Ioctl(ioGetResources, unsafe.Pointer(&r)); err != nil {
		return nil, nil, err
	}
	crtcs, connectors = make([]uint32, r.countCrtcs+1), make([]uint32, r.countConnectors+1)
	var pin runtime.Pinner
	defer pin.Unpin()
	r = resources{
		crtcs: address(&pin, &crtcs[0]), countCrtcs: uint32(len(crtcs)),
		connectors: address(&pin, &connectors[0]), countConnectors: uint32(len(connectors)),
	}
	if err := d.Ioctl(ioGetResources, unsafe.Pointer(&r)); err != nil {
		return nil, nil, err
	}
	return crtcs[:min(len(crtcs), int(r.countCrtcs))], connectors[:min(len(connectors), int(r.countConnectors))], nil
}

// ask asks for a connector with its modes and encoders; the kernel looks afresh
// whether a screen hangs on it.
func ask(d Device, id uint32) (c connector, modes []modeInfo, encoders []uint32, err error) {
	c.id = id
	if err := d.Ioctl(ioGetConnector, unsafe.Pointer(&c)); err != nil {
		return c, nil, nil, err
	}
	modes, encoders = make([]modeInfo, c.countModes+1), make([]uint32, c.countEncoders+1)
	var pin runtime.Pinner
	defer pin.Unpin()
	c = connector{
		id: id, modes: address(&pin, &modes[0]), countModes: uint32(len(modes)),
		encoders: address(&pin, &encoders[0]), countEncoders: uint32(len(encoders)),
	}
	if err := d.Ioctl(ioGetConnector, unsafe.Pointer(&c)); err != nil {
		return c, nil, nil, err
	}
	return c, modes[:min(len(modes), int(c.countModes))], encoders[:min(len(encoders), int(c.countEncoders))], nil
}

// plugged asks whether a screen hangs on a connector, by what the kernel knows
// already: room for one mode keeps it from looking afresh, which takes long.
func plugged(d Device, id uint32) (bool, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	mode := new(modeInfo)
	c := connector{id: id, modes: address(&pin, mode), countModes: 1}
	if err := d.Ioctl(ioGetConnector, unsafe.Pointer(&c)); err != nil {
		return false, err
	}
	return c.connection == connected, nil
}

// address is a pointer as the kernel wants it in a structure; it stays good until
// the pinner lets go.
func address[T any](pin *runtime.Pinner, p *T) uint64 {
	pin.Pin(p)
	return uint64(uintptr(unsafe.Pointer(p)))
}
