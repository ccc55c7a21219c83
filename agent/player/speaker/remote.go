package speaker

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"
)

// remote is a line to a child that runs Child.
type remote struct {
	process *process
	stdin   io.WriteCloser
	out     writer
	flushed chan report
	limit   time.Duration
}

func openChild(cfg Config, env []string, h hooks) (line, error) {
	args := append(append([]string(nil), cfg.Child[1:]...),
		"--driver", cfg.Driver,
		"--channels", strconv.Itoa(cfg.Channels), "--rate", strconv.Itoa(cfg.Rate), "--buffer", cfg.Buffer.String())
	cmd := exec.Command(cfg.Child[0], args...)
	cmd.Env = env
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("pipe: %w", err)
	}
	// A pipe of our own, which Wait does not close before all of it was read.
	stdout, childOut, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("pipe: %w", err)
	}
	cmd.Stdout = childOut
	p, err := launch(cmd)
	closed := childOut.Close()
	if err = errors.Join(err, closed); err != nil {
		return nil, errors.Join(err, stdout.Close())
	}
	r := &remote{
		process: p, stdin: stdin, out: writer{to: stdin},
		flushed: make(chan report, 1), limit: cfg.Stall,
	}
	go r.listen(stdout, h)
	return r, nil
}

// listen passes on what the child says, until it says no more.
func (r *remote) listen(stdout *os.File, h hooks) {
	defer stdout.Close() // read only
	in := reader{from: stdout}
	var cause error
	for cause == nil {
		kind, data, err := in.next()
		if err != nil {
			break
		}
		var rep report
		switch kind {
		case sayReady, sayAt, sayFlushed:
			if rep, cause = parseReport(data); cause != nil {
				continue
			}
			switch kind {
			case sayReady:
				h.ready()
			case sayFlushed:
				select {
				case r.flushed <- rep:
				default: // nobody waits any more
				}
				continue
			}
			h.report(rep)
		case sayFault:
			cause = errors.New(string(data))
		default:
			cause = fmt.Errorf("%w: kind %q", errWire, kind)
		}
	}
	r.process.kill() // it has closed its output: it is no use
	if cause == nil {
		select {
		case <-r.process.ended:
			cause = r.process.err
		default:
			cause = errors.New("the process does not end")
		}
	}
	h.dead(cause)
}

func (r *remote) start(at int64) error { return r.out.sendInt(sayStart, at) }

func (r *remote) aim(at int64) error { return r.out.sendInt(sayAim, at) }

func (r *remote) put(pcm []int16) error { return r.out.sendPCM(pcm) }

func (r *remote) end() error {
	r.out.begin(sayEnd)
	return r.out.send()
}

func (r *remote) flush(fade time.Duration) (report, error) {
	if err := r.out.sendInt(sayFlush, int64(fade)); err != nil {
		return report{}, err
	}
	limit := time.NewTimer(r.limit)
	defer limit.Stop()
	select {
	case rep := <-r.flushed:
		return rep, nil
	case <-r.process.ended:
		return report{}, r.process.err
	case <-limit.C:
		r.kill()
		return report{}, fmt.Errorf("%w: no answer to a flush in %s", errStalled, r.limit)
	}
}

func (r *remote) pid() int { return r.process.cmd.Process.Pid }

func (r *remote) kill() {
	r.process.kill()
	// An error means that the pipe is closed already.
	_ = r.stdin.Close()
}

// sender lets the goroutines of a child write to one pipe.
type sender struct {
	mu sync.Mutex
	w  writer
}

func (s *sender) report(kind byte, r report) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.sendReport(kind, r)
}

func (s *sender) fault(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// If the parent is gone there is nobody to tell.
	_ = s.w.sendText(sayFault, err.Error())
}
