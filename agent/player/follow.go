package player

import (
	"fmt"
	"time"
)

// follow turns the sink's position into events.
func (p *Player) follow() {
	down, faults := false, 0
	for {
		select {
		case <-p.sink.Moved():
		case <-p.trackWake:
		case <-p.ctx.Done():
			return
		}
		at, err := p.sink.Position()
		if p.ctx.Err() != nil {
			return
		}
		p.mu.Lock()
		if !down && (err != nil || at.Faults > faults) {
			down = true
			cause := err
			if cause == nil {
				cause = fmt.Errorf("%w, and works again", ErrSink)
			}
			p.emitLocked(Fault{Err: cause})
		}
		faults = at.Faults
		for len(p.lives) > 0 && p.stepLocked(p.lives[0], at, err) {
			p.lives[0] = nil
			p.lives = p.lives[1:]
		}
		if down && err == nil {
			down = false
			p.emitLocked(Restored{})
		}
		p.mu.Unlock()
	}
}

// stepLocked reports on the oldest track, and says whether it has ended.
func (p *Player) stepLocked(l *live, at Position, cause error) (ended bool) {
	if !l.started {
		if l.done {
			p.emitLocked(Ended{ID: l.track.ID, Whole: l.err == nil, At: time.Now(), Err: l.err})
		}
		return l.done
	}
	consumed := max(at.Frames-l.start, 0)
	if l.done {
		consumed = min(consumed, l.fed)
	}
	instant := at.At.Add(-Duration(at.Frames - l.start - consumed))
	if consumed > 0 && !l.begun {
		l.begun, l.progress = true, instant
		p.emitLocked(Begun{ID: l.track.ID, At: at.At.Add(-Duration(at.Frames - l.start))})
	}
	complete := l.done && consumed == l.fed
	if failed := at.Faults > l.faults; failed || complete {
		end := Ended{ID: l.track.ID, Frames: consumed, At: instant, Err: l.err}
		switch {
		case complete:
			end.Whole = l.err == nil
		case l.err == nil && cause != nil:
			end.Err = cause
		case l.err == nil:
			end.Err = ErrSink
		}
		if consumed == 0 {
			end.At = time.Now()
		}
		if !l.done {
			l.done, l.err = true, end.Err
		}
		l.cancel()
		p.emitLocked(end)
		return true
	}
	if l.begun && instant.Sub(l.progress) >= progressEvery {
		l.progress = instant
		p.emitLocked(Progress{ID: l.track.ID, Frames: consumed, At: instant})
	}
	return false
}

// emitLocked queues an event; a Progress that nobody has received yet makes way for a
// later one.
func (p *Player) emitLocked(e Event) {
	if now, ok := e.(Progress); ok && len(p.out) > 0 {
		if last, ok := p.out[len(p.out)-1].(Progress); ok && last.ID == now.ID {
			p.out[len(p.out)-1] = e
			return
		}
	}
	p.out = append(p.out, e)
	wake(p.outWake)
}

// handOut passes the queued events on, one at a time.
func (p *Player) handOut() {
	defer close(p.events)
	for {
		p.mu.Lock()
		var e Event
		if len(p.out) > 0 {
			e = p.out[0]
			p.out = append(p.out[:0], p.out[1:]...)
		}
		p.mu.Unlock()
		if e == nil {
			select {
			case <-p.outWake:
			case <-p.ctx.Done():
				return
			}
			continue
		}
		select {
		case p.events <- e:
		case <-p.ctx.Done():
			return
		}
	}
}
