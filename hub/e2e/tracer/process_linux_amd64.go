package tracer

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Config is what to run.
type Config struct {
	Program *Program
	Args    []string
	Env     []string // added to this process's
	// Output gets what the program prints.
	Output *os.File
	// Decide says what becomes of each call of the program; its children's pass. It is
	// called in order, by one goroutine, while the calling thread of the program
	// stands still. nil lets everything pass.
	Decide func(Point) Fate
	// Undo says of which files Cut takes back what is not durable; nil for none.
	Undo func(path string) bool
}

// Process is a program that runs under ptrace.
type Process struct {
	cfg   Config
	calls map[uint64]call
	pid   int
	done  chan struct{}
	err   error // of the tracer; valid when done
	state unix.WaitStatus

	main    map[int]bool // threads of the program itself; others are its children's
	seen    map[int]bool
	started bool // the shim has become the program
	torn    map[int]bool
	syncing map[int]string // threads in an fsync, and of what
	fated   atomic.Bool
	cut     bool
	undo    []undo
}

// Start runs a program. Whoever starts it ends it.
func Start(cfg Config) (*Process, error) {
	p := &Process{
		cfg: cfg, calls: calls(), done: make(chan struct{}), main: map[int]bool{}, seen: map[int]bool{}, torn: map[int]bool{}, syncing: map[int]string{},
	}
	begun := make(chan error, 1)
	go p.run(begun)
	return p, <-begun
}

// Done is closed when the program has ended, and with it all that it started.
func (p *Process) Done() <-chan struct{} { return p.done }

// Err says what went wrong with the tracing, and how the program ended if it did so
// by itself and badly. Only after Done.
func (p *Process) Err() error {
	if p.err == nil && !p.Fated() && p.state.Exited() && p.state.ExitStatus() != 0 {
		return fmt.Errorf("program ended with status %d", p.state.ExitStatus())
	}
	return p.err
}

// Fated says whether a fate has ended the program.
func (p *Process) Fated() bool { return p.fated.Load() }

// Kill ends the program as it stands and waits.
func (p *Process) Kill() {
	_ = unix.Kill(p.pid, unix.SIGKILL) // it may have ended already
	<-p.done
}

// Ask asks the program to end.
func (p *Process) Ask() {
	_ = unix.Kill(p.pid, unix.SIGTERM) // it may have ended already
}

// Dump has a program that does not end write the stacks of its goroutines to its
// output, and ends it.
func (p *Process) Dump(within time.Duration) {
	_ = unix.Kill(p.pid, unix.SIGQUIT) // it may have ended already
	select {
	case <-p.done:
	case <-time.After(within):
		p.Kill()
	}
}

// run is the tracer's thread: all of ptrace belongs to the one that started the
// program. The thread is not given back, so it ends with the goroutine.
func (p *Process) run(begun chan<- error) {
	runtime.LockOSThread()
	defer close(p.done)
	if err := p.begin(); err != nil {
		begun <- err
		return
	}
	begun <- nil
	for {
		ws, tid, err := p.next()
		switch {
		case err != nil: // nobody is left
			if p.cut {
				p.err = errors.Join(p.err, p.takeBack())
			}
			return
		case ws.Exited() || ws.Signaled():
			if delete(p.main, tid); tid == p.pid {
				p.state = ws
				p.endChildren()
			}
		case ws.Stopped():
			p.stopped(tid, ws)
		}
	}
}

// next waits for something to happen to the program or to what it started. This
// thread may have started other programs before it was the tracer's; they are left
// to those who wait for them.
func (p *Process) next() (ws unix.WaitStatus, tid int, err error) {
	for {
		var info siginfo
		_, _, errno := unix.Syscall6(unix.SYS_WAITID, unix.P_ALL, 0, uintptr(unsafe.Pointer(&info)),
			unix.WEXITED|unix.WSTOPPED|unix.WNOWAIT|unix.WALL|unix.WNOTHREAD, 0, 0)
		if errno == unix.EINTR {
			continue
		}
		if errno != 0 {
			return ws, 0, errno
		}
		if tid = int(info.pid); !p.seen[tid] && field(tid, "TracerPid") != unix.Gettid() {
			runtime.Gosched()
			continue
		}
		if _, err := unix.Wait4(tid, &ws, unix.WALL, nil); err == nil {
			return ws, tid, nil
		}
	}
}

// siginfo is the kernel's siginfo_t, as waitid fills it in.
type siginfo struct {
	_   [4]int32
	pid int32
	_   [108]byte
}

func (p *Process) begin() error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	null, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer null.Close()
	env := append(os.Environ(), p.cfg.Env...)
	p.pid, err = syscall.ForkExec(self, append([]string{p.cfg.Program.path}, p.cfg.Args...), &syscall.ProcAttr{
		Env:   append(env, shimEnv+"="+p.cfg.Program.path),
		Files: []uintptr{null.Fd(), p.cfg.Output.Fd(), p.cfg.Output.Fd()},
		Sys:   &syscall.SysProcAttr{Ptrace: true, Setpgid: true},
	})
	if err != nil {
		return fmt.Errorf("start: %w", err)
	}
	var ws unix.WaitStatus
	if _, err := unix.Wait4(p.pid, &ws, unix.WALL, nil); err != nil {
		return fmt.Errorf("start: %w", err)
	}
	p.main[p.pid], p.seen[p.pid] = true, true
	if err := unix.PtraceSetOptions(p.pid, unix.PTRACE_O_EXITKILL|unix.PTRACE_O_TRACESECCOMP|unix.PTRACE_O_TRACESYSGOOD|
		unix.PTRACE_O_TRACECLONE|unix.PTRACE_O_TRACEFORK|unix.PTRACE_O_TRACEVFORK|unix.PTRACE_O_TRACEEXEC); err != nil {
		return fmt.Errorf("trace: %w", err)
	}
	return unix.PtraceCont(p.pid, 0)
}

// endChildren ends what the program has started, as a service's end or a power cut
// would.
func (p *Process) endChildren() {
	for tid := range p.seen {
		if !p.main[tid] && tid != p.pid {
			_ = unix.Kill(tid, unix.SIGKILL) // most have ended long ago
		}
	}
}

// stopped lets a thread go on, after what its stop stands for.
func (p *Process) stopped(tid int, ws unix.WaitStatus) {
	signal := ws.StopSignal()
	if !p.seen[tid] {
		p.seen[tid] = true
		p.main[tid] = field(tid, "Tgid") == p.pid
	}
	switch {
	case signal == unix.SIGSTOP:
		// Each new thread stops once, sometimes behind another signal; nobody else
		// stops a program that is traced.
		p.resume(tid, 0)
	case signal == unix.SIGTRAP|0x80:
		p.happened(tid)
		p.resume(tid, 0)
	case signal != unix.SIGTRAP:
		p.resume(tid, int(signal))
	case ws.TrapCause() == unix.PTRACE_EVENT_SECCOMP:
		p.call(tid)
	case ws.TrapCause() == unix.PTRACE_EVENT_EXEC && tid == p.pid:
		p.started = true
		p.resume(tid, 0)
	default:
		p.resume(tid, 0)
	}
}

// resume lets a thread go on; one that was killed meanwhile needs nothing.
func (p *Process) resume(tid, signal int) { _ = unix.PtraceCont(tid, signal) }

// field is a number of what the kernel says of a thread, 0 if it says nothing.
func field(tid int, name string) int {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", tid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(b), "\n"+name+":")
	var n int
	_, _ = fmt.Sscan(rest, &n)
	return n
}

// call handles a thread that is about to make one of the calls.
func (p *Process) call(tid int) {
	var regs unix.PtraceRegs
	if !p.main[tid] || !p.started || p.fated.Load() || unix.PtraceGetRegs(tid, &regs) != nil {
		p.resume(tid, 0)
		return
	}
	c := p.calls[regs.Orig_rax]
	pt := p.point(tid, c, &regs)
	fate := Pass
	if p.cfg.Decide != nil {
		fate = p.cfg.Decide(pt)
	}
	if p.cfg.Undo != nil && fate == Pass && p.cfg.Undo(pt.Path) {
		if err := p.remember(tid, &regs, pt); err != nil {
			p.err = errors.Join(p.err, fmt.Errorf("remember %s of %s: %w", pt.Call, pt.Path, err))
		}
		if strings.HasSuffix(pt.Call, "sync") {
			p.syncing[tid] = pt.Path
			_ = unix.PtraceSyscall(tid, 0) // it may have ended
			return
		}
	}
	switch fate {
	case Kill:
		p.kill(false)
	case Torn, Cut:
		if !pt.Splits() {
			p.kill(fate == Cut)
			break
		}
		p.fated.Store(true) // others pass until this one has happened
		regs.Rdx = uint64(pt.Size / 2)
		p.torn[tid], p.cut = true, fate == Cut
		if err := unix.PtraceSetRegs(tid, &regs); err == nil {
			_ = unix.PtraceSyscall(tid, 0) // it may have ended
			return
		}
		p.kill(fate == Cut)
	case Refuse:
		if !c.grows() {
			break
		}
		errno := unix.ENOSPC
		regs.Orig_rax, regs.Rax = ^uint64(0), uint64(-int64(errno))
		_ = unix.PtraceSetRegs(tid, &regs) // it may have ended
	case Pass:
	}
	p.resume(tid, 0)
}

// kill ends the program now.
func (p *Process) kill(cut bool) {
	p.fated.Store(true)
	p.cut = p.cut || cut
	_ = unix.Kill(p.pid, unix.SIGKILL) // it may have ended
}

// happened handles the end of a call that was followed.
func (p *Process) happened(tid int) {
	if p.torn[tid] {
		p.kill(p.cut)
		return
	}
	if path, ok := p.syncing[tid]; ok {
		delete(p.syncing, tid)
		var regs unix.PtraceRegs
		if unix.PtraceGetRegs(tid, &regs) == nil && regs.Rax == 0 {
			p.durable(path)
		}
	}
}

// point describes a call.
func (p *Process) point(tid int, c call, regs *unix.PtraceRegs) Point {
	args := [6]uint64{regs.Rdi, regs.Rsi, regs.Rdx, regs.R10, regs.R8, regs.R9}
	pt := Point{Call: c.name, Descriptor: -1, Size: -1, Stack: p.cfg.Program.stack(tid, regs)}
	if c.size >= 0 {
		pt.Size = int(args[c.size])
	}
	if c.fd >= 0 {
		pt.Descriptor = int(int32(args[c.fd]))
		pt.Path, _ = os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", tid, pt.Descriptor)) // closed: the call will fail
		return pt
	}
	pt.Path = text(tid, args[c.path])
	if dir := int32(args[max(0, c.path-1)]); !filepath.IsAbs(pt.Path) && c.path > 0 && dir != unix.AT_FDCWD {
		base, _ := os.Readlink(fmt.Sprintf("/proc/%d/fd/%d", tid, dir)) // closed: the call will fail
		pt.Path = filepath.Join(base, pt.Path)
	}
	return pt
}
