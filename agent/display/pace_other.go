//go:build !linux

package display

import (
	"errors"
	"time"
)

// alarm is a timer of Linux's.
type alarm struct{}

func newAlarm() (*alarm, error) { return nil, errors.ErrUnsupported }

// sleep is never called.
func (*alarm) sleep(time.Duration) {}

// close is never called.
func (*alarm) close() {}
