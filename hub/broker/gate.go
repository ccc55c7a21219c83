package broker

import (
	"context"
	"sync"
	"time"
)

// gate lets a limited number of handshakes run. When all places are taken, the peer
// that has been silent longest gives way, once it has had its grace: a few
// that connect and say nothing must not shut out a fleet. A peer that waits for
// us, because there is much to do, keeps its place.
type gate struct {
	places chan struct{}
	grace  time.Duration

	mu      sync.Mutex
	holders map[*session]struct{}
}

func newGate(places int, grace time.Duration) *gate {
	return &gate{places: make(chan struct{}, places), grace: grace, holders: make(map[*session]struct{})}
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
	g.holders[s] = struct{}{}
}

// leave gives the place of s back, or with nil one that nobody came to use.
func (g *gate) leave(s *session) {
	g.mu.Lock()
	delete(g.holders, s)
	g.mu.Unlock()
	<-g.places
}

// evict cuts off the handshake whose peer has been silent longest, if that is past its grace,
// and returns how long to wait before looking again.
func (g *gate) evict(now time.Time) time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	var (
		worst   *session
		longest time.Duration
	)
	for s := range g.holders {
		if silent := s.out.silence(now); silent > longest {
			worst, longest = s, silent
		}
	}
	if longest < g.grace {
		return max(g.grace-longest, g.grace/8)
	}
	worst.out.abort(errCrowded)
	delete(g.holders, worst)
	return g.grace / 8
}
