//go:build !linux

package gpio

import "errors"

// Line is an output line.
type Line struct{}

// Open has no lines to take outside of Linux.
func Open(string, int, bool) (*Line, error) {
	return nil, errors.New("gpio: this system has no GPIO character device")
}

// Set is never called.
func (*Line) Set(bool) error { return nil }

// Close is never called.
func (*Line) Close() error { return nil }
