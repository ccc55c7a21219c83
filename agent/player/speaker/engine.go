package speaker

import (
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/feed"
)

const (
	// queue is what a feed may hold: more than the parent ever lets be pending.
	queue = time.Second
	// soundingEvery and idleEvery are how often an engine reports.
	soundingEvery = 40 * time.Millisecond
	idleEvery     = 250 * time.Millisecond
)

// engine joins a feed to a card that takes frames: what it pulls, when that sounds, and
// what became of it. The driver calls pull and taken, from one goroutine.
type engine struct {
	feed *feed.Feed
	out  func(report) // called from pull and taken; must not block for long

	mu       sync.Mutex
	meter    meter
	ready    bool
	reported int64 // instant of the last report
	pending  int64 // what it said
}

func newEngine(channels int, out func(report)) *engine {
	return &engine{feed: feed.New(channels, queue), out: out}
}

// calibrate says how many frames lie between pull and the card's output when the card
// has just taken some; from now on the engine reports.
func (e *engine) calibrate(held int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.meter.held = held
	e.ready = true
}

// pull fills dst with the next frames for the card.
func (e *engine) pull(dst []int16) {
	now := monotonic()
	e.mu.Lock()
	sounds := e.meter.at(now, e.feed.Total())
	e.mu.Unlock()
	e.feed.Pull(dst, instant(sounds))
}

// instant makes a monotonic instant one that the feed can compare with another.
func instant(ns int64) time.Time { return time.Unix(0, ns) }

// start opens a track; at is monotonic, 0 for at once.
func (e *engine) start(at int64) {
	var t time.Time
	if at != 0 {
		t = instant(at)
	}
	e.feed.Start("", t)
}

// taken notes that the card has taken frames of those pulled, in all, just now.
func (e *engine) taken(frames int64) {
	now := monotonic()
	e.mu.Lock()
	if !e.ready {
		e.mu.Unlock()
		return
	}
	e.meter.taken(now, frames)
	pending := e.feed.Consumed(e.meter.consumed).Pending
	every := int64(idleEvery)
	if pending > 0 {
		every = int64(soundingEvery)
	}
	due := now-e.reported >= every || pending == 0 && e.pending > 0
	if due {
		e.reported, e.pending = now, pending
	}
	e.mu.Unlock()
	if due {
		e.out(e.report())
	}
}

// report says where the card is.
func (e *engine) report() report {
	e.mu.Lock()
	defer e.mu.Unlock()
	a := e.feed.Consumed(e.meter.consumed)
	r := report{
		Consumed: e.meter.consumed, Content: a.Content, Pending: a.Pending,
		Starved: e.feed.Starved(), Held: e.meter.held,
	}
	if len(e.meter.samples) > 0 {
		r.At = e.meter.at(0, e.meter.consumed-a.Since)
	}
	return r
}

// period is half of a buffer, in frames.
func period(buffer time.Duration) int64 { return player.FramesIn(buffer) / 2 }
