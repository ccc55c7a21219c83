//go:build !linux

package main

import (
	"context"
	"errors"
	"fmt"
	"syscall"
)

func group() *syscall.SysProcAttr { return nil }

func apart(context.Context, *session) (bool, error) {
	return false, fmt.Errorf("full disks are pretended on Linux only: leave disk out of --weather: %w", errors.ErrUnsupported)
}

// usage is not known.
func usage() (memory uint64, cpu float64) { return 0, 0 }
