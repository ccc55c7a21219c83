package speaker

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// urgent is the nice value of a process that feeds a card: it does little, but that in
// time.
const urgent = -15

// hurry puts all threads of a process before others, where that is allowed; elsewhere
// the card has only its buffer to bear delays with.
func hurry(pid int) {
	tasks, err := os.ReadDir("/proc/" + strconv.Itoa(pid) + "/task")
	if err != nil {
		return
	}
	for _, task := range tasks {
		if tid, err := strconv.Atoi(task.Name()); err == nil {
			_ = unix.Setpriority(unix.PRIO_PROCESS, tid, urgent)
		}
	}
}

// stay keeps what the process has in memory from being taken away: a page that has to be
// read in again from a slow card of memory, beside somebody who writes, comes later than
// a buffer lasts. Where memory may not be locked without a limit, nothing is done.
func stay() {
	var limit unix.Rlimit
	err := unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit)
	if os.Geteuid() != 0 && (err != nil || limit.Cur != unix.RLIM_INFINITY) {
		return
	}
	_ = unix.Mlockall(unix.MCL_CURRENT | unix.MCL_FUTURE | unix.MCL_ONFAULT)
}
