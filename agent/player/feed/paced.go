package feed

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/player"
)

const (
	// tick is how often a paced card takes frames.
	tick = 10 * time.Millisecond
	// queued is how much a paced card's queue holds.
	queued = 300 * time.Millisecond
	// catchUp is the most that a paced card takes at one tick. When the card itself is late,
	// the queue is filled again in between: no writer was too slow.
	catchUp = queued / 3
	// piece is how much Write puts in at once.
	piece = player.Rate / 50
)

// Output is what becomes of the frames that a paced card takes.
type Output interface {
	// Take gets what the card consumes, in order: content, and silence inside tracks.
	// An error is a failure of the card; the next Start tries again.
	Take(span Span, pcm []int16) error
	// Idle is called when nothing is queued any more, after a failure, and on Close.
	Idle() error
}

// Paced is a sink without a card: it takes frames at exactly 48,000 a second by the
// monotonic clock and hands them to an Output. Between tracks it rests.
type Paced struct {
	feed   *Feed
	out    Output
	moved  chan struct{}
	space  chan struct{}
	wake   chan struct{}
	closed chan struct{}
	done   chan struct{}
	once   sync.Once

	mu     sync.Mutex
	at     player.Position
	err    error
	outErr error // of the last Idle
}

// NewPaced starts a paced sink of one or two channels.
func NewPaced(channels int, out Output) *Paced {
	p := &Paced{
		feed:   New(channels, queued),
		out:    out,
		moved:  make(chan struct{}, 1),
		space:  make(chan struct{}, 1),
		wake:   make(chan struct{}, 1),
		closed: make(chan struct{}),
		done:   make(chan struct{}),
	}
	go p.run()
	return p
}

// Channels is 1 or 2.
func (p *Paced) Channels() int { return p.feed.channels }

// Start implements player.Sink; there is nothing to wait for.
func (p *Paced) Start(_ context.Context, name string, at time.Time) error {
	select {
	case <-p.closed:
		return player.ErrClosed
	default:
	}
	p.mu.Lock()
	p.err = nil
	p.mu.Unlock()
	p.feed.Start(name, at)
	note(p.wake)
	return nil
}

// Write implements player.Sink.
func (p *Paced) Write(ctx context.Context, pcm []int16) error {
	for len(pcm) > 0 {
		n := min(len(pcm), piece*p.feed.channels)
		err := p.feed.Put(pcm[:n])
		switch {
		case err == nil:
			pcm = pcm[n:]
			note(p.wake)
			continue
		case errors.Is(err, ErrNoTrack):
			return fmt.Errorf("%w: %w", player.ErrSink, err)
		}
		select {
		case <-p.space:
		case <-ctx.Done():
			return ctx.Err()
		case <-p.closed:
			return player.ErrClosed
		}
	}
	return nil
}

// End implements player.Sink.
func (p *Paced) End() error {
	note(p.wake)
	if err := p.feed.End(); err != nil {
		return fmt.Errorf("%w: %w", player.ErrSink, err)
	}
	return nil
}

// Flush implements player.Sink.
func (p *Paced) Flush(fade time.Duration) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.feed.Flush(fade)
	note(p.moved)
	return nil
}

// Position implements player.Sink.
func (p *Paced) Position() (player.Position, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	account := p.feed.Consumed(p.feed.Total())
	at := p.at
	at.Pending = account.Content + account.Pending - at.Frames
	return at, p.err
}

// Moved implements player.Sink.
func (p *Paced) Moved() <-chan struct{} { return p.moved }

// Close implements player.Sink.
func (p *Paced) Close() error {
	p.once.Do(func() { close(p.closed) })
	<-p.done
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.outErr
}

func (p *Paced) run() {
	defer close(p.done)
	buf := make([]int16, piece*p.feed.channels)
	for {
		select {
		case <-p.wake:
		case <-p.closed:
			p.idle()
			return
		}
		if p.feed.Idle() {
			continue
		}
		p.burst(buf)
		p.idle()
	}
}

// burst takes frames until nothing is queued any more.
func (p *Paced) burst(buf []int16) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	begun, before := time.Now(), p.feed.Total()
	for {
		due := min(player.FramesIn(time.Since(begun))-(p.feed.Total()-before), player.FramesIn(catchUp))
		for due > 0 {
			part := buf[:min(int(due)*p.feed.channels, len(buf))]
			taken := p.feed.Total() - before
			span := p.feed.Next(part, begun.Add(player.Duration(taken)))
			due -= int64(span.Frames)
			if span.Kind != Silence {
				if err := p.out.Take(span, part[:span.Frames*p.feed.channels]); err != nil {
					p.fail(err)
					return
				}
			}
			p.move(begun, before)
		}
		note(p.space)
		note(p.moved)
		if p.feed.Idle() {
			return
		}
		select {
		case <-ticker.C:
		case <-p.closed:
			return
		}
	}
}

// move notes the position after frames were taken, which is when they are consumed.
func (p *Paced) move(begun time.Time, before int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	total := p.feed.Total()
	account := p.feed.Consumed(total)
	p.at.Frames = account.Content
	p.at.At = begun.Add(player.Duration(total - before - account.Since))
}

func (p *Paced) fail(err error) {
	p.mu.Lock()
	p.feed.Reset()
	p.err = fmt.Errorf("%w: %w", player.ErrSink, err)
	p.at.Faults++
	p.mu.Unlock()
	note(p.space)
	note(p.moved)
}

func (p *Paced) idle() {
	err := p.out.Idle()
	p.mu.Lock()
	p.outErr = err
	p.mu.Unlock()
}

// note leaves a note for the receiver of a channel of capacity one.
func note(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
