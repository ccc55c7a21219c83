package child

import (
	"errors"
	"os"
	"os/exec"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// attributes are a process group of its own and, if isolated, a network of its
// own that leads nowhere. Whoever is not root makes that in a user namespace, in
// which the user stays who it is.
func attributes(isolated bool) *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if !isolated {
		return a
	}
	a.Cloneflags = unix.CLONE_NEWNET
	if uid, gid := os.Geteuid(), os.Getegid(); uid != 0 {
		a.Cloneflags |= unix.CLONE_NEWUSER
		a.UidMappings = []syscall.SysProcIDMap{{ContainerID: uid, HostID: uid, Size: 1}}
		a.GidMappings = []syscall.SysProcIDMap{{ContainerID: gid, HostID: gid, Size: 1}}
	}
	return a
}

var isolates = sync.OnceValue(func() bool {
	cmd := exec.Command("true")
	cmd.SysProcAttr = attributes(true)
	return cmd.Run() == nil
})

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
