package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// apartEnv says that this process has mounts of its own.
const apartEnv = "LOA_FLEET_APART"

// group gives a process a group of its own, so that Ctrl-C reaches only its parent.
func group() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

// apart runs this command line again where small disks can be mounted that nobody
// else sees: in a mount namespace, without root in a user namespace too. It says
// whether this is that run already.
func apart(ctx context.Context, s *session) (bool, error) {
	if os.Getenv(apartEnv) != "" {
		return true, nil
	}
	self, err := os.Executable()
	if err != nil {
		return false, err
	}
	cmd := exec.CommandContext(ctx, self, os.Args[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Env = append(os.Environ(), apartEnv+"=1")
	cmd.Stdout, cmd.Stderr = s.out, s.errOut
	cmd.SysProcAttr = group()
	cmd.SysProcAttr.Unshareflags = syscall.CLONE_NEWNS // its mounts are private
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags = syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{HostID: os.Getgid(), Size: 1}}
	}
	if err := cmd.Start(); err != nil {
		return false, fmt.Errorf("full disks take root, or user namespaces: leave disk out of --weather: %w", err)
	}
	err = cmd.Wait()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return false, statusError(exit.ExitCode())
	}
	return false, err
}

// usage is how much memory this process took at most, in bytes, and how long it has
// had a processor, in seconds.
func usage() (memory uint64, cpu float64) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, 0
	}
	return uint64(u.Maxrss) << 10, time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}
