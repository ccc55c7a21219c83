package gpio

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Flags of GPIO_V2_LINE_FLAG, for lines that are listened to.
const (
	flagInput    = 1 << 2
	flagRising   = 1 << 4
	flagFalling  = 1 << 5
	flagPullUp   = 1 << 8
	flagPullDown = 1 << 9
)

// bounce is how long the contacts of a button may chatter, in microseconds.
const bounce = 10_000

// Input is an input line.
type Input struct{ file *os.File }

// Listen takes line number of a chip, as Open does, as an input that is pulled to its
// inactive level; activeLow is true if low is active.
func Listen(chip string, number int, activeLow bool) (*Input, error) {
	fd, err := take(chip, listening(number, activeLow))
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil { // so that Close ends a read
		return nil, fmt.Errorf("gpio: %w", errors.Join(err, unix.Close(fd)))
	}
	return &Input{os.NewFile(uintptr(fd), chip)}, nil
}

// listening asks for one line with both of its edges.
func listening(number int, activeLow bool) unix.GPIOV2LineRequest {
	r := unix.GPIOV2LineRequest{Num_lines: 1}
	r.Offsets[0] = uint32(number)
	copy(r.Consumer[:], consumer)
	r.Config.Flags = flagInput | flagRising | flagFalling | flagPullDown
	if activeLow {
		r.Config.Flags = flagInput | flagRising | flagFalling | flagPullUp | flagActiveLow
	}
	r.Config.Num_attrs = 1
	r.Config.Attrs[0].Attr.Id = unix.GPIO_V2_LINE_ATTR_ID_DEBOUNCE
	*(*uint32)(unsafe.Pointer(&r.Config.Attrs[0].Attr.Flags)) = bounce // a union
	r.Config.Attrs[0].Mask = 1
	return r
}

// eventSize is that of struct gpio_v2_line_event; its second word of 32 bits after the
// time says which edge.
const (
	eventSize = 48
	edgeAt    = 8
	rising    = 1
	falling   = 2
)

// Next waits for the line to become active or inactive. Close ends it with an error.
func (in *Input) Next() (active bool, err error) {
	var event [eventSize]byte
	for {
		if _, err := io.ReadFull(in.file, event[:]); err != nil {
			return false, fmt.Errorf("gpio: %w", err)
		}
		switch binary.NativeEndian.Uint32(event[edgeAt:]) {
		case rising: // logically: to active
			return true, nil
		case falling:
			return false, nil
		}
	}
}

// Close frees the line.
func (in *Input) Close() error { return in.file.Close() }
