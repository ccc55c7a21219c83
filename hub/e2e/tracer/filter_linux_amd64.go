package tracer

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// shimEnv makes a test's own binary the shim: it holds the path of the program.
const shimEnv = "LOA_TRACER_PROGRAM"

// call is a call of the system that is looked at.
type call struct {
	name string
	// fd and path are the places of these arguments, -1 for none; size of the length.
	fd, path, size int
	// creates: it counts only if the flags in its third argument make or empty a file.
	creates bool
}

// calls are what writes, sends, or makes that durable.
func calls() map[uint64]call {
	return map[uint64]call{
		unix.SYS_WRITE:           {"write", 0, -1, 2, false},
		unix.SYS_PWRITE64:        {"pwrite64", 0, -1, 2, false},
		unix.SYS_WRITEV:          {"writev", 0, -1, -1, false},
		unix.SYS_PWRITEV:         {"pwritev", 0, -1, -1, false},
		unix.SYS_PWRITEV2:        {"pwritev2", 0, -1, -1, false},
		unix.SYS_SENDTO:          {"sendto", 0, -1, 2, false},
		unix.SYS_SENDMSG:         {"sendmsg", 0, -1, -1, false},
		unix.SYS_SENDFILE:        {"sendfile", 0, -1, -1, false},
		unix.SYS_SPLICE:          {"splice", 2, -1, -1, false},
		unix.SYS_COPY_FILE_RANGE: {"copy_file_range", 2, -1, -1, false},
		unix.SYS_FSYNC:           {"fsync", 0, -1, -1, false},
		unix.SYS_FDATASYNC:       {"fdatasync", 0, -1, -1, false},
		unix.SYS_FTRUNCATE:       {"ftruncate", 0, -1, -1, false},
		unix.SYS_FALLOCATE:       {"fallocate", 0, -1, -1, false},
		unix.SYS_OPENAT:          {"openat", -1, 1, -1, true},
		unix.SYS_RENAME:          {"rename", -1, 1, -1, false},
		unix.SYS_RENAMEAT:        {"renameat", -1, 3, -1, false},
		unix.SYS_RENAMEAT2:       {"renameat2", -1, 3, -1, false},
		unix.SYS_LINKAT:          {"linkat", -1, 3, -1, false},
		unix.SYS_SYMLINKAT:       {"symlinkat", -1, 2, -1, false},
		unix.SYS_UNLINK:          {"unlink", -1, 0, -1, false},
		unix.SYS_UNLINKAT:        {"unlinkat", -1, 1, -1, false},
		unix.SYS_MKDIR:           {"mkdir", -1, 0, -1, false},
		unix.SYS_MKDIRAT:         {"mkdirat", -1, 1, -1, false},
	}
}

// grows says whether a full disk refuses a call.
func (c call) grows() bool {
	return !strings.HasPrefix(c.name, "unlink")
}

// Main is to be called first in TestMain: in the shim it puts the filter on and
// becomes the program, and does not return; elsewhere it does nothing.
func Main() {
	program := os.Getenv(shimEnv)
	if program == "" {
		return
	}
	fmt.Fprintln(os.Stderr, "tracer:", shim(program))
	os.Exit(1)
}

func shim(program string) error {
	runtime.LockOSThread()
	if err := filter(); err != nil {
		return err
	}
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, shimEnv+"=") {
			env = append(env, v)
		}
	}
	return syscall.Exec(program, append([]string{program}, os.Args[1:]...), env)
}

// Offsets in struct seccomp_data.
const (
	offNumber = 0
	offArch   = 4
	offFlags  = 16 + 2*8 // the third argument
)

// filter has the kernel stop this process at the calls, for its tracer.
func filter() error {
	var plain []uint64
	for nr, c := range calls() {
		if !c.creates {
			plain = append(plain, nr)
		}
	}
	const load, equal, test, ret = unix.BPF_LD | unix.BPF_W | unix.BPF_ABS, unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, unix.BPF_JMP | unix.BPF_JSET | unix.BPF_K, unix.BPF_RET | unix.BPF_K
	code := []unix.SockFilter{
		{Code: load, K: offArch},
		{Code: equal, K: unix.AUDIT_ARCH_X86_64, Jt: 1},
		{Code: ret, K: unix.SECCOMP_RET_ALLOW},
		{Code: load, K: offNumber},
	}
	// The two answers stand at the end: from the i-th comparison over the rest of
	// them and the three lines about openat.
	for i, nr := range plain {
		code = append(code, unix.SockFilter{Code: equal, K: uint32(nr), Jt: uint8(len(plain) - i - 1 + 4)})
	}
	code = append(code,
		unix.SockFilter{Code: equal, K: unix.SYS_OPENAT, Jf: 2},
		unix.SockFilter{Code: load, K: offFlags},
		unix.SockFilter{Code: test, K: unix.O_CREAT | unix.O_TRUNC, Jt: 1},
		unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_ALLOW},
		unix.SockFilter{Code: ret, K: unix.SECCOMP_RET_TRACE},
	)
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("no new privileges: %w", err)
	}
	prog := unix.SockFprog{Len: uint16(len(code)), Filter: &code[0]}
	if _, _, errno := unix.Syscall(unix.SYS_SECCOMP, unix.SECCOMP_SET_MODE_FILTER, 0, uintptr(unsafe.Pointer(&prog))); errno != 0 {
		return errors.Join(errors.New("seccomp filter"), errno)
	}
	return nil
}
