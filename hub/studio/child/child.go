// Package child runs one outside program within limits: time, memory, size of
// files, output, priority and, where the system lets it, no network. It starts it
// in its own process group, which is killed as a whole when the limits are passed,
// the context ends or the hub dies.
//
// It decides nothing about what the program does, and never uses a shell.
package child

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// What may happen to a child apart from success.
var (
	// ErrMissing: there is no such program, or it may not be run.
	ErrMissing = errors.New("program not found")
	// ErrTimeout: it ran longer than Spec.Timeout and was killed.
	ErrTimeout = errors.New("program took too long")
	// ErrFlood: it wrote more than Spec.MaxOutput to its standard output.
	ErrFlood = errors.New("program wrote too much")
	// ErrExit: it ended by itself with a status other than 0, or by a signal.
	ErrExit = errors.New("program failed")
)

// Spec is one run of a program.
type Spec struct {
	Path   string    // of the program, or a name looked up in PATH
	Args   []string  // without the program's name
	Env    []string  // whole environment; nil means only PATH and LC_ALL=C.UTF-8
	Dir    string    // working directory; "" is the hub's
	Stdin  io.Reader // nil is an empty input
	Stdout io.Writer // nil drops what is written
	Stderr io.Writer // gets the standard error as it comes; may be nil

	Timeout   time.Duration // wall clock, must be positive
	MaxOutput int64         // bytes on standard output, must be positive
	Memory    uint64        // bytes of address space, 0 is unlimited
	FileSize  uint64        // bytes of the largest file it may write, 0 is unlimited
	OpenFiles uint64        // 0 is unlimited
	Nice      int           // 0 to 19, added to the hub's own priority
	Network   bool          // it may use the network; else it has none where Isolates
}

// stderrTail is how much of the standard error is kept, from its end.
const stderrTail = 64 << 10

// Run starts the program and waits for its end. It returns the last 64 KiB of
// its standard error. The error wraps one of the sentinels of this package, or
// ctx.Err() if the context ended first. When Run returns, no process of the
// child's group is alive.
func Run(ctx context.Context, spec Spec) (string, error) {
	if spec.Timeout <= 0 || spec.MaxOutput <= 0 {
		return "", fmt.Errorf("run %s: no limit set: %w", spec.Path, errors.ErrUnsupported)
	}
	limited, cancel := context.WithTimeout(ctx, spec.Timeout)
	defer cancel()
	cmd := command(limited, spec)
	out := &limitedWriter{to: spec.Stdout, left: spec.MaxOutput, overflow: cancel}
	tail := &tailBuffer{}
	cmd.Stdout, cmd.Stderr = out, tail
	if spec.Stderr != nil {
		cmd.Stderr = io.MultiWriter(tail, spec.Stderr)
	}

	// The death signal follows the thread that started the child, not the hub.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := cmd.Start(); err != nil {
		if ctx.Err() != nil {
			return "", fmt.Errorf("start %s: %w", spec.Path, ctx.Err())
		}
		if errors.Is(err, context.DeadlineExceeded) {
			return "", fmt.Errorf("start %s: %w", spec.Path, ErrTimeout)
		}
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) || errors.Is(err, os.ErrPermission) {
			return "", fmt.Errorf("start %s: %w", spec.Path, ErrMissing)
		}
		return "", fmt.Errorf("start %s: %v: %w", spec.Path, err, ErrExit)
	}
	limitErr := confine(cmd.Process.Pid, spec)
	if limitErr != nil {
		cancel()
	}
	err := cmd.Wait()
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // what the child left behind
	switch {
	case limitErr != nil && ctx.Err() == nil && err != nil:
		return tail.String(), fmt.Errorf("limit %s: %v: %w", spec.Path, limitErr, ErrExit)
	case ctx.Err() != nil:
		return tail.String(), fmt.Errorf("run %s: %w", spec.Path, ctx.Err())
	case out.full:
		return tail.String(), fmt.Errorf("run %s: %w", spec.Path, ErrFlood)
	case errors.Is(limited.Err(), context.DeadlineExceeded):
		return tail.String(), fmt.Errorf("run %s: %w", spec.Path, ErrTimeout)
	case err != nil:
		return tail.String(), fmt.Errorf("run %s: %v: %w", spec.Path, err, ErrExit)
	}
	return tail.String(), nil
}

func command(ctx context.Context, spec Spec) *exec.Cmd {
	cmd := exec.CommandContext(ctx, spec.Path, spec.Args...)
	cmd.Env, cmd.Dir, cmd.Stdin = spec.Env, spec.Dir, spec.Stdin
	if cmd.Env == nil {
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8"}
	}
	cmd.SysProcAttr = attributes(!spec.Network && Isolates())
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 2 * time.Second
	return cmd
}

// Isolates says whether children can be kept from the network here: it takes the
// right to make a network namespace.
func Isolates() bool { return isolates() }

// limitedWriter passes on at most left bytes, then calls overflow.
type limitedWriter struct {
	to       io.Writer
	left     int64
	full     bool
	overflow func()
}

func (w *limitedWriter) Write(b []byte) (int, error) {
	if int64(len(b)) > w.left {
		w.full = true
		w.overflow()
		return 0, ErrFlood
	}
	w.left -= int64(len(b))
	if w.to == nil {
		return len(b), nil
	}
	return w.to.Write(b)
}

// tailBuffer keeps the end of what is written to it.
type tailBuffer struct{ b bytes.Buffer }

func (t *tailBuffer) Write(b []byte) (int, error) {
	n := len(b)
	if n > stderrTail {
		b = b[n-stderrTail:]
	}
	t.b.Write(b)
	if over := t.b.Len() - stderrTail; over > 0 {
		t.b.Next(over)
	}
	return n, nil
}

func (t *tailBuffer) String() string { return strings.ToValidUTF8(t.b.String(), "?") }
