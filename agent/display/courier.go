package display

import (
	"context"
	"errors"
	"fmt"
	"image"
	"sync"
	"time"

	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/page"
)

// courier carries frames to the output on a goroutine of its own. It holds at
// most one frame that waits; a newer one takes its place.
type courier struct {
	output  Output
	answers chan answer
	wake    chan struct{}

	mu      sync.Mutex
	waiting *parcel
	spare   []*page.Frame
	bright  int // per cent, to be set; -1: nothing to set
}

// parcel is a drawn frame on its way.
type parcel struct {
	turn  turn
	frame *page.Frame
}

// answer is what became of a parcel.
type answer struct {
	turn   turn
	at     time.Time
	digest protocol.Digest
	proof  protocol.Proof
	err    error
}

// newCourier has three frames: one is drawn, one waits, one is being shown.
func newCourier(out Output, w, h int) *courier {
	c := &courier{output: out, answers: make(chan answer), wake: make(chan struct{}, 1), bright: -1}
	for range 3 {
		c.spare = append(c.spare, page.NewFrame(w, h))
	}
	return c
}

// send draws a page and leaves it for the output. It never blocks.
func (c *courier) send(t turn, p page.Page) {
	c.mu.Lock()
	if c.waiting != nil {
		c.spare, c.waiting = append(c.spare, c.waiting.frame), nil
	}
	f := c.spare[len(c.spare)-1]
	c.spare = c.spare[:len(c.spare)-1]
	c.mu.Unlock()

	f.Draw(p)

	c.mu.Lock()
	c.waiting = &parcel{turn: t, frame: f}
	c.mu.Unlock()
	c.stir()
}

func (c *courier) brightness(percent int) {
	c.mu.Lock()
	c.bright = percent
	c.mu.Unlock()
	c.stir()
}

func (c *courier) stir() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

func (c *courier) run(ctx context.Context) {
	var last *page.Frame // as the output has it; nil: unknown
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		}
		c.mu.Lock()
		p, bright := c.waiting, c.bright
		c.waiting, c.bright = nil, -1
		c.mu.Unlock()
		var failed error
		if bright >= 0 {
			failed = c.output.Brightness(bright)
		}
		if p == nil {
			continue
		}
		a := c.show(ctx, p, last)
		if a.err == nil && failed != nil && !errors.Is(failed, ErrUnsupported) {
			a.err = fmt.Errorf("brightness: %w", failed)
		}
		if last == nil {
			last = page.NewFrame(p.frame.W, p.frame.H)
		}
		if copy(last.Pix, p.frame.Pix); a.err != nil {
			last = nil
		}
		c.mu.Lock()
		c.spare = append(c.spare, p.frame)
		c.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case c.answers <- a:
		}
	}
}

// show shows one frame and finds out how far that is proved.
func (c *courier) show(ctx context.Context, p *parcel, last *page.Frame) answer {
	a := answer{turn: p.turn, digest: p.frame.Digest(), proof: protocol.ProofRendered}
	dirty := changed(last, p.frame)
	if err := c.output.Show(ctx, p.frame, dirty); err != nil {
		a.at, a.err = time.Now(), fmt.Errorf("show frame: %w", err)
		return a
	}
	a.at = time.Now()
	if back, ok := c.output.ReadBack(); ok && back == a.digest {
		a.proof = protocol.ProofShown
	} else if ok {
		a.err = fmt.Errorf("read back %s, not %s: %w", back, a.digest, ErrOther)
	}
	return a
}

// changed returns the rows in which two frames differ, whole rows; all if last is nil.
func changed(last, f *page.Frame) image.Rectangle {
	if last == nil {
		return image.Rect(0, 0, f.W, f.H)
	}
	same := func(y int) bool {
		return string(last.Pix[y*f.W:(y+1)*f.W]) == string(f.Pix[y*f.W:(y+1)*f.W])
	}
	from, to := 0, f.H
	for from < to && same(from) {
		from++
	}
	for to > from && same(to-1) {
		to--
	}
	return image.Rect(0, from, f.W, to)
}
