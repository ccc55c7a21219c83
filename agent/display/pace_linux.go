package display

import (
	"time"

	"golang.org/x/sys/unix"
)

// Nap sleeps on the thread that calls it, by the kernel's own timer: within a
// tenth of a millisecond, where the runtime's timers are late by up to one and
// wake twice. It is Config.Sleep of boards that move.
func Nap(d time.Duration) {
	for until := time.Now().Add(d); d > 0; d = time.Until(until) {
		t := unix.NsecToTimespec(int64(d))
		// The only error is a signal, after which the rest is slept.
		_ = unix.ClockNanosleep(unix.CLOCK_MONOTONIC, 0, &t, nil)
	}
}

// hurry puts the calling thread ahead of others, where the system allows it
// (LimitNICE of the unit's file): a frame takes microseconds and is wanted in time.
func hurry() {
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), -10)
}
