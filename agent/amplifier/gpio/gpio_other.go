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

// Input is an input line.
type Input struct{}

// Listen has no lines to take outside of Linux.
func Listen(string, int, bool) (*Input, error) {
	return nil, errors.New("gpio: this system has no GPIO character device")
}

// Next is never called.
func (*Input) Next() (bool, error) { return false, nil }

// Close is never called.
func (*Input) Close() error { return nil }
