package timesync

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/loa-vn/loa/protocol"
)

// Kinds of refusal of an answer.
var (
	// ErrSlow: the answer took too long to say what time it is.
	ErrSlow = errors.New("answer too slow")
	// ErrBackwards: the answer is before an instant that has certainly passed.
	ErrBackwards = errors.New("time before a known one")
)

// Config is what a clock needs.
type Config struct {
	// Floor is an instant that has certainly passed, 0 for none.
	Floor protocol.Instant
	// SaveFloor keeps a later floor; called about once a minute while sure.
	SaveFloor func(protocol.Instant) error
	// System says what the system thinks of its clock; nil asks the kernel.
	System func() System
	// RTC is true on a board with a battery-backed clock.
	RTC bool
	// Fault raises or clears the fault "clock"; nil does without.
	Fault func(on bool)
	Log   *slog.Logger
}

// Periods of the loop.
const (
	lookEvery  = 10 * time.Second
	floorEvery = time.Minute
)

// Clock is a device's sense of time. It is safe for concurrent use.
type Clock struct {
	cfg     Config
	changed chan struct{}

	mu     sync.Mutex
	held   estimate
	floor  time.Time
	saved  time.Time
	lastAt time.Time // the last look of the loop
}

// New returns a clock that has had its first look at the system.
func New(cfg Config) *Clock {
	if cfg.System == nil {
		cfg.System = kernel
	}
	if cfg.Fault == nil {
		cfg.Fault = func(bool) {}
	}
	c := &Clock{cfg: cfg, changed: make(chan struct{}, 1)}
	if cfg.Floor > 0 {
		c.floor = cfg.Floor.Time()
	}
	local := time.Now()
	if cfg.RTC {
		c.held = fromRTC(local, c.floor)
	}
	c.held = fromSystem(c.held, cfg.System(), local, c.floor)
	c.lastAt = local
	return c
}

// Now returns the time, how wrong it may be, and whether it can be relied on.
// Unsure, it is the system's own idea, but never before the floor.
func (c *Clock) Now() (now time.Time, uncertainty time.Duration, sure bool) {
	r := c.Read()
	return r.Now, r.Uncertainty, r.Sure
}

// Read is Now with the floor.
func (c *Clock) Read() Reading {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.read(time.Now())
}

func (c *Clock) read(local time.Time) Reading {
	e := c.held.at(local)
	r := Reading{Now: e.now, Uncertainty: e.uncertainty, Sure: e.source != SourceNone, Floor: c.floor}
	if r.Now.Before(c.floor) {
		r.Now = c.floor
	}
	if !r.Sure {
		r.Uncertainty = 0
		return r
	}
	if passed := e.now.Add(-e.uncertainty); passed.After(r.Floor) {
		r.Floor = passed
	}
	return r
}

// Source returns what the time is known from.
func (c *Clock) Source() Source {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.held.at(time.Now()).source
}

// Changed gets a value when sure has become unsure or the other way round.
func (c *Clock) Changed() <-chan struct{} { return c.changed }

// Answer takes a checked answer of the hub, with the looks at the local clock
// (time.Now) when it was asked for and came. A synchronised system is not
// overruled by it; if the two differ, that is a fault. Errors: ErrSlow, ErrBackwards.
func (c *Clock) Answer(a protocol.TimeAnswer, sent, received time.Time) error {
	c.mu.Lock()
	found, err := fromHub(a, sent, received, c.floor)
	if err != nil {
		c.mu.Unlock()
		return fmt.Errorf("time of %s: %w", a.At.Time().Format(time.RFC3339), err)
	}
	held := c.held.at(received)
	before := held.source != SourceNone
	apart := held.source == SourceSystem && held.now.Sub(found.now).Abs() > disagreement+held.uncertainty+found.uncertainty
	taken := better(held, found)
	if taken {
		c.held = found
	}
	c.mu.Unlock()
	if apart {
		c.cfg.Log.Warn("hub and system disagree about the time", "hub", found.now, "system", held.now)
	}
	c.cfg.Fault(apart)
	c.tell(before)
	return nil
}

// tell wakes whoever waits for Changed if sureness is no longer as before.
func (c *Clock) tell(before bool) {
	if _, _, sure := c.Now(); sure != before {
		select {
		case c.changed <- struct{}{}:
		default:
		}
	}
}

// Run looks at the system's clock now and then and keeps the floor, until ctx
// ends.
func (c *Clock) Run(ctx context.Context) error {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	_, _, sure := c.Now()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		c.look()
		c.tell(sure)
		_, _, sure = c.Now()
	}
}

// look compares wall and monotonic clock, asks the system, and keeps the floor.
func (c *Clock) look() {
	system := c.cfg.System()
	c.mu.Lock()
	local := time.Now()
	moved := local.Round(0).Sub(c.lastAt.Round(0)) - local.Sub(c.lastAt)
	c.lastAt = local
	if moved.Abs() > jump {
		c.cfg.Log.Warn("the system's clock was set", "by", moved)
	}
	c.held = fromSystem(c.held.at(local).alone(), system, local, c.floor)
	r := c.read(local)
	due := r.Sure && r.Floor.Sub(c.saved) >= floorEvery
	if due {
		c.floor, c.saved = r.Floor, r.Floor
	}
	c.mu.Unlock()
	if due {
		if err := c.cfg.SaveFloor(protocol.InstantOf(r.Floor)); err != nil {
			c.cfg.Log.Error("clock's floor not kept", "error", err)
		}
	}
}
