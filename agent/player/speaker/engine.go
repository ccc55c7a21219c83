package speaker

import (
	"sync"
	"time"

	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/feed"
	"github.com/loa-vn/loa/agent/player/slew"
)

const (
	// queue is what a feed may hold: more than the parent ever lets be pending.
	queue = time.Second
	// soundingEvery and idleEvery are how often an engine reports.
	soundingEvery = 40 * time.Millisecond
	idleEvery     = 250 * time.Millisecond
	// astray is how far a card may be from a track's aim before it is led back, and
	// leap how much of that is done before it is looked at again.
	astray = time.Millisecond
	leap   = player.Rate / 200
	// broken is how far it only is when sound was broken, or the clock was set: it
	// is led back in seconds then, not in minutes in which it echoes with its neighbours.
	broken = 6 * time.Millisecond
)

// engine joins a feed to a card that takes frames: what it pulls, when that sounds, and
// what became of it. A card whose clock goes astray from a track's aim is led back
// inaudibly. The driver calls pull and taken, from one goroutine.
type engine struct {
	channels int
	clock    func() int64 // monotonic ns
	feed     *feed.Feed
	slew     *slew.Slew   // used by pull alone
	out      func(report) // called from pull and taken; must not block for long

	mu       sync.Mutex
	meter    meter
	ready    bool
	reported int64 // instant of the last report
	pending  int64 // what it said
	pulled   int64 // frames that the card was given
	marks    []mark
}

// mark says which frame of the feed the card was given as which of its own.
type mark struct{ card, feed int64 }

func newEngine(channels int, out func(report)) *engine {
	return &engine{channels: channels, clock: monotonic, feed: feed.New(channels, queue), slew: slew.New(channels), out: out}
}

// calibrate says how many frames lie between pull and the card's output when the card
// has just taken some; from now on the engine reports.
func (e *engine) calibrate(held int64) { e.calibrateFor(held, memory) }

// calibrateFor is calibrate with another memory for what becomes known.
func (e *engine) calibrateFor(held int64, m time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.meter.held, e.meter.memory = held, m
	e.ready = true
}

// pull fills dst with the next frames for the card.
func (e *engine) pull(dst []int16) {
	now := e.clock()
	e.mu.Lock()
	sounds := instant(e.meter.at(now, e.pulled) + nanos(e.slew.Ahead()))
	e.marks = append(e.marks, mark{e.pulled, e.slew.Position()})
	e.pulled += int64(len(dst) / e.channels)
	e.mu.Unlock()
	e.steer(sounds)
	e.slew.Fill(dst, func(frames []int16) { e.feed.Pull(frames, sounds) })
}

// steer leads the card back to the aim of what sounds, if the feed's next frame will
// sound at sounds.
func (e *engine) steer(sounds time.Time) {
	late, aimed := e.feed.Late(sounds)
	switch {
	case !aimed && e.slew.Owed():
		e.slew.Correct(0, slew.PPM)
	case aimed && !e.slew.Owed() && late.Abs() > astray:
		frames, ppm := min(player.FramesIn(late.Abs()), leap), int64(slew.PPM)
		if late.Abs() > broken {
			ppm = slew.Hasty
		}
		if late > 0 {
			frames = -frames
		}
		e.slew.Correct(frames, ppm)
	}
}

// heard is how many frames of the feed the card has consumed.
func (e *engine) heard() int64 {
	card := e.meter.consumed
	for len(e.marks) > 1 && e.marks[1].card <= card {
		e.marks = append(e.marks[:0], e.marks[1:]...)
	}
	if len(e.marks) == 0 {
		return 0
	}
	n := e.marks[0].feed + card - e.marks[0].card
	if len(e.marks) > 1 {
		n = min(n, e.marks[1].feed)
	}
	return n
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
	now := e.clock()
	e.tell(now, func() { e.meter.taken(now, frames) })
}

// played notes that the card has consumed frames of those pulled, in all, just now: it
// told so itself.
func (e *engine) played(now, frames int64) {
	e.tell(now, func() { e.meter.played(now, frames) })
}

// broke notes that the card has run out of frames: it has consumed, or lost, so many of
// those pulled.
func (e *engine) broke(frames int64) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.meter.broke(frames)
}

// tell takes a note, and reports if it is time to.
func (e *engine) tell(now int64, note func()) {
	e.mu.Lock()
	if !e.ready {
		e.mu.Unlock()
		return
	}
	note()
	pending := e.feed.Consumed(e.heard()).Pending
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
	a := e.feed.Consumed(e.heard())
	r := report{
		Consumed: e.meter.consumed, Content: a.Content, Pending: a.Pending,
		Starved: e.feed.Starved(), Held: e.meter.held, Paused: e.feed.Paused(),
	}
	if len(e.meter.samples) > 0 {
		r.At = e.meter.at(0, e.meter.consumed) - nanos(a.Since)
	}
	return r
}

// period is half of a buffer, in frames.
func period(buffer time.Duration) int64 { return player.FramesIn(buffer) / 2 }
