package speaker

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// complaints is how much of what a process says on standard error is kept.
const complaints = 512

// process is a child process and its end.
type process struct {
	cmd   *exec.Cmd
	last  tail
	ended chan struct{}
	err   error // good after ended
}

// launch starts cmd, in a process group of its own, so that a key pressed in a terminal
// reaches the agent alone.
func launch(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd, ended: make(chan struct{})}
	cmd.Stderr = &p.last
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	go func() {
		defer close(p.ended)
		err := cmd.Wait()
		if err == nil {
			err = errors.New("it ended by itself")
		}
		if text := p.last.line(); text != "" {
			err = fmt.Errorf("%w: %s", err, text)
		}
		p.err = fmt.Errorf("%s: %w", cmd.Args[0], err)
	}()
	return p, nil
}

// kill ends the process; one that the kernel does not let go of, because its card hangs,
// is left to itself after a second.
func (p *process) kill() {
	// An error means that it has ended already.
	_ = p.cmd.Process.Kill()
	select {
	case <-p.ended:
	case <-time.After(time.Second):
	}
}

// tail keeps the end of what is written to it.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, b...)
	if n := len(t.buf) - complaints; n > 0 {
		t.buf = append(t.buf[:0], t.buf[n:]...)
	}
	return len(b), nil
}

// line is the last line that is not empty.
func (t *tail) line() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := bytes.Split(bytes.TrimSpace(t.buf), []byte("\n"))
	return strings.TrimSpace(string(lines[len(lines)-1]))
}
