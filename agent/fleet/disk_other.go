//go:build !linux

package fleet

import (
	"errors"
	"fmt"
)

// OwnDisk gives a device a small disk of its own: on Linux only.
func OwnDisk(d Device) (Device, func() error, error) {
	return d, nil, fmt.Errorf("disk: %w", errors.ErrUnsupported)
}

type disk string

func (disk) fill() error { return nil }
func (disk) free() error { return nil }
