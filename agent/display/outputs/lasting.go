package outputs

import (
	"context"
	"errors"
	"image"
	"sync"

	"github.com/loa-vn/loa/agent/display"
	"github.com/loa-vn/loa/agent/display/artnet"
	"github.com/loa-vn/loa/agent/display/flaschen"
	"github.com/loa-vn/loa/agent/display/sacn"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// Keep opens an output like Open. One that is not there yet, or not of the profile's
// size, is no reason for a device not to start: its frames fail with that error, which is
// a fault that its people hear of, and each of them tries again. What can never become
// right, since the line itself is wrong, is refused.
func Keep(cfg Config) (display.Output, error) {
	k := &kept{cfg: cfg, percent: -1}
	out, err := Open(cfg)
	switch {
	case err == nil:
		k.out = out
	case errors.Is(err, ErrOutput), errors.Is(err, sacn.ErrConfig), errors.Is(err, artnet.ErrConfig), errors.Is(err, flaschen.ErrConfig):
		return nil, err
	default:
		k.fault = err
	}
	return k, nil
}

// kept is an output that may be opened later.
type kept struct {
	cfg Config

	mu      sync.Mutex
	out     display.Output // nil until it is there
	fault   error          // why it is not
	percent int            // brightness wished for meanwhile; -1: none
	closed  bool
}

// now returns the output if it is there.
func (k *kept) now() display.Output {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.out
}

// open tries to open it.
func (k *kept) open() (display.Output, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.closed:
		return nil, display.ErrClosed
	case k.out != nil:
		return k.out, nil
	}
	out, err := Open(k.cfg)
	if err != nil {
		k.fault = err
		return nil, err
	}
	if k.percent >= 0 {
		if err := out.Brightness(k.percent); err != nil && !errors.Is(err, display.ErrUnsupported) {
			return nil, errors.Join(err, out.Close())
		}
	}
	k.out, k.fault = out, nil
	return out, nil
}

func (k *kept) Size() (width, height int) { return k.cfg.Width, k.cfg.Height }

func (k *kept) Format() string {
	if out := k.now(); out != nil {
		return out.Format()
	}
	l, _ := Parse(k.cfg.Line) // Keep has read it
	return l.Kind
}

func (k *kept) Show(ctx context.Context, f *page.Frame, dirty image.Rectangle) error {
	out, err := k.open()
	if err != nil {
		return err
	}
	return out.Show(ctx, f, dirty)
}

func (k *kept) ReadBack() (protocol.Digest, bool) {
	if out := k.now(); out != nil {
		return out.ReadBack()
	}
	return protocol.Digest{}, false
}

func (k *kept) Health() display.Health {
	if out := k.now(); out != nil {
		return out.Health()
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	return display.Health{Fault: k.fault}
}

func (k *kept) Brightness(percent int) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.out != nil {
		return k.out.Brightness(percent)
	}
	k.percent = percent
	return nil
}

func (k *kept) Close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.closed = true
	if k.out == nil {
		return nil
	}
	return k.out.Close()
}
