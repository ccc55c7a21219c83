package relay

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/inbox"
	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/protocol"
	"github.com/loa-vn/loa/protocol/schedule"
)

// Ahead is how long before a start its session is listened to: time to connect
// and to fill the delay.
const Ahead = 5 * time.Second

// again is how soon is looked again whether a bulletin has come.
const again = time.Second

// Config is what a receiver needs.
type Config struct {
	// Now is trusted time.
	Now func() time.Time
	// Bulletin returns an airing's bulletin, if it is here.
	Bulletin func(protocol.Airing) (protocol.Bulletin, error)
	// Changed is called when Filters says something else. It returns at once.
	Changed func()
	Log     logger
}

// logger is the part of slog that the receiver uses.
type logger interface {
	DebugContext(ctx context.Context, msg string, args ...any)
	InfoContext(ctx context.Context, msg string, args ...any)
}

// Receiver listens to the sessions of relays around their starts. It is safe for
// concurrent use.
type Receiver struct {
	cfg  Config
	wake chan struct{}

	mu       sync.Mutex
	airings  map[protocol.AiringID]planned
	sessions map[protocol.SessionID]*session
}

// planned is a relay's airing.
type planned struct {
	airing protocol.Airing
	zone   *time.Location
}

// New returns a receiver that knows no airing yet.
func New(cfg Config) *Receiver {
	return &Receiver{cfg: cfg, wake: make(chan struct{}, 1), airings: map[protocol.AiringID]planned{}, sessions: map[protocol.SessionID]*session{}}
}

// IsRelay says whether an airing is a relay's: it names its bulletin as sound.
func IsRelay(a protocol.Airing) bool { return a.Sound != nil && *a.Sound == a.Bulletin }

// Tell takes what the inbox has taken.
func (r *Receiver) Tell(us []inbox.Update) {
	r.mu.Lock()
	for _, u := range us {
		switch u := u.(type) {
		case inbox.Accepted:
			if zone, err := time.LoadLocation(u.Zone); err == nil && IsRelay(u.Airing) {
				r.airings[u.Airing.ID] = planned{u.Airing, zone}
				delete(r.airings, u.Airing.Replaces)
			}
		case inbox.Withdrawn:
			delete(r.airings, u.Airing)
		case inbox.Dropped:
			delete(r.airings, u.Airing)
		}
	}
	r.mu.Unlock()
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run opens and closes sessions at their times until ctx ends.
func (r *Receiver) Run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake:
		case <-timer.C:
		}
		timer.Reset(r.follow(ctx))
	}
}

// follow listens to what is wanted now and returns how long that stays so.
func (r *Receiver) follow(ctx context.Context) time.Duration {
	now := r.cfg.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	wanted := map[protocol.SessionID]protocol.Relay{}
	sleep := time.Minute
	for _, p := range r.airings {
		from, to, ok := p.window(now)
		switch {
		case !ok:
			continue
		case now.Before(from):
			sleep = min(sleep, from.Sub(now))
			continue
		}
		sleep = min(sleep, to.Sub(now)+time.Millisecond)
		b, err := r.cfg.Bulletin(p.airing)
		if err != nil || b.Relay == nil {
			sleep = min(sleep, again)
			continue
		}
		wanted[b.Relay.Session] = *b.Relay
	}
	changed := false
	for id, relay := range wanted {
		if r.sessions[id] == nil {
			r.sessions[id], changed = newSession(relay), true
			r.cfg.Log.InfoContext(ctx, "listening to a relay", "session", id, "source", relay.Source)
		}
	}
	for id := range r.sessions {
		if _, ok := wanted[id]; !ok {
			delete(r.sessions, id)
			changed = true
		}
	}
	if changed {
		r.cfg.Changed()
	}
	return max(sleep, time.Millisecond)
}

// window returns when the airing's session is to be listened to, now or next.
func (p planned) window(now time.Time) (from, to time.Time, ok bool) {
	rec, err := schedule.RecurrenceOf(p.airing)
	if err != nil {
		return from, to, false
	}
	length := p.airing.SoundFor.Duration() + p.airing.Lateness.Duration()
	for t := range schedule.Expand(rec, p.zone, now.Add(-length), time.Time{}) {
		return t.Add(-Ahead), t.Add(length), true
	}
	return from, to, false
}

// Filters returns what the first connection reads for sessions.
func (r *Receiver) Filters() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []string
	for _, id := range slices.Sorted(maps.Keys(r.sessions)) {
		out = append(out, protocol.SessionFilter(id))
	}
	return out
}

// Handle takes a message of a session. What is not believed is dropped.
func (r *Receiver) Handle(topic string, payload []byte) {
	id, _, err := protocol.ParseFramesTopic(topic)
	if err != nil {
		return
	}
	r.mu.Lock()
	s := r.sessions[id]
	r.mu.Unlock()
	if s == nil {
		return
	}
	if err := s.take(topic, payload, r.cfg.Now()); err != nil && !errors.Is(err, ErrStale) {
		r.cfg.Log.DebugContext(context.Background(), "frames refused", "session", id, "error", err)
	}
}

// Open implements playout.Live: the stream as it is to be heard from an instant of
// the system's clock on.
func (r *Receiver) Open(relay protocol.Relay, begin time.Time) (player.Source, error) {
	r.mu.Lock()
	s := r.sessions[relay.Session]
	if s == nil || s.key.ID() != relay.Key.ID() {
		s = newSession(relay) // nothing will come: it is lost in a while
	}
	r.mu.Unlock()
	src, err := newSource(s, relay, r.cfg.Now, r.cfg.Now().Add(time.Until(begin)))
	if err != nil {
		return nil, fmt.Errorf("relay: %w", err)
	}
	return src, nil
}
