package speaker

import (
	"time"

	"github.com/loa-vn/loa/agent/player"
	"github.com/loa-vn/loa/agent/player/resample"
)

// card is how a card is to be opened.
type card struct {
	channels int
	rate     int // frames a second
	buffer   time.Duration
}

// period is half of the buffer, in frames of the card.
func (c card) period() int64 { return int64(c.buffer) * int64(c.rate) / int64(time.Second) / 2 }

// outlet is an engine for a card of any rate: all frames it is told of, and all that it
// fills, are the card's.
type outlet struct {
	engine   *engine
	resample *resample.Resampler // nil if the card's rate is the player's
}

func newOutlet(e *engine, rate int) (*outlet, error) {
	if rate == player.Rate {
		return &outlet{engine: e}, nil
	}
	r, err := resample.New(e.channels, player.Rate, rate)
	if err != nil {
		return nil, err
	}
	return &outlet{engine: e, resample: r}, nil
}

// in is how many of the engine's frames the first frames of the card are.
func (o *outlet) in(frames int64) int64 {
	if o.resample == nil {
		return frames
	}
	return o.resample.In(frames)
}

func (o *outlet) pull(dst []int16) {
	if o.resample == nil {
		o.engine.pull(dst)
		return
	}
	o.resample.Fill(dst, o.engine.pull)
}

func (o *outlet) taken(frames int64) { o.engine.taken(o.in(frames)) }

func (o *outlet) played(now, frames int64) { o.engine.played(now, o.in(frames)) }

func (o *outlet) broke(frames int64) { o.engine.broke(o.in(frames)) }
