package player

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// progressEvery is how often a sounding track gets a Progress, at most.
const progressEvery = 500 * time.Millisecond

// Player plays tracks one after another on one sink. Its methods may be called from
// any goroutine and never wait for sound.
type Player struct {
	sink   Sink
	log    *slog.Logger
	events chan Event
	ctx    context.Context // ends with Close; it bounds the goroutines, no call
	cancel context.CancelFunc
	work   sync.WaitGroup

	feedWake  chan struct{} // something for the feeding goroutine
	trackWake chan struct{} // something for the tracking goroutine
	outWake   chan struct{} // something for the goroutine that hands out events

	mu     sync.Mutex
	closed bool
	lives  []*live // accepted and not ended, in the order of Play
	flush  bool    // a Stop waits to be done
	out    []Event // not yet received
}

// live is a track between Play and Ended. Its fields are guarded by Player.mu.
type live struct {
	track  Track
	ctx    context.Context // ends when the track is stopped, or the player closed
	cancel context.CancelFunc
	source *prefetch // nil until its turn is near

	stopping bool
	taken    bool  // the feeding goroutine has begun with it
	started  bool  // the sink knows it; start and faults are valid
	start    int64 // the sink's position before its first frame
	faults   int   // the sink's count of failures then
	fed      int64 // frames that the sink accepted, less what a Stop dropped
	done     bool  // fed is final
	err      error // why it is not whole

	aim      time.Time // to be passed on to the sink; zero for none
	begun    bool
	progress time.Time // of the last Progress
}

// New starts a player that owns sink; Close closes both.
func New(sink Sink, log *slog.Logger) *Player {
	ctx, cancel := context.WithCancel(context.Background())
	p := &Player{
		sink:      sink,
		log:       log,
		events:    make(chan Event),
		ctx:       ctx,
		cancel:    cancel,
		feedWake:  make(chan struct{}, 1),
		trackWake: make(chan struct{}, 1),
		outWake:   make(chan struct{}, 1),
	}
	p.work.Go(p.feed)
	p.work.Go(p.follow)
	p.work.Go(p.handOut)
	return p
}

// Play puts t behind what sounds and waits; with nothing there, t begins at once or at
// its StartAt. Tracks without a StartAt in the future follow each other without a gap.
// It refuses with ErrTrack a track without Open, with a field out of its range, and one
// more than MaxQueued; with ErrClosed after Close.
func (p *Player) Play(t Track) error {
	if t.Name == "" {
		t.Name = t.ID
	}
	if err := t.check(); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return ErrClosed
	}
	waiting := 0
	for _, l := range p.lives {
		if !l.taken {
			waiting++
		}
	}
	if waiting >= MaxQueued {
		return fmt.Errorf("%w: %d are waiting", ErrTrack, waiting)
	}
	l := &live{track: t}
	l.ctx, l.cancel = context.WithCancel(p.ctx)
	p.lives = append(p.lives, l)
	wake(p.feedWake)
	return nil
}

func (t Track) check() error {
	switch {
	case t.Open == nil:
		return fmt.Errorf("%w: no source", ErrTrack)
	case t.Offset < 0:
		return fmt.Errorf("%w: offset %s", ErrTrack, t.Offset)
	case t.Frames < 0:
		return fmt.Errorf("%w: %d frames", ErrTrack, t.Frames)
	case t.Volume < 0 || t.Volume > 100:
		return fmt.Errorf("%w: volume %d", ErrTrack, t.Volume)
	case strings.Trim(strings.ToLower(t.Name), "abcdefghijklmnopqrstuvwxyz0123456789._-") != "":
		return fmt.Errorf("%w: name with characters that no file should have", ErrTrack)
	}
	return nil
}

// Stop cuts every track that Play has accepted so far: what sounds fades out within
// Fade, what waits never sounds. Each gets its Ended with ErrStopped, unless it ended
// on its own before. A track played after Stop is not touched by it and begins
// directly after the fade.
func (p *Player) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lives {
		if !l.stopping {
			l.stopping, p.flush = true, true
			l.cancel()
		}
	}
	wake(p.feedWake)
}

// Aim says when the first frame of a sounding track should have reached the card, by
// what is known of the time now. A sink that can leads its card there; for another one,
// and for a track that does not sound, it has no effect.
func (p *Player) Aim(id string, at time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, l := range p.lives {
		if l.track.ID == id && l.begun {
			l.aim = at
		}
	}
}

// Events yields what happens, in order. Nothing but Progress is ever dropped, and a
// receiver that does not read delays no sound. It is closed by Close.
func (p *Player) Events() <-chan Event { return p.events }

// Close stops at once, without a fade, and ends the player's goroutines. Tracks
// still alive get no Ended.
func (p *Player) Close() error {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil
	}
	p.closed = true
	p.mu.Unlock()
	p.cancel()
	err := p.sink.Close()
	p.work.Wait()
	return err
}

// wake leaves a note for the receiver of a channel of capacity one.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// feed is the one goroutine that calls the sink's Start, Write, End and Flush.
func (p *Player) feed() {
	for {
		p.mu.Lock()
		flush := p.flush
		p.flush = false
		var l *live
		if !flush {
			l = p.nextLocked()
		}
		p.mu.Unlock()
		switch {
		case flush:
			p.cut()
		case l != nil:
			p.feedTrack(l)
		default:
			select {
			case <-p.feedWake:
			case <-p.ctx.Done():
				return
			}
			continue
		}
		wake(p.trackWake)
		if p.ctx.Err() != nil {
			return
		}
	}
}

// nextLocked takes the next track, and lets the one behind it begin to read.
func (p *Player) nextLocked() *live {
	var next *live
	for _, l := range p.lives {
		if l.taken || l.stopping {
			continue
		}
		if l.source == nil {
			l.source = newPrefetch(l.ctx, &p.work, p.log, l.track, p.sink.Channels())
		}
		if next != nil {
			break
		}
		l.taken, next = true, l
	}
	return next
}

// feedTrack hands one track to the sink, whole, unless it is stopped or fails.
func (p *Player) feedTrack(l *live) {
	err := p.writeTrack(l)
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.stopping && !l.done && (err == nil || errors.Is(err, context.Canceled)) {
		return // cut settles it
	}
	l.done = true
	if l.err == nil {
		l.err = err
	}
}

func (p *Player) writeTrack(l *live) error {
	defer l.cancel()
	for {
		block, err := l.source.next(l.ctx)
		if err != nil {
			return err
		}
		if len(block.pcm) > 0 {
			if err := p.writeBlock(l, block.pcm); err != nil {
				return err
			}
		}
		end := block.end
		l.source.release(block)
		if end != nil {
			if l.started {
				if err := p.sink.End(); err != nil {
					return err
				}
			}
			return end.err
		}
	}
}

func (p *Player) writeBlock(l *live, pcm []int16) error {
	if !l.started { // written by this goroutine alone
		if err := p.sink.Start(l.ctx, l.track.Name, l.track.StartAt); err != nil {
			return err
		}
		at, err := p.sink.Position()
		if err != nil {
			return err
		}
		p.mu.Lock()
		l.started, l.start, l.faults = true, at.Frames+at.Pending, at.Faults
		p.mu.Unlock()
	}
	p.mu.Lock()
	aim := l.aim
	l.aim = time.Time{}
	p.mu.Unlock()
	if a, ok := p.sink.(Aimer); ok && !aim.IsZero() {
		if err := a.Aim(aim); err != nil {
			return err
		}
	}
	if err := p.sink.Write(l.ctx, pcm); err != nil {
		return err
	}
	p.mu.Lock()
	l.fed += int64(len(pcm) / p.sink.Channels())
	p.mu.Unlock()
	return nil
}

// cut does what Stop has asked for.
func (p *Player) cut() {
	if err := p.sink.Flush(Fade); err != nil && !errors.Is(err, ErrSink) && p.ctx.Err() == nil {
		p.log.Warn("flush failed", "error", err)
	}
	at, _ := p.sink.Position() // a failure shows in Faults
	end := at.Frames + at.Pending
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := len(p.lives) - 1; i >= 0; i-- {
		l := p.lives[i]
		if !l.stopping {
			continue
		}
		left := int64(0)
		if l.started {
			left = max(end-l.start, 0)
			end = min(end, l.start)
		}
		if l.done && l.err == nil && left >= l.fed {
			continue // too late to cut: it is all with the card
		}
		l.done, l.fed = true, left
		if l.err == nil {
			l.err = ErrStopped
		}
	}
}
