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

// courier owns the frame. On a goroutine of its own it draws scenes, moves what
// crawls in them at its time, and takes the result to the output. It holds at most
// one scene that waits; a newer one takes its place.
type courier struct {
	output  Output
	steady  bool // Config.Steady
	answers chan answer
	wake    chan struct{}

	mu      sync.Mutex
	waiting *scene
	bright  int // per cent, to be set; -1: nothing to set
	dropped int // crawl frames that were passed over since the last look
}

// scene is what stands on the board until the next one: pages side by side.
type scene struct {
	serial uint64
	layers []*layer
}

// layer is a page at its place.
type layer struct {
	at    image.Rectangle
	turn  turn
	asked bool // somebody waits for the answer
	page  page.Page
	reel  *page.Reel
	since time.Time // when its turn began, which its crawl counts from
	frame int       // of the crawl, as drawn last
	own   *page.Frame
}

// answer is what became of a scene, or of a crawl's frame that failed.
type answer struct {
	serial uint64
	at     time.Time
	laid   []laid // the layers that were asked for
	err    error
}

// laid is a layer that came up.
type laid struct {
	turn   turn
	digest protocol.Digest
	proof  protocol.Proof
}

// oneSleep is up to what wait the courier sleeps without listening for scenes.
const oneSleep = 50 * time.Millisecond

func newCourier(out Output, steady bool) *courier {
	return &courier{output: out, steady: steady, answers: make(chan answer), wake: make(chan struct{}, 1), bright: -1}
}

// send leaves a scene for the output. It never blocks.
func (c *courier) send(s *scene) {
	c.mu.Lock()
	c.waiting = s
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

// stage is what the goroutine of a courier works with.
type stage struct {
	*courier
	scene   *scene      // nil: none, or the output failed it
	front   *page.Frame // as the output has it, if known
	back    *page.Frame // for the next scene
	known   bool
	resting *time.Timer
	alarm   *alarm // keeps the pace of what crawls; nil: resting does
}

func (c *courier) run(ctx context.Context) {
	w, h := c.output.Size()
	s := &stage{courier: c, front: page.NewFrame(w, h), back: page.NewFrame(w, h), resting: time.NewTimer(0)}
	defer s.resting.Stop()
	if c.steady {
		if a, err := newAlarm(); err == nil { // else the runtime's timers have to do
			defer a.close()
			s.alarm = a
		}
	}
	for {
		c.mu.Lock()
		next, bright := c.waiting, c.bright
		c.waiting, c.bright = nil, -1
		c.mu.Unlock()
		var a answer
		speak := false
		if bright >= 0 {
			a, speak = s.dim(ctx, bright)
		}
		if next != nil {
			a, speak = s.raise(ctx, next), true
		}
		if !speak {
			a, speak = s.move(ctx)
		}
		if speak {
			select {
			case <-ctx.Done():
				return
			case c.answers <- a:
			}
		}
		if !s.rest(ctx) {
			return
		}
	}
}

// rest waits until something is due; false when ctx has ended.
func (s *stage) rest(ctx context.Context) bool {
	due := s.due()
	wait := time.Until(due)
	switch {
	case due.IsZero():
		wait = time.Hour
	case wait <= 0:
		return ctx.Err() == nil
	case s.alarm != nil && wait <= oneSleep:
		s.alarm.sleep(wait)
		return ctx.Err() == nil
	}
	s.resting.Reset(wait)
	select {
	case <-ctx.Done():
		return false
	case <-s.wake:
	case <-s.resting.C:
	}
	return true
}

// due is when a crawl's next frame is; zero if nothing moves.
func (s *stage) due() time.Time {
	var first time.Time
	if s.scene == nil {
		return first
	}
	for _, l := range s.scene.layers {
		if c := l.page.Crawl; c != nil {
			if at := l.since.Add(c.At(l.frame + 1)); first.IsZero() || at.Before(first) {
				first = at
			}
		}
	}
	return first
}

// raise shows a new scene and finds out how far that is proved.
func (s *stage) raise(ctx context.Context, next *scene) answer {
	now := time.Now()
	whole := len(next.layers) == 1 && next.layers[0].at == image.Rect(0, 0, s.back.W, s.back.H)
	if !whole {
		clear(s.back.Pix)
	}
	for _, l := range next.layers {
		if l.own = s.back; !whole {
			l.own = page.NewFrame(l.at.Dx(), l.at.Dy())
		}
		l.frame = l.position(now)
		l.reel.Draw(l.own, l.frame)
		s.blit(s.back, l, l.own.Bounds())
	}
	dirty := s.back.Bounds()
	if s.known {
		dirty = changed(s.front, s.back)
	}
	s.front, s.back = s.back, s.front
	s.scene = next
	a := s.show(ctx, dirty)
	if a.err != nil {
		return a
	}
	sent, proof := s.front.Digest(), protocol.ProofRendered
	switch back, ok := s.output.ReadBack(); {
	case ok && back == sent:
		if proof = protocol.ProofShown; s.output.Health().Screen {
			proof = protocol.ProofLinkUp
		}
	case ok:
		a.err = fmt.Errorf("read back %s, not %s: %w", back, sent, ErrOther)
		s.known = false
		return a
	}
	for _, l := range next.layers {
		if !l.asked {
			continue
		}
		d := laid{turn: l.turn, proof: proof}
		switch {
		case l.page.Crawl != nil:
			d.digest = l.page.Digest()
		case whole:
			d.digest = sent
		default:
			d.digest = l.own.Digest()
		}
		a.laid = append(a.laid, d)
	}
	return a
}

// move goes on to the crawls' frames of this instant; a word is due only of a
// failure. It allocates nothing.
func (s *stage) move(ctx context.Context) (answer, bool) {
	if s.scene == nil {
		return answer{}, false
	}
	now := time.Now()
	var dirty image.Rectangle
	passed := 0
	for _, l := range s.scene.layers {
		if l.page.Crawl == nil {
			continue
		}
		n := l.position(now)
		if n == l.frame {
			continue
		}
		passed += max(0, n-l.frame-1)
		l.frame = n
		zone := l.reel.Advance(l.own, n)
		s.blit(s.front, l, zone)
		dirty = dirty.Union(zone.Add(l.at.Min))
	}
	if dirty.Empty() {
		return answer{}, false
	}
	if passed > 0 {
		s.mu.Lock()
		s.dropped += passed
		s.mu.Unlock()
	}
	a := s.show(ctx, dirty)
	return a, a.err != nil
}

// dim sets the brightness and sends what stands again in it.
func (s *stage) dim(ctx context.Context, percent int) (answer, bool) {
	err := s.output.Brightness(percent)
	if errors.Is(err, ErrUnsupported) || s.scene == nil {
		return answer{}, false
	}
	a := s.show(ctx, image.Rectangle{})
	if a.err == nil && err != nil {
		a.err = fmt.Errorf("brightness: %w", err)
	}
	return a, a.err != nil
}

// show takes the front frame to the output.
func (s *stage) show(ctx context.Context, dirty image.Rectangle) answer {
	a := answer{serial: s.scene.serial}
	if !s.known {
		dirty = s.front.Bounds()
	}
	err := s.output.Show(ctx, s.front, dirty)
	a.at = time.Now()
	if s.known = err == nil; err != nil {
		a.err = fmt.Errorf("show frame: %w", err)
		s.scene = nil
	}
	return a
}

// blit copies a part of a layer's own frame to its place.
func (s *stage) blit(f *page.Frame, l *layer, part image.Rectangle) {
	if l.own == f {
		return
	}
	for y := part.Min.Y; y < part.Max.Y; y++ {
		from, to := y*l.own.W, (l.at.Min.Y+y)*f.W+l.at.Min.X
		copy(f.Pix[to+part.Min.X:to+part.Max.X], l.own.Pix[from+part.Min.X:from+part.Max.X])
	}
}

// position is the crawl's frame of an instant.
func (l *layer) position(now time.Time) int {
	if l.page.Crawl == nil {
		return 0
	}
	return l.page.Crawl.Frame(now.Sub(l.since))
}

// changed returns the rows in which two frames differ, whole rows.
func changed(last, f *page.Frame) image.Rectangle {
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
