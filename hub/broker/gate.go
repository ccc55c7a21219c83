package broker

import (
	"context"
	"sync"
	"time"
)

// gate lets a limited number of handshakes run. When all places are taken,
// the one that has held its place longest gives way, once it has had its grace:
// a few peers that connect and say nothing must not shut out a fleet.
type gate struct {
	places chan struct{}
	grace  time.Duration

	mu      sync.Mutex
	holders []holder // oldest first
}

type holder struct {
	key   *session
	since time.Time
}

func newGate(places int, grace time.Duration) *gate {
	return &gate{places: make(chan struct{}, places), grace: grace}
}

// enter waits for a place; it returns false when ctx ends first.
func (g *gate) enter(ctx context.Context) bool {
	select {
	case g.places <- struct{}{}:
		return true
	default:
	}
	for {
		wait := time.NewTimer(g.evict(time.Now()))
		select {
		case g.places <- struct{}{}:
			wait.Stop()
			return true
		case <-ctx.Done():
			wait.Stop()
			return false
		case <-wait.C:
		}
	}
}

// hold says that s uses the place that enter has given.
func (g *gate) hold(s *session) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.holders = append(g.holders, holder{s, time.Now()})
}

// leave gives the place of s back, or with nil one that nobody came to use.
func (g *gate) leave(s *session) {
	g.mu.Lock()
	for i, h := range g.holders {
		if h.key == s {
			g.holders = append(g.holders[:i], g.holders[i+1:]...)
			break
		}
	}
	g.mu.Unlock()
	<-g.places
}

// evict cuts off the oldest handshake if it is past its grace, and returns how long
// to wait before the next one can be.
func (g *gate) evict(now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, h := range g.holders {
		if left := g.grace - now.Sub(h.since); left > 0 {
			return left
		}
		if h.key.out.err() == nil {
			h.key.out.abort(errCrowded)
			return g.grace / 8
		}
	}
	return g.grace
}
