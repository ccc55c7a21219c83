package child

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

func groupAttributes() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// confine sets the limits of a child that has just started. A child that is
// already gone needs none.
func confine(pid int, spec Spec) error {
	limits := []struct {
		resource int
		value    uint64
	}{
		{unix.RLIMIT_AS, spec.Memory},
		{unix.RLIMIT_FSIZE, spec.FileSize},
		{unix.RLIMIT_NOFILE, spec.OpenFiles},
	}
	for _, l := range limits {
		if l.value == 0 {
			continue
		}
		limit := unix.Rlimit{Cur: l.value, Max: l.value}
		if err := unix.Prlimit(pid, l.resource, &limit, nil); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	if err := unix.Prlimit(pid, unix.RLIMIT_CORE, &unix.Rlimit{}, nil); err != nil && !errors.Is(err, unix.ESRCH) {
		return err
	}
	if spec.Nice > 0 {
		if err := unix.Setpriority(unix.PRIO_PGRP, pid, spec.Nice); err != nil && !errors.Is(err, unix.ESRCH) {
			return err
		}
	}
	return nil
}
