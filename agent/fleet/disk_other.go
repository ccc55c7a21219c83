//go:build !linux

package fleet

import (
	"errors"
	"fmt"
)

// disk is a small file system of one device's own: on Linux only.
type disk struct{}

func newDisk(string) (*disk, error) { return nil, fmt.Errorf("disk: %w", errors.ErrUnsupported) }

func (*disk) fill() error  { return nil }
func (*disk) free() error  { return nil }
func (*disk) close() error { return nil }
