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
	waiting parcel // slot nil: nothing waits
	spare   []*slot
	bright  int // per cent, to be set; -1: nothing to set
	dropped int // crawl frames that were overtaken since the last look
}

// slot is a frame that is used again and again, and the turn that it was drawn for.
type slot struct {
	*page.Frame
	turn turn
}

// parcel is a drawn frame on its way.
type parcel struct {
	turn turn
	slot *slot
	page page.Page
	// full: the page is new to the output, and is answered for. Otherwise only its
	// crawl has moved, inside zone, and only a failure is answered.
	full bool
	zone image.Rectangle
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
		c.spare = append(c.spare, &slot{Frame: page.NewFrame(w, h)})
	}
	return c
}

// send draws frame n of a page and leaves it for the output. It never blocks, and
// for a crawl that has only moved it allocates nothing.
func (c *courier) send(t turn, p page.Page, reel *page.Reel, n int, full bool) {
	c.mu.Lock()
	if c.waiting.slot != nil {
		if c.spare = append(c.spare, c.waiting.slot); c.waiting.turn == t {
			full = full || c.waiting.full
			c.dropped++
		}
		c.waiting = parcel{}
	}
	s := c.spare[len(c.spare)-1]
	c.spare = c.spare[:len(c.spare)-1]
	c.mu.Unlock()

	if s.turn != t {
		reel.Draw(s.Frame, n)
		s.turn = t
	}
	zone := reel.Advance(s.Frame, n)

	c.mu.Lock()
	c.waiting = parcel{turn: t, slot: s, page: p, full: full, zone: zone}
	c.mu.Unlock()
	c.stir()
}

// overtaken returns how many crawl frames were dropped since it was called last.
func (c *courier) overtaken() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := c.dropped
	c.dropped = 0
	return n
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
		c.waiting, c.bright = parcel{}, -1
		c.mu.Unlock()
		var failed error
		if bright >= 0 {
			failed = c.output.Brightness(bright)
		}
		if p.slot == nil {
			continue
		}
		a := c.show(ctx, p, last)
		if a.err == nil && failed != nil && !errors.Is(failed, ErrUnsupported) {
			a.err = fmt.Errorf("brightness: %w", failed)
		}
		last = keep(last, p, a.err)
		c.mu.Lock()
		c.spare = append(c.spare, p.slot)
		c.mu.Unlock()
		if !p.full && a.err == nil {
			continue
		}
		select {
		case <-ctx.Done():
			return
		case c.answers <- a:
		}
	}
}

// keep notes what the output has now.
func keep(last *page.Frame, p parcel, err error) *page.Frame {
	if err != nil {
		return nil
	}
	if last == nil {
		last = page.NewFrame(p.slot.W, p.slot.H)
		p.full = true
	}
	if from, to := p.zone.Min.Y*last.W, p.zone.Max.Y*last.W; !p.full {
		copy(last.Pix[from:to], p.slot.Pix[from:to])
		return last
	}
	copy(last.Pix, p.slot.Pix)
	return last
}

// show shows one frame and, if the page is new, finds out how far that is proved.
func (c *courier) show(ctx context.Context, p parcel, last *page.Frame) answer {
	a := answer{turn: p.turn, proof: protocol.ProofRendered}
	dirty := p.zone
	if p.full || last == nil {
		dirty = changed(last, p.slot.Frame)
	}
	if err := c.output.Show(ctx, p.slot.Frame, dirty); err != nil {
		a.at, a.err = time.Now(), fmt.Errorf("show frame: %w", err)
		return a
	}
	a.at = time.Now()
	if !p.full {
		return a
	}
	sent := p.slot.Digest()
	if a.digest = sent; p.page.Crawl != nil {
		a.digest = page.Render(p.page).Digest()
	}
	if back, ok := c.output.ReadBack(); ok && back == sent {
		a.proof = protocol.ProofShown
	} else if ok {
		a.err = fmt.Errorf("read back %s, not %s: %w", back, sent, ErrOther)
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
