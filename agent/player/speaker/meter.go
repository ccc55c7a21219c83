package speaker

import (
	"errors"
	"time"

	"github.com/loa-vn/loa/agent/player"
)

// errUnpaced says that a device takes frames as fast as they come: nothing would ever be
// known to have sounded.
var errUnpaced = errors.New("the device has no pace of its own")

const (
	// memory is how long a sample bears on the line: long enough to find one that was
	// not late, short enough that 200 ppm make no difference that can be heard.
	memory = time.Second
	// toldMemory is memory for a card that tells its delay: every sample is good then, and
	// one that stood still for a moment is noticed sooner.
	toldMemory = 250 * time.Millisecond
	// jump is by how much a card must be late for the line to be given up: it has
	// stood still, or lost frames.
	jump = 60 * time.Millisecond
)

// gaugeFor is how long a card must have held no more than before until it is believed to
// be measured: one without a pace takes more whenever this process gets to run, however
// seldom a busy machine lets it. Less than slack is no more.
const (
	gaugeFor = 200 * time.Millisecond
	slack    = 20 * time.Millisecond
)

// unpaced is how much a device may hold before it has no pace of its own.
const unpaced = 2 * time.Second

// gauge finds how many frames lie between queue and loudspeaker when the card has just
// taken some. A card takes as many at once as it can hold, and then no faster than it
// plays: so it is what it has taken in its first moments, less what can have been played
// since it had the least that any card takes. What was played before that is not taken
// off: the error is a few milliseconds, and to the side of frames not yet played.
type gauge struct {
	held  int64 // frames; to begin with, the least that is believed
	first int64 // monotonic; when the card had taken that
	mark  int64 // held when it last grew by slack
	grown int64 // monotonic; when that was
}

// taken notes how many frames the card has taken, in all, at an instant, and says
// whether held is known.
func (g *gauge) taken(at, frames int64) (known bool, err error) {
	if g.first == 0 {
		if frames < g.held {
			return false, nil
		}
		g.first, g.grown = at, at
	}
	since := at - g.first
	g.held = max(g.held, frames-player.FramesIn(time.Duration(since)))
	if g.held > player.FramesIn(unpaced) {
		return false, errUnpaced
	}
	if g.held > g.mark+player.FramesIn(slack) {
		g.mark, g.grown = g.held, at
	}
	return at-g.grown > int64(gaugeFor), nil
}

// meter knows where a card is, from the moments at which it takes frames.
//
// A card takes frames when there is room, so right after it has taken some, as many as
// it can hold lie between queue and loudspeaker: consumed is taken less held. A sample
// is never early, but it is late when this process was; so the line through the samples
// is the earliest of the last second. All instants are monotonic nanoseconds.
type meter struct {
	held     int64 // frames
	memory   time.Duration
	consumed int64
	samples  []sample
}

type sample struct {
	at   int64 // instant
	zero int64 // the instant at which frame 0 was consumed, by this sample
}

func nanos(frames int64) int64 { return int64(player.Duration(frames)) }

// taken notes that the card has just taken frames, in all.
func (m *meter) taken(now, frames int64) { m.played(now, frames-m.held) }

// played notes that the card has consumed frames, in all, by an instant or before it.
func (m *meter) played(now, consumed int64) {
	if consumed <= m.consumed {
		return
	}
	m.consumed = consumed
	s := sample{at: now, zero: now - nanos(consumed)}
	if len(m.samples) > 0 && s.zero-m.zero() > int64(jump) {
		m.samples = m.samples[:0]
	}
	keep := m.samples[:0]
	for _, old := range m.samples {
		// one that is older and not earlier has nothing to say any more
		if now-old.at < int64(m.memory) && old.zero < s.zero {
			keep = append(keep, old)
		}
	}
	m.samples = append(keep, s)
}

// broke notes that the card ran out of frames, and begins anew behind consumed.
func (m *meter) broke(consumed int64) {
	m.consumed, m.samples = max(m.consumed, consumed), m.samples[:0]
}

// zero is the instant at which frame 0 was consumed, by the line.
func (m *meter) zero() int64 {
	z := m.samples[0].zero
	for _, s := range m.samples[1:] {
		z = min(z, s.zero)
	}
	return z
}

// at is the instant at which the card consumes a frame, by the line; before the first
// sample, that of a card whose buffers are full now.
func (m *meter) at(now, frame int64) int64 {
	if len(m.samples) == 0 {
		return now + nanos(min(max(frame-m.consumed, 0), m.held))
	}
	return m.zero() + nanos(frame)
}
