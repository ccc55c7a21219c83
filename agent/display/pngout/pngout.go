// Package pngout is a board that writes each frame as a PNG file into a folder:
// for trials, for the demo, and for boards whose owner fetches pictures.
//
// It keeps a bounded number of files, named so that they sort by their time, and
// current.png, which always is a whole picture. It proves that a frame was
// rendered and never that anybody could see it.
package pngout

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// Keep is how many frames stay in the folder if Config says nothing.
const Keep = 200

// Current is the name of the newest frame's file.
const Current = "current.png"

// stamp is the time in a file's name, UTC to the ms.
const stamp = "20060102T150405.000Z"

// Config says where and how much.
type Config struct {
	Dir           string // made if it does not exist
	Width, Height int    // px
	Keep          int    // files that stay, beside current.png; 0: Keep
}

// Output is a folder of pictures.
type Output struct {
	cfg Config

	mu     sync.Mutex
	closed bool
	files  []string // names, oldest first
	last   time.Time
	shown  protocol.Digest // of the newest file, if this Output wrote it
	fault  error
}

// New opens the folder and counts the frames that are there.
func New(cfg Config) (*Output, error) {
	if cfg.Keep <= 0 {
		cfg.Keep = Keep
	}
	if cfg.Width <= 0 || cfg.Height <= 0 {
		return nil, fmt.Errorf("board of %dx%d px: %w", cfg.Width, cfg.Height, display.ErrSize)
	}
	if err := os.MkdirAll(cfg.Dir, 0o755); err != nil {
		return nil, fmt.Errorf("make picture folder: %w", err)
	}
	entries, err := os.ReadDir(cfg.Dir)
	if err != nil {
		return nil, fmt.Errorf("read picture folder: %w", err)
	}
	o := &Output{cfg: cfg}
	ours := regexp.MustCompile(`^\d{8}T\d{6}\.\d{3}Z-[0-9a-f]{12}\.png$`)
	for _, e := range entries { // sorted by name, which is by time
		if ours.MatchString(e.Name()) {
			o.files = append(o.files, e.Name())
		}
	}
	if n := len(o.files); n > 0 {
		if o.last, err = time.Parse(stamp, o.files[n-1][:len(stamp)]); err != nil {
			o.last = time.Time{} // not a time that we wrote; it sorts where it sorts
		}
	}
	return o, nil
}

// Size returns the configured size.
func (o *Output) Size() (width, height int) { return o.cfg.Width, o.cfg.Height }

// Format returns "png".
func (o *Output) Format() string { return "png" }

// Show writes the frame, unless it is the same as the one before, and takes the
// oldest files away.
func (o *Output) Show(ctx context.Context, f *page.Frame, _ image.Rectangle) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.closed {
		return display.ErrClosed
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("picture: %w", err)
	}
	if f.W != o.cfg.Width || f.H != o.cfg.Height {
		return fmt.Errorf("frame of %dx%d px: %w", f.W, f.H, display.ErrSize)
	}
	d := f.Digest()
	if o.fault == nil && d == o.shown {
		return nil
	}
	if o.fault = o.write(f, d); o.fault == nil {
		o.shown = d
	}
	return o.fault
}

func (o *Output) write(f *page.Frame, d protocol.Digest) error {
	at := time.Now().UTC().Truncate(time.Millisecond)
	if !at.After(o.last) { // two in one ms, or the clock was set back
		at = o.last.Add(time.Millisecond)
	}
	name := fmt.Sprintf("%s-%s.png", at.Format(stamp), d.String()[:12])
	tmp, err := os.CreateTemp(o.cfg.Dir, ".frame-*")
	if err != nil {
		return fmt.Errorf("make picture: %w", err)
	}
	defer os.Remove(tmp.Name()) // gone already if all went well
	err = errors.Join(f.WritePNG(tmp), tmp.Chmod(0o644), tmp.Close())
	if err == nil {
		err = os.Link(tmp.Name(), filepath.Join(o.cfg.Dir, name))
	}
	if err == nil {
		err = os.Rename(tmp.Name(), filepath.Join(o.cfg.Dir, Current))
	}
	if err != nil {
		return fmt.Errorf("write picture: %w", err)
	}
	o.last, o.files = at, append(o.files, name)
	for len(o.files) > o.cfg.Keep {
		if err := os.Remove(filepath.Join(o.cfg.Dir, o.files[0])); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove old picture: %w", err)
		}
		o.files = slices.Delete(o.files, 0, 1)
	}
	return nil
}

// ReadBack knows nothing: a file is not a board.
func (o *Output) ReadBack() (protocol.Digest, bool) { return protocol.Digest{}, false }

// Health returns the last fault of writing.
func (o *Output) Health() display.Health {
	o.mu.Lock()
	defer o.mu.Unlock()
	return display.Health{Fault: o.fault}
}

// Brightness is not in the pictures.
func (o *Output) Brightness(int) error { return display.ErrUnsupported }

// Close ends the output; the pictures stay.
func (o *Output) Close() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.closed = true
	return nil
}
