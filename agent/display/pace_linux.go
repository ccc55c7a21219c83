package display

import (
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// alarm wakes its goroutine by a timer of the kernel's (timerfd) that the runtime's
// poller waits for: within a tenth of a millisecond, where the runtime's own timers are
// late by up to one and wake twice. A thread that slept in a system call would be on
// time too, but the runtime looks after such a thread, and after 10 ms it interrupts it
// and gives its place to others, at every frame: that costs several times what drawing
// does.
type alarm struct {
	file *os.File
	conn syscall.RawConn
	at   unix.ItimerSpec
	set  bool
	wait func(fd uintptr) bool // ring, made once: nothing is allocated a frame
}

func newAlarm() (*alarm, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("timer: %w", err)
	}
	a := &alarm{file: os.NewFile(uintptr(fd), "timer")}
	if a.conn, err = a.file.SyscallConn(); err != nil {
		return nil, fmt.Errorf("timer: %w", err)
	}
	a.wait = a.ring
	return a, nil
}

// ring sets the timer when it is called first, and is called again when that is over.
// What the timer counted is never read: setting it anew begins at none.
func (a *alarm) ring(fd uintptr) bool {
	if a.set {
		return true
	}
	a.set = unix.TimerfdSettime(int(fd), 0, &a.at, nil) == nil
	return !a.set
}

// sleep returns after d, or at once if there is no timer any more.
func (a *alarm) sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	a.at.Value, a.set = unix.NsecToTimespec(int64(d)), false
	_ = a.conn.Read(a.wait) // its only error is that it was closed
}

func (a *alarm) close() { _ = a.file.Close() }
