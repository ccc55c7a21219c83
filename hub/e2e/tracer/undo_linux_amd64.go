package tracer

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// undo is what a file was before a write that is not durable yet.
type undo struct {
	path   string
	offset int64
	before []byte
	size   int64
}

// remember keeps what a write or truncation is about to change.
func (p *Process) remember(tid int, regs *unix.PtraceRegs, pt Point) error {
	u := undo{path: pt.Path}
	var length int64
	switch pt.Call {
	case "pwrite64":
		u.offset, length = int64(regs.R10), int64(regs.Rdx)
	case "write":
		at, err := position(tid, pt.Descriptor)
		if err != nil {
			return err
		}
		u.offset, length = at, int64(regs.Rdx)
	case "ftruncate":
		u.offset = int64(regs.Rsi)
	default:
		return nil
	}
	f, err := os.Open(pt.Path)
	if err != nil {
		if errors.Is(err, os.ErrNotExist) {
			return nil // removed while it is open: nothing of it will be seen again
		}
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if u.size = info.Size(); pt.Call == "ftruncate" {
		length = max(0, u.size-u.offset)
	}
	u.before = make([]byte, max(0, min(length, u.size-u.offset)))
	if _, err := io.ReadFull(io.NewSectionReader(f, u.offset, int64(len(u.before))), u.before); err != nil {
		return err
	}
	p.undo = append(p.undo, u)
	return nil
}

// position is where a descriptor of a thread's process stands in its file.
func position(tid, fd int) (int64, error) {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/fdinfo/%d", tid, fd))
	if err != nil {
		return 0, err
	}
	text, _, _ := strings.Cut(strings.TrimPrefix(string(b), "pos:"), "\n")
	return strconv.ParseInt(strings.TrimSpace(text), 10, 64)
}

// durable forgets what was made durable.
func (p *Process) durable(path string) {
	kept := p.undo[:0]
	for _, u := range p.undo {
		if u.path != path {
			kept = append(kept, u)
		}
	}
	p.undo = kept
}

// takeBack restores files as they were when they were last made durable.
func (p *Process) takeBack() error {
	var errs []error
	for i := len(p.undo) - 1; i >= 0; i-- {
		u := p.undo[i]
		f, err := os.OpenFile(u.path, os.O_WRONLY, 0)
		if err != nil {
			if !errors.Is(err, os.ErrNotExist) {
				errs = append(errs, err)
			}
			continue
		}
		_, err = f.WriteAt(u.before, u.offset)
		errs = append(errs, err, f.Truncate(u.size), f.Close())
	}
	p.undo = nil
	return errors.Join(errs...)
}
