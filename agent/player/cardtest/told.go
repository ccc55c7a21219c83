package cardtest

import (
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

//go:embed pcm/loacard.c
var plugin string

// Build compiles the ALSA plugin of a card that tells its delay, for Config.Plugin, into
// an existing folder, and returns its path. It needs cc and ALSA's headers.
func Build(dir string) (string, error) {
	path := filepath.Join(dir, "loacard.so")
	cmd := exec.Command("cc", "-shared", "-fPIC", "-DPIC", "-O2", "-o", path, "-x", "c", "-", "-lasound")
	cmd.Stdin = strings.NewReader(plugin)
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("cardtest: plugin: %w: %s", err, out)
	}
	return path, nil
}

// The ring's shape, as pcm/loacard.c has it.
const (
	ringFrames = 16384
	ringHead   = 64 // bytes
)

// ring is the file through which the plugin's frames come: words, then frames.
type ring struct {
	mem      []byte
	wake     int // a FIFO into which a note goes after each period
	written  *atomic.Uint64
	consumed *atomic.Uint64
	start    *atomic.Uint64
	running  *atomic.Uint64
	period   *atomic.Uint64
}

// openRing makes the file and the FIFO.
func openRing(file, wake string) (_ *ring, err error) {
	if err := unix.Mkfifo(wake, 0o600); err != nil && !errors.Is(err, os.ErrExist) {
		return nil, err
	}
	f, err := os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close() // the mapping stays
	const size = ringHead + ringFrames*frameSize
	if err := f.Truncate(size); err != nil {
		return nil, err
	}
	r := &ring{}
	if r.wake, err = unix.Open(wake, unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0); err != nil {
		return nil, err
	}
	if r.mem, err = unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED); err != nil {
		return nil, errors.Join(err, unix.Close(r.wake))
	}
	word := func(i int) *atomic.Uint64 { return (*atomic.Uint64)(unsafe.Pointer(&r.mem[8*i])) }
	r.written, r.consumed, r.start, r.running, r.period = word(0), word(1), word(2), word(3), word(4)
	return r, nil
}

// take copies frames to page, at most limit of them, and lets the plugin know at the end
// of a period.
func (r *ring) take(page []byte, limit int) (frames int) {
	if r.running.Load() != 1 {
		return 0
	}
	start := r.start.Load()
	from := max(r.consumed.Load(), start)
	frames = min(limit, len(page)/frameSize, max(int(r.written.Load()-from), 0))
	for i := range frames {
		at := ringHead + int((from+uint64(i))%ringFrames)*frameSize
		copy(page[i*frameSize:], r.mem[at:at+frameSize])
	}
	to := from + uint64(frames)
	r.consumed.Store(to)
	if p := r.period.Load(); p > 0 && (to-start)/p != (from-start)/p {
		r.note()
	}
	return frames
}

// stop stops a card that has run out of frames, until it is started anew.
func (r *ring) stop() {
	if r.consumed.Load() > r.start.Load() && r.running.CompareAndSwap(1, 2) {
		r.note()
	}
}

// note wakes the plugin; a full FIFO holds notes enough.
func (r *ring) note() { _, _ = unix.Write(r.wake, []byte{0}) }

func (r *ring) close() error { return errors.Join(unix.Munmap(r.mem), unix.Close(r.wake)) }
