package speaker

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/loa-vn/loa/agent/player"
)

const (
	// aplayPipe is the capacity of the pipe to aplay, in bytes: one page.
	aplayPipe = 4096
	// aplayPiece is how much is written at once.
	aplayPiece = player.Rate / 200
	// lastWords is how long a process that reads no more has to end by itself.
	lastWords = 200 * time.Millisecond
)

// local is a line to an aplay process. Its engine runs in this process and writes to
// aplay without end, silence between tracks, as fast as aplay reads.
type local struct {
	process *process
	engine  *engine
	pipe    *os.File
	once    sync.Once
}

func openAplay(cfg Config, env []string, h hooks) (line, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("pipe: %w", err)
	}
	size, err := shrink(in)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("size of the pipe: %w", err), in.Close(), out.Close())
	}
	p := period(cfg.Buffer)
	cmd := exec.Command(cfg.Aplay, "-q", "-D", "default", "-t", "raw", "-f", "S16_LE",
		"-r", strconv.Itoa(player.Rate), "-c", strconv.Itoa(cfg.Channels),
		"--buffer-size", strconv.FormatInt(2*p, 10), "--period-size", strconv.FormatInt(p, 10), "-")
	cmd.Env = env
	cmd.Stdin = out
	proc, err := launch(cmd)
	if err = errors.Join(err, out.Close()); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	hurry(proc.cmd.Process.Pid)
	l := &local{process: proc, engine: newEngine(cfg.Channels, h.report), pipe: in}
	inPipe := int64(size / (2 * cfg.Channels))
	// What lies before the loudspeaker at least: the pipe, the card's two periods, and one
	// that aplay waits with.
	g := gauge{held: inPipe + 3*p}
	go func() {
		err := l.pump(cfg.Channels, inPipe, g, h.ready)
		if !errors.Is(err, errUnpaced) { // it could not be written to: aplay knows why
			select {
			case <-proc.ended:
				err = proc.err
			case <-time.After(lastWords):
			}
		}
		l.kill()
		h.dead(err)
	}()
	return l, nil
}

// shrink makes a pipe as small as it can be, without making its end blocking, and
// returns its size.
func shrink(pipe *os.File) (size int, err error) {
	conn, err := pipe.SyscallConn()
	if err != nil {
		return 0, err
	}
	controlled := conn.Control(func(fd uintptr) {
		size, err = unix.FcntlInt(fd, unix.F_SETPIPE_SZ, aplayPipe)
	})
	return size, errors.Join(controlled, err)
}

// pump writes until that fails. It measures the card once more has gone than what the
// pipe can hold, for aplay takes its time to begin.
func (l *local) pump(channels int, inPipe int64, g gauge, ready func()) error {
	pcm := make([]int16, aplayPiece*channels)
	raw := make([]byte, 2*len(pcm))
	for written, known := int64(0), false; ; {
		l.engine.pull(pcm)
		for i, v := range pcm {
			binary.LittleEndian.PutUint16(raw[2*i:], uint16(v))
		}
		if _, err := l.pipe.Write(raw); err != nil {
			return fmt.Errorf("write: %w", err)
		}
		written += aplayPiece
		if !known && written > inPipe {
			var err error
			if known, err = g.taken(monotonic(), written); err != nil {
				return err
			}
			if known {
				l.engine.calibrate(g.held)
				ready()
			}
		}
		l.engine.taken(written)
	}
}

func (l *local) start(at int64) error {
	l.engine.start(at)
	return nil
}

func (l *local) aim(at int64) error {
	l.engine.feed.Aim(instant(at))
	return nil
}

func (l *local) put(pcm []int16) error { return l.engine.feed.Put(pcm) }

func (l *local) end() error { return l.engine.feed.End() }

func (l *local) flush(fade time.Duration) (report, error) {
	l.engine.feed.Flush(fade)
	return l.engine.report(), nil
}

func (l *local) pid() int { return l.process.cmd.Process.Pid }

func (l *local) kill() {
	l.process.kill()
	l.once.Do(func() {
		// Nothing that was written is lost by an error here.
		_ = l.pipe.Close()
	})
}
