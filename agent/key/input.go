package key

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
)

// evKey is the type of an event of a key, and its values (linux/input.h).
const (
	evKey    = 1
	released = 0
	pressed  = 1
)

// eventSize is that of struct input_event: two words of time, type, code, value.
const eventSize = strconv.IntSize/4 + 8

// input is an input device of the kernel: a push button at gpio-keys, a keypad, a
// presenter; any that tells events as these do.
type input struct {
	file *os.File
	code uint16 // 0: any key
}

// OpenInput opens an input device such as /dev/input/by-path/...-event; code is the
// key's number in linux/input-event-codes.h, 0 for any.
func OpenInput(path string, code int) (Source, error) {
	f, err := os.OpenFile(path, os.O_RDONLY|nonBlock, 0)
	if err != nil {
		return nil, fmt.Errorf("key: %w", err)
	}
	return &input{f, uint16(code)}, nil
}

// Next implements Source. What the kernel repeats while a key is held is no press.
func (in *input) Next() (bool, error) {
	var event [eventSize]byte
	for {
		if _, err := io.ReadFull(in.file, event[:]); err != nil {
			if errors.Is(err, io.EOF) {
				err = fmt.Errorf("device is gone: %w", err)
			}
			return false, fmt.Errorf("key: %w", err)
		}
		e := event[eventSize-8:]
		kind, code, value := binary.NativeEndian.Uint16(e), binary.NativeEndian.Uint16(e[2:]), binary.NativeEndian.Uint32(e[4:])
		if kind == evKey && (in.code == 0 || code == in.code) && (value == pressed || value == released) {
			return value == pressed, nil
		}
	}
}

// Close implements Source.
func (in *input) Close() error { return in.file.Close() }
